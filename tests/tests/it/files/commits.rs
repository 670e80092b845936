//! What is checked before a file can be read, and commits that come at the same time.

use futures_util::future::join_all;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::redis::{Durability, RedisServer};

use super::{BOTH, Kind, PART, Setup, commit, input, picture, presign, read, send, send_all, slice, upload};

fn sha256(content: &[u8]) -> String {
    let hex: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_must_have_the_checksum_that_was_said() {
    for kind in BOTH {
        let setup = Setup::start(kind).await;
        let ada = setup.bff.signed_in("ada").await;
        let content = picture(PART + 77, 1);
        let with = |checksum: &str| {
            let mut input = input(&content);
            input["checksum"] = json!(checksum);
            input
        };
        let key = upload(&ada, &with(&sha256(&content)), &content).await;
        assert!(read(&ada, &key).await.body == content, "{kind:?}");
        let presigned = presign(&ada, &with(&sha256(b"something else"))).await;
        send_all(&ada, &presigned, &content).await;
        let key = presigned["key"].as_str().expect("a key");
        commit(&ada, key).await.expect_problem(422, "checksum_mismatch");
        // Nothing is left of it.
        commit(&ada, key).await.expect_problem(404, "not_found");
        read(&ada, key).await.expect_problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_what_its_first_bytes_say_and_never_a_page() {
    let liars: [(&str, &[u8]); 7] = [
        ("a page", b"<!DOCTYPE html><html><script>alert(1)</script></html>"),
        ("a drawing", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("another picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01"),
        ("a picture with a page in it", b"\xff\xd8\xff\xe0\0\x10JFIF\0<html><script>alert(1)</script>"),
        ("a program", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"),
        ("an archive", b"PK\x03\x04\x14\0\0\0\x08\0"),
        ("nothing known", b"hello"),
    ];
    for kind in BOTH {
        let setup = Setup::start(kind).await;
        let ada = setup.bff.signed_in("ada").await;
        let before = setup.objects().len();
        for (what, content) in liars {
            let presigned = presign(&ada, &input(content)).await;
            send_all(&ada, &presigned, content).await;
            let key = presigned["key"].as_str().expect("a key");
            let refused = commit(&ada, key).await;
            refused.expect_problem(422, "type_mismatch");
            assert_eq!(refused.status, 422, "{kind:?}: {what}");
            read(&ada, key).await.expect_problem(404, "not_found");
        }
        let left = setup.objects().into_iter().filter(|path| !path.to_string_lossy().contains("pending"));
        assert_eq!(left.count(), before, "{kind:?}: nothing is left but marks, which are swept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_at_the_same_time_on_two_replicas_make_one_file() {
    for kind in BOTH {
        let store = RedisServer::durable(Durability::Nothing).await;
        let setup = Setup::with(kind, tests::TestBff::builder().redis(&store)).await;
        let there = setup.bff.replica().await;
        let ada = setup.bff.signed_in("ada").await;
        let content = picture(PART + 5, 3);
        let presigned = presign(&ada, &input(&content)).await;
        // Parts go to either replica.
        let parts = presigned["parts"].as_array().expect("parts");
        let other = there.called_by(&ada);
        assert!(send(&ada, &parts[0], slice(&content, &parts[0])).await.status.is_success());
        assert!(send(&other, &parts[1], slice(&content, &parts[1])).await.status.is_success());
        let key = presigned["key"].as_str().expect("a key");
        let all = join_all((0..8).map(|n| {
            let caller = if n % 2 == 0 { ada.clone() } else { other.clone() };
            async move { commit(&caller, key).await }
        }));
        let answers: Vec<Value> = all.await.into_iter().map(|answer| answer.expect(201).json()).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{kind:?}: {answers:?}");
        for reader in [&setup.bff.anonymous(), &there.anonymous()] {
            assert!(read(reader, key).await.expect(200).body == content, "{kind:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_part_s_url_is_good_for_ends_with_the_commit() {
    for kind in BOTH {
        let setup = Setup::start(kind).await;
        let ada = setup.bff.signed_in("ada").await;
        let content = picture(4000, 4);
        let presigned = presign(&ada, &input(&content)).await;
        send_all(&ada, &presigned, &content).await;
        let key = presigned["key"].as_str().expect("a key");
        let _ = commit(&ada, key).await.expect(201);
        let other = picture(4000, 5);
        let late = send(&ada, &presigned["parts"][0], other.clone()).await;
        assert!(late.status.is_client_error(), "{kind:?}: {}", late.status);
        if kind == Kind::Folder {
            late.expect_problem(404, "not_found");
        }
        let _ = commit(&ada, key).await.expect(201);
        assert!(read(&ada, key).await.body == content, "{kind:?}: what was checked stays");
    }
}
