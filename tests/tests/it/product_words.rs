//! The crates of the gateway know no product: the words of the one that is compiled in stand in its declarations, in its
//! services and in its suites alone.

use std::{
    fs,
    path::{Path, PathBuf},
};

const SOURCES: [&str; 3] = ["bff/src", "clients/src", "schemas/src"];
const WORDS: [&str; 3] = ["recipe", "timeline", "ingredient"];
/// Names the files that are compiled in: `bff/recipe-book`.
const EMBEDS: &str = "bff/src/declare/recipe_book.rs";
/// May speak of that module and of `Declarations::recipe_book`, by this name and no other.
const NAME: &str = "recipe_book";
const MAY_NAME: [&str; 3] =
    ["bff/src/declare/mod.rs", "bff/src/gateway/contract_tests.rs", "bff/src/main.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files_in(&path, found) } else { found.push(path) }
    }
}

/// The line up to its comment. A `//` within a string is part of the string: what stands before it in quotes is open.
fn code(line: &str) -> &str {
    let (mut quoted, mut escaped, mut before) = (false, false, ' ');
    for (place, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            // A character literal: `'"'`.
            '"' if before == '\'' && line[place + 1..].starts_with('\'') => {}
            '"' => quoted = !quoted,
            '/' if !quoted && before == '/' => return &line[..place - 1],
            _ => {}
        }
        before = c;
    }
    line
}

/// What `file` says of a product: each line with its number, outside comments. In Markdown and the like everything counts.
fn violations(file: &str, text: &str) -> Vec<String> {
    if file == EMBEDS {
        return Vec::new();
    }
    let is_rust = Path::new(file).extension().is_some_and(|extension| extension == "rs");
    let lines = text.lines().enumerate().filter(|(_, line)| {
        let mut said = if is_rust { code(line) } else { line }.to_lowercase();
        if MAY_NAME.contains(&file) {
            said = said.replace(NAME, "");
        }
        WORDS.iter().any(|word| said.contains(word))
    });
    lines.map(|(number, line)| format!("{file}:{}: {}", number + 1, line.trim())).collect()
}

#[test]
fn the_gateways_crates_know_no_product() {
    let (mut found, mut seen) = (Vec::new(), 0);
    for folder in SOURCES {
        let mut files = Vec::new();
        files_in(&root().join(folder), &mut files);
        for path in files {
            seen += 1;
            let name =
                path.strip_prefix(root()).expect("within the workspace").to_string_lossy().into_owned();
            let bytes = fs::read(&path).expect("a file");
            found.extend(violations(&name, &String::from_utf8_lossy(&bytes)));
        }
    }
    assert!(seen > 200, "{seen} files");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn each_exception_is_used() {
    for file in MAY_NAME.into_iter().chain([EMBEDS]) {
        let text = fs::read_to_string(root().join(file)).expect("a file");
        let says = text.lines().map(code).any(|line| line.contains(NAME) || line.contains("recipe-book"));
        assert!(says, "{file} needs no exception");
    }
}

#[test]
fn a_planted_word_is_found_and_a_comment_is_none() {
    for planted in [
        "fn recipe() {}",
        "let topic = \"Recipe:1\";",
        "let url = \"http://x/timelines\"; // a page",
        "struct IngredientAmount;",
        "let quote = '\"'; let x = \"recipe\"; // y",
        "let escaped = \"\\\" // recipe\";",
    ] {
        assert_eq!(violations("bff/src/edge/body.rs", planted).len(), 1, "{planted}");
    }
    for sound in
        ["/// Topics, `recipe:ID` for example.", "//! recipe", "let a = 1; // of a recipe", "let order = 1;"]
    {
        assert_eq!(violations("bff/src/edge/body.rs", sound), Vec::<String>::new(), "{sound}");
    }
    assert!(violations("bff/src/main.rs", "Declarations::recipe_book()?").is_empty());
    assert_eq!(violations("bff/src/main.rs", "Declarations::recipe_books()?; recipe()").len(), 1);
    assert_eq!(violations("bff/src/edge/body.rs", "Declarations::recipe_book()?").len(), 1);
    assert_eq!(violations("schemas/src/a.toml", "# recipe").len(), 1);
}
