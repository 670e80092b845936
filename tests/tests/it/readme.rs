//! What README tells people to do, done.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tests::{Program, Signer, TestBff, program};
use tokio::process::Command;
use upstreams::Service;

const WRITTEN_ADDRESS: &str = "http://127.0.0.1:8080";

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    std::fs::read_to_string(path).expect("README.md")
}

/// The first two lines that can be pasted.
fn curl_lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| line.starts_with("curl ")).take(2).map(str::to_owned).collect()
}

/// The Python that `tests/run` has put beside the build.
pub(crate) fn python() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "the suite is no part of the gateway and not configured by it"
    )]
    let named = std::env::var_os("TEST_PYTHON").map(PathBuf::from);
    let kept = program("bff").with_file_name("../tests-run/python/bin/python");
    named.or_else(|| kept.exists().then_some(kept)).unwrap_or_else(|| "python3".into())
}

async fn run(command: &mut Command) -> (bool, String) {
    let output = command.kill_on_drop(true).output().await.expect("it starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

async fn sh(line: &str, folder: &Path) -> String {
    let (success, text) = run(Command::new("sh").args(["-c", line]).current_dir(folder)).await;
    assert!(success, "{line}: {text}");
    text
}

/// The demo, as `cargo run` starts it but for the ports; and its address.
async fn demo(folder: &Path) -> (Program, String) {
    let mut command = Command::new(program("demo"));
    command.env_clear().current_dir(folder);
    command.env("BFF__HTTP__LISTEN", "127.0.0.1:0").env("BFF__INTERNAL__LISTEN", "127.0.0.1:0");
    let mut demo = Program::start(command);
    let line = demo.line("The gateway listens on ").await;
    let _ = demo.line("Stop with").await;
    let address = line.split(' ').find(|word| word.starts_with("http://")).expect("its address").to_owned();
    (demo, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_runs_and_its_two_curl_lines_sign_in_and_print_a_feed() {
    let folder = TempDir::new().expect("a folder");
    let (demo, address) = demo(folder.path()).await;
    let written = curl_lines(&readme());
    let printed = curl_lines(&demo.output().text());
    let here: Vec<_> = written.iter().map(|line| line.replace(WRITTEN_ADDRESS, &address)).collect();
    assert_eq!(printed, here, "README and the demo say the same");

    let signed_in: Value = serde_json::from_str(&sh(&here[0], folder.path()).await).expect("JSON");
    assert_eq!(signed_in["user"]["username"], "ada");
    let feed: Value = serde_json::from_str(&sh(&here[1], folder.path()).await).expect("JSON");
    assert_eq!(feed["degraded"], serde_json::json!([]));
    assert_eq!(feed["profile"]["username"], "ada");
    let posts = feed["posts"].as_array().expect("posts");
    assert!(posts.iter().all(|post| post["author"]["username"].is_string()) && posts.len() == 3);
    assert!(posts.iter().any(|post| post["recipe"]["title"].is_string()));
    let recipes = feed["recipes"].as_array().expect("recipes");
    assert!(recipes.len() == 10 && recipes.iter().all(|recipe| recipe["costPerServing"].as_u64() > Some(0)));

    demo.terminate().await;
    assert_eq!(demo.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_keeps_what_was_written_and_is_not_seeded_twice() {
    let folder = TempDir::new().expect("a folder");
    let mut recipes = Vec::new();
    for _ in 0..2 {
        let (demo, address) = demo(folder.path()).await;
        for line in curl_lines(&readme()) {
            let text = sh(&line.replace(WRITTEN_ADDRESS, &address), folder.path()).await;
            if let Ok(Value::Object(feed)) = serde_json::from_str(&text)
                && let Some(list) = feed.get("recipes")
            {
                recipes.push(list.clone());
            }
        }
        demo.terminate().await;
        assert_eq!(demo.ended().await.code(), Some(0));
    }
    assert_eq!(recipes.len(), 2);
    assert_eq!(recipes[0], recipes[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_lines_verify_a_real_token_and_refuse_others() {
    let text = readme();
    let block = text.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    let block = block.expect("a block of Python");
    assert!(block.lines().count() <= 6, "README promises five lines");

    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let _ = ada.get("/bff/home-feed").await.expect(200);
    let requests = bff.profile.requests();
    let token =
        requests.iter().rev().find(|request| request.path.ends_with(&ada.id())).expect("a call for Ada");
    let signer = bff.signer().await;
    let mut expired = Signer::claims(Service::Profile.name(), Some(&ada.id()));
    expired["exp"] = 1.into();
    let others = [
        signer.sign(&Signer::claims(Service::Recipe.name(), Some(&ada.id()))),
        signer.sign(&expired),
        "eyJhbGciOiJub25lIn0.eyJhdWQiOiJwcm9maWxlIn0.".to_owned(),
    ];
    let script = format!(
        "{}\nimport sys\nprint(verify(sys.argv[1])['sub'])\n",
        block.replace(WRITTEN_ADDRESS, &bff.url())
    );
    let verify = async |token: &str| run(Command::new(python()).args(["-c", &script, token])).await;
    let (verified, said) = verify(token.bearer().expect("a token")).await;
    assert!(verified, "{said}\n`tests/run` makes a Python that has PyJWT");
    assert_eq!(said.trim(), ada.id());
    for other in others {
        let (verified, said) = verify(&other).await;
        assert!(!verified && said.contains("jwt.exceptions"), "{said}");
    }
}
