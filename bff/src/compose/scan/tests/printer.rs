//! JSON as trees that keep the order of their fields, and the many ways in which they can be written.

use proptest::{collection::vec, prelude::*, sample::select};

/// A JSON value that keeps the order of its fields, and its numbers as they were written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(&'static str),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

pub(super) const NAMES: [&str; 6] = ["a", "q\"", "id", "authorId", "밥", "q\"\\\n"];
const NUMBERS: [&str; 8] = ["0", "-0", "7", "-12", "1.0", "0.25", "1e999", "-3.5E+2"];

pub(super) fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        select(&NUMBERS[..]).prop_map(Json::Number),
        select(&["", "x", "한글", "a/b\u{1}\u{1f600}", "\\\""][..]).prop_map(|text| Json::Text(text.into())),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let field = (select(&NAMES[..]).prop_map(str::to_owned), inner.clone());
        prop_oneof![vec(inner, 0..4).prop_map(Json::List), vec(field, 0..5).prop_map(Json::Object)]
    })
}

/// How a value is printed: a source of arbitrary choices.
struct Printer<'c> {
    choices: &'c [u8],
    at: usize,
    text: String,
}

impl Printer<'_> {
    fn choose(&mut self, many: u8) -> u8 {
        self.at += 1;
        if self.choices.is_empty() { 0 } else { self.choices[self.at % self.choices.len()] % many }
    }

    fn space(&mut self) {
        for _ in 0..self.choose(3) {
            let one = [" ", "\n", "\t", "\r"][usize::from(self.choose(4))];
            self.text.push_str(one);
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.text.extend(['\\', c]),
                '\n' if self.choose(2) == 0 => self.text.push_str("\\n"),
                '/' if self.choose(2) == 0 => self.text.push_str("\\/"),
                c if c < ' ' || self.choose(5) == 4 => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        self.text.push_str(&format!("\\u{unit:04X}"));
                    }
                }
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }

    fn value(&mut self, value: &Json) {
        self.space();
        match value {
            Json::Null => self.text.push_str("null"),
            Json::Bool(one) => self.text.push_str(if *one { "true" } else { "false" }),
            Json::Number(number) => self.text.push_str(number),
            Json::Text(text) => self.string(text),
            Json::List(items) => {
                self.text.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        self.text.push(',');
                    }
                    self.value(item);
                }
                self.space();
                self.text.push(']');
            }
            Json::Object(fields) => {
                self.text.push('{');
                for (place, (name, value)) in fields.iter().enumerate() {
                    if place > 0 {
                        self.text.push(',');
                    }
                    self.space();
                    self.string(name);
                    self.space();
                    self.text.push(':');
                    self.value(value);
                }
                self.space();
                self.text.push('}');
            }
        }
        self.space();
    }
}

pub(super) fn print(value: &Json, choices: &[u8]) -> String {
    let mut printer = Printer { choices, at: 0, text: String::new() };
    printer.value(value);
    printer.text
}
