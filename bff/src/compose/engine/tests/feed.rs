//! A screen as products have them: a member, twenty posts with their writers and what they speak of, ten offers with theirs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use bytestring::ByteString;
use clients::UpstreamError;
use http::Method;
use schemas::Id;
use serde_json::{Value, json};

use super::declared::lookup;
use crate::compose::{
    engine::{Asked, AskingUser, Engine, Foresight, Host, PreparedCall, Times, Validity, entities_of},
    plan::{
        Access, CachePlan, CallPlan, DocumentField, FieldSource, JoinId, JoinPlan, JoinPoint, JoinSource,
        LookupId, LookupPlan, MemoryId, PartId, PartPlan, PathPiece, PerView, RoutePlan, RouteShape,
        ScreenPlan, TagTemplate, UpstreamId, UserField, Value as Placed,
    },
    scan::{Capture, Export, Field, JoinPlace, Node, NodeId, Place, Plan, PlanBuilder, Types},
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

const PARTS: [&str; 3] = ["me", "posts", "offers"];
const LOOKUPS: [&str; 2] = ["members", "cards"];

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

    fn hash_tag(&self, tag: &str) -> u64 {
        crate::compose::engine::slots::hash(tag)
    }

    fn generation(&self) -> u64 {
        1_234_567
    }

    fn validity(&self, _: &[u64], _: u64) -> Validity {
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

struct Shaping(PlanBuilder);

impl Shaping {
    fn leaf(&mut self, types: Types, capture: Option<u16>) -> NodeId {
        self.0.add(Node { capture: capture.map(Capture), ..Node::of(types) })
    }

    /// An object of strings and numbers. `ids`: fields with their capture, and whether they leave.
    fn object(
        &mut self,
        texts: &[&str],
        numbers: &[&str],
        ids: &[(&str, u16, bool)],
        joins: &[(u16, &str, u16)],
    ) -> NodeId {
        let mut fields = Vec::new();
        let mut field = |name: &str, value, kept| {
            fields.push(Field {
                name: name.into(),
                value,
                required: true,
                kept,
                renamed: None,
                absent: None,
            });
        };
        for name in texts {
            let value = self.leaf(Types::STRING, (*name == "id").then_some(9));
            field(name, value, true);
        }
        for (name, capture, kept) in ids {
            let value = self.leaf(Types::STRING, Some(*capture));
            field(name, value, *kept);
        }
        for name in numbers {
            let value = self.leaf(Types::INTEGER.or(Types::BOOLEAN), None);
            field(name, value, true);
        }
        let joins = joins.iter().map(|(place, name, of)| JoinPlace {
            place: Place(*place),
            key: format!("\"{name}\":").into_bytes().into(),
            of: Capture(*of),
        });
        let joins = joins.collect();
        self.0.add(Node { fields, keep_others: false, joins, ..Node::of(Types::OBJECT) })
    }

    fn page(mut self, item: NodeId) -> Plan {
        let items = self.0.add(Node { items: Some(item), export: Some(Export(0)), ..Node::of(Types::ARRAY) });
        let cursor = self.0.add(Node { export: Some(Export(1)), ..Node::of(Types::STRING.or(Types::NULL)) });
        let field = |name: &str, value, required| Field {
            name: name.into(),
            value,
            required,
            kept: true,
            renamed: None,
            absent: None,
        };
        let fields = vec![field("items", items, true), field("nextCursor", cursor, false)];
        let root = self.0.add(Node { fields, ..Node::of(Types::OBJECT) });
        self.0.finish(root, false)
    }
}

const OFFER: ([&str; 3], [&str; 5]) =
    (["id", "title", "createdAt"], ["totalCost", "servings", "likeCount", "likedByMe", "commentCount"]);

fn full<T>(plan: T) -> PerView<T> {
    PerView { full: plan, compact: None }
}

pub(super) fn engine() -> Engine {
    let mut me = Shaping(PlanBuilder::default());
    let root = me.object(&["id", "username", "displayName", "bio", "createdAt"], &[], &[], &[]);
    me.0.node_mut(root).export = Some(Export(0));
    let me = me.0.finish(root, false);
    let mut posts = Shaping(PlanBuilder::default());
    let post = posts.object(
        &["id", "text", "createdAt"],
        &["likeCount", "likedByMe"],
        &[("authorId", 0, false), ("cardId", 1, false)],
        &[(0, "author", 0), (1, "card", 1)],
    );
    let posts = posts.page(post);
    let offer = |place: u16| {
        let mut shaping = Shaping(PlanBuilder::default());
        let one = shaping.object(&OFFER.0, &OFFER.1, &[("authorId", 0, true)], &[(place, "author", 0)]);
        (shaping, one)
    };
    let (offers, one) = offer(2);
    let offers = offers.page(one);
    let (card, one) = offer(3);
    let card = card.0.finish(one, true);
    let part = |number: u16, name, scan, tag: &str, tags_of: &str| PartPlan {
        name,
        call: CallPlan {
            upstream: UpstreamId(number),
            operation: "test",
            method: Method::GET,
            path: [PathPiece::Text("/x".into())].into(),
            query: Box::default(),
            send: Box::default(),
            body: None,
            for_nobody: false,
        },
        needs: Box::default(),
        required: number == 0,
        subject: false,
        share: (number > 0).then_some(0.7),
        page: None,
        when: None,
        otherwise: None,
        not_found_is_otherwise: false,
        scan: full(scan),
        further: full(Box::default()),
        expect: Box::default(),
        tags: [TagTemplate { kind: tag.into(), id: Some(Placed::User(UserField::Id)) }].into(),
        tags_of: [(tags_of.into(), Capture(9))].into(),
        remember: Box::default(),
    };
    let point = |source, ids: u16, place: u16, scan| JoinPoint {
        source,
        ids: Capture(ids),
        place: Place(place),
        scan: full(scan),
    };
    let field = |name: &'static str, part: u16, export: u16| DocumentField {
        name,
        key: format!("\"{name}\":").into_bytes().into(),
        source: FieldSource::Part(PartId(part), Export(export)),
        only_full: false,
    };
    let plan = ScreenPlan {
        name: "feed",
        path: "/bff/feed".into(),
        access: Access::SignedIn,
        vary_by_session: false,
        params: Box::default(),
        parts: [
            part(0, "me", me, "member", "own"),
            part(1, "posts", posts, "feed", "post"),
            part(2, "offers", offers, "offers", "offer"),
        ]
        .into(),
        joins: [
            JoinPlan {
                part: "authors",
                lookup: LookupId(0),
                points: [
                    point(JoinSource::Part(PartId(1)), 0, 0, None),
                    point(JoinSource::Part(PartId(2)), 0, 2, None),
                    point(JoinSource::Join(JoinId(1)), 0, 3, None),
                ]
                .into(),
            },
            JoinPlan {
                part: "offers",
                lookup: LookupId(1),
                points: [point(JoinSource::Part(PartId(1)), 1, 1, Some(card))].into(),
            },
        ]
        .into(),
        document: [field("me", 0, 0), field("posts", 1, 0), field("offers", 2, 0), field("nextCursor", 1, 1)]
            .into(),
        at_least_one: [[1, 2].into()].into(),
        cache: CachePlan::default(),
    };
    let lookups: Vec<_> = [lookup(0, false), lookup(1, false)].into_iter().map(Arc::new).collect();
    Engine::new(plan.into(), &lookups).expect("look-ups")
}

pub(super) fn user() -> AskingUser {
    AskingUser { id: Id::new("me").expect("an id"), username: None, display_name: None, card: None }
}

pub(super) fn asked(user: &AskingUser) -> Asked<'_> {
    Asked { params: &[], user: Some(user), session: None, compact: false }
}

/// A route that passes posts through, each with its writer.
pub(super) fn route() -> (RoutePlan, Vec<Arc<LookupPlan>>) {
    let mut posts = Shaping(PlanBuilder::default());
    let post = posts.object(
        &["id", "text", "createdAt"],
        &["likeCount", "likedByMe"],
        &[("authorId", 0, false), ("cardId", 1, true)],
        &[(0, "author", 0)],
    );
    let items = posts.0.add(Node { items: Some(post), ..Node::of(Types::ARRAY) });
    let items =
        Field { name: "items".into(), value: items, required: true, kept: true, renamed: None, absent: None };
    let root = posts.0.add(Node { fields: vec![items], ..Node::of(Types::OBJECT) });
    let point =
        JoinPoint { source: JoinSource::Part(PartId(0)), ids: Capture(0), place: Place(0), scan: full(None) };
    let route = RoutePlan {
        name: "posts",
        path: "/api/posts".into(),
        method: Method::GET,
        access: Access::SignedIn,
        params: Box::default(),
        call: engine().plan().parts[1].call.clone(),
        shape: Some(RouteShape { scan: posts.0.finish(root, true), verbatim: false }),
        status: 200,
        location: None,
        body: None,
        joins: [JoinPlan { part: "authors", lookup: LookupId(0), points: [point].into() }].into(),
        expect: Box::default(),
        add: Box::default(),
        drops_mine: Box::default(),
        drops: Box::default(),
        announce: None,
        remember: Box::default(),
        recall: Box::default(),
        idempotent_key: false,
        profile: false,
        if_match: false,
        passes: Box::default(),
        stream: None,
    };
    (route, vec![Arc::new(lookup(0, false))])
}
