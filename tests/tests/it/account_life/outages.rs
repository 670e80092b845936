//! Mail that was promised is sent, whatever happens meanwhile.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Program, Signer, TestBff, email, program, soon};
use tokio::process::Command;

use super::{NEW, forgot, mail_server, reset, system};

const SECRET: &str = "planted-secret-of-the-profile-service-012345678";

#[tokio::test(flavor = "multi_thread")]
async fn mail_waits_for_a_mail_server_that_is_away() {
    let (mut server, bff) = system().await;
    let _ = bff.sign_up("ada").await;
    server.mail(&email("ada"), "confirm", 1).await;
    server.kill().await;
    let nobody = bff.anonymous();
    for _ in 0..3 {
        let _ = forgot(&nobody, &email("ada")).await.expect(202);
    }
    let _ = bff.sign_up("bora").await;
    server.restart().await;
    let token = server.mail(&email("ada"), "new password", 1).await.token();
    server.mail(&email("bora"), "confirm", 1).await;
    let _ = reset(&nobody, &token, NEW).await.expect(204);
}

/// The profile service as a process of its own.
async fn profile(folder: &std::path::Path, smtp: &str) -> (Program, String) {
    let secret = folder.join("secret");
    std::fs::write(&secret, SECRET).expect("a file");
    let mut command = Command::new(program("upstreams"));
    command.arg("profile").arg("--database").arg(folder.join("profile.db"));
    command.arg("--token-secret-file").arg(secret);
    command.args(["--smtp-url", smtp, "--link-base", "https://app.example"]);
    let mut running = Program::start(command);
    let line = soon("the profile service", running.line("profile listening on ")).await;
    let url = line.rsplit(' ').next().expect("a URL").trim_end_matches('/').to_owned();
    (running, url)
}

/// Calls the service as the gateway does.
async fn call(caller: &Actor, url: &str, path: &str, body: &Value) -> u16 {
    let mut claims = Signer::claims("profile", None);
    claims["scope"] = json!("accounts");
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).expect("a token");
    let request = caller.elsewhere(url).request(Method::POST, path);
    let request = request.header("authorization", &format!("Bearer {token}")).json(body);
    request.send().await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_survives_a_kill_of_the_service_between_its_answer_and_the_mail() {
    let bff = TestBff::spawn().await;
    let caller = bff.anonymous();
    let mut server = mail_server().await;
    let folder = tempfile::tempdir().expect("a folder");
    let smtp = server.url();
    let address = email("ada");
    // Nothing can be sent before the service is killed: there is nobody to take it.
    server.kill().await;
    let (running, url) = profile(folder.path(), &smtp).await;
    let input = json!({ "email": address, "username": "ada", "password": tests::PASSWORD });
    assert_eq!(call(&caller, &url, "/members", &input).await, 201);
    assert_eq!(call(&caller, &url, "/members/password/forgot", &json!({ "email": address })).await, 202);
    running.kill().await;
    server.restart().await;
    let (running, url) = profile(folder.path(), &smtp).await;
    let confirm = server.mail(&address, "confirm", 1).await.token();
    let token = server.mail(&address, "new password", 1).await.token();
    let new = json!({ "token": token, "new": NEW });
    assert_eq!(call(&caller, &url, "/members/password/reset", &new).await, 200);
    assert_eq!(call(&caller, &url, "/members/email/confirm", &json!({ "token": confirm })).await, 200);
    running.kill().await;

    // Killed at once after each of many answers, with the mail server there: once or more, and never not at all.
    for number in 0..8 {
        let (running, url) = profile(folder.path(), &smtp).await;
        let name = format!("member-{number}");
        let input = json!({ "email": email(&name), "username": name, "password": tests::PASSWORD });
        assert_eq!(call(&caller, &url, "/members", &input).await, 201);
        running.kill().await;
    }
    let (_running, _) = profile(folder.path(), &smtp).await;
    for number in 0..8 {
        server.mail(&email(&format!("member-{number}")), "confirm", 1).await;
    }
}
