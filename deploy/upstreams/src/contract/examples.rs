//! One story, told by all examples of the three contracts: Ada publishes a bowl of rice with eggs, and Bora likes it.
//! Members, recipe and prices are those that `seed` plants.
//!
//! Examples are values of the very types, so that a field that gets another name gets it in its example as well. The
//! gateway shows them in its contract with callers. A field bears its value too: where the gateway shows a part of an
//! object, or more than it, the example of the whole does not hold.

use schemas::{
    ByIdentity, Credentials, EmailChange, EmailConfirmation, Example, Id, Items, Me, NumberedPage, Page,
    PasswordChange, PasswordReminder, PasswordReset, Problem, RawText, ResetCheck, ResetOwner, Rfc3339,
    SignUp, TotpBegin, TotpCode, TotpConfirmed, TotpEnrolment,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::wire::{
    Amount, Comment, CommentInput, Counts, ExportItem, Following, Ingredient, IngredientAmount, Member,
    MemberCard, MemberPatch, Post, PostInput, Recipe, RecipeCard, RecipeForm, RecipeIngredient, RecipeInput,
    cost, cost_per_serving,
};

const ADA: &str = "01930000-0000-7000-8000-00000000ada0";
const BORA: &str = "01930000-0000-7000-8000-0000000b0ba0";
const RECIPE: &str = "01930000-0000-7001-8000-000000000002";
const COMMENT: &str = "01930000-0000-7002-8000-000000000003";
const POST: &str = "01930000-0000-7003-8000-000000000001";
const TITLE: &str = "간장달걀밥";
const BODY: &str = "1. 달걀 두 개를 반숙으로 부친다.\n2. 뜨거운 밥에 올리고 비빈다.";

/// Writes the example of the schema `name` into it, and each field's into that field. Nothing for a schema that bears one
/// already or stands for a single text.
pub(super) fn add(name: &str, schema: &mut Value) {
    let Some(example) = of(name) else { return };
    for (field, value) in example.as_object().into_iter().flatten() {
        let described = &mut schema["properties"][field];
        if described.is_object() && described.get("example").is_none() {
            described["examples"] = json!([value]);
        }
    }
    schema["examples"] = json!([example]);
}

/// The example of a schema.
fn of(name: &str) -> Option<Value> {
    Some(match name {
        "ByIdentity" => value(&ByIdentity {
            issuer: "https://id.example.org".into(),
            subject: "248289761001".into(),
            email: Some(ada().email),
            name: Some(ada().display_name),
        }),
        "Comment" => value(&comment()),
        "CommentInput" => value(&CommentInput { body: comment().body.to_text() }),
        "CommentPage" => value(&Page { items: vec![comment()], next_cursor: None }),
        "Counts" => value(&Counts { posts: 1, followers: 1, following: 0 }),
        "Credentials" => Credentials::example(),
        "EmailChange" => EmailChange::example(),
        "EmailConfirmation" => EmailConfirmation::example(),
        "ExportItem" => value(&export_item()),
        "ExportPage" => value(&Page { items: vec![export_item()], next_cursor: None }),
        "Following" => value(&Following { following: true }),
        "Ingredient" => value(&rice_and_eggs()[0].0),
        "IngredientAmount" => value(&input().ingredients[0]),
        "Ingredients" => value(&Items { items: rice_and_eggs().map(|(bought, _)| bought).into() }),
        "Me" => value(&ada()),
        "Member" => value(&member()),
        "MemberCard" => value(&bora()),
        "MemberCards" => value(&Items { items: vec![bora()] }),
        "MemberPatch" => {
            value(&MemberPatch { display_name: Some(ada().display_name), ..MemberPatch::default() })
        }
        "PasswordChange" => PasswordChange::example(),
        "PasswordReminder" => PasswordReminder::example(),
        "PasswordReset" => PasswordReset::example(),
        "ResetCheck" => ResetCheck::example(),
        "ResetOwner" => ResetOwner::example(),
        "Post" => value(&post()),
        "PostInput" => value(&PostInput { text: post().text.to_text(), recipe_id: post().recipe_id }),
        "PostPage" => value(&Page { items: vec![post()], next_cursor: None }),
        "Problem" => Problem::example(),
        "Recipe" => value(&recipe()),
        "RecipeCard" => value(&recipe_card()),
        "RecipeCards" => value(&Items { items: vec![recipe_card()] }),
        "RecipeForm" => value(&form()),
        "RecipeIngredient" => value(&recipe().ingredients[0]),
        "RecipeInput" => value(&input()),
        "RecipePage" => value(&NumberedPage { items: vec![recipe_card()], page: 1, page_size: 10, total: 1 }),
        "SignUp" => SignUp::example(),
        "TotpBegin" => TotpBegin::example(),
        "TotpCode" => TotpCode::example(),
        "TotpConfirmed" => {
            value(&TotpConfirmed { recovery_codes: vec!["7k2m-9xq4-tz3c".into(), "h5wd-2rnp-8vby".into()] })
        }
        "TotpEnrolment" => value(&TotpEnrolment {
            secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
            otpauth_uri: "otpauth://totp/Recipe%20book:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
        }),
        _ => return None,
    })
}

/// Ids, times and amounts of the story are sound: a test makes all of it.
fn read<T: serde::de::DeserializeOwned>(text: Value) -> T {
    serde_json::from_value(text).expect("a sound example")
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

fn export_item() -> ExportItem {
    let data = json!({ "text": post().text.to_text(), "recipeId": post().recipe_id, "likeCount": 1 });
    ExportItem {
        kind: "post".into(),
        id: POST.into(),
        created_at: published(),
        updated_at: published(),
        data: serde_json::value::to_raw_value(&data).expect("plain data can be written"),
    }
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
        email_confirmed: Some(true),
    }
}

fn bora() -> MemberCard {
    MemberCard { id: id(BORA), username: "bora".into(), display_name: "김보라".into(), avatar_url: None }
}

fn member() -> Member {
    let Me { id, username, display_name, avatar_url, bio, created_at, .. } = ada();
    Member { id, username, display_name, avatar_url, bio, created_at }
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

fn form() -> RecipeForm {
    let Recipe { id, title, body, servings, ingredients, .. } = recipe();
    RecipeForm { id, title, body, servings, ingredients, photo_key: None }
}

fn input() -> RecipeInput {
    RecipeInput {
        title: TITLE.into(),
        body: BODY.into(),
        servings: 1,
        ingredients: rice_and_eggs()
            .map(|(bought, amount)| IngredientAmount { ingredient_id: bought.id, amount })
            .into(),
        photo_key: None,
    }
}
