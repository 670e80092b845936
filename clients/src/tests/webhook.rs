//! The webhook before every kind of server.

use std::{error::Error, time::Duration};

use http::StatusCode;
use secrecy::SecretString;
use serde_json::json;
use tokio::{net::TcpListener, runtime::Handle};
use url::Url;

use super::{Reply, Server};
use crate::{Webhook, WebhookError};

fn webhook(url: &Url) -> Webhook {
    let url = url.join("/hook").expect("a url");
    let secret = SecretString::from("planted-secret");
    Webhook::new(Handle::current(), url, &secret, Duration::from_millis(300)).expect("a webhook")
}

async fn failure(reply: impl Fn() -> Reply + Send + Sync + 'static) -> WebhookError {
    let server = Server::start(move |_| reply()).await;
    let error = webhook(&server.url).post(&json!({ "tags": ["item:planted"] })).await.expect_err("a failure");
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &error.to_string();
        cause = error.source();
    }
    assert!(!text.contains("planted") && !text.contains("hook?"), "{text}");
    error
}

#[tokio::test]
async fn it_posts_json_with_its_secret_over_one_connection() {
    let server = Server::start(|_| Reply::Json(200, r#"{"revalidated":true}"#.into())).await;
    let webhook = webhook(&server.url);
    for _ in 0..3 {
        webhook.post(&json!({ "tags": ["item:a"] })).await.expect("it is taken");
    }
    let requests = server.requests();
    assert_eq!((requests.len(), server.connections()), (3, 1));
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/hook"));
    assert_eq!(request.header("authorization"), Some("Bearer planted-secret"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.body, r#"{"tags":["item:a"]}"#);
}

#[tokio::test]
async fn every_failure_has_its_name() {
    for status in [302, 404, 500] {
        let error = failure(move || Reply::Json(status, "\"planted\"".into())).await;
        let expected = StatusCode::from_u16(status).expect("a status");
        assert!(matches!(error, WebhookError::Status(status) if status == expected), "{error:?}");
    }
    assert!(matches!(failure(|| Reply::Hang).await, WebhookError::Timeout));
    let garbage = failure(|| Reply::Raw(b"planted is no HTTP\r\n\r\n".to_vec())).await;
    assert!(matches!(garbage, WebhookError::Connect(_)), "{garbage:?}");
    // Nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = Url::parse(&format!("http://{}", listener.local_addr().expect("an address"))).expect("a url");
    drop(listener);
    let error = webhook(&url).post(&json!({})).await.expect_err("refused");
    assert!(matches!(error, WebhookError::Connect(_)), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_called_is_refused_beforehand() {
    for (url, secret) in [("ftp://web/", "s"), ("http://u:p@web/", "s"), ("http://web/", "line\nbreak")] {
        let url = Url::parse(url).expect("a url");
        let made = Webhook::new(Handle::current(), url, &SecretString::from(secret), Duration::from_secs(1));
        assert!(made.is_err(), "{secret}");
    }
}
