//! What the three say about the recipes, and that they follow each other.

use rusqlite::{Transaction, params};

use super::{
    hours_ago,
    people::{ADA, BORA, CHAN, EVERYBODY},
    recipes::{
        CHICKEN_STEW, DOENJANG_STEW, EGG_RICE, KIMBAP, KIMCHI_STEW, SEAWEED_SOUP, SOFT_TOFU, SPICY_PORK,
        SPROUT_SOUP, TTEOKBOKKI,
    },
};
use crate::http::Failure;

/// Author, text, recipe; the newest first.
const POSTS: [(&str, &str, Option<&str>); 12] = [
    (ADA, "오늘 저녁은 김치찌개. 세 그릇이 나왔는데 한 그릇 값이 커피 한 잔보다 싸요.", Some(KIMCHI_STEW)),
    (BORA, "비 오는 날엔 된장찌개죠. 애호박이 제철이라 한 개 1,980원에 샀습니다.", Some(DOENJANG_STEW)),
    (CHAN, "주말에 제육 넉넉히 재워 두고 평일 점심 도시락으로 나눴습니다.", Some(SPICY_PORK)),
    (BORA, "아이들이 학원 다녀와서 찾는 국물 떡볶이. 어묵은 두 장이면 충분해요.", Some(TTEOKBOKKI)),
    (ADA, "냉장고에 달걀밖에 없을 때. 이것도 요리라고 부르겠습니다.", Some(EGG_RICE)),
    (CHAN, "대파 한 단이 2,980원까지 내려왔네요. 한 단 썰어 얼려 두세요.", None),
    (BORA, "미역은 20g이면 다섯 식구 먹어요. 불리고 나서 놀라지 마세요.", Some(SEAWEED_SOUP)),
    (CHAN, "닭볶음탕, 식당에서 시키면 3만 원인데 집에서는 그 절반도 안 듭니다.", Some(CHICKEN_STEW)),
    (ADA, "쌀 20kg을 62,000원에 샀어요. 한 공기 90g이면 279원.", None),
    (CHAN, "속 풀리는 콩나물국밥. 새우젓이 다 했습니다.", Some(SPROUT_SOUP)),
    (ADA, "순두부 한 봉지로 둘이 먹는 저녁.", Some(SOFT_TOFU)),
    (BORA, "내일 현장학습이라 새벽에 김밥 맙니다. 응원해 주세요.", Some(KIMBAP)),
];

pub(super) fn insert(tx: &Transaction<'_>) -> Result<(), Failure> {
    for follower in EVERYBODY {
        for followee in EVERYBODY.iter().filter(|other| **other != follower) {
            tx.execute("INSERT INTO follows (follower_id, followee_id) VALUES (?, ?)", [follower, followee])?;
        }
    }
    for (place, (author, text, recipe)) in (0_i64..).zip(POSTS) {
        let id = format!("01930000-0000-7003-8000-0000000000{place:02x}");
        tx.execute(
            "INSERT INTO posts (id, author_id, text, recipe_id, created_at) VALUES (?, ?, ?, ?, ?)",
            params![id, author, text, recipe, hours_ago(1 + place * 11)],
        )?;
        let fans = EVERYBODY.iter().filter(|member| **member != author);
        for fan in fans.take(if place % 2 == 0 { 2 } else { 1 }) {
            tx.execute("INSERT INTO post_likes (post_id, member_id) VALUES (?, ?)", params![id, fan])?;
        }
    }
    Ok(())
}
