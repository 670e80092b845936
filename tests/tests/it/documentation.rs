//! What the documentation names is there: files, settings, commands, environment variables, metrics.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tests::{TestBff, program};
use tokio::process::Command;

/// Everything that tells people where to look and what to type.
const PAGES: [&str; 8] = [
    "README.md",
    "CONTRIBUTING.md",
    "bff/docs",
    "bff/new/README.md",
    "deploy/web/README.md",
    "deploy/compose.yaml",
    "deploy/docker/Dockerfile",
    "schemas/typescript/README.md",
];
/// Where a path in a page may begin, besides the folder of the page itself. The first few are for prose that follows a
/// request through the sources, and says so.
const BASES: [&str; 6] = ["bff/src", "clients/src", "clients", "tests/tests/it", "deploy/web", "."];
/// Endings of names of files. What ends otherwise is a media type, a method, a date, …
const FILES: [&str; 14] =
    ["rs", "toml", "md", "json", "yaml", "yml", "ts", "tsx", "mjs", "py", "sql", "lock", "conf", "css"];
/// What the demo makes, and what the build of a single-page app does.
const MADE: [&str; 2] = [".bff/", "assets/"];
const COMMANDS: [&str; 2] = ["bff", "upstreams"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A page by its path from the top, and its text.
fn pages() -> BTreeMap<String, String> {
    fn add(path: &str, pages: &mut BTreeMap<String, String>) {
        let full = root().join(path);
        if full.is_dir() {
            for entry in fs::read_dir(full).expect("a folder") {
                let name = entry.expect("an entry").file_name().into_string().expect("a plain name");
                add(&format!("{path}/{name}"), pages);
            }
        } else {
            pages.insert(path.to_owned(), fs::read_to_string(full).expect("a page"));
        }
    }
    let mut pages = BTreeMap::new();
    PAGES.iter().for_each(|path| add(path, &mut pages));
    pages
}

/// What stands between single backticks in prose.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.starts_with("    ") && !line.starts_with("```"))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The lines of commands: indented blocks, fenced ones, and what is quoted in prose.
fn commands(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().map(|line| line.trim_start_matches(['#', ' ']));
    lines.chain(quoted(text)).filter_map(|line| {
        let line = line.split(" #").next().unwrap_or_default();
        // Settings may stand before a command.
        let words: Vec<_> = line.split_whitespace().skip_while(|word| word.contains('=')).collect();
        let first = *words.first()?;
        COMMANDS.contains(&first).then_some(words)
    })
}

/// Paths that a page names and that are not there.
fn missing_paths(page: &str, text: &str) -> Vec<String> {
    let folder = Path::new(page).parent().expect("a folder").to_owned();
    let there = |path: &str| {
        let bases = BASES.iter().map(Path::new).chain([folder.as_path()]);
        bases.into_iter().any(|base| root().join(base).join(path).exists())
    };
    let named = quoted(text).filter(|quote| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-[]".contains(&b);
        let (stem, end) = quote.rsplit_once('.').unwrap_or((quote, ""));
        let file = !stem.is_empty() && FILES.contains(&end);
        let path = quote.bytes().all(plain)
            && !quote.starts_with('/')
            && !["NNNN", "NAME"].iter().any(|any| quote.contains(any));
        path && (file && quote.contains('/') || quote.ends_with('/') && quote.len() > 1)
    });
    let links = text.match_indices("](").filter_map(|(at, _)| {
        let target = text[at + 2..].split(')').next()?.split('#').next()?;
        (!target.is_empty() && !target.contains("://")).then_some(target)
    });
    let linked = |target: &&str| !root().join(&folder).join(target).exists();
    named
        .filter(|path| !MADE.contains(path) && !there(path))
        .chain(links.filter(linked))
        .map(str::to_owned)
        .collect()
}

/// Whether `key` (`section.key`, `*`, `X` and `NAME` standing for any name) is in the schema of the settings.
fn is_setting(schema: &Value, key: &str) -> bool {
    key.split('.')
        .try_fold(schema, |at, name| {
            at["properties"]
                .get(name)
                .or(at.get("additionalProperties"))
                .filter(|found| found.is_object())
                .or_else(|| {
                    // A wildcard over fixed names: any of them will do.
                    let any = ["*", "X", "NAME"].contains(&name);
                    at["properties"].as_object().filter(|_| any)?.values().next()
                })
        })
        .is_some()
}

/// Settings that a page names, in either spelling, and that the gateway does not know.
fn unknown_settings(schema: &Value, text: &str) -> Vec<String> {
    let sections = schema["properties"].as_object().expect("sections");
    let dotted = quoted(text).filter(|quote| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._*".contains(&b);
        quote.bytes().all(plain)
            && quote
                .split_once('.')
                .is_some_and(|(section, rest)| sections.contains_key(section) && !FILES.contains(&rest))
    });
    let spelt = text.match_indices("BFF__").map(|(at, _)| {
        let end = text[at..].find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
        text[at + 5..end.map_or(text.len(), |end| at + end)].to_lowercase().replace("__", ".")
    });
    let dotted = dotted.map(str::to_owned);
    // How the two spellings belong together is shown by an example that is none.
    dotted.chain(spelt).filter(|key| key != "section.key" && !is_setting(schema, key)).collect()
}

/// Names of metrics: `bff_…`, without the labels.
fn metrics(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("bff_").filter_map(|(at, _)| {
        let inside = text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "_./-".contains(c));
        let end =
            text[at..].find(|c: char| !c.is_ascii_lowercase() && c != '_').map_or(text.len(), |end| at + end);
        (!inside).then_some(&text[at..end])
    })
}

/// Whether `exposition` (OpenMetrics) has that metric: as a family, or as one of its samples.
fn is_exported(exposition: &str, name: &str) -> bool {
    let families = exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let endings = ["", "_total", "_count", "_sum", "_bucket"];
    families
        .into_iter()
        .any(|family| name.strip_prefix(family).is_some_and(|ending| endings.contains(&ending)))
}

/// Whether the gateway registers that metric: a family of which nothing was counted yet is not exported.
fn is_registered(name: &str) -> bool {
    let source = fs::read_to_string(root().join("bff/src/telemetry/registration.rs")).expect("the metrics");
    let family = name.trim_start_matches("bff_").trim_end_matches("_total");
    source.contains(&format!("register(\"{family}\""))
}

async fn help(command: &[&str]) -> Option<String> {
    let (name, rest) = command.split_first()?;
    let output = Command::new(program(name)).args(rest).arg("--help").output().await.expect("it runs");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What is wrong with a line that begins with one of our commands. Words of prose are not told apart from
/// subcommands: a line counts when its second word is one, or looks like an option.
async fn command_mistakes(words: &[&str]) -> Vec<String> {
    let command = words[0];
    let top = help(&[command]).await.expect("help");
    let lists = |help: &str, name: &str| {
        help.lines().any(|line| line.split_whitespace().next() == Some(name) && line.starts_with("  "))
    };
    let mut path = vec![command];
    let mut text = top;
    for word in &words[1..] {
        if !word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            || word.starts_with('-')
        {
            break;
        }
        if !lists(&text, word) {
            // `all`, `profile`: an argument. Only what has subcommands can lack one.
            if text.contains("Commands:") {
                return vec![format!("`{}` has no command `{word}`", path.join(" "))];
            }
            break;
        }
        path.push(word);
        text = help(&path).await.expect("help of a command that is listed");
    }
    let options = words.iter().filter(|word| word.starts_with("--"));
    let unknown = |option: &&&str| {
        let name = option
            .split('=')
            .next()
            .unwrap_or_default()
            .trim_matches(|c: char| c != '-' && !c.is_ascii_lowercase());
        !text.contains(name)
    };
    options.filter(unknown).map(|option| format!("`{}` has no {option}", path.join(" "))).collect()
}

/// Lines of prose, and of pictures, that happen to begin with the name of a command.
fn is_prose(words: &[&str]) -> bool {
    let subcommand = words.get(1).copied().unwrap_or_default();
    ["on", "keep", "is", "has", "a", "are", "·"].contains(&subcommand)
        || subcommand.is_empty()
        || subcommand.ends_with('/')
        || !subcommand.starts_with(|c: char| c.is_ascii_lowercase() || c == '-')
}

#[test]
fn every_path_in_the_documentation_exists() {
    let missing: Vec<_> = pages()
        .iter()
        .flat_map(|(page, text)| {
            missing_paths(page, text).into_iter().map(move |path| format!("{page}: {path}"))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_setting_in_the_documentation_exists() {
    let schema = fs::read_to_string(root().join("schemas/config.schema.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let unknown: Vec<_> = pages()
        .iter()
        .flat_map(|(page, text)| {
            unknown_settings(&schema, text).into_iter().map(move |key| format!("{page}: {key}"))
        })
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[tokio::test]
async fn every_command_in_the_documentation_exists() {
    let (mut mistakes, mut tried) = (Vec::new(), 0);
    for (page, text) in pages() {
        for words in commands(&text).filter(|words| !is_prose(words)) {
            tried += 1;
            let wrong = command_mistakes(&words).await;
            mistakes.extend(wrong.into_iter().map(|wrong| format!("{page}: {}: {wrong}", words.join(" "))));
        }
    }
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    assert!(tried > 10, "{tried} commands were tried");
}

#[tokio::test]
async fn every_metric_in_the_documentation_is_exported() {
    // Twice, so that services answer 304 as well.
    let never_fresh =
        TestBff::builder().set("screens.home_feed.fresh_ms", 0).set("screens.home_feed.stale_ms", 0);
    let bff = never_fresh.set("files.url", "folder:files").spawn().await;
    let ada = bff.signed_in("ada").await;
    let none = format!("/files/{}-{}", "0".repeat(24), "0".repeat(32));
    ada.get(&none).await.expect_problem(404, "not_found");
    for _ in 0..2 {
        let _ = ada.get("/bff/home-feed").await.expect(200);
    }
    let exposition = bff.internal("/metrics").await.expect(200).text();
    let (mut unknown, mut tried) = (Vec::new(), 0);
    for (page, text) in pages() {
        for name in metrics(&text) {
            tried += 1;
            if !is_exported(&exposition, name) && !is_registered(name) {
                unknown.push(format!("{page}: {name}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(tried > 10, "{tried} metrics were looked up");
}

/// The checks above, on a page with one mistake of each kind beside what is right.
#[tokio::test]
async fn a_mistake_in_the_documentation_is_found() {
    let page = "See `edge/gate.rs`, `edge/no_such.rs`, [this](config/default.toml), [that](nowhere.md).\n\
        `http.listen` and `http.lisen`, `upstreams.X.url` and `upstreams.X.uri`.\n\
        \n    BFF__HTTP__LISTEN=127.0.0.1:0 BFF__HTTP__LISTN=1 bff check --config a.toml\n    \
        bff chek\n    bff keys new --dir D\n    bff keys new --folder D\n    bff keys old\n\
        `bff_cache_bytes`, `bff_http_request_duration_seconds{route}`, `bff_cash_bytes`.\n";
    assert_eq!(missing_paths("bff/README.md", page), ["edge/no_such.rs", "nowhere.md"]);
    let schema = fs::read_to_string(root().join("schemas/config.schema.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    assert_eq!(unknown_settings(&schema, page), ["http.lisen", "upstreams.X.uri", "http.listn"]);
    let mut mistakes = Vec::new();
    for words in commands(page).filter(|words| !is_prose(words)) {
        mistakes.extend(command_mistakes(&words).await);
    }
    assert_eq!(
        mistakes,
        ["`bff` has no command `chek`", "`bff keys new` has no --folder", "`bff keys` has no command `old`"]
    );
    let exposition = "# TYPE bff_cache_bytes gauge\n# TYPE bff_http_request_duration_seconds histogram\n";
    let unknown: Vec<_> = metrics(page).filter(|name| !is_exported(exposition, name)).collect();
    assert_eq!(unknown, ["bff_cash_bytes"]);
}
