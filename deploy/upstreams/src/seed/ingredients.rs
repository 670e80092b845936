//! The ingredients that every recipe database starts with. Prices are won, as a Korean supermarket
//! asked in 2026: `price` buys `per` units.

use rusqlite::{Transaction, params};

/// Id, name, unit, price, how many units that buys.
const INGREDIENTS: &[(&str, &str, &str, u64, u64)] = &[
    ("rice", "쌀", "g", 62_000, 20_000),
    ("glutinous-rice", "찹쌀", "g", 14_900, 4_000),
    ("mixed-grains", "혼합 15곡", "g", 12_900, 3_000),
    ("wheat-flour", "부침가루", "g", 3_280, 1_000),
    ("spaghetti", "스파게티면", "g", 2_480, 500),
    ("ramyeon", "라면", "봉지", 4_150, 5),
    ("glass-noodles", "당면", "g", 5_480, 500),
    ("rice-cakes", "떡볶이떡", "g", 3_980, 1_000),
    ("egg", "달걀", "개", 7_990, 30),
    ("tofu", "두부", "g", 1_680, 300),
    ("soft-tofu", "순두부", "g", 1_280, 350),
    ("kimchi", "배추김치", "g", 27_900, 3_000),
    ("pork-belly", "돼지 삼겹살", "g", 2_790, 100),
    ("pork-shoulder", "돼지 앞다리살", "g", 1_490, 100),
    ("beef-brisket", "소고기 양지", "g", 5_980, 100),
    ("beef-bulgogi", "소고기 불고기용", "g", 3_480, 100),
    ("whole-chicken", "닭 한 마리", "g", 7_980, 1_000),
    ("spam", "캔햄", "g", 4_980, 200),
    ("mackerel", "고등어 자반", "g", 6_980, 500),
    ("squid", "오징어", "g", 5_990, 300),
    ("anchovy", "국물용 멸치", "g", 11_900, 300),
    ("kelp", "다시마", "g", 4_980, 100),
    ("seaweed", "자른 미역", "g", 3_480, 50),
    ("dried-laver", "김밥김", "장", 2_980, 10),
    ("fish-cake", "사각 어묵", "g", 2_180, 240),
    ("tuna-can", "참치캔", "g", 2_680, 150),
    ("scallion", "대파", "g", 2_980, 700),
    ("onion", "양파", "g", 3_480, 1_500),
    ("garlic", "깐마늘", "g", 4_480, 300),
    ("ginger", "생강", "g", 2_480, 200),
    ("potato", "감자", "g", 4_980, 1_000),
    ("carrot", "당근", "g", 2_980, 500),
    ("radish", "무", "g", 2_480, 1_200),
    ("cabbage", "양배추", "g", 3_980, 2_000),
    ("napa-cabbage", "배추", "g", 3_990, 2_500),
    ("zucchini", "애호박", "g", 1_980, 320),
    ("spinach", "시금치", "g", 2_980, 250),
    ("bean-sprouts", "콩나물", "g", 1_580, 300),
    ("shiitake", "표고버섯", "g", 4_480, 200),
    ("enoki", "팽이버섯", "g", 990, 150),
    ("green-chili", "청양고추", "g", 1_980, 150),
    ("perilla-leaf", "깻잎", "장", 1_480, 30),
    ("gochujang", "고추장", "g", 12_900, 1_000),
    ("doenjang", "된장", "g", 8_480, 1_000),
    ("soy-sauce", "양조간장", "ml", 9_980, 930),
    ("soup-soy-sauce", "국간장", "ml", 5_480, 900),
    ("gochugaru", "고춧가루", "g", 18_900, 500),
    ("sesame-oil", "참기름", "ml", 10_480, 320),
    ("cooking-oil", "식용유", "ml", 5_980, 900),
    ("sugar", "설탕", "g", 2_680, 1_000),
    ("salt", "천일염", "g", 4_980, 1_000),
    ("sesame-seeds", "볶음참깨", "g", 6_980, 200),
    ("fish-sauce", "멸치액젓", "ml", 5_980, 1_000),
    ("saeujeot", "새우젓", "g", 7_980, 250),
    ("corn-syrup", "물엿", "g", 3_980, 1_200),
    ("rice-wine", "맛술", "ml", 3_480, 830),
    ("pepper", "후춧가루", "g", 5_480, 100),
    ("milk", "우유", "ml", 2_980, 900),
    ("butter", "버터", "g", 6_480, 200),
];

/// Adds them all.
pub(crate) fn insert_ingredients(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut insert =
        tx.prepare("INSERT INTO ingredients (id, name, unit, price, per) VALUES (?, ?, ?, ?, ?)")?;
    for (id, name, unit, price, per) in INGREDIENTS {
        // Amounts are kept in thousandths.
        insert.execute(params![id, name, unit, price, per * 1000])?;
    }
    Ok(())
}
