//! The Next.js app in real browsers, against the whole system.

use std::{collections::BTreeSet, net::TcpListener};

use serde_json::{Value, json};
use tests::{Fault, Program, TestBff, figures, soon};
use tokio::process::Command;

use super::{pictures, root, run};

/// The app's server. What it renders comes from one gateway.
struct Web {
    url: String,
    _server: Program,
}

impl Web {
    async fn start(gateway: &str) -> Self {
        let folder = root().join("deploy/web");
        assert!(folder.join(".next/BUILD_ID").exists(), "tests/run builds the app");
        // Next.js does not say which port it was given: it gets one that was free a moment ago.
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("a port").port();
        let mut command = Command::new("node");
        command
            .arg(folder.join("node_modules/next/dist/bin/next"))
            .args(["start", "--hostname", "127.0.0.1", "--port", &port.to_string()])
            .current_dir(&folder)
            .env("BFF_URL", gateway)
            .env("NEXT_TELEMETRY_DISABLED", "1");
        let mut server = Program::start(command);
        let _ = soon("the app's server", server.line("✓ Ready")).await;
        Self { url: format!("http://127.0.0.1:{port}"), _server: server }
    }
}

#[tokio::test]
async fn people_use_the_app_in_their_browsers() {
    let bff = TestBff::spawn().await;
    let web = Web::start(&bff.url()).await;
    let told = json!({ "web": web.url, "pictures": pictures() });
    let result = run("app.mjs", &told).await;
    let seen = &result["seen"];
    assert_eq!(seen["likes"], "1");
    assert_eq!(seen["likesAfterReload"], "1", "read your writes");
    assert_eq!(seen["sessions"], 2);
    assert_eq!((&seen["adaIsOut"], &seen["cookiesLeft"]), (&json!(1), &json!(0)));
    assert_eq!(seen["withoutScript"], true);
    let cost = |name: &str| {
        let text = seen[name].as_str().expect("a text");
        text.rsplit_once(" per")
            .map_or(text, |(before, _)| before)
            .rsplit(['·', ' '])
            .next()
            .map(str::to_owned)
    };
    assert_eq!(cost("liveCost"), cost("perServing"), "what the form says is what the recipe costs: {seen}");

    let serious: Vec<&Value> = result["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|finding| matches!(finding["impact"].as_str(), Some("serious" | "critical")))
        .collect();
    assert!(serious.is_empty(), "{serious:#?}");
    assert_eq!(result["consoleMessages"], json!([]));
    let policy = result["policy"].as_str().expect("a policy");
    let scripts = policy.split("; ").find(|part| part.starts_with("script-src")).expect("script-src");
    assert!(!scripts.contains("unsafe") && scripts.contains("'nonce-"), "{policy}");
    for (step, took) in result["times"].as_object().expect("an object") {
        figures::note(&format!("the app in Chromium: {step}"), format!("{took} ms"));
    }
}

#[tokio::test]
async fn without_the_recipe_service_the_home_page_is_there() {
    let bff = TestBff::spawn().await;
    let web = Web::start(&bff.url()).await;
    let ada = bff.signed_in("ada").await;
    let _ = ada.post("/api/posts", &json!({ "text": "still here" })).await.expect(201);
    bff.recipe.fail(Fault::Reset);
    let page = ada.at(&web.url).get("/").await.expect(200);
    let html = page.text();
    assert!(html.contains("still here"), "{html}");
    assert!(html.contains("data-testid=\"missing\""), "a calm place holder: {html}");
}

#[tokio::test]
async fn parallel_renders_with_a_session_that_is_about_to_end_do_not_race() {
    let bff = TestBff::builder().set("session.idle_ms", 60_000).set("session.touch_ms", 1).spawn().await;
    let web = Web::start(&bff.url()).await;
    let ada = bff.signed_in("ada").await;
    let mine = format!("/members/{}", ada.id());
    let at_the_app = ada.at(&web.url);
    let pages = ["/", "/settings", &mine];
    let answers = futures_util::future::join_all(pages.map(|page| at_the_app.get(page))).await;
    let statuses: BTreeSet<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, BTreeSet::from([200]));
    for (page, answer) in pages.iter().zip(&answers) {
        assert!(!answer.text().contains("/sign-in"), "{page} is that of somebody signed in");
        assert_eq!(answer.all("set-cookie"), Vec::<String>::new(), "{page}");
    }
}
