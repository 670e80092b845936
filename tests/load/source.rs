//! What the upstreams of a home feed hold: rendered once, so that an answer costs them nothing but its bytes. Ids differ from
//! one feed to the next: no two users' feeds are made by the same authors.

use serde_json::{Value, json};

/// Feeds that differ. More than are under way at once, so that look-ups are not shared by chance.
const FEEDS: usize = 256;
const POSTS: usize = 20;
const RECIPES: usize = 10;
const AUTHORS: usize = 8;
const TIME: &str = "2026-11-27T09:30:00.123Z";

/// Answers of all upstreams.
pub(crate) struct Source {
    timelines: Vec<Vec<u8>>,
    recipes: Vec<Vec<u8>>,
    whole_timelines: Vec<Vec<u8>>,
    whole_recipes: Vec<Vec<u8>>,
}

impl Source {
    pub(crate) fn new() -> Self {
        let of = |make: &dyn Fn(usize) -> Value| {
            (0..FEEDS).map(|feed| make(feed).to_string().into_bytes()).collect()
        };
        Self {
            timelines: of(&|feed| page((0..POSTS).map(|place| post(feed, place)).collect())),
            recipes: of(
                &|feed| json!({ "items": (0..RECIPES).map(|place| card(feed, place)).collect::<Vec<_>>() }),
            ),
            whole_timelines: of(&|feed| page((0..POSTS).map(|place| whole_post(feed, place)).collect())),
            whole_recipes: of(
                &|feed| json!({ "items": (0..RECIPES).map(|place| whole_card(feed, place)).collect::<Vec<_>>() }),
            ),
        }
    }

    /// The answer to a call, and whether there is any. `number` counts calls.
    pub(crate) fn answer(
        &self,
        target: &str,
        body: &[u8],
        number: usize,
    ) -> Option<std::borrow::Cow<'_, [u8]>> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let whole = query.contains("whole=1");
        let one = |of: &'_ [Vec<u8>]| -> usize { number % of.len() };
        let listed = |make: &dyn Fn(&str) -> Value| {
            let ids = query.split('&').filter_map(|pair| pair.strip_prefix("ids="));
            let items: Vec<_> = ids.flat_map(|ids| ids.split(',')).map(make).collect();
            Some(json!({ "items": items }).to_string().into_bytes().into())
        };
        match path {
            "/timeline" if whole => Some((&self.whole_timelines[one(&self.whole_timelines)][..]).into()),
            "/timeline" => Some((&self.timelines[one(&self.timelines)][..]).into()),
            "/recipes/for-me" if whole => Some((&self.whole_recipes[one(&self.whole_recipes)][..]).into()),
            "/recipes/for-me" => Some((&self.recipes[one(&self.recipes)][..]).into()),
            "/recipes/cards" => listed(&|id| {
                let mut numbers =
                    id.trim_start_matches("recipe-").split('-').map(|one| one.parse().unwrap_or(0));
                card(numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
            }),
            "/members" => listed(&member),
            // Whoever signs in is who they say.
            "/members/verify" => {
                let credentials: Value = serde_json::from_slice(body).ok()?;
                Some(own(credentials["login"].as_str()?).to_string().into_bytes().into())
            }
            _ => {
                let id = path.strip_prefix("/members/")?;
                Some(profile(id).to_string().into_bytes().into())
            }
        }
    }
}

fn page(items: Vec<Value>) -> Value {
    json!({ "items": items, "nextCursor": "MDE5M2E4ZjAtNzAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAw" })
}

fn profile(id: &str) -> Value {
    json!({
        "id": id, "username": format!("{id}.name"), "displayName": "김민수", "bio": "집밥을 합니다.", "avatarUrl": null,
        "createdAt": TIME,
    })
}

fn own(id: &str) -> Value {
    let mut own = profile(id);
    own["email"] = json!(format!("{id}@mail.example"));
    own["totpEnabled"] = json!(false);
    own
}

fn member(id: &str) -> Value {
    json!({ "id": id, "username": "minsu.kim", "displayName": "김민수", "avatarUrl": null })
}

fn author(feed: usize, place: usize) -> String {
    format!("0193a8f0-{feed:04x}-7000-8000-{:012x}", place % AUTHORS)
}

fn post(feed: usize, place: usize) -> Value {
    let recipe = place.is_multiple_of(2).then(|| format!("recipe-{feed}-{place}"));
    let text = if recipe.is_some() {
        "오늘 저녁은 이것. 한 그릇 값이 커피 한 잔보다 싸요."
    } else {
        "좋은 아침"
    };
    json!({
        "id": format!("0193a8f1-{feed:04x}-7000-8000-{place:012x}"), "authorId": author(feed, place), "text": text,
        "createdAt": TIME, "likeCount": 3, "likedByMe": false, "recipeId": recipe,
    })
}

fn card(feed: usize, place: usize) -> Value {
    json!({
        "id": format!("recipe-{feed}-{place}"), "title": format!("돼지고기 김치찌개 {place}"), "authorId": author(feed, place),
        "createdAt": TIME, "totalCost": 5200, "costPerServing": 1300, "currency": "KRW", "servings": 4, "likeCount": 12,
        "likedByMe": false, "commentCount": 4, "photoUrl": null,
    })
}

fn whole_card(feed: usize, place: usize) -> Value {
    let mut card = card(feed, place);
    card["author"] = member(&author(feed, place));
    card
}

fn whole_post(feed: usize, place: usize) -> Value {
    let mut post = post(feed, place);
    post["author"] = member(&author(feed, place));
    post["recipe"] = if place.is_multiple_of(2) { whole_card(feed, place) } else { Value::Null };
    for hidden in ["authorId", "recipeId"] {
        let _ = post.as_object_mut().and_then(|post| post.remove(hidden));
    }
    post
}
