//! What is sent to do harm.

use reqwest::Method;
use serde_json::json;
use tests::{PASSWORD, email};

use super::{CONFIRM, EMAIL, FORGOT, RESET, forgot, system};

#[tokio::test(flavor = "multi_thread")]
async fn no_address_adds_a_header_or_reaches_anybody_else() {
    let (server, bff) = system().await;
    let (ada, nobody) = (bff.signed_in("ada").await, bff.anonymous());
    let known = email("ada");
    for bad in [
        format!("{known}\r\nBcc: {known}"),
        format!("{known}\n\nbody"),
        format!("{known}\0"),
        format!("\u{202e}{known} "),
        format!("{known}\u{2028}x"),
        "x".repeat(255),
        "@".to_owned(),
        String::new(),
    ] {
        let refused = forgot(&nobody, &bad).await;
        assert_eq!(refused.status.as_u16(), 422, "{bad:?}: {}", refused.text());
        let refused = ada.post(EMAIL, &json!({ "email": bad, "password": PASSWORD })).await;
        assert_eq!(refused.status.as_u16(), 422, "{bad:?}: {}", refused.text());
    }
    // Nobody's, though they look like hers; some of them no mail server takes.
    let alike = [
        known.replace('a', "\u{430}"),
        format!("\"{known}\"@mail.example").replace("@mail.example\"", "\""),
        format!("{known}."),
        format!("{known},eve@mail.example"),
        format!("<{known}>"),
    ];
    for address in &alike {
        let answer = forgot(&nobody, address).await;
        assert!([202, 422, 429].contains(&answer.status.as_u16()), "{address:?}: {}", answer.text());
    }
    let _ = forgot(&nobody, &known).await.expect(202);
    server.mail(&known, "new password", 1).await;
    for mail in server.received() {
        assert_eq!(mail.header("To"), [known.as_str()]);
        assert!(mail.header("Bcc").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_long_or_of_another_shape_are_refused() {
    let (_server, bff) = system().await;
    let nobody = bff.anonymous();
    // Ten megabytes: the gateway says so as soon as the head tells it, or closes while they are still being sent.
    let long = format!("{{\"email\":\"{}@mail.example\"}}", "x".repeat(10 << 20));
    let request = nobody.from_page(Method::POST, FORGOT).header("content-type", "application/json");
    if let Ok(answer) = request.body(long).try_send().await {
        answer.expect_problem(413, "body_too_large");
    }
    for path in [FORGOT, RESET, CONFIRM] {
        for body in
            [json!([]), json!(null), json!({}), json!({ "email": 1 }), json!({ "token": ["x"], "new": {} })]
        {
            assert_eq!(nobody.post(path, &body).await.status.as_u16(), 422, "{path} {body}");
        }
        let extra = json!({ "email": email("ada"), "token": "x", "new": PASSWORD, "admin": true });
        assert_eq!(nobody.post(path, &extra).await.status.as_u16(), 422, "{path}");
        let form =
            nobody.from_page(Method::POST, path).header("content-type", "text/plain").body("email=a@b");
        assert_eq!(form.send().await.status.as_u16(), 415, "{path}");
        let foreign = nobody.request(Method::POST, path).header("sec-fetch-site", "cross-site");
        let foreign =
            foreign.header("origin", "https://evil.example").json(&json!({ "email": email("ada") }));
        foreign.send().await.expect_problem(403, "csrf_failed");
        assert_eq!(nobody.get(path).await.status.as_u16(), 405, "{path}");
    }
    for token in ["\0", "é", &"x".repeat(128), "' OR 1=1 --"] {
        nobody
            .post(RESET, &json!({ "token": token, "new": PASSWORD }))
            .await
            .expect_problem(422, "token_invalid");
    }
}
