//! A screen as products have them: a member, twenty posts with their writers and what they speak of, ten offers with theirs.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use clients::UpstreamError;
use schemas::Id;
use serde_json::{Value, json};

use super::declared::lookup;
use crate::compose::{
    engine::{Asked, AskingUser, Foresight, Host, PreparedCall, Times, Validity, entities_of},
    plan::{CallPlan, LookupId, LookupPlan, MemoryId},
};

pub(super) const TIMES: Times = Times {
    deadline: Duration::from_millis(800),
    fresh: Duration::from_secs(5),
    usable: Duration::from_secs(600),
};

fn id(kind: &str, number: usize) -> String {
    format!("{kind}192f5a0-7c3e-7b1a-9d55-2f6d3c1b8{number:03}")
}

/// What upstreams say, as bytes.
pub(super) struct Feed {
    pub(super) parts: [Bytes; 3],
    pub(super) members: HashMap<String, ByteString>,
    pub(super) offers: HashMap<String, ByteString>,
    /// Answers of the look-ups, each for all ids, where they are to be scanned.
    pub(super) batches: [Bytes; 2],
    pub(super) scans_batches: bool,
    lookups: [LookupPlan; 2],
    /// Calls and look-ups so far.
    pub(super) calls: Mutex<Vec<String>>,
    pub(super) streamed: bool,
    pub(super) handed_out: Mutex<Vec<&'static str>>,
    pub(super) failing: Vec<&'static str>,
    pub(super) hanging: Vec<&'static str>,
    pub(super) foresight: Foresight,
}

fn offer(number: usize) -> Value {
    json!({
        "id": id("0", number), "title": format!("Kimchi stew number {number}"), "authorId": id("1", 10 + number % 12),
        "createdAt": "2026-11-01T10:00:00Z", "totalCost": 12_300, "servings": 4, "likeCount": 17, "likedByMe": false,
        "commentCount": 3,
    })
}

fn member(number: usize) -> Value {
    json!({
        "id": id("1", number), "username": format!("member{number}"), "displayName": format!("Member Number {number}"),
        "avatarUrl": format!("https://img.example.org/avatars/{number}.webp"),
    })
}

impl Feed {
    pub(super) fn new() -> Self {
        let post = |number: usize| {
            json!({
                "id": id("2", number), "authorId": id("1", number % 9),
                "text": "A few words about dinner, which was good, and about the evening after it.",
                "createdAt": "2026-11-02T10:00:00Z", "likeCount": number, "likedByMe": true, "cardId": id("0", number),
            })
        };
        let posts = json!({ "items": (0..20).map(post).collect::<Vec<_>>(), "nextCursor": "abcdefgh" });
        let offers = json!({ "items": (30..40).map(offer).collect::<Vec<_>>() });
        let me = json!({ "id": "me", "username": "me", "displayName": "Me", "bio": "short", "createdAt": "2026-01-01" });
        let text = |value: Value| ByteString::from(value.to_string());
        // Of what the feed names: members 0 to 21, and offers 0 to 19.
        let members: Vec<_> = (0..22).map(member).collect();
        let batches = [members, (0..20).map(offer).collect()];
        Self {
            parts: [me, posts, offers].map(|value| value.to_string().into()),
            members: (0..30).map(|number| (id("1", number), text(member(number)))).collect(),
            offers: (0..40).map(|number| (id("0", number), text(offer(number)))).collect(),
            batches: batches.map(|items| json!({ "items": items }).to_string().into()),
            scans_batches: false,
            lookups: [lookup(0, false), lookup(1, false)],
            calls: Mutex::default(),
            streamed: false,
            handed_out: Mutex::default(),
            failing: Vec::new(),
            hanging: Vec::new(),
            foresight: Foresight::new(1000),
        }
    }

    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().expect("not poisoned"))
    }

    async fn begin(&self, call: &'static str) -> Result<(), UpstreamError> {
        self.calls.lock().expect("not poisoned").push(call.to_owned());
        if self.hanging.contains(&call) {
            std::future::pending::<()>().await;
        }
        if self.failing.contains(&call) { Err(super::world::status(500)) } else { Ok(()) }
    }
}

pub(super) const PARTS: [&str; 3] = ["me", "posts", "offers"];
pub(super) const LOOKUPS: [&str; 2] = ["members", "cards"];

impl Host for Feed {
    async fn call(&self, plan: &CallPlan, _: PreparedCall) -> Result<Bytes, UpstreamError> {
        let part = usize::from(plan.upstream.0);
        self.begin(PARTS[part]).await?;
        Ok(self.parts[part].clone())
    }

    async fn look_up(
        &self,
        lookup: LookupId,
        ids: Vec<Id>,
    ) -> Result<Vec<Option<ByteString>>, UpstreamError> {
        self.begin(LOOKUPS[lookup.index()]).await?;
        if self.scans_batches {
            let mut all: HashMap<String, ByteString> = HashMap::with_capacity(ids.len());
            let scanned =
                entities_of(&self.lookups[lookup.index()], &self.batches[lookup.index()], |id, entity| {
                    all.insert(id.to_owned(), entity);
                });
            scanned.expect("it fits");
            return Ok(ids.iter().map(|id| all.get(id.as_str()).cloned()).collect());
        }
        let known = [&self.members, &self.offers][lookup.index()];
        Ok(ids.iter().map(|id| known.get(id.as_str()).cloned()).collect())
    }

    async fn look_up_one(&self, lookup: LookupId, id: Id) -> Result<Option<ByteString>, UpstreamError> {
        Ok(self.look_up(lookup, vec![id]).await?.pop().flatten())
    }

    fn shared(&self, _: LookupId, _: &str) -> Option<Option<ByteString>> {
        None
    }

    fn foresight(&self) -> Option<&Foresight> {
        Some(&self.foresight)
    }

    fn remember(&self, _: MemoryId, _: &str, _: &str) {}

    fn hash_tag(&self, tag: &str) -> u32 {
        crate::compose::engine::slots::hash(tag) as u32
    }

    fn generation(&self) -> u64 {
        1_234_567
    }

    fn validity(&self, _: &[u32], _: u64) -> Validity {
        Validity::Valid
    }

    fn is_streamed(&self) -> bool {
        self.streamed
    }

    fn hand_out(&self, field: &'static str, _: Bytes) {
        self.handed_out.lock().expect("not poisoned").push(field);
    }

    fn observe(&self, _: &'static str, _: &'static str, _: Duration) {}
}

pub(super) fn user() -> AskingUser {
    AskingUser { id: Id::new("me").expect("an id"), username: None, display_name: None, card: None }
}

pub(super) fn asked(user: &AskingUser) -> Asked<'_> {
    Asked { params: &[], user: Some(user), session: None, compact: false }
}
