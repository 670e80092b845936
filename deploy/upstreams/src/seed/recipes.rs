//! Ten recipes, with likes and comments.

use rusqlite::{Transaction, params};
use schemas::Id;

use super::{
    hours_ago,
    people::{ADA, BORA, CHAN, EVERYBODY},
};
use crate::{
    db::Stamp,
    http::Failure,
    recipe::store_at,
    wire::{Amount, IngredientAmount, RecipeInput},
};

pub(super) const KIMCHI_STEW: &str = "01930000-0000-7001-8000-000000000001";
pub(super) const EGG_RICE: &str = "01930000-0000-7001-8000-000000000002";
pub(super) const DOENJANG_STEW: &str = "01930000-0000-7001-8000-000000000003";
pub(super) const SPICY_PORK: &str = "01930000-0000-7001-8000-000000000004";
pub(super) const TTEOKBOKKI: &str = "01930000-0000-7001-8000-000000000005";
pub(super) const SEAWEED_SOUP: &str = "01930000-0000-7001-8000-000000000006";
pub(super) const CHICKEN_STEW: &str = "01930000-0000-7001-8000-000000000007";
pub(super) const SPROUT_SOUP: &str = "01930000-0000-7001-8000-000000000008";
pub(super) const SOFT_TOFU: &str = "01930000-0000-7001-8000-000000000009";
pub(super) const KIMBAP: &str = "01930000-0000-7001-8000-00000000000a";

struct Dish {
    id: &'static str,
    author: &'static str,
    title: &'static str,
    body: &'static str,
    servings: u32,
    /// Ingredient and how much of it, in thousandths of its unit.
    lines: &'static [(&'static str, u64)],
    comments: &'static [(&'static str, &'static str)],
}

const G: u64 = 1000;

const DISHES: [Dish; 10] = [
    Dish {
        id: KIMCHI_STEW,
        author: ADA,
        title: "돼지고기 김치찌개",
        body: "1. 앞다리살을 김치와 함께 참기름에 5분 볶는다.\n2. 물 700ml를 붓고 고춧가루를 풀어 20분 끓인다.\n3. 두부와 대파를 넣고 5분 더 끓인다.",
        servings: 3,
        lines: &[
            ("kimchi", 350 * G),
            ("pork-shoulder", 250 * G),
            ("tofu", 300 * G),
            ("scallion", 50 * G),
            ("garlic", 15 * G),
            ("gochugaru", 8 * G),
            ("sesame-oil", 10 * G),
            ("rice", 270 * G),
        ],
        comments: &[
            (BORA, "신김치로 하니 설탕 반 숟갈이 딱이었어요."),
            (CHAN, "한 끼에 이 값이면 매일 먹겠는데요?"),
        ],
    },
    Dish {
        id: EGG_RICE,
        author: ADA,
        title: "간장달걀밥",
        body: "1. 달걀 두 개를 반숙으로 부친다.\n2. 뜨거운 밥에 간장 한 숟갈과 버터를 올린다.\n3. 참깨를 뿌려 비빈다.",
        servings: 1,
        lines: &[
            ("rice", 90 * G),
            ("egg", 2 * G),
            ("soy-sauce", 12 * G),
            ("butter", 8 * G),
            ("sesame-oil", 4 * G),
            ("sesame-seeds", 1500),
        ],
        comments: &[(CHAN, "월말의 친구.")],
    },
    Dish {
        id: DOENJANG_STEW,
        author: BORA,
        title: "애호박 된장찌개",
        body: "1. 멸치와 다시마로 육수를 10분 낸다.\n2. 된장을 풀고 감자, 애호박, 양파를 넣어 10분 끓인다.\n3. 두부와 청양고추를 넣어 마무리한다.",
        servings: 4,
        lines: &[
            ("doenjang", 60 * G),
            ("anchovy", 12 * G),
            ("kelp", 4 * G),
            ("potato", 200 * G),
            ("zucchini", 160 * G),
            ("onion", 100 * G),
            ("tofu", 200 * G),
            ("green-chili", 10 * G),
            ("garlic", 10 * G),
        ],
        comments: &[(ADA, "감자를 먼저 넣는 게 비결이었네요.")],
    },
    Dish {
        id: SPICY_PORK,
        author: CHAN,
        title: "제육볶음",
        body: "1. 앞다리살에 고추장, 고춧가루, 간장, 설탕, 마늘을 넣고 20분 재운다.\n2. 센 불에 볶다가 양파와 양배추를 넣는다.\n3. 대파와 참기름으로 마무리하고 깻잎과 낸다.",
        servings: 3,
        lines: &[
            ("pork-shoulder", 500 * G),
            ("gochujang", 45 * G),
            ("gochugaru", 10 * G),
            ("soy-sauce", 25 * G),
            ("sugar", 15 * G),
            ("garlic", 20 * G),
            ("onion", 150 * G),
            ("cabbage", 150 * G),
            ("scallion", 50 * G),
            ("sesame-oil", 8 * G),
            ("perilla-leaf", 12 * G),
        ],
        comments: &[
            (ADA, "양배추를 넉넉히 넣으니 양이 확 늘어요."),
            (BORA, "아이들 몫은 고춧가루를 뺐습니다."),
        ],
    },
    Dish {
        id: TTEOKBOKKI,
        author: BORA,
        title: "국물 떡볶이",
        body: "1. 멸치 육수 600ml에 고추장과 설탕을 푼다.\n2. 떡과 어묵을 넣고 8분 끓인다.\n3. 삶은 달걀과 대파를 넣고 걸쭉해질 때까지 졸인다.",
        servings: 2,
        lines: &[
            ("rice-cakes", 400 * G),
            ("fish-cake", 120 * G),
            ("gochujang", 50 * G),
            ("gochugaru", 8 * G),
            ("sugar", 25 * G),
            ("corn-syrup", 15 * G),
            ("anchovy", 8 * G),
            ("egg", 2 * G),
            ("scallion", 40 * G),
        ],
        comments: &[],
    },
    Dish {
        id: SEAWEED_SOUP,
        author: BORA,
        title: "소고기 미역국",
        body: "1. 미역을 20분 불린다.\n2. 양지를 참기름에 볶다가 미역을 넣고 더 볶는다.\n3. 물을 붓고 국간장으로 간해 40분 끓인다.",
        servings: 5,
        lines: &[
            ("seaweed", 20 * G),
            ("beef-brisket", 200 * G),
            ("soup-soy-sauce", 30 * G),
            ("garlic", 15 * G),
            ("sesame-oil", 12 * G),
            ("salt", 3500),
        ],
        comments: &[(CHAN, "생일 아침에 끓여 먹었습니다. 고맙습니다!")],
    },
    Dish {
        id: CHICKEN_STEW,
        author: CHAN,
        title: "닭볶음탕",
        body: "1. 닭을 한 번 데쳐 씻는다.\n2. 양념과 물 600ml를 넣고 15분 끓인다.\n3. 감자, 당근, 양파를 넣고 20분 더 졸인다.",
        servings: 4,
        lines: &[
            ("whole-chicken", 1100 * G),
            ("potato", 350 * G),
            ("carrot", 120 * G),
            ("onion", 200 * G),
            ("gochujang", 50 * G),
            ("gochugaru", 25 * G),
            ("soy-sauce", 60 * G),
            ("sugar", 20 * G),
            ("garlic", 30 * G),
            ("ginger", 5 * G),
            ("rice-wine", 30 * G),
            ("scallion", 60 * G),
        ],
        comments: &[(ADA, "다음 날 밥 볶아 먹는 것까지 두 끼."), (BORA, "당면을 넣어도 좋아요.")],
    },
    Dish {
        id: SPROUT_SOUP,
        author: CHAN,
        title: "콩나물국밥",
        body: "1. 멸치와 다시마로 육수를 낸다.\n2. 콩나물을 넣고 뚜껑을 연 채 7분 끓인다.\n3. 밥을 말고 새우젓으로 간한 뒤 달걀을 올린다.",
        servings: 2,
        lines: &[
            ("bean-sprouts", 300 * G),
            ("rice", 180 * G),
            ("anchovy", 10 * G),
            ("kelp", 4 * G),
            ("saeujeot", 10 * G),
            ("egg", 2 * G),
            ("garlic", 8 * G),
            ("scallion", 30 * G),
            ("green-chili", 8 * G),
            ("dried-laver", G),
        ],
        comments: &[(ADA, "숙취에 최고.")],
    },
    Dish {
        id: SOFT_TOFU,
        author: ADA,
        title: "오징어 순두부찌개",
        body: "1. 고춧가루를 식용유에 약불로 볶아 고추기름을 낸다.\n2. 오징어와 양파를 볶고 물 400ml를 붓는다.\n3. 순두부와 달걀을 넣고 액젓으로 간한다.",
        servings: 2,
        lines: &[
            ("soft-tofu", 350 * G),
            ("squid", 120 * G),
            ("onion", 60 * G),
            ("zucchini", 60 * G),
            ("gochugaru", 10 * G),
            ("cooking-oil", 15 * G),
            ("fish-sauce", 10 * G),
            ("garlic", 10 * G),
            ("egg", G),
            ("scallion", 30 * G),
        ],
        comments: &[],
    },
    Dish {
        id: KIMBAP,
        author: BORA,
        title: "참치김밥",
        body: "1. 밥에 참기름과 소금으로 간을 한다.\n2. 당근과 시금치를 따로 볶고 달걀 지단을 부친다.\n3. 김에 밥을 펴고 깻잎, 참치, 채소를 올려 만다.",
        servings: 2,
        lines: &[
            ("rice", 250 * G),
            ("dried-laver", 4 * G),
            ("tuna-can", 150 * G),
            ("egg", 3 * G),
            ("carrot", 80 * G),
            ("spinach", 120 * G),
            ("perilla-leaf", 8 * G),
            ("sesame-oil", 15 * G),
            ("sesame-seeds", 4 * G),
            ("salt", 2500),
        ],
        comments: &[(CHAN, "소풍 도시락으로 네 줄 말았습니다.")],
    },
];

pub(super) fn insert(tx: &Transaction<'_>) -> Result<(), Failure> {
    for (place, dish) in (0_i64..).zip(&DISHES) {
        // The first is the newest: a few hours old, then some each day before.
        let hours = 3 + place * 19;
        let stamp = Stamp { at: hours_ago(hours), id: dish.id.to_owned() };
        store_at(tx, &stamp, dish.author, &input(dish))?;
        let seq: i64 = tx.query_row("SELECT seq FROM recipes WHERE id = ?", [dish.id], |row| row.get(0))?;
        for (number, (author, body)) in (0_i64..).zip(dish.comments) {
            let id = format!("01930000-0000-7002-8000-00000000{place:02x}{number:02x}");
            let at = hours_ago(hours - 1) + number * 600_000_000;
            tx.execute(
                "INSERT INTO comments (id, recipe_seq, author_id, body, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                params![id, seq, author, body, at],
            )?;
        }
        // Two of three recipes are liked by both of the others, the third by one of them.
        let fans = EVERYBODY.iter().filter(|member| **member != dish.author);
        for fan in fans.take(if place % 3 == 2 { 1 } else { 2 }) {
            tx.execute("INSERT INTO recipe_likes (recipe_seq, member_id) VALUES (?, ?)", params![seq, fan])?;
        }
    }
    Ok(())
}

fn input(dish: &Dish) -> RecipeInput {
    let line = |(id, thousandths): &(&str, u64)| {
        Some(IngredientAmount {
            ingredient_id: Id::new(id).ok()?,
            amount: Amount::from_thousandths(*thousandths)?,
        })
    };
    RecipeInput {
        title: dish.title.to_owned(),
        body: dish.body.to_owned(),
        servings: dish.servings,
        ingredients: dish.lines.iter().filter_map(line).collect(),
        photo_key: None,
    }
}
