//! Files of any content end in mistakes, and never in a panic.

use proptest::prelude::*;

use super::{read, shop_files};

fn told(file: usize, text: String) -> String {
    let mut files = shop_files();
    files[file].1 = text;
    read(&files).expect_err("a mistake").to_string()
}

#[test]
fn deep_and_large_toml_is_refused() {
    for text in [
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}1{}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("{} = 1", vec!["a"; 10_000].join(".")),
        format!("[{}]", vec!["a"; 10_000].join(".")),
        format!("a = {}", "{a=".repeat(50_000)),
        format!("summary = \"{}\"", "x".repeat(2 << 20)),
        "\u{0}".to_owned(),
    ] {
        assert!(told(1, text).contains("order.toml"), "the file is named");
    }
}

#[test]
fn many_mistakes_and_joins_are_bounded() {
    let keys: String = (0..20_000).map(|place| format!("key{place} = 1\n")).collect();
    assert!(told(1, keys).lines().count() <= 1000);
    let of: Vec<String> = (0..2000).map(|place| format!("\"order.x{place}.id\"")).collect();
    let text =
        format!("{}\n[joins.x]\nof = [{}]\nas = \"y\"\nlookup = \"item\"\n", shop_files()[1].1, of.join(","));
    assert!(told(1, text).contains("more than 256"));
}

#[test]
fn a_large_contract_with_circles_is_read_or_refused() {
    let mut contract = "openapi: 3.1.0\npaths: {}\ncomponents:\n  schemas:\n".to_owned();
    while contract.len() < 10 << 20 {
        let place = contract.len();
        contract.push_str(&format!(
            "    S{place}: {{ $ref: '#/components/schemas/S{place}', type: [string, 'null'] }}\n"
        ));
    }
    assert!(told(5, contract).contains("customers.yaml"));
}

#[test]
fn a_file_that_is_no_utf8_is_named_with_its_line() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("gateway.toml"), b"title = 'a'\nabout = '\xff'\n").expect("a file");
    let told = super::Declarations::from_dir(dir.path()).expect_err("no UTF-8").to_string();
    assert!(told.contains("gateway.toml:2: file: is no UTF-8"), "{told}");
}

#[test]
fn every_mistake_is_one_line_with_a_key_whatever_the_contract_holds() {
    for (contract, expected) in [
        ("openapi: [\n", "customers.yaml:2: file: is no YAML"),
        (
            "openapi: 3.1.0\npaths: {}\ncomponents:\n  schemas:\n    \"a\\nb\\e[31m\": { type: strin }\n",
            "customers.yaml:5: /components",
        ),
        ("openapi: 3.1.0\n\"x\\ny\": 1\npaths:\n  \"/a\\nb\": 7\n", "customers.yaml:4: /paths"),
    ] {
        let told = told(5, contract.to_owned());
        assert!(told.contains(expected) && !told.contains('\u{1b}'), "{told}");
        for line in told.lines() {
            let rest = line.split_once(".yaml:").or_else(|| line.split_once(".toml:")).expect("a file").1;
            assert_eq!(rest.splitn(3, ": ").count(), 3, "FILE:LINE: KEY: what: {line}");
        }
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_waited_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let socket = std::os::unix::net::UnixListener::bind(dir.path().join("gateway.toml")).expect("a socket");
    let told = super::Declarations::from_dir(dir.path()).expect_err("no file").to_string();
    assert!(told.contains("gateway.toml:1: file: is no file"), "{told}");
    drop(socket);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(file in 0..6_usize, text in "[ -~\n]{0,200}|[a-z.\\[\\]{}=\"',\n 0-9]{0,200}") {
        let mut files = shop_files();
        files[file].1 = text;
        let _ = read(&files);
    }

    #[test]
    fn no_change_of_good_declarations_makes_the_reader_panic(
        file in 0..6_usize,
        at in any::<prop::sample::Index>(),
        removed in 0..40_usize,
        with in "[ -~\n]{0,6}|user|\\{id\\}|order|\\[\\]",
    ) {
        let mut files = shop_files();
        let text: Vec<char> = files[file].1.chars().collect();
        let at = at.index(text.len());
        let rest = text.iter().skip(at + removed);
        files[file].1 = text[..at].iter().copied().chain(with.chars()).chain(rest.copied()).collect();
        if let Err(mistakes) = read(&files) {
            prop_assert!(mistakes.0.iter().all(|mistake| mistake.spot.line > 0 && !mistake.what.contains('\n')));
        }
    }
}
