//! What a composition costs, beside a copy of the same slices and beside typed values. Not run with the others: build it
//! optimised (`cargo test --config 'profile.dev.package.bff.opt-level=3' --workspace --lib -- --ignored --nocapture speed`).

use std::{
    collections::{BTreeSet, HashMap},
    hint::black_box,
    time::{Duration, Instant},
};

use schemas::{DegradedPart, Id};
use serde::{Deserialize, Serialize};

use super::{
    feed::{Feed, TIMES, asked, user},
    feed_plan::engine,
    run,
};
use crate::compose::engine::Previous;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Me {
    id: Id,
    username: String,
    display_name: String,
    bio: String,
    created_at: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Post {
    id: Id,
    author_id: Id,
    text: String,
    created_at: String,
    like_count: u64,
    liked_by_me: bool,
    card_id: Option<Id>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    id: Id,
    title: String,
    author_id: Id,
    created_at: String,
    total_cost: u64,
    servings: u32,
    like_count: u64,
    liked_by_me: bool,
    comment_count: u64,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    id: Id,
    username: String,
    display_name: String,
    avatar_url: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct WithAuthor<'d> {
    #[serde(flatten)]
    offer: &'d Offer,
    author: Option<&'d Member>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FullPost<'d> {
    id: &'d Id,
    text: &'d str,
    created_at: &'d str,
    like_count: u64,
    liked_by_me: bool,
    author: Option<&'d Member>,
    card: Option<WithAuthor<'d>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'d> {
    me: &'d Me,
    posts: Vec<FullPost<'d>>,
    offers: Vec<WithAuthor<'d>>,
    next_cursor: Option<&'d str>,
    degraded: Vec<DegradedPart>,
}

/// As screens in types do it: parsed, weighed, joined, written; without their calls, tasks and timers.
fn typed(feed: &Feed) -> Vec<u8> {
    use crate::compose::run::weight;
    let me: Me = serde_json::from_slice(&feed.parts[0]).expect("JSON");
    let posts: Page<Post> = serde_json::from_slice(&feed.parts[1]).expect("JSON");
    let offers: Page<Offer> = serde_json::from_slice(&feed.parts[2]).expect("JSON");
    let mut weights = weight(&me) + weight(&posts) + weight(&offers);
    let cards: Page<Offer> = serde_json::from_slice(&feed.batches[1]).expect("JSON");
    let cards: HashMap<Id, Offer> = cards.items.into_iter().map(|card| (card.id.clone(), card)).collect();
    let writers = posts.items.iter().map(|post| &post.author_id);
    let writers = writers.chain(offers.items.iter().chain(cards.values()).map(|offer| &offer.author_id));
    let writers: BTreeSet<Id> = writers.cloned().collect();
    let members: Page<Member> = serde_json::from_slice(&feed.batches[0]).expect("JSON");
    let members: HashMap<Id, Member> =
        members.items.into_iter().map(|member| (member.id.clone(), member)).collect();
    let members: HashMap<Id, Member> =
        writers.into_iter().filter_map(|id| members.get(&id).cloned().map(|member| (id, member))).collect();
    weights += cards.values().map(weight).sum::<usize>() + members.values().map(weight).sum::<usize>();
    black_box(weights);
    let with_author = |offer| WithAuthor { offer, author: members.get(&offer.author_id) };
    let posts_of: Vec<FullPost<'_>> = posts
        .items
        .iter()
        .map(|post| FullPost {
            id: &post.id,
            text: &post.text,
            created_at: &post.created_at,
            like_count: post.like_count,
            liked_by_me: post.liked_by_me,
            author: members.get(&post.author_id),
            card: post.card_id.as_ref().and_then(|id| cards.get(id)).map(with_author),
        })
        .collect();
    let document = Document {
        me: &me,
        posts: posts_of,
        offers: offers.items.iter().map(with_author).collect(),
        next_cursor: posts.next_cursor.as_deref(),
        degraded: Vec::new(),
    };
    let mut body = serde_json::to_vec(&document).expect("JSON");
    body.shrink_to_fit();
    body
}

fn nanoseconds(rounds: u32, mut one: impl FnMut()) -> u128 {
    let mut best = u128::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        (0..rounds).for_each(|_| one());
        best = best.min(began.elapsed().as_nanos() / u128::from(rounds));
    }
    best
}

#[test]
#[expect(clippy::print_stdout, reason = "it measures")]
#[ignore = "measures; says nothing when it is not optimised"]
fn speed() {
    let mut feed = Feed::new();
    let (engine, user) = (engine(), user());
    let compose = |feed: &Feed, previous: Option<Previous<'_>>| {
        run(engine.compose(feed, &asked(&user), previous, TIMES)).expect("composed")
    };
    compose(&feed, None);
    feed.scans_batches = true;
    let first = compose(&feed, None);
    let values = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON");
    assert_eq!(values(&typed(&feed)), values(&first.body.in_a_row()), "or they do not do the same");
    let whole = first.body.in_a_row();
    let slices: Vec<&[u8]> = whole.chunks(64).collect();
    let copy = nanoseconds(2000, || {
        let mut out = Vec::with_capacity(first.body.len());
        slices.iter().for_each(|slice| out.extend_from_slice(slice));
        black_box(out);
    });
    let raw = nanoseconds(500, || drop(black_box(compose(&feed, None))));
    let scans = nanoseconds(500, || {
        for (part, bytes) in feed.parts.iter().enumerate() {
            let _ = black_box(engine.plan().parts[part].scan.full.scan(bytes));
        }
    });
    feed.scans_batches = false;
    let without_batches = nanoseconds(500, || drop(black_box(compose(&feed, None))));
    let previous = Some(Previous { kept: &first.kept, reuse_after: None, foresees: false });
    let again = nanoseconds(500, || drop(black_box(compose(&feed, previous))));
    let types = nanoseconds(500, || drop(black_box(typed(&feed))));
    println!(
        "{} bytes: copy {copy} ns, composed {raw} ns (of which scans of parts {scans} ns, of look-ups {} ns), again \
         from what was kept {again} ns, typed {types} ns",
        first.body.len(),
        raw.saturating_sub(without_batches)
    );
    assert!(Duration::from_nanos(u64::try_from(raw).unwrap_or(0)) > Duration::ZERO);
}
