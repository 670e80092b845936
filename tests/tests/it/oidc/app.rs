//! A certified provider as people meet it: a button of the Next.js app, the provider's pages, and back.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::certified::Provider;
use crate::front::{
    pictures, run,
    web::{Web, expect_sound},
};

/// What comes to `door` goes to `there`, and back, as it is: live messages must not wait for the end of an answer.
async fn forward(door: TcpListener, there: SocketAddr) {
    loop {
        let (mut browser, _) = door.accept().await.expect("somebody comes");
        tokio::spawn(async move {
            let mut server = TcpStream::connect(there).await.expect("the app is there");
            // Either side may go at any time.
            let _ = tokio::io::copy_bidirectional(&mut browser, &mut server).await;
        });
    }
}

/// Runs a script with people who use the app in front of a gateway that knows a certified provider.
async fn people(script: &str) -> (Provider, Value) {
    // The provider has to know where people come back to before anything is there.
    let door = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", door.local_addr().expect("an address"));
    let provider = Provider::start(&url).await;
    let bff = provider.builder(&url).spawn().await;
    let web = Web::start(&bff.url()).await;
    // Browsers reach the gateway through the app.
    tokio::spawn(forward(door, web.url.trim_start_matches("http://").parse().expect("an address")));
    let told = json!({ "web": url, "pictures": pictures(), "issuer": provider.issuer, "login": "grace" });
    let result = run(script, &told).await;
    (provider, result)
}

#[tokio::test]
async fn people_sign_in_to_the_app_through_a_provider_and_it_signs_them_out() {
    let (provider, result) = people("app-provider.mjs").await;
    let seen = &result["seen"];
    assert_eq!(seen["offered"], json!(["Continue with certified"]));
    assert_eq!(seen["asked"], json!(provider.issuer), "the provider's own pages");
    assert_eq!(seen["name"], "Certified grace");
    assert_eq!(seen["wayToAPassword"], "/forgot-password");
    expect_sound(&result);
}

#[tokio::test]
async fn people_with_a_second_factor_are_asked_for_it_after_the_provider() {
    let (_provider, result) = people("app-second-factor.mjs").await;
    let expected = json!({
        "afterLookingAhead": [],
        "language": "ko",
        "beforeTheCode": ["oidc-code"],
        "wrong": "코드가 틀렸거나 이미 사용되었습니다. 다음 코드를 입력해 주세요.",
        "name": "Certified grace",
        "afterTheCode": [],
        "stranger": "이 로그인은 끝낼 수 없습니다",
        "again": true,
    });
    assert_eq!(result["seen"], expected, "{result}");
    expect_sound(&result);
}
