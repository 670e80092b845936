//! Uploads at random against a model, while the gateway is killed in between: nothing that was not committed can be read,
//! and nothing that was is lost.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::{Actor, figures};

use super::{BOTH, PART, Setup, commit, input, picture, presign, read, send, slice};

const UPLOADS: usize = 100;

/// What is known of an upload.
struct Upload {
    content: Vec<u8>,
    presigned: Value,
    sent: Vec<bool>,
    /// `None`: its commit was under way when the gateway was killed.
    committed: Option<bool>,
    deleted: bool,
    /// Its parts may have been put together already, so that no more are taken.
    assembled: bool,
}

/// Small numbers that look random, and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("small")
    }
}

fn key(upload: &Upload) -> &str {
    upload.presigned["key"].as_str().expect("a key")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_random_uploads_hold_through_kill_9() {
    for (kind, seed) in BOTH.into_iter().zip([0x5eed_0001, 0x5eed_0002]) {
        let builder = tests::TestBff::builder().set("files.per_user_day_bytes", 1_u64 << 40);
        let mut setup = Setup::with(kind, builder).await;
        let mut ada = setup.bff.signed_in("ada").await;
        let mut dice = Dice(seed);
        let mut uploads: BTreeMap<usize, Upload> = BTreeMap::new();
        let mut killed = 0;
        for number in 0..UPLOADS {
            let size = if dice.roll(20) == 0 { PART + dice.roll(5000) } else { 30 + dice.roll(20_000) };
            let content = picture(size, number as u64 + seed);
            let presigned = presign(&ada, &input(&content)).await;
            let sent = vec![false; presigned["parts"].as_array().expect("parts").len()];
            uploads.insert(
                number,
                Upload { content, presigned, sent, committed: Some(false), deleted: false, assembled: false },
            );
            // Something happens to three of those that there are.
            for _ in 0..3 {
                let chosen = dice.roll(uploads.len());
                let step = dice.roll(10);
                let upload = uploads.get_mut(&chosen).expect("it was begun");
                act(&ada, upload, step, &mut dice).await;
            }
            if number % 17 == 16 {
                killed += 1;
                kill_in_between(&mut setup, &mut ada, &mut uploads, &mut dice).await;
            }
        }
        check(&setup, &mut uploads).await;
        let committed = uploads.values().filter(|upload| upload.committed == Some(true)).count();
        assert!(committed > 10, "{kind:?}: {committed}");
        figures::note(
            &format!("random uploads through {kind:?}"),
            format!("{UPLOADS}, of which {committed} were committed; killed {killed} times"),
        );
    }
}

async fn act(ada: &Actor, upload: &mut Upload, step: usize, dice: &mut Dice) {
    match step {
        0..5 => {
            let parts = upload.presigned["parts"].as_array().expect("parts");
            let which = dice.roll(parts.len());
            let sent = send(ada, &parts[which], slice(&upload.content, &parts[which])).await;
            let open = upload.committed == Some(false) && !upload.deleted;
            let taken = sent.status.is_success();
            assert!(taken == open || upload.assembled, "{} {}", sent.status, sent.text());
            upload.sent[which] |= taken;
        }
        5..9 => {
            let status = commit(ada, key(upload)).await.status.as_u16();
            let expected = match upload {
                Upload { deleted: true, .. } => 404,
                Upload { committed: Some(true), .. } => 201,
                Upload { sent, .. } if sent.iter().all(|sent| *sent) => 201,
                _ => 409,
            };
            assert_eq!(status, expected);
            upload.committed = Some(status == 201 || upload.committed == Some(true));
        }
        _ => {
            let status = ada.delete(&format!("/files/{}", key(upload))).await.status.as_u16();
            assert_eq!(status, if upload.deleted { 404 } else { 204 });
            upload.deleted = true;
        }
    }
    let answer = read(ada, key(upload)).await;
    if upload.committed == Some(true) && !upload.deleted {
        assert!(answer.expect(200).body == upload.content);
    } else {
        answer.expect_problem(404, "not_found");
    }
}

/// `kill -9` while commits and parts are under way; afterwards everything is as it was answered, and what was not answered is
/// one or the other.
async fn kill_in_between(
    setup: &mut Setup,
    ada: &mut Actor,
    uploads: &mut BTreeMap<usize, Upload>,
    dice: &mut Dice,
) {
    let open: Vec<usize> = uploads
        .iter()
        .filter(|(_, upload)| upload.committed == Some(false) && !upload.deleted)
        .map(|(number, _)| *number)
        .take(4)
        .collect();
    for number in &open {
        let upload = uploads.get_mut(number).expect("it was begun");
        let parts = upload.presigned["parts"].as_array().expect("parts");
        for (which, part) in parts.iter().enumerate() {
            let taken = send(ada, part, slice(&upload.content, part)).await.status.is_success();
            assert!(taken || upload.assembled);
            upload.sent[which] = true;
        }
    }
    let commits: Vec<_> = open
        .iter()
        .map(|number| {
            let request = ada.from_page(reqwest::Method::POST, "/files/upload/commit");
            let body = serde_json::json!({ "key": key(&uploads[number]) });
            tokio::spawn(request.json(&body).try_send())
        })
        .collect();
    // Somewhere in the middle of it.
    tokio::time::sleep(std::time::Duration::from_micros(200 + 400 * dice.roll(20) as u64)).await;
    setup.bff.kill9().await;
    for (number, commit) in open.iter().zip(commits) {
        let answered = commit.await.expect("no panic").ok().map(|answer| answer.status.as_u16());
        let upload = uploads.get_mut(number).expect("it was begun");
        upload.committed = if answered == Some(201) { Some(true) } else { None };
    }
    setup.bff.restart().await;
    *ada = setup.bff.called_by(ada);
    check(setup, uploads).await;
}

async fn check(setup: &Setup, uploads: &mut BTreeMap<usize, Upload>) {
    let anybody = setup.bff.anonymous();
    for upload in uploads.values_mut() {
        let answer = read(&anybody, key(upload)).await;
        match (upload.committed, upload.deleted) {
            (Some(true), false) => assert!(answer.expect(200).body == upload.content, "nothing is lost"),
            (None, false) if answer.status == 200 => {
                assert!(answer.body == upload.content, "whole or not at all");
                upload.committed = Some(true);
            }
            (None, false) => {
                answer.expect_problem(404, "not_found");
                (upload.committed, upload.assembled) = (Some(false), true);
            }
            _ => answer.expect_problem(404, "not_found"),
        }
    }
}
