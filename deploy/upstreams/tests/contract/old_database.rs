//! Databases that an earlier release has made.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use rusqlite::{Connection, params};
use serde_json::json;
use upstreams::{Service, TotpKeySource};

use crate::{
    gateway::Gateway,
    profile::{PASSWORD, code, sign_up, verify},
};

const SECRET: &[u8; 20] = b"an-old-plain-secret!";

/// The schema as the first release had it.
const FIRST: &str = include_str!("../../src/profile/schema.sql");

/// A database of the first release, with one member who has a second factor.
fn make_old(path: &Path, password_hash: &str) {
    let old = Connection::open(path).expect("a file");
    old.execute_batch(FIRST).expect("the schema");
    old.pragma_update(None, "user_version", 1).expect("its version");
    old.execute(
        "INSERT INTO members (id, username, email, email_key, display_name, password_hash, totp_secret, totp_enabled, created_at)
         VALUES ('old-member', 'olga', 'Olga@example.org', 'olga@example.org', 'Olga', ?, ?, 1, 1700000000000000)",
        params![password_hash, SECRET],
    )
    .expect("a member");
    old.execute("INSERT INTO recovery_codes VALUES ('old-member', x'00')", []).expect("a code");
    old.execute("INSERT INTO identities VALUES ('https://id.example', '7', 'old-member')", [])
        .expect("an identity");
}

/// The hash of everybody's password.
async fn hash(gateway: &Gateway, folder: &Path) -> String {
    let path = folder.join("other.db");
    let file = path.clone();
    let profile = gateway.start_with(Service::Profile, |options| options.database = Some(file)).await;
    sign_up(gateway, &profile, "ada").await;
    profile.stop().await;
    let other = Connection::open(path).expect("a file");
    other.query_row("SELECT password_hash FROM members", [], |row| row.get(0)).expect("a hash")
}

fn bytes_in(folder: &Path, name: &str) -> Vec<u8> {
    ["", "-wal"]
        .iter()
        .flat_map(|end| fs::read(folder.join(format!("{name}{end}"))).unwrap_or_default())
        .collect()
}

fn base32(secret: &[u8]) -> String {
    let bits: String = secret.iter().map(|byte| format!("{byte:08b}")).collect();
    let digit = |five: &[u8]| {
        let place = usize::from_str_radix(std::str::from_utf8(five).expect("bits"), 2).expect("a number");
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[place])
    };
    bits.as_bytes().chunks(5).map(digit).collect()
}

#[tokio::test]
async fn a_database_of_the_first_release_opens_and_works_and_keeps_no_plain_secret() {
    let gateway = Gateway::spawn().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (path, hash) = (folder.path().join("old.db"), hash(&gateway, folder.path()).await);
    make_old(&path, &hash);
    assert!(bytes_in(folder.path(), "old.db").windows(20).any(|bytes| bytes == SECRET), "it was plain");

    let step = jsonwebtoken::get_current_timestamp() / 30;
    for round in 0..2 {
        let file = path.clone();
        let profile = gateway.start_with(Service::Profile, |options| options.database = Some(file)).await;
        let sign_in = |otp: &str| {
            verify(&gateway, &profile, json!({"login": "olga@example.org", "password": PASSWORD, "otp": otp}))
        };
        assert_eq!(sign_in("000").await.0, 401);
        assert_eq!(sign_in(&code(&base32(SECRET), step + round)).await.0, 200, "start {round}");
        assert!(!bytes_in(folder.path(), "old.db").windows(20).any(|bytes| bytes == SECRET), "start {round}");
        let olga = gateway.caller(&profile, "profile", Some("old-member"));
        let me = olga.get("/members/me").await.expect(200);
        assert_eq!(
            (&me["email"], &me["totpEnabled"], &me["emailConfirmed"]),
            (&json!("Olga@example.org"), &json!(true), &json!(false))
        );
        profile.stop().await;
    }
    let opened = Connection::open(&path).expect("a file");
    for table in ["members", "recovery_codes", "identities"] {
        let text = format!("SELECT min(created_at), min(updated_at) FROM {table}");
        let (created, updated): (i64, i64) =
            opened.query_row(&text, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("times");
        assert!(created == 1_700_000_000_000_000 && updated >= created, "{table}: {created} {updated}");
    }
}

#[tokio::test]
async fn every_table_tells_when_its_rows_were_made_and_changed() {
    let gateway = Gateway::spawn().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new.db");
    let file = path.clone();
    let profile = gateway.start_with(Service::Profile, |options| options.database = Some(file)).await;
    let id = sign_up(&gateway, &profile, "ada").await;
    let opened = Connection::open(&path).expect("a file");
    let mut tables = opened
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .expect("a statement");
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).expect("tables").collect::<Result<_, _>>().expect("names");
    assert!(tables.len() >= 6, "{tables:?}");
    for table in tables {
        for column in ["created_at", "updated_at"] {
            let text = format!(
                "SELECT count(*) FROM pragma_table_info('{table}') WHERE name = '{column}' AND \"notnull\""
            );
            let found: u32 = opened.query_row(&text, [], |row| row.get(0)).expect("a number");
            assert_eq!(found, 1, "{table}.{column}");
        }
    }
    let updated = || -> i64 {
        opened
            .query_row("SELECT updated_at FROM members WHERE id = ?", [&id], |row| row.get(0))
            .expect("a time")
    };
    let before = updated();
    let ada = gateway.caller(&profile, "profile", Some(&id));
    ada.call_with(reqwest::Method::PATCH, "/members/me", json!({"bio": "밥"})).await.expect(200);
    assert!(updated() > before);
}

#[tokio::test]
async fn a_key_is_replaced_by_putting_another_one_before_it() {
    let gateway = Gateway::spawn().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (path, keys) = (folder.path().join("p.db"), folder.path().join("keys"));
    let (old, new) = (STANDARD.encode([1; 32]), STANDARD.encode([2; 32]));
    let options = |text: &str| {
        fs::write(&keys, text).expect("a file");
        let (path, keys) = (path.clone(), keys.clone());
        move |options: &mut upstreams::Options| {
            options.database = Some(path);
            options.totp_keys = Some(TotpKeySource::File(keys));
        }
    };
    let profile = gateway.start_with(Service::Profile, options(&old)).await;
    let id = sign_up(&gateway, &profile, "ada").await;
    let ada = gateway.caller(&profile, "profile", Some(&id));
    let begun = ada.post("/members/me/totp", json!({"password": PASSWORD})).await.expect(200);
    let secret = begun["secret"].as_str().expect("a secret").to_owned();
    let step = jsonwebtoken::get_current_timestamp() / 30;
    ada.post("/members/me/totp/confirm", json!({"code": code(&secret, step)})).await.expect(200);
    profile.stop().await;

    // With both the new key takes over, after which the old one is not needed any more.
    for (text, step) in [(format!("{new}\n{old}\n"), step + 1), (new.clone(), step + 2)] {
        let profile = gateway.start_with(Service::Profile, options(&text)).await;
        // The next code may not be good yet: what counts is that the secret opens, which a wrong code shows as well.
        let body = json!({"login": "ada", "password": PASSWORD, "otp": code(&secret, step + 100)});
        assert_eq!(verify(&gateway, &profile, body).await, (401, "otp_invalid".to_owned()));
        profile.stop().await;
    }
    let mut wrong = upstreams::Options::new(Service::Profile, "http://127.0.0.1:9/".parse().expect("a URL"));
    options(&old)(&mut wrong);
    assert!(upstreams::start(Service::Profile, wrong).await.is_err(), "better no start than no sign-in");
}
