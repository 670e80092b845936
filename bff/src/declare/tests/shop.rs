//! The shop compiles, and what of its plan is easily got wrong.

use super::{Declarations, shop};
use crate::compose::{
    plan::{BodyPiece, JoinSource, PathPiece, ScreenPlan, Value},
    scan::{Export, Plan},
};

fn declarations() -> Declarations {
    Declarations::from_dir(shop()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

const ORDER: &str = r#"{"id":"o1","customerId":"c","warehouseId":7,"createdAt":"now","secret":1,"labelIds":[1],"lines":[{"id":"l","itemId":"i"}]}"#;

fn written(plan: &Plan, export: u16) -> Option<String> {
    let (text, scanned) = plan.scan(ORDER.as_bytes()).expect("an order");
    let mut out = Vec::new();
    let there = scanned.write_export(Export(export), text, &mut out, |_, _| None);
    there.then(|| String::from_utf8(out).expect("text"))
}

fn screen(declarations: &Declarations) -> std::sync::Arc<ScreenPlan> {
    std::sync::Arc::clone(&declarations.compile().screens[0])
}

#[test]
fn a_part_leaves_as_its_contract_names_it_with_its_joins() {
    let declarations = declarations();
    let screen = screen(&declarations);
    let order = &screen.parts[0];
    assert_eq!(
        written(order.scan.of(false), 0).as_deref(),
        Some(
            r#"{"id":"o1","customerId":"c","warehouseId":7,"createdAt":"now","labelIds":[1],"lines":[{"id":"l","itemId":"i","count":1,"item":null}],"labels":[null]}"#
        )
    );
    assert_eq!(
        written(order.scan.of(false), 1).as_deref(),
        Some(r#"[{"id":"l","itemId":"i","count":1,"item":null}]"#)
    );
}

#[test]
fn fields_that_overlap_and_are_pruned_differently_are_scanned_apart() {
    let declarations = declarations();
    let screen = screen(&declarations);
    let order = &screen.parts[0];
    let (main, further) = (order.scan.of(true), order.further.of(true));
    assert!(order.further.of(false).is_empty() && further.len() == 1);
    assert!(!written(main, 0).expect("the order").contains("createdAt"));
    assert_eq!((written(main, 1), written(&further[0], 0)), (None, None));
    assert!(written(&further[0], 1).expect("the lines").contains(r#""item":"#));
    // The place of the item in `lines` alone is pruned.
    let item = &screen.joins[0];
    assert_eq!(item.points.len(), 2);
    assert!(item.points[0].scan.compact.is_none() && item.points[1].scan.compact.is_some());
}

#[test]
fn a_chain_of_joins_is_read_off_the_paths() {
    let screen = screen(&declarations());
    let supplier = &screen.joins[1];
    assert!(
        supplier.points.iter().all(|point| matches!(point.source, JoinSource::Join(join) if join.0 == 0))
    );
    let item = screen.joins[0].points[0].scan.full.as_ref().expect("a plan, since it is looked into");
    let (text, scanned) = item.scan(br#"{"id":"i","name":"n","supplierId":"s"}"#).expect("an item");
    let mut out = Vec::new();
    scanned.write(text, &mut out, |place, id| {
        (place == supplier.points[0].place && id == "s").then_some(b"{}".as_slice())
    });
    assert_eq!(String::from_utf8_lossy(&out), r#"{"id":"i","name":"n","supplier":{}}"#);
}

#[test]
fn calls_are_prepared() {
    let declarations = declarations();
    let screen = screen(&declarations);
    let PathPiece::Id { value, reserved } = &screen.parts[0].call.path[1] else { panic!("an id") };
    assert!(matches!(value, Value::Param(_)));
    assert_eq!(reserved.iter().map(|name| &**name).collect::<Vec<_>>(), ["mine"]);
    assert_eq!(screen.parts[0].call.operation, "read_order");
    assert_eq!(screen.parts[2].needs.iter().map(|part| part.0).collect::<Vec<_>>(), [0]);
    let body = screen.parts[3].call.body.as_ref().expect("a body");
    assert_eq!(body.iter().filter(|piece| matches!(piece, BodyPiece::Value(_))).count(), 2);
    let routes = declarations.compile();
    let statuses: Vec<_> = routes.routes.iter().map(|route| (route.method.as_str(), route.status)).collect();
    assert_eq!(statuses, [("GET", 200), ("POST", 201), ("DELETE", 204), ("GET", 200), ("POST", 201)]);
    assert_eq!(&*routes.routes[1].passes, [410]);
    assert!(routes.routes[1].idempotent_key && !routes.routes[4].idempotent_key);
}

#[test]
fn settings_are_handed_to_the_config() {
    let settings = declarations().settings();
    assert_eq!(settings["upstreams"]["orders"]["url"], "http://127.0.0.1:9201");
    assert_eq!(settings["upstreams"]["customers"]["authorization"]["file"], "customers.token");
    assert_eq!(settings["upstreams"]["orders"].get("contract"), None);
    assert_eq!(settings["screens"]["order"], serde_json::json!({ "fresh_ms": 5000, "stale_ms": 30000 }));
}

#[test]
fn a_document_that_shows_the_session_is_kept_for_each_session() {
    let mut files = super::shop_files();
    let shows = |files: &[(String, String)]| {
        let declarations = super::read(files).expect("good declarations");
        screen(&declarations).vary_by_session
    };
    assert!(!shows(&files));
    for (_, text) in &mut files {
        *text = text.replace("customer = \"user.id\"", "customer = \"session\"");
    }
    assert!(shows(&files));
}

#[test]
fn the_second_product_of_the_suites_compiles() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/shop");
    let plan = Declarations::from_dir(&folder).expect("good declarations").compile();
    assert_eq!((plan.screens.len(), plan.routes.len(), plan.upstreams.len()), (3, 5, 3));
    let order = plan.screens.iter().find(|screen| screen.name == "order").expect("the order");
    assert!(order.vary_by_session && order.joins.len() == 2);
}

#[test]
fn null_may_stand_for_any_part_that_is_not_required() {
    let otherwise = |more: &str| {
        let mut files = super::shop_files();
        let screen = files.iter_mut().find(|(name, _)| name == "screens/order.toml").expect("a screen");
        let declared = "else = '{\"items\": [], \"nextCursor\": null}'";
        assert!(screen.1.contains(declared));
        screen.1 = screen.1.replace(declared, &format!("else = ' null '\n{more}"));
        let plan = super::read(&files).map(|declarations| declarations.compile());
        plan.map(|plan| {
            let part = plan.screens[0].parts.iter().find(|part| part.not_found_is_otherwise);
            part.expect("a part").otherwise.clone()
        })
    };
    assert_eq!(otherwise("").expect("sound"), None, "the part is missing then");
    let mistakes = otherwise("required = true").expect_err("a required part is there").to_string();
    assert!(mistakes.contains("else: does not fit the contract"), "{mistakes}");
}
