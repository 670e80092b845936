//! One story, told by all examples of the contract: Ada publishes a bowl of rice with eggs, and Bora likes it.
//! Members, recipe and prices are those of the reference services.
//!
//! Examples are values of the very types, so that a field that gets another name gets it in its example as well.

mod examples;

use serde::Serialize;
use serde_json::Value;

use crate::{
    Amount, Comment, FeedPost, Id, Ingredient, Me, Member, MemberCard, Post, RawText, Recipe, RecipeCard,
    RecipeCardWithAuthor, RecipeIngredient, Rfc3339, cost, cost_per_serving,
};

/// An instance as it is on the wire, for the contract.
pub trait Example {
    /// A whole and consistent one.
    fn example() -> Value;
}

/// The request of which problem documents tell.
pub const REQUEST_ID: &str = "0192f5a09e217c408d113b5a7e9c2f04";

const ADA: &str = "01930000-0000-7000-8000-00000000ada0";
const BORA: &str = "01930000-0000-7000-8000-0000000b0ba0";
const RECIPE: &str = "01930000-0000-7001-8000-000000000002";
const COMMENT: &str = "01930000-0000-7002-8000-000000000003";
const POST: &str = "01930000-0000-7003-8000-000000000001";
const SESSION: &str = "q1Zx0bTn3uKcW7sR";
const CSRF: &str = "zC3b0mVq1o9aG4sYxk2dQe7uTnLhW8rJfPiM5vXcKtE";
const REFRESH: &str = "rt_8f3vT0hXq8mZk1c5uJr7WgN2sLb6yDpQ";
const TITLE: &str = "간장달걀밥";
const BODY: &str = "1. 달걀 두 개를 반숙으로 부친다.\n2. 뜨거운 밥에 올리고 비빈다.";

/// Ids, times and amounts of the story are sound: a test makes all of it.
fn read<T: serde::de::DeserializeOwned>(text: Value) -> T {
    serde_json::from_value(text).expect("what the story says is sound")
}

fn id(text: &str) -> Id {
    read(text.into())
}

fn time(text: &str) -> Rfc3339 {
    read(text.into())
}

fn published() -> Rfc3339 {
    time("2026-11-20T09:30:00Z")
}

fn value(example: &impl Serialize) -> Value {
    serde_json::to_value(example).expect("plain data can be written")
}

fn ada() -> Me {
    Me {
        id: id(ADA),
        username: "ada".into(),
        display_name: "에이다 리".into(),
        avatar_url: None,
        bio: Some(RawText::new("자취 6년 차. 한 끼 3,000원을 넘기지 않는 게 목표예요.")),
        created_at: time("2026-08-22T09:30:00Z"),
        email: "ada@example.org".into(),
        totp_enabled: false,
    }
}

fn bora() -> MemberCard {
    MemberCard { id: id(BORA), username: "bora".into(), display_name: "김보라".into(), avatar_url: None }
}

fn member() -> Member {
    let Me { id, username, display_name, avatar_url, bio, created_at, .. } = ada();
    Member { id, username, display_name, avatar_url, bio, created_at }
}

fn card_of_ada() -> MemberCard {
    let Me { id, username, display_name, avatar_url, .. } = ada();
    MemberCard { id, username, display_name, avatar_url }
}

fn rice_and_eggs() -> [(Ingredient, Amount); 2] {
    let bought = |id_: &str, name: &str, unit: &str, price, per: u32| Ingredient {
        id: id(id_),
        name: name.into(),
        unit: unit.into(),
        price,
        per: read(per.into()),
    };
    [
        (bought("rice", "쌀", "g", 62_000, 20_000), read(90.into())),
        (bought("egg", "달걀", "개", 7_990, 30), read(2.into())),
    ]
}

fn recipe() -> Recipe {
    let ingredients: Vec<_> = rice_and_eggs()
        .into_iter()
        .map(|(bought, amount)| RecipeIngredient {
            cost: cost(amount, bought.price, bought.per).unwrap_or_default(),
            ingredient_id: bought.id,
            name: bought.name,
            unit: bought.unit,
            amount,
        })
        .collect();
    let total_cost = ingredients.iter().map(|line| line.cost).sum();
    Recipe {
        id: id(RECIPE),
        author_id: id(ADA),
        title: TITLE.into(),
        photo_url: None,
        servings: 1,
        total_cost,
        cost_per_serving: cost_per_serving(total_cost, 1).unwrap_or_default(),
        currency: "KRW".into(),
        like_count: 1,
        liked_by_me: false,
        comment_count: 1,
        created_at: published(),
        body: RawText::new(BODY),
        ingredients,
        updated_at: published(),
    }
}

fn recipe_card() -> RecipeCard {
    let Recipe { id, author_id, title, photo_url, servings, total_cost, cost_per_serving, .. } = recipe();
    let Recipe { currency, like_count, liked_by_me, comment_count, created_at, .. } = recipe();
    RecipeCard {
        id,
        author_id,
        title,
        photo_url,
        servings,
        total_cost,
        cost_per_serving,
        currency,
        like_count,
        liked_by_me,
        comment_count,
        created_at,
    }
}

fn comment() -> Comment {
    let written = || time("2026-11-20T10:05:00Z");
    Comment {
        id: id(COMMENT),
        recipe_id: id(RECIPE),
        author_id: id(BORA),
        body: RawText::new("월말의 친구."),
        like_count: 0,
        liked_by_me: false,
        created_at: written(),
        updated_at: written(),
    }
}

fn post() -> Post {
    Post {
        id: id(POST),
        author_id: id(ADA),
        text: RawText::new("오늘 저녁은 이걸로."),
        recipe_id: Some(id(RECIPE)),
        created_at: time("2026-11-20T09:31:00Z"),
        like_count: 1,
        liked_by_me: false,
    }
}

/// Runs `show` with the story's posts and recipes as screens show them.
fn on_a_screen<T>(show: impl FnOnce(Vec<FeedPost<'_>>, Vec<RecipeCardWithAuthor<'_>>) -> T) -> T {
    let (author, card, post) = (card_of_ada(), recipe_card(), post());
    let with_author = || RecipeCardWithAuthor { card: &card, author: Some(&author) };
    let shown = FeedPost {
        id: &post.id,
        text: &post.text,
        created_at: &post.created_at,
        like_count: post.like_count,
        liked_by_me: post.liked_by_me,
        author: Some(&author),
        recipe: Some(with_author()),
    };
    show(vec![shown], vec![with_author()])
}
