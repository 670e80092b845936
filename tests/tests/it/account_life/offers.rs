//! An upstream that keeps accounts may lack what came later: the gateway then lacks it as well.

use serde_json::json;
use tests::{DeclaredBff, PASSWORD, email};

use super::{CHANGE, CONFIRM, EMAIL, FORGOT, NEW, RESET};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_contract_of_the_upstream_lacks_is_not_served() {
    // The shop's service has sign-up, sign-in and profiles alone.
    let bff = DeclaredBff::shop().spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    for (path, body) in [
        (CHANGE, json!({ "current": PASSWORD, "new": NEW })),
        (FORGOT, json!({ "email": email("ada") })),
        (RESET, json!({ "token": "x", "new": NEW })),
        (EMAIL, json!({ "email": email("eve"), "password": PASSWORD })),
        (CONFIRM, json!({ "token": "x" })),
    ] {
        ada.post(path, &body).await.expect_problem(404, "not_found");
    }
    assert_eq!(bff.calls(), Vec::<String>::new(), "the upstream is not even asked");
    // It takes no password where a second factor is begun: the gateway has it checked first.
    let enrol = |password: &str| {
        let (ada, body) = (ada.clone(), json!({ "password": password }));
        async move { ada.post("/auth/2fa/totp", &body).await }
    };
    enrol("planted-wrong-password").await.expect_problem(401, "bad_credentials");
    assert_eq!(bff.calls(), ["customers POST /members/verify"]);
    enrol(PASSWORD).await.expect_problem(404, "not_found");
}
