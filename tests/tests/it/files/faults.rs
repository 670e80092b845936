//! The storage in trouble: told as such, nothing half-visible, and all is well afterwards.

use std::path::Path;

use reqwest::Method;
use tests::{Actor, Fault, TestBff};
use tokio::process::Command;

use super::{Kind, Setup, commit, input, picture, presign, read, send_all, upload};

/// Everything that needs the storage is refused, and says so.
async fn all_refused(ada: &Actor, waiting: &str, there: &str) {
    let content = picture(1000, 9);
    ada.post("/files/upload/presign", &input(&content)).await.expect_problem(503, "storage_unavailable");
    ada.get(&format!("/files/upload/{waiting}")).await.expect_problem(503, "storage_unavailable");
    commit(ada, waiting).await.expect_problem(503, "storage_unavailable");
    let read = ada.get(&format!("/files/{there}")).await;
    read.expect_problem(503, "storage_unavailable");
    assert!(read.header("retry-after").is_some());
    ada.delete(&format!("/files/{there}")).await.expect_problem(503, "storage_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_that_is_down_slow_forbidding_or_cut_off_is_told_and_comes_back() {
    let builder = TestBff::builder().set("files.timeout_ms", 400);
    let setup = Setup::with(Kind::S3, builder).await;
    let s3 = setup.s3.as_ref().expect("S3");
    let ada = setup.bff.signed_in("ada").await;
    let content = picture(3000, 1);
    let there = upload(&ada, &input(&content), &content).await;
    let presigned = presign(&ada, &input(&content)).await;
    send_all(&ada, &presigned, &content).await;
    let waiting = presigned["key"].as_str().expect("a key");

    s3.proxy.refuse().await;
    all_refused(&ada, waiting, &there).await;
    s3.proxy.heal().await;
    for fault in [
        Fault::BlackHole,
        Fault::Status(403),
        Fault::Status500,
        Fault::CutBody,
        Fault::Garbage,
        Fault::Reset,
        Fault::WrongShape,
    ] {
        s3.proxy.fail(fault.clone());
        let content = picture(1000, 9);
        let refused = ada.post("/files/upload/presign", &input(&content)).await;
        refused.expect_problem(503, "storage_unavailable");
        let answer = commit(&ada, waiting).await;
        assert!(matches!(answer.status.as_u16(), 500 | 503), "{fault:?}: {}", answer.text());
        let read = ada.get(&format!("/files/{there}")).await;
        assert!(matches!(read.status.as_u16(), 500 | 503), "{fault:?}: {}", read.text());
        s3.proxy.heal().await;
    }
    // What failed was nothing's end.
    read(&ada, waiting).await.expect_problem(404, "not_found");
    let _ = commit(&ada, waiting).await.expect(201);
    for key in [waiting, &there] {
        assert!(read(&ada, key).await.expect(200).body == content);
    }
    assert!(!setup.bff.output().contains("X-Amz-Signature"), "no signed URL in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_cannot_be_removed_costs_no_file() {
    let builder = TestBff::builder().set("files.pending_ms", 1000).set("files.sweep_ms", 100);
    let setup = Setup::with(Kind::S3, builder).await;
    let s3 = setup.s3.as_ref().expect("S3");
    let ada = setup.bff.signed_in("ada").await;
    let content = picture(3000, 2);
    let presigned = presign(&ada, &input(&content)).await;
    send_all(&ada, &presigned, &content).await;
    s3.proxy.fail_on("/pictures/pending/", Fault::Status500);
    let key = presigned["key"].as_str().expect("a key");
    let _ = commit(&ada, key).await.expect(201);
    assert!(read(&ada, key).await.expect(200).body == content);
    s3.proxy.heal().await;
    // The sweep finds the mark, and the file, and takes away the mark alone.
    tests::eventually("the mark to go", || async {
        let marks = setup.objects().into_iter().filter(|path| path.to_string_lossy().contains("pending"));
        (marks.count() == 0).then_some(())
    })
    .await;
    assert!(read(&ada, key).await.expect(200).body == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_stops_coming_is_given_up_and_can_be_sent_again() {
    let builder = TestBff::builder().set("files.idle_ms", 200);
    let setup = Setup::with(Kind::Folder, builder).await;
    let ada = setup.bff.signed_in("ada").await;
    let content = picture(100_000, 3);
    let presigned = presign(&ada, &input(&content)).await;
    let url = presigned["parts"][0]["url"].as_str().expect("a URL");
    let half = content[..50_000].to_vec();
    let stalled = futures_util::stream::unfold(Some(half), |half| async {
        match half {
            Some(half) => Some((Ok::<_, std::io::Error>(half), None)),
            None => std::future::pending().await,
        }
    });
    let stalled = reqwest::Body::wrap_stream(stalled);
    let given_up = ada.request(Method::PUT, url).body(stalled).send().await;
    given_up.expect_problem(408, "body_timeout");
    let key = presigned["key"].as_str().expect("a key");
    commit(&ada, key).await.expect_problem(409, "incomplete");
    assert_eq!(std::fs::read_dir(setup.bff.folder().join("files/tmp")).expect("a folder").count(), 0);
    send_all(&ada, &presigned, &content).await;
    let _ = commit(&ada, key).await.expect(201);
    assert!(read(&ada, key).await.body == content);
}

/// A file system of its own over a folder; taken away at the end.
struct Mounted<'f>(&'f Path);

impl<'f> Mounted<'f> {
    /// Nothing where this machine does not let anybody mount.
    async fn small(folder: &'f Path) -> Option<Self> {
        let mount = format!("mount -t tmpfs -o size=2m tmpfs '{}'", folder.display());
        let done = Command::new("sh").args(["-c", &mount]).output().await.expect("a shell");
        done.status.success().then_some(Self(folder))
    }

    async fn again(&self, how: &str) {
        let mount = format!("mount -o remount,{how} '{}'", self.0.display());
        let done = Command::new("sh").args(["-c", &mount]).status().await.expect("a shell");
        assert!(done.success(), "{how}");
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg("-l").arg(self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "the file system is taken away");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_or_read_only_is_told_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let mounted = Mounted::small(folder.path()).await;
    let builder = TestBff::builder().set("files.url", format!("folder:{}", folder.path().display()));
    let bff = builder.spawn().await;
    let ada = bff.signed_in("ada").await;
    let content = picture(300_000, 4);
    let key = upload(&ada, &input(&content), &content).await;
    if let Some(mounted) = &mounted {
        let large = picture(1_500_000, 5);
        let presigned = presign(&ada, &input(&large)).await;
        // Another takes the room.
        let _ = upload(&ada, &input(&picture(900_000, 6)), &picture(900_000, 6)).await;
        let sent = super::send(&ada, &presigned["parts"][0], large.clone()).await;
        sent.expect_problem(507, "storage_full");
        let waiting = presigned["key"].as_str().expect("a key");
        commit(&ada, waiting).await.expect_problem(409, "incomplete");
        mounted.again("size=8m").await;
        send_all(&ada, &presigned, &large).await;
        let _ = commit(&ada, waiting).await.expect(201);

        mounted.again("ro").await;
        ada.post("/files/upload/presign", &input(&content)).await.expect_problem(503, "storage_unavailable");
        ada.delete(&format!("/files/{key}")).await.expect_problem(503, "storage_unavailable");
        assert!(read(&ada, &key).await.expect(200).body == content, "what is there is still read");
        mounted.again("rw").await;
    } else {
        // Where nothing can be mounted: the place of files that have no name yet is no folder.
        let tmp = folder.path().join("tmp");
        std::fs::remove_dir(&tmp).expect("an empty folder");
        std::fs::write(&tmp, "").expect("a file");
        ada.post("/files/upload/presign", &input(&content)).await.expect_problem(503, "storage_unavailable");
        assert!(read(&ada, &key).await.expect(200).body == content, "what is there is still read");
        std::fs::remove_file(&tmp).expect("a file");
        std::fs::create_dir(&tmp).expect("a folder");
    }
    let _ = ada.delete(&format!("/files/{key}")).await.expect(204);
    let _ = upload(&ada, &input(&content), &content).await;
    drop(bff);
}
