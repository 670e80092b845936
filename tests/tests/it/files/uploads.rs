//! An upload from its beginning to its end, and who may read what came of it.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tests::TestBff;

use super::{BOTH, Kind, PART, Setup, commit, input, picture, presign, read, send, slice, upload};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_in_parts_and_read_once_it_was_committed() {
    for kind in BOTH {
        let setup = Setup::start(kind).await;
        let (ada, anybody) = (setup.bff.signed_in("ada").await, setup.bff.anonymous());
        let content = picture(2 * PART + 1234, 1);
        let presigned = presign(&ada, &input(&content)).await;
        let key = presigned["key"].as_str().expect("a key");
        let parts = presigned["parts"].as_array().expect("parts");
        assert_eq!(parts.len(), 3, "{kind:?}");
        assert!(presigned["expiresIn"].as_u64().is_some_and(|seconds| seconds >= 60));
        let state = async || ada.get(&format!("/files/upload/{key}")).await.expect(200).json();
        assert_eq!(state().await["parts"], json!([]));

        // Out of order, and at the same time.
        let sent = join_all([2, 0].map(|n| send(&ada, &parts[n], slice(&content, &parts[n])))).await;
        assert!(sent.iter().all(|answer| answer.status.is_success()), "{kind:?}");
        let halfway = state().await;
        assert_eq!((&halfway["parts"], &halfway["committed"]), (&json!([1, 3]), &json!(false)));
        assert_eq!(halfway["missing"].as_array().map(Vec::len), Some(1));
        commit(&ada, key).await.expect_problem(409, "incomplete");
        read(&ada, key).await.expect_problem(404, "not_found");
        let there = format!("/files/{key}");
        let _ = anybody.request(Method::HEAD, &there).send().await.expect(404);

        // It goes on with a URL that was asked for afterwards; a part that was sent may be sent again.
        let missing = &halfway["missing"][0];
        assert_eq!(missing["number"], 2);
        assert!(send(&ada, missing, slice(&content, missing)).await.status.is_success());
        assert!(send(&ada, &parts[0], slice(&content, &parts[0])).await.status.is_success());
        read(&anybody, key).await.expect_problem(404, "not_found");
        let committed = commit(&ada, key).await.expect(201).json();
        let expected =
            json!({ "key": key, "url": there, "contentType": "image/jpeg", "size": content.len() });
        assert_eq!(committed, expected, "{kind:?}");
        let got = read(&anybody, key).await.expect(200);
        assert!(got.body == content, "{kind:?}");
        assert_eq!(got.header("content-type"), Some("image/jpeg"));
        assert_eq!(state().await["committed"], true);
        assert_eq!(commit(&ada, key).await.expect(201).json(), expected, "to commit twice is to commit once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_file_is_its_owners_alone_by_cookie_and_by_token() {
    for kind in BOTH {
        let setup = Setup::start(kind).await;
        let (ada, bora) = (setup.bff.signed_in("ada").await, setup.bff.signed_in("bora").await);
        let content = picture(5000, 2);
        let mut private = input(&content);
        private["visibility"] = json!("private");
        let key = upload(&ada, &private, &content).await;
        for other in [&setup.bff.anonymous(), &bora] {
            read(other, &key).await.expect_problem(404, "not_found");
            let _ = other.request(Method::HEAD, &format!("/files/{key}")).send().await.expect(404);
        }
        assert!(read(&ada, &key).await.expect(200).body == content);
        let app = setup.bff.anonymous();
        let _ = app.sign_in_app("ada").await;
        assert!(read(&app, &key).await.expect(200).body == content);
        let told = ada.get(&format!("/files/{key}")).await;
        let rule = told.header("cache-control").unwrap_or_default();
        assert!(rule.starts_with("private"), "{kind:?}: {rule}");
        assert!(told.lists("vary", "cookie") && told.lists("vary", "authorization"), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_public_and_everything_else_private_where_nothing_is_said() {
    let setup = Setup::start(Kind::Folder).await;
    let ada = setup.bff.signed_in("ada").await;
    let content = b"%PDF-1.7 one page".to_vec();
    let pdf = json!({ "name": "요리책 1.pdf", "contentType": "application/pdf", "size": content.len() });
    let key = upload(&ada, &pdf, &content).await;
    read(&setup.bff.anonymous(), &key).await.expect_problem(404, "not_found");
    let got = read(&ada, &key).await.expect(200);
    let saved = got.header("content-disposition").unwrap_or_default();
    assert_eq!(
        saved,
        "attachment; filename=\"___ 1.pdf\"; filename*=UTF-8''%EC%9A%94%EB%A6%AC%EC%B1%85%201.pdf"
    );
    let picture = picture(100, 3);
    let key = upload(&ada, &input(&picture), &picture).await;
    let _ = read(&setup.bff.anonymous(), &key).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_storage_there_are_no_files() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let key = "0".repeat(24) + "-" + &"0".repeat(32);
    ada.post("/files/upload/presign", &input(b"x")).await.expect_problem(404, "not_found");
    commit(&ada, &key).await.expect_problem(404, "not_found");
    for path in [format!("/files/{key}"), format!("/files/upload/{key}")] {
        ada.get(&path).await.expect_problem(404, "not_found");
        bff.anonymous().get(&path).await.expect_problem(404, "not_found");
    }
    ada.delete(&format!("/files/{key}")).await.expect_problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_with_files_is_measured() {
    let setup = Setup::start(Kind::Folder).await;
    let ada = setup.bff.signed_in("ada").await;
    let content = picture(70_000, 4);
    let key = upload(&ada, &input(&content), &content).await;
    let _ = read(&ada, &key).await.expect(200);
    commit(&ada, "none").await.expect_problem(404, "not_found");
    let metrics = setup.bff.internal("/metrics").await.text();
    for line in [
        "bff_file_operation_duration_seconds_count{operation=\"presign\",outcome=\"ok\"} 1",
        "bff_file_operation_duration_seconds_count{operation=\"part\",outcome=\"ok\"} 1",
        "bff_file_operation_duration_seconds_count{operation=\"commit\",outcome=\"ok\"} 1",
        "bff_file_operation_duration_seconds_count{operation=\"download\",outcome=\"ok\"} 1",
        "bff_file_bytes_total{direction=\"in\"} 70000",
        "bff_file_bytes_total{direction=\"out\"} 70000",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    assert!(!metrics.contains(&key), "no key is a label");
}
