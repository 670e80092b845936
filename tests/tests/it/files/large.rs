//! Large files: the gateway's memory does not grow with them.

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use tests::{TestBff, figures};

use super::{BOTH, Kind, Setup, commit, input, picture, presign, read, send, slice};

const SIZE: usize = 100 << 20;
/// What a gateway may take beside the file: buffers of a few connections, and what the allocator keeps.
const ROOM_KIB: u64 = 40 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_mebibytes_go_through_without_being_in_memory() {
    for kind in BOTH {
        let builder = TestBff::builder().set("http.workers", 2);
        let setup = Setup::with(kind, builder).await;
        let ada = setup.bff.signed_in("ada").await;
        let content = picture(SIZE, 1);
        // The first upload brings what every one needs: threads, connections, code.
        let small = picture(20 << 20, 2);
        let _ = super::upload(&ada, &input(&small), &small).await;
        let (before, _) = setup.bff.memory_kib();
        let mut whole = input(&content);
        whole["checksum"] = json!(format!(
            "sha256:{}",
            Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        ));
        let presigned = presign(&ada, &whole).await;
        let parts = presigned["parts"].as_array().expect("parts");
        assert_eq!(parts.len(), 13);
        let sending = futures_util::stream::iter(parts).map(|part| send(&ada, part, slice(&content, part)));
        let sent: Vec<_> = sending.buffer_unordered(4).collect().await;
        assert!(sent.iter().all(|answer| answer.status.is_success()), "{kind:?}");
        let key = presigned["key"].as_str().expect("a key");
        // Looks at every byte, for the checksum.
        let _ = commit(&ada, key).await.expect(201);
        assert!(read(&ada, key).await.expect(200).body == content, "{kind:?}");
        let (_, most) = setup.bff.memory_kib();
        let grown = most.saturating_sub(before);
        figures::note(
            &format!("100 MiB through {kind:?}: what the gateway's memory grew by at its most"),
            format!("{grown} KiB over {before} KiB"),
        );
        assert!(grown < ROOM_KIB, "{kind:?}: {before} KiB before, {most} KiB at the most");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_takes_nothing_costs_a_buffer_and_not_the_file() {
    let setup = Setup::start(Kind::Folder).await;
    let ada = setup.bff.signed_in("ada").await;
    let content = picture(60 << 20, 3);
    let key = super::upload(&ada, &input(&content), &content).await;
    let (before, _) = setup.bff.memory_kib();
    let url = format!("{}/files/{key}", setup.bff.url());
    #[expect(clippy::disallowed_methods, reason = "a caller of the gateway, not the gateway")]
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let answer = client.request(Method::GET, &url).send().await.expect("an answer");
        waiting.push(answer.bytes_stream());
    }
    // The first piece of each has come: the gateway has begun to read, and waits for whoever does not.
    for stream in &mut waiting {
        let _ = stream.next().await.expect("a piece").expect("bytes");
    }
    let (now, _) = setup.bff.memory_kib();
    let grown = now.saturating_sub(before);
    figures::note(
        "eight readers of 60 MiB who wait: what the gateway's memory grew by",
        format!("{grown} KiB"),
    );
    assert!(grown < ROOM_KIB, "{before} KiB before, {now} KiB now");
}
