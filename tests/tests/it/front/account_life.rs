//! The life of an account in real browsers: addresses confirmed and changed by mailed links, passwords changed and recovered, a
//! second factor that shuts other devices out, the data taken along, and the end.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Fault, MailServer, PASSWORD, TestBff, email};

use super::{
    pictures, run_in_turns,
    web::{Web, expect_sound, free_port},
};
use crate::{
    account_life::{mail, mail_server},
    deletion,
    files::{below, upload},
    fixtures::{follow, post, publish, recipe_input},
};

/// A picture that browsers can show: PNG, one grey pixel.
const PIXEL: &[u8] = b"\
    \x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\x00\x00\x00\x01\
    \x08\x00\x00\x00\x00\x3a\x7e\x9b\x55\x00\x00\x00\x0a\x49\x44\x41\x54\x78\x9c\x63\x68\x00\x00\x00\
    \x82\x00\x81\x77\xcd\x72\xb6\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82";

/// The system with its app, a mail server, and a member who has been there before.
struct Scene {
    bff: TestBff,
    server: MailServer,
    web: Web,
    otto: Actor,
    /// What otto has.
    recipe: String,
    post: String,
}

impl Scene {
    async fn set() -> Self {
        let (server, port) = (mail_server().await, free_port());
        let mut options = mail(&server);
        options.link_base = format!("http://127.0.0.1:{port}/").parse().expect("a URL");
        let bff = deletion::builder().set("files.url", "folder:files").mail(options).spawn().await;
        let web = Web::start_on(port, &bff.url(), &[]).await;
        let otto = bff.signed_in("otto").await;
        let (recipe, post) = (publish(&otto, "Otto's soup").await, post(&otto, "Otto's own").await);
        Self { bff, server, web, otto, recipe, post }
    }

    /// Something of the member at every service, tied up with what otto has: who it is, and the paths where it is read.
    async fn settle(&self, name: &str) -> Value {
        let (member, otto) = (self.bff.signed_in(name).await, &self.otto);
        let input = json!({ "name": "rice.png", "contentType": "image/png", "size": PIXEL.len() });
        let photo = upload(&member, &input, PIXEL).await;
        let mut recipe = recipe_input("Rice for the road");
        recipe["photoKey"] = json!(photo);
        let made = member.post("/api/recipes", &recipe).await.expect(201).json();
        let own = made["id"].as_str().expect("an id");
        post(&member, "I was here").await;
        follow(&member, otto).await;
        follow(otto, &member).await;
        for (who, path) in [(&member, self.recipe.as_str()), (otto, own)] {
            let _ = who.put(&format!("/api/recipes/{path}/like")).await.expect(204);
            let comment = json!({ "body": "A word of mine" });
            let _ = who.post(&format!("/api/recipes/{path}/comments"), &comment).await.expect(201);
        }
        let _ = member.put(&format!("/api/posts/{}/like", self.post)).await.expect(204);
        let read = json!([
            format!("/bff/recipes/{own}"),
            format!("/bff/members/{}", member.id()),
            format!("/files/{photo}")
        ]);
        for path in read.as_array().expect("paths") {
            let path = path.as_str().expect("a path");
            assert_eq!(otto.get(path).await.status, 200, "{path}");
        }
        let id = photo.rsplit('-').next().expect("a key");
        let stored = below(&self.bff.folder().join("files"));
        assert!(stored.iter().any(|path| path.to_string_lossy().contains(id)), "{photo}: {stored:?}");
        json!({ "id": member.id(), "title": "Rice for the road", "read": read })
    }

    /// What the script wants done, the words of which are separated by bars.
    async fn turn(&self, wanted: &str) -> Value {
        match wanted.split('|').collect::<Vec<_>>()[..] {
            ["settle", name] => self.settle(name).await,
            // The link in a mail.
            ["link", name, subject, number] => {
                let mail = self.server.mail(&email(name), subject, number.parse().expect("a number")).await;
                let token = mail.token();
                let text = mail.text();
                let link = text.split_whitespace().find(|word| word.ends_with(&token)).expect("a link");
                assert!(link.starts_with(&format!("{}/", self.web.url)), "it leads to the app: {link}");
                json!(link)
            }
            ["recipes", "away"] => {
                self.bff.recipe.fail(Fault::Status500);
                Value::Null
            }
            ["recipes", "back"] => {
                self.bff.recipe.heal().await;
                Value::Null
            }
            _ => panic!("nobody does {wanted:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_lives_and_ends_in_the_browser() {
    let scene = Scene::set().await;
    let before = deletion::kept(&scene.bff, &scene.otto.id()).await;
    let told = json!({ "web": scene.web.url, "pictures": pictures() });
    let result =
        run_in_turns("app-account-life.mjs", &told, async |wanted: &str| scene.turn(wanted).await).await;
    let seen = &result["seen"];
    expect_words(seen);
    assert!(seen["requests"].as_u64().is_some_and(|count| count > 100), "{seen}");
    assert_eq!(seen["leaked"], json!([]), "a token in an address or a header");
    expect_export(&seen["export"], seen["leaver"]["title"].as_str().expect("a title"));

    let leaver = &seen["leaver"];
    let id = leaver["id"].as_str().expect("an id");
    deletion::gone(&scene.bff, id).await;
    deletion::queue_is_empty(&scene.bff).await;
    let photo = leaver["read"][2].as_str().and_then(|path| path.rsplit('-').next()).expect("a key");
    let stored = below(&scene.bff.folder().join("files"));
    assert!(stored.iter().all(|path| !path.to_string_lossy().contains(photo)), "left in storage: {stored:?}");
    for path in leaver["read"].as_array().expect("paths") {
        for reader in [&scene.otto, &scene.bff.anonymous()] {
            reader.get(path.as_str().expect("a path")).await.expect_problem(404, "not_found");
        }
    }
    let feed = scene.otto.get("/bff/home-feed").await.expect(200).text();
    assert!(!feed.contains("I was here") && !feed.contains(id), "{feed}");
    assert_eq!(
        deletion::kept(&scene.bff, &scene.otto.id()).await,
        before,
        "nothing of anybody else is touched"
    );
    let login = json!({ "login": "nari", "password": PASSWORD });
    let again = scene.bff.anonymous().request(Method::POST, "/auth/login").json(&login).send().await;
    again.expect_problem(401, "bad_credentials");
    expect_sound(&result);
}

#[track_caller]
fn expect_words(seen: &Value) {
    for (what, text) in [
        ("unconfirmed", "not confirmed"),
        ("confirmed", "confirmed"),
        ("usedConfirmation", "This link was used already, or is too old."),
        ("usedReset", "This link was used already, or is too old."),
        ("address", "planted-nari-new@mail.example"),
        ("weak", "This is too short."),
        ("wrongPassword", "The password is wrong."),
        ("noEmail", "This is no e-mail address."),
        ("takenEmail", "There is an account with this e-mail address already."),
        ("wrongCode", "This code is wrong or was used before."),
        ("downloaded", "The file is complete and saved."),
        ("unavailable", "This is not working at the moment. Please try again in a little while."),
        ("exportName", "export.json"),
    ] {
        assert_eq!(seen[what], text, "{what}: {seen}");
    }
    assert_eq!(seen["linkOfKnown"], seen["linkOfUnknown"], "the same answer, apart from the address");
    let (confirm, reset) = ("/confirm-email", "/reset-password");
    assert_eq!(seen["addressBars"], json!([confirm, confirm, reset, reset, reset]));
    assert_eq!(seen["stored"], json!([]), "nothing secret is kept by the browser");
    let throttled = seen["throttled"].as_str().expect("a text");
    assert!(throttled.contains("여러 번 실패했어요.") && throttled.contains("분 뒤에"), "{throttled}");
    let gone = seen["gone"].as_str().expect("a text");
    assert!(gone.starts_with("Your account is deleted."), "{gone}");
}

#[track_caller]
fn expect_export(text: &Value, title: &str) {
    let export: Value = serde_json::from_str(text.as_str().expect("a text")).expect("JSON");
    assert_eq!(export["incomplete"], json!([]));
    let recipes = export["data"]["recipe"].as_array().expect("a list");
    assert!(recipes.iter().any(|item| item.to_string().contains(title)), "{export}");
}
