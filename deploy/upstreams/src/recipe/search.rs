//! Search in any part of any word, Korean or other, with an index: words are cut into overlapping pairs
//! of letters, and a word that is searched for is the phrase of its pairs. "찌개" is found in
//! "김치찌개", which an index of whole words could not do.
//!
//! Titles, bodies and ingredient names are searched. The names of authors are the profile service's:
//! whoever wants the recipes of a name looks the member up there and passes `authorId`.

/// What is indexed for a text: for "rice", `ri ic ce e`. The last letter stands alone so that one-letter
/// searches find it, and keeps one word's pairs from running into the next one's.
pub(super) fn pairs(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for word in words(text) {
        for place in 0..word.len() {
            out.extend(&word[place..word.len().min(place + 2)]);
            out.push(' ');
        }
    }
    out
}

/// The FTS5 expression that finds all words of `text`; `None` when it has none.
pub(super) fn expression(text: &str) -> Option<String> {
    let phrases: Vec<String> = words(text).map(|word| phrase(&word)).collect();
    if phrases.is_empty() { None } else { Some(phrases.join(" AND ")) }
}

fn phrase(word: &[char]) -> String {
    // Words are letters and digits, so that no quote can end a phrase early.
    match word {
        [letter] => format!("\"{letter}\"*"),
        _ => {
            let pairs: Vec<String> = word.windows(2).map(|pair| pair.iter().collect()).collect();
            format!("\"{}\"", pairs.join(" "))
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = Vec<char>> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::{expression, pairs};

    fn found(text: &str, query: &str) -> bool {
        let db = Connection::open_in_memory().expect("memory");
        db.execute_batch(
            "CREATE VIRTUAL TABLE s USING fts5 (p, content = '', tokenize = 'unicode61 remove_diacritics 0')",
        )
        .expect("fts5");
        db.execute("INSERT INTO s (p) VALUES (?)", [pairs(text)]).expect("indexed");
        let Some(expression) = expression(query) else { return false };
        let sql = "SELECT count(*) FROM s WHERE s MATCH ?";
        db.query_row(sql, [expression], |row| row.get::<_, i64>(0)).expect("a sound expression") == 1
    }

    #[test]
    fn any_part_of_a_word_is_found() {
        let text = "돼지고기 김치찌개: Pork & Kimchi, 2인분";
        for query in
            ["찌개", "김치찌개", "치찌", "개", "PORK", "or", "k", "kimchi 김치", "2", "인분", "고기 찌개"]
        {
            assert!(found(text, query), "{query}");
        }
        for query in ["된장", "찌개김", "기김", "porkkimchi", "!!", "", "AND", "kimchi 된장", "\"", "pork*x"]
        {
            assert!(!found(text, query), "{query}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_query_breaks_the_search(text in ".{0,40}", query in ".{0,40}") {
            found(&text, &query);
        }

        #[test]
        fn a_part_of_a_word_is_found_and_nothing_else(text in "[가-나]{1,8}", query in "[가-나]{1,3}") {
            prop_assert_eq!(found(&text, &query), text.contains(&query));
        }
    }
}
