//! Everything that callers may get wrong on purpose, and what they are told.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, TestBff};

use super::{BOTH, Kind, PART, Setup, commit, input, picture, presign, read, send, send_all, slice};

fn with(field: &str, value: Value) -> Value {
    let mut input = input(&[0; 100]);
    input[field] = value;
    input
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_file_is_checked_field_by_field() {
    let setup = Setup::start(Kind::Folder).await;
    let ada = setup.bff.signed_in("ada").await;
    let before = setup.objects().len();
    for (field, value, code) in [
        ("name", json!("../../etc/passwd"), "invalid"),
        ("name", json!("C:\\autoexec.bat"), "invalid"),
        ("name", json!(".."), "invalid"),
        ("name", json!("soup\0.jpg"), "invalid_characters"),
        ("name", json!("soup\r\nx: y.jpg"), "invalid_characters"),
        ("name", json!("soup\u{202e}gpj.exe"), "invalid_characters"),
        ("name", json!("s".repeat(10_000)), "too_long"),
        ("name", json!("  "), "too_short"),
        ("name", json!(7), "invalid"),
        ("contentType", json!("text/html"), "not_allowed"),
        ("contentType", json!("image/svg+xml"), "not_allowed"),
        ("contentType", json!("image/jpeg; charset=utf-8"), "not_allowed"),
        ("contentType", json!(""), "not_allowed"),
        ("size", json!(0), "too_small"),
        ("size", json!(-1), "invalid"),
        ("size", json!(1.5), "invalid"),
        ("size", json!(10_u64 << 40), "too_large"),
        ("size", json!(u64::MAX), "too_large"),
        ("checksum", json!("md5:0"), "invalid"),
        ("checksum", json!("sha256:abc"), "invalid"),
        ("visibility", json!("friends"), "invalid"),
        ("owner", json!("bora"), "unknown_field"),
    ] {
        let refused = ada.post("/files/upload/presign", &with(field, value.clone())).await;
        assert_eq!(refused.field_errors(), [(field.to_owned(), code.to_owned())], "{field}: {value}");
    }
    let limit = ada.post("/files/upload/presign", &with("size", json!(10_u64 << 40))).await.json();
    assert!(limit["errors"][0]["message"].as_str().is_some_and(|text| text.contains("104857600")), "{limit}");
    let all = json!({ "name": "", "contentType": "x", "size": 0, "checksum": "x" });
    let told = ada.post("/files/upload/presign", &all).await.field_errors();
    assert_eq!(told.len(), 4, "all at once: {told:?}");
    assert_eq!(setup.objects().len(), before, "nothing was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_upload_is_decided_as_for_every_write() {
    let setup = Setup::start(Kind::Folder).await;
    let ada = setup.bff.signed_in("ada").await;
    setup
        .bff
        .anonymous()
        .post("/files/upload/presign", &input(b"x"))
        .await
        .expect_problem(401, "unauthenticated");
    let forged = ada.request(Method::POST, "/files/upload/presign").json(&input(b"x")).send().await;
    forged.expect_problem(403, "csrf_failed");
    let form = ada.from_page(Method::POST, "/files/upload/presign").header("content-type", "text/plain");
    form.body("{}").send().await.expect_problem(415, "unsupported_media_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_keys_and_nothing_else() {
    let setup = Setup::start(Kind::Folder).await;
    let ada = setup.bff.signed_in("ada").await;
    let key = "0".repeat(24) + "-" + &"0".repeat(32);
    let upper = key.to_uppercase().replace('0', "A");
    for odd in
        ["..", "..%2f..%2fetc%2fpasswd", "%2e%2e%2fupload.json", "%00", "a%00b", "upload", &upper, &key]
    {
        for path in [format!("/files/{odd}"), format!("/files/upload/{odd}")] {
            let answer = ada.get(&path).await;
            assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        }
        let answer = ada.delete(&format!("/files/{odd}")).await;
        assert_eq!(answer.status, 404, "{odd}");
    }
    for odd in ["../upload.json", "", "\0", &"x".repeat(129), &key] {
        let answer = commit(&ada, odd).await;
        assert!(matches!(answer.status.as_u16(), 404 | 422), "{odd}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_its_owners_alone() {
    for kind in BOTH {
        let setup = Setup::start(kind).await;
        let (ada, bora) = (setup.bff.signed_in("ada").await, setup.bff.signed_in("bora").await);
        let content = picture(2000, 1);
        let presigned = presign(&ada, &input(&content)).await;
        let key = presigned["key"].as_str().expect("a key");
        send_all(&ada, &presigned, &content).await;
        commit(&bora, key).await.expect_problem(404, "not_found");
        bora.get(&format!("/files/upload/{key}")).await.expect_problem(404, "not_found");
        bora.delete(&format!("/files/{key}")).await.expect_problem(404, "not_found");
        let _ = commit(&ada, key).await.expect(201);
        commit(&bora, key).await.expect_problem(404, "not_found");
        bora.delete(&format!("/files/{key}")).await.expect_problem(403, "forbidden");
        assert!(read(&bora, key).await.expect(200).body == content, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_exactly_what_its_url_is_for() {
    let setup = Setup::start(Kind::Folder).await;
    let ada = setup.bff.signed_in("ada").await;
    let content = picture(PART + 100, 1);
    let presigned = presign(&ada, &input(&content)).await;
    let parts = presigned["parts"].as_array().expect("parts");
    let (first, last) = (slice(&content, &parts[0]), slice(&content, &parts[1]));
    send(&ada, &parts[1], first.clone()).await.expect_problem(413, "body_too_large");
    send(&ada, &parts[0], last.clone()).await.expect_problem(422, "part_too_short");
    send(&ada, &parts[1], Vec::new()).await.expect_problem(422, "part_too_short");
    let endless = futures_util::stream::iter((0..400).map(|_| Ok::<_, std::io::Error>(vec![7; 1000])));
    let url = parts[1]["url"].as_str().expect("a URL");
    let chunked = ada.request(Method::PUT, url).body(reqwest::Body::wrap_stream(endless)).send().await;
    chunked.expect_problem(413, "body_too_large");

    // Signatures that were altered, or are of another part, key or time.
    let other = presign(&ada, &input(&content)).await;
    let of_other = other["parts"][1]["url"].as_str().expect("a URL");
    let (mine, theirs) = (url.split_once('?').expect("signed"), of_other.split_once('?').expect("signed"));
    let last_digit = if mine.1.ends_with('0') { "1" } else { "0" };
    for altered in [
        format!("{}?{}", mine.0, theirs.1),
        format!("{}?{}", theirs.0, mine.1),
        format!("{}?{}", mine.0.replace("/parts/2", "/parts/1"), mine.1),
        format!("{}?{}{last_digit}", mine.0, &mine.1[..mine.1.len() - 1]),
        format!("{}?{}", mine.0, mine.1.replace("size=100", "size=101")),
        format!("{}?{}", mine.0, mine.1.replace("expires=", "expires=9")),
        format!("{}?expires=1", mine.0),
        mine.0.to_owned(),
    ] {
        let refused = ada.request(Method::PUT, &altered).body(last.clone()).send().await;
        refused.expect_problem(403, "invalid_signature");
    }
    assert_eq!(state(&ada, &presigned).await["parts"], json!([]), "nothing of it has arrived");
    // Twice, and out of order, is no mistake.
    for part in [1, 0, 1] {
        let sent = send(&ada, &parts[part], slice(&content, &parts[part])).await;
        assert_eq!(sent.status, 204, "{}", sent.text());
    }
    let _ = commit(&ada, presigned["key"].as_str().expect("a key")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_itself_refuses_parts_that_are_not_what_was_signed() {
    let setup = Setup::start(Kind::S3).await;
    let ada = setup.bff.signed_in("ada").await;
    let content = picture(PART + 100, 1);
    let presigned = presign(&ada, &input(&content)).await;
    let parts = presigned["parts"].as_array().expect("parts");
    for (part, bytes) in [(1, content[..200].to_vec()), (1, content[..50].to_vec())] {
        let refused = send(&ada, &parts[part], bytes).await;
        assert!(refused.status.is_client_error(), "{}", refused.text());
    }
    let url = parts[1]["url"].as_str().expect("a URL").replace("partNumber=2", "partNumber=1");
    let altered = json!({ "url": url, "method": "PUT", "headers": {} });
    let refused = send(&ada, &altered, content[PART..].to_vec()).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(state(&ada, &presigned).await["parts"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_whose_time_is_over_is_told_apart_and_a_new_one_works() {
    let builder = TestBff::builder().set("files.upload_ms", 1000).set("files.pending_ms", 3_600_000);
    let setup = Setup::with(Kind::Folder, builder).await;
    let ada = setup.bff.signed_in("ada").await;
    let content = picture(100, 1);
    let presigned = presign(&ada, &input(&content)).await;
    let refused = tests::eventually("the URL's time to be over", || async {
        let answer = send(&ada, &presigned["parts"][0], content.clone()).await;
        (answer.status != 204).then_some(answer)
    });
    refused.await.expect_problem(403, "signature_expired");
    let key = presigned["key"].as_str().expect("a key");
    let again = upload_again(&setup, &ada, &content).await;
    assert_ne!(again, key);
}

/// With URLs that are good for a second, sent at once.
async fn upload_again(setup: &Setup, ada: &Actor, content: &[u8]) -> String {
    tests::eventually("an upload that is quick enough", || async {
        let presigned = presign(ada, &input(content)).await;
        let sent = send(ada, &presigned["parts"][0], content.to_vec()).await;
        let key = presigned["key"].as_str().expect("a key").to_owned();
        if sent.status != 204 {
            return None;
        }
        let _ = commit(ada, &key).await.expect(201);
        assert!(read(&setup.bff.anonymous(), &key).await.body == content);
        Some(key)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_may_begin_to_upload_so_much_a_day_on_all_replicas_together() {
    let store = tests::redis::RedisServer::start().await;
    let builder = TestBff::builder().redis(&store);
    let builder = builder.set("files.max_bytes", 1_000_000).set("files.per_user_day_bytes", 2_500_000);
    let setup = Setup::with(Kind::Folder, builder).await;
    let there = setup.bff.replica().await;
    let ada = setup.bff.signed_in("ada").await;
    let ask = async |actor: &Actor, size: u64| {
        actor.post("/files/upload/presign", &with("size", json!(size))).await
    };
    let _ = ask(&ada, 1_000_000).await.expect(201);
    let _ = ask(&there.called_by(&ada), 1_000_000).await.expect(201);
    let refused = ask(&ada, 1_000_000).await;
    refused.expect_problem(429, "upload_limit");
    assert!(refused.json()["detail"].as_str().is_some_and(|detail| detail.contains("2500000")));
    let seconds: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!((80_000..=86_400).contains(&seconds), "{seconds}");
    let _ = ask(&ada, 400_000).await.expect(201);
    let bora = setup.bff.signed_in("bora").await;
    let _ = ask(&bora, 1_000_000).await.expect(201);
}

async fn state(actor: &Actor, presigned: &Value) -> Value {
    let key = presigned["key"].as_str().expect("a key");
    actor.get(&format!("/files/upload/{key}")).await.expect(200).json()
}
