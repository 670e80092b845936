//! What each kind of parameter takes, where it is read, and what is told of mistakes.

use proptest::prelude::*;
use smallvec::SmallVec;

use super::{
    ParamError, ParamKind, ParamPlan, ParamSource, ParamValue, Params, Sources, encode_segment, path, read,
};

#[derive(Default)]
struct Given<'g> {
    path: &'g str,
    query: &'g str,
    headers: &'g [(&'g str, &'g str)],
}

impl Sources for Given<'_> {
    fn path(&self, _: &str) -> Option<&str> {
        Some(self.path)
    }

    fn query(&self) -> &str {
        self.query
    }

    fn header(&self, name: &str) -> SmallVec<[&str; 2]> {
        self.headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| *value).collect()
    }
}

fn plan(name: &str, source: ParamSource, kind: ParamKind) -> ParamPlan {
    ParamPlan { name: name.into(), source, kind, default: None, compact_default: None }
}

fn text(text: &str) -> ParamValue {
    ParamValue::Text(text.into())
}

fn string(max_length: u32, one_of: &[&str]) -> ParamKind {
    ParamKind::String { max_length, one_of: one_of.iter().map(|one| (*one).into()).collect() }
}

/// As lists are asked for.
fn of_a_list() -> Vec<ParamPlan> {
    let integer = |name, range, default| ParamPlan {
        default: Some(ParamValue::Integer(default)),
        compact_default: Some(ParamValue::Integer(5)),
        ..plan(name, ParamSource::Query, ParamKind::Integer(range))
    };
    vec![
        plan("q", ParamSource::Query, string(200, &[])),
        ParamPlan { compact_default: None, ..integer("page", 1..=i64::from(u32::MAX), 1) },
        integer("pageSize", 1..=100, 10),
        ParamPlan {
            default: Some(text("new")),
            ..plan("sort", ParamSource::Query, string(20, &["new", "popular"]))
        },
        plan("cursor", ParamSource::Query, ParamKind::Cursor),
    ]
}

fn of_query(query: &str) -> Result<Params, Vec<(String, String, String)>> {
    match read(&of_a_list(), &Given { query, ..Given::default() }, false) {
        Ok(params) => Ok(params),
        Err(ParamError::Invalid(errors)) => {
            Err(errors.into_iter().map(|e| (e.field, e.code, e.message)).collect())
        }
        Err(ParamError::NotFound) => panic!("no path was asked for"),
    }
}

fn values(q: Option<&str>, page: i64, size: i64, sort: &str, cursor: Option<&str>) -> Params {
    let (page, size) = (ParamValue::Integer(page), ParamValue::Integer(size));
    [q.map(text), Some(page), Some(size), Some(text(sort)), cursor.map(text)].into()
}

#[test]
fn a_query_is_read_as_forms_write_it() {
    assert_eq!(of_query(""), Ok(values(None, 1, 10, "new", None)));
    let blank = of_query("q=+&cursor=&sort=&utm_source=x&limit=nonsense");
    assert_eq!(blank, Ok(values(None, 1, 10, "new", None)));
    let all =
        of_query("q=+%EA%B9%80%EC%B9%98+%26+rice&page=4294967295&pageSize=100&sort=popular&cursor=a%2Fb");
    assert_eq!(all, Ok(values(Some("김치 & rice"), 4_294_967_295, 100, "popular", Some("a/b"))));
    assert!(of_query(&format!("q={}", "%EA%B9%80".repeat(200))).is_ok());
}

#[test]
fn mistakes_are_named_and_all_of_them_at_once() {
    let one = |field: &str, code: &str, message: &str| {
        Err(vec![(field.to_owned(), code.to_owned(), message.to_owned())])
    };
    for number in ["0", "101", "4294967296", "99999999999999999999999999"] {
        let told = of_query(&format!("pageSize={number}"));
        assert_eq!(told, one("pageSize", "out_of_range", "a whole number, 1 to 100"), "{number}");
    }
    for number in ["", "-1", "x", "1.5", "1e1", "%2B1", "٣"] {
        let told = of_query(&format!("pageSize={number}"));
        assert_eq!(told, one("pageSize", "invalid", "must be a whole number"), "{number}");
    }
    assert_eq!(of_query("page=1&page=1"), one("page", "duplicate", "is given twice"));
    assert_eq!(of_query("sort=old"), one("sort", "invalid", "one of: new, popular"));
    assert_eq!(of_query("q=%00"), one("q", "invalid", "must be text"));
    assert_eq!(of_query("q=%ff"), one("q", "invalid", "must be text"));
    let long = of_query(&format!("q={}", "x".repeat(201)));
    assert_eq!(long, one("q", "too_long", "at most 200 characters"));
    let cursor = one("cursor", "invalid", "not a cursor of this list");
    assert_eq!(of_query("cursor=%0a"), cursor);
    assert_eq!(of_query(&format!("cursor={}", "x".repeat(513))), cursor);
    assert!(of_query(&format!("cursor={}", "x".repeat(512))).is_ok());
    assert_eq!(of_query("page=0&pageSize=0&sort=x&q=%07").map_err(|errors| errors.len()), Err(4));
}

#[test]
fn the_compact_view_has_its_own_defaults_and_a_fixed_parameter_cannot_be_set() {
    let fixed = ParamPlan {
        default: Some(ParamValue::Integer(20)),
        compact_default: Some(ParamValue::Integer(5)),
        ..plan("few", ParamSource::StaticResponse, ParamKind::Integer(0..=9))
    };
    let given = Given { query: "few=7", ..Given::default() };
    let few = |compact| read(std::slice::from_ref(&fixed), &given, compact).expect("nothing is wrong");
    assert_eq!(few(false)[0], Some(ParamValue::Integer(20)));
    assert_eq!(few(true)[0], Some(ParamValue::Integer(5)));
}

#[test]
fn signs_belong_to_numbers_that_may_be_negative() {
    let plans = [plan("n", ParamSource::Query, ParamKind::Integer(-5..=5))];
    let n = |query| read(&plans, &Given { query, ..Given::default() }, false).map(|params| params[0].clone());
    assert_eq!(n("n=-5"), Ok(Some(ParamValue::Integer(-5))));
    assert!(n("n=-6").is_err() && n("n=-").is_err() && n("n=--1").is_err());
    let plans = [plan("on", ParamSource::Query, ParamKind::Boolean)];
    let on =
        |query| read(&plans, &Given { query, ..Given::default() }, false).map(|params| params[0].clone());
    assert_eq!(on("on=true"), Ok(Some(ParamValue::Boolean(true))));
    assert!(on("on=1").is_err() && on("on=").is_err());
}

#[test]
fn what_cannot_be_in_a_path_is_not_found_whatever_else_is_wrong() {
    let of = |kind, given| {
        let plans = [
            plan("page", ParamSource::Query, ParamKind::Integer(1..=9)),
            plan("id", ParamSource::Path, kind),
        ];
        read(&plans, &Given { path: given, ..Given::default() }, false).map(|mut read| read[1].take())
    };
    assert_eq!(of(ParamKind::Id, "a~b.c-1"), Ok(Some(text("a~b.c-1"))));
    assert_eq!(of(ParamKind::Id, "%61"), Ok(Some(text("a"))));
    for bad in ["", "a/b", "a%2Fb", "a b", "%00", "%ff", "%2", "%zz", "a%252f", "\u{fffd}"] {
        assert_eq!(of(ParamKind::Id, bad), Err(ParamError::NotFound), "{bad}");
    }
    assert_eq!(of(ParamKind::Integer(1..=9), "7"), Ok(Some(ParamValue::Integer(7))));
    assert_eq!(of(ParamKind::Integer(1..=9), "10"), Err(ParamError::NotFound));
    assert_eq!(of(string(9, &[]), "a%20%EA%B9%80"), Ok(Some(text("a 김"))));
    assert_eq!(of(string(9, &[]), "%20"), Err(ParamError::NotFound));
    let plans = [
        plan("page", ParamSource::Query, ParamKind::Integer(1..=9)),
        plan("id", ParamSource::Path, ParamKind::Id),
    ];
    let both = read(&plans, &Given { path: "%", query: "page=x", ..Given::default() }, false);
    assert_eq!(both, Err(ParamError::NotFound));
}

#[test]
fn the_rest_of_a_path_has_no_way_out() {
    let plans = [plan("rest", ParamSource::Rest, string(9, &[]))];
    let rest =
        |path| read(&plans, &Given { path, ..Given::default() }, false).map(|params| params[0].clone());
    assert_eq!(rest("a/b c/%EA%B9%80"), Ok(Some(text("a/b c/김"))));
    assert_eq!(rest("a%252fb"), Ok(Some(text("a%2fb"))), "decoded once");
    for bad in [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        ".",
        "..",
        "a/../b",
        "a/%2e%2E/b",
        "a%2Fb",
        "a%2fb",
        "a%5cb",
        "a\\b",
        "%00",
        "a/%",
        "a%0a",
        "%ff",
    ] {
        assert_eq!(rest(bad), Err(ParamError::NotFound), "{bad}");
    }
}

#[test]
fn a_language_is_negotiated() {
    let plans = [ParamPlan {
        default: Some(text("en")),
        ..plan("lang", ParamSource::Header("accept-language".into()), string(20, &["ko", "en", "zh-Hant"]))
    }];
    let lang = |lines: &[&str]| {
        let headers: Vec<_> = lines.iter().map(|line| ("accept-language", *line)).collect();
        let params = read(&plans, &Given { headers: &headers, ..Given::default() }, false);
        params.expect("never wrong")[0].clone()
    };
    for (expected, lines) in [
        ("en", &[][..]),
        ("ko", &["ko"]),
        ("ko", &["KO-kr"]),
        ("ko", &["fr, ko-KR;q=0.8, en;q=0.7"]),
        ("en", &["ko;q=0.5", "en;q=0.6"]),
        ("ko", &["ko, en"]),
        ("ko", &["ko;q=0.3, de"]),
        ("en", &["ko;q=0"]),
        ("en", &["fr, *;q=0.5"]),
        ("en", &[";;,q=,ko;q=2"]),
        ("zh-Hant", &["zh-Hant-x-private"]),
        ("en", &[""]),
    ] {
        assert_eq!(lang(lines), Some(text(expected)), "{lines:?}");
    }
}

#[test]
fn another_header_is_there_once() {
    let plans = [plan("tenant", ParamSource::Header("x-tenant".into()), ParamKind::Id)];
    let tenant = |headers: &[(&str, &str)]| {
        read(&plans, &Given { headers, ..Given::default() }, false).map(|params| params[0].clone())
    };
    assert_eq!(tenant(&[]), Ok(None));
    assert_eq!(tenant(&[("x-tenant", "a")]), Ok(Some(text("a"))));
    let Err(ParamError::Invalid(errors)) = tenant(&[("x-tenant", "a"), ("x-tenant", "b")]) else {
        panic!("it is given twice")
    };
    assert_eq!((&*errors[0].field, &*errors[0].code), ("tenant", "duplicate"));
}

proptest! {
    #[test]
    fn no_query_panics(text in "\\PC{0,80}") {
        let _ = of_query(&text);
    }

    #[test]
    fn what_is_encoded_is_decoded_to_the_same(segment in "[^\\p{Cc}/\\\\\u{fffd}]{1,20}") {
        let mut encoded = String::new();
        encode_segment(&segment, &mut encoded);
        prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'));
        let decoded = path::decoded(&encoded);
        prop_assert_eq!(decoded.as_deref(), Some(segment.as_str()));
    }

    #[test]
    fn no_rest_leads_elsewhere(path in "[a./%2eEfF\\\\]{0,20}") {
        if let Some(rest) = path::decoded_rest(&path) {
            for segment in rest.split('/') {
                prop_assert!(!matches!(segment, "" | "." | ".."));
            }
        }
    }
}
