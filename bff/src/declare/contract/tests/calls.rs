//! Which operation a call means, and what the contract says of it.

use super::{super::*, SHOP, committed, contract};

fn find<'c>(contract: &'c Contract, method: &str, path: &str) -> Result<CallMatch<'c>, CallMistake> {
    contract.find(method, &call_segments(path))
}

#[test]
fn a_literal_is_one_before_it_is_a_value() {
    let shop = contract(SHOP);
    let path = |method: &str, call: &str| find(&shop, method, call).map(|found| found.operation.path.clone());
    assert_eq!(path("GET", "/orders").as_deref(), Ok("/orders"));
    assert_eq!(path("get", "/orders/mine").as_deref(), Ok("/orders/mine"));
    assert_eq!(path("GET", "/orders/{order.id}").as_deref(), Ok("/orders/{id}"));
    assert_eq!(path("GET", "/orders/17").as_deref(), Ok("/orders/{id}"));
    // No such method at the concrete path, but at the templated one.
    assert_eq!(path("DELETE", "/orders/mine").as_deref(), Ok("/orders/{id}"));
    assert_eq!(path("GET", "/orders/{x}/history").as_deref(), Ok("/orders/{id}/history"));
    assert_eq!(path("GET", "/orders/mine/history").as_deref(), Ok("/orders/{id}/history"));
    let mistake = |method: &str, call: &str| path(method, call).expect_err("no such call").to_string();
    assert!(mistake("PUT", "/orders/{id}").contains("GET, DELETE"));
    assert!(mistake("GET", "/orders/{id}/").contains("/orders/{id}/history"));
    assert_eq!(mistake("GET", "/customers"), "the contract has no such path");
    assert!(path("GET", "/{orders}").is_err(), "a placeholder is no literal");
}

#[test]
fn literals_beside_a_placeholder_are_reserved() {
    let shop = contract(SHOP);
    let found = find(&shop, "GET", "/orders/{id}/history").expect("it is there");
    assert_eq!(found.reserved, [(1, vec!["archive", "mine"])]);
    let (place, name, parameter) = found.parameters[0];
    assert_eq!((place, name), (1, "id"));
    assert!(parameter.is_some_and(|parameter| parameter.required && parameter.schema.is_some()));
    let profile = committed("profile");
    let found = find(&profile, "GET", "/members/{user.id}").expect("it is there");
    assert_eq!(found.reserved, [(1, vec!["by-identity", "email", "me", "password", "verify"])]);
}

#[test]
fn parameters_bodies_and_answers_are_read() {
    let shop = contract(SHOP);
    let list = find(&shop, "GET", "/orders").expect("it is there").operation;
    let explodes = |name: &str| {
        let parameter = list.parameter(ParameterPlace::Query, name).expect("it is there");
        (parameter.explode, parameter.separator, parameter.required)
    };
    assert_eq!(explodes("ids"), (false, ',', false));
    assert_eq!(explodes("tags"), (true, ',', false));
    assert_eq!(explodes("codes"), (false, '|', false));
    assert!(list.parameter(ParameterPlace::Header, "accept-language").is_some(), "by reference");
    let made = find(&shop, "POST", "/orders").expect("it is there").operation;
    let body = made.body.as_ref().expect("a body");
    let media: Vec<&str> = body.content.iter().map(|media| media.media_type.as_str()).collect();
    assert_eq!((body.required, media), (true, vec!["application/json", "application/merge-patch+json"]));
    let success = made.success().expect("a success");
    assert!(success.status == 201 && success.has_location && success.json().is_some());
    assert!(made.names_status(429) && made.names_status(409) && !made.names_status(410));
    let one = find(&shop, "GET", "/orders/{id}").expect("it is there").operation;
    assert_eq!(one.success().map(|success| success.status), Some(200), "2XX");
    assert!(one.names_status(410));
    let gone = find(&shop, "DELETE", "/orders/{id}").expect("it is there").operation;
    assert!(gone.success().is_some_and(|success| success.content.is_empty()));
    let path = one.parameter(ParameterPlace::Path, "id").and_then(|parameter| parameter.schema);
    assert!(path.is_some_and(|id| shop.schemas().get(id).can_be_id()), "of the path item");
}

#[test]
fn the_contract_of_a_service_on_another_generator_is_read() {
    let profile = committed("profile");
    assert!(profile.operations().count() > 5);
    let cards = find(&profile, "GET", "/members").expect("it is there").operation;
    let schema = cards.success().and_then(Success::json).and_then(|media| media.schema);
    assert!(schema.is_some_and(|id| !profile.schemas().get(id).properties.is_empty()));
    let ids = cards.parameters.iter().find(|parameter| parameter.place == ParameterPlace::Query);
    assert!(ids.is_some_and(|ids| !ids.explode && ids.separator == ','), "{ids:?}");
}
