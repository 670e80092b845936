//! The end of files: by their owner, and of what nobody committed.

use reqwest::Method;
use serde_json::json;
use tests::{
    PASSWORD, TestBff, eventually,
    redis::{Durability, RedisServer},
};

use super::{
    BOTH, PART, Setup, commit, input, picture, presign, read, send, send_all, send_in_vain, slice, upload,
};
use crate::deletion::{builder, queue_is_empty};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_gone_everywhere_once_its_owner_has_deleted_it() {
    for kind in BOTH {
        let store = RedisServer::durable(Durability::Nothing).await;
        let setup = Setup::with(kind, TestBff::builder().redis(&store)).await;
        let there = setup.bff.replica().await;
        let ada = setup.bff.signed_in("ada").await;
        let content = picture(1000, 1);
        let key = upload(&ada, &input(&content), &content).await;
        let other = upload(&ada, &input(&content), &content).await;
        let path = format!("/files/{key}");
        let _ = there.anonymous().get(&path).await;
        let _ = ada.delete(&path).await.expect(204);
        for replica in [&setup.bff.anonymous(), &there.anonymous()] {
            read(replica, &key).await.expect_problem(404, "not_found");
        }
        ada.delete(&path).await.expect_problem(404, "not_found");
        commit(&ada, &key).await.expect_problem(404, "not_found");
        let (owner, id) = key.split_once('-').expect("a key");
        let left = setup.objects().into_iter().filter(|path| path.to_string_lossy().contains(id));
        assert_eq!(left.count(), 0, "{kind:?}: nothing of it is left");
        assert!(other.starts_with(owner) && read(&ada, &other).await.expect(200).body == content);

        // An upload that was not committed goes the same way, with its parts.
        let large = picture(PART + 10, 2);
        let presigned = presign(&ada, &input(&large)).await;
        let part = &presigned["parts"][0];
        assert!(send(&ada, part, slice(&large, part)).await.status.is_success());
        let key = presigned["key"].as_str().expect("a key");
        let _ = ada.delete(&format!("/files/{key}")).await.expect(204);
        send_in_vain(&ada, part, slice(&large, part)).await;
        ada.get(&format!("/files/upload/{key}")).await.expect_problem(404, "not_found");
        if let Some(s3) = &setup.s3 {
            assert_eq!(s3.uploads(), 0, "it was aborted");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_files_and_uploads_of_a_member_who_leaves_go_and_nobody_elses() {
    for kind in BOTH {
        let setup = Setup::with(kind, builder()).await;
        let (ada, bora) = (setup.bff.signed_in("ada").await, setup.bff.signed_in("bora").await);
        let content = picture(1000, 1);
        let theirs = upload(&bora, &input(&content), &content).await;
        // Marks that make the sweep look again after a day name nobody, and stay.
        let kept = || {
            let objects = setup.objects().into_iter();
            objects.filter(|path| !path.to_string_lossy().contains("pending/")).count()
        };
        let of_others = kept();
        let mut keys = Vec::new();
        for visibility in ["public", "private"].repeat(6) {
            let mut wanted = input(&content);
            wanted["visibility"] = json!(visibility);
            keys.push(upload(&ada, &wanted, &content).await);
        }
        // One upload has a part, another has none yet.
        let large = picture(PART + 10, 2);
        let presigned = presign(&ada, &input(&large)).await;
        let part = &presigned["parts"][0];
        assert!(send(&ada, part, slice(&large, part)).await.status.is_success());
        let _ = presign(&ada, &input(&content)).await;

        let leave = ada.from_page(Method::DELETE, "/api/me").json(&json!({ "password": PASSWORD }));
        let _ = leave.send().await.expect(202);
        queue_is_empty(&setup.bff).await;
        for key in &keys {
            read(&bora, key).await.expect_problem(404, "not_found");
        }
        assert_eq!(kept(), of_others, "{kind:?}: {:?}", setup.objects());
        if let Some(s3) = &setup.s3 {
            assert_eq!(s3.uploads(), 0, "they were aborted");
        }
        send_in_vain(&bora, part, slice(&large, part)).await;
        assert_eq!(read(&bora, &theirs).await.expect(200).body, content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_committed_is_swept_and_what_was_is_not() {
    for kind in BOTH {
        let builder = TestBff::builder().set("files.pending_ms", 1000).set("files.sweep_ms", 100);
        let store = RedisServer::durable(Durability::Nothing).await;
        let setup = Setup::with(kind, builder.redis(&store)).await;
        let _there = setup.bff.replica().await;
        let ada = setup.bff.signed_in("ada").await;
        let content = picture(1000, 1);
        let kept = upload(&ada, &input(&content), &content).await;
        let begun = presign(&ada, &input(&content)).await;
        let sent = presign(&ada, &input(&content)).await;
        send_all(&ada, &sent, &content).await;
        for upload in [&begun, &sent] {
            let key = upload["key"].as_str().expect("a key");
            eventually("the upload to be swept", || async {
                (ada.get(&format!("/files/upload/{key}")).await.status == 404).then_some(())
            })
            .await;
            commit(&ada, key).await.expect_problem(404, "not_found");
        }
        eventually("nothing to be left", || async {
            let (_, id) = kept.split_once('-').expect("a key");
            let left = setup.objects().into_iter().filter(|path| !path.to_string_lossy().contains(id));
            let parts = setup.s3.as_ref().map_or(0, tests::S3Server::uploads);
            (left.count() == 0 && parts == 0).then_some(())
        })
        .await;
        assert!(read(&ada, &kept).await.expect(200).body == content, "{kind:?}");
    }
}
