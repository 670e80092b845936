//! Paths that overlap: with the same method, where a request could mean either of two and neither is the more concrete one.

use super::{
    super::{
        mistake::{Report, Spot, quoted},
        read::Tree,
        text::{Segment, SegmentPiece},
    },
    reserved::OWN,
};

/// A path, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step<'t> {
    Literal(&'t str),
    Any,
    Rest,
}

/// One method at one path.
struct Entry<'t> {
    method: &'t str,
    path: &'t str,
    steps: Vec<Step<'t>>,
    spot: &'t Spot,
}

pub(super) fn check(tree: &Tree, report: &Report) {
    let screens = tree.screens.iter().map(|screen| Entry {
        method: "GET",
        path: &screen.path_text,
        steps: steps(&screen.path),
        spot: &screen.path.spot,
    });
    let routes = tree.routes.iter().flat_map(|route| {
        route.methods.iter().map(|method| Entry {
            method,
            path: &route.path_text,
            steps: steps(&route.path),
            spot: &route.path.spot,
        })
    });
    let entries: Vec<Entry<'_>> = screens.chain(routes).collect();
    for (place, entry) in entries.iter().enumerate() {
        own(entry, report);
        for other in entries[..place].iter().filter(|other| other.method == entry.method) {
            if are_ambiguous(&entry.steps, &other.steps) {
                let (method, path, file, line) =
                    (entry.method, quoted(other.path), &other.spot.file, other.spot.line);
                report.add(entry.spot, format_args!("overlaps with {method} {path} ({file}:{line})"));
            }
        }
    }
}

fn own(entry: &Entry<'_>, report: &Report) {
    for (method, path) in OWN {
        let same = method.is_none_or(|method| method == entry.method);
        if same && meet(&entry.steps, &plain(path)) {
            report.add(entry.spot, format_args!("overlaps with {} of the gateway's own", quoted(path)));
            return;
        }
    }
}

fn steps(path: &[Segment]) -> Vec<Step<'_>> {
    let step = |segment| match Segment::kind(segment) {
        SegmentPiece::Literal(text) => Step::Literal(text),
        SegmentPiece::Value => Step::Any,
        SegmentPiece::Rest => Step::Rest,
    };
    path.iter().map(step).collect()
}

fn plain(path: &'static str) -> Vec<Step<'static>> {
    let step = |text| match text {
        "*" => Step::Any,
        "**" => Step::Rest,
        text => Step::Literal(text),
    };
    path.trim_start_matches('/').split('/').map(step).collect()
}

/// Whether some path is both.
fn meet(one: &[Step<'_>], other: &[Step<'_>]) -> bool {
    match (one.split_first(), other.split_first()) {
        // The rest of a path has at least one segment.
        (Some((Step::Rest, _)), other) => other.is_some(),
        (one, Some((Step::Rest, _))) => one.is_some(),
        (Some((a, one)), Some((b, other))) => {
            let fits = match (a, b) {
                (Step::Literal(a), Step::Literal(b)) => a == b,
                _ => true,
            };
            fits && meet(one, other)
        }
        (None, None) => true,
        _ => false,
    }
}

/// Whether every path that is `narrow` is `wide` as well.
fn covers(wide: &[Step<'_>], narrow: &[Step<'_>]) -> bool {
    match (wide.split_first(), narrow.split_first()) {
        (Some((Step::Rest, _)), narrow) => narrow.is_some(),
        (_, Some((Step::Rest, _))) => false,
        (Some((a, wide)), Some((b, narrow))) => {
            let fits = match (a, b) {
                (Step::Literal(a), Step::Literal(b)) => a == b,
                (Step::Any, _) => true,
                _ => false,
            };
            fits && covers(wide, narrow)
        }
        (None, None) => true,
        _ => false,
    }
}

/// Whether neither is the more concrete one.
fn are_ambiguous(one: &[Step<'_>], other: &[Step<'_>]) -> bool {
    meet(one, other) && covers(one, other) == covers(other, one)
}

#[cfg(test)]
mod tests {
    use super::{are_ambiguous, plain};

    #[test]
    fn the_more_concrete_path_is_meant() {
        for (one, other, ambiguous) in [
            ("/a/*", "/a/*", true),
            ("/a/b", "/a/b", true),
            ("/a/*", "/a/b", false),
            ("/a/*/c", "/a/b/*", true),
            ("/a/**", "/a/b", false),
            ("/a/**", "/a/*/c", false),
            ("/a/**", "/a/**", true),
            ("/a/*", "/b/*", false),
            ("/a/*", "/a", false),
            ("/a/**", "/a", false),
            ("/*/**", "/a/*", false),
        ] {
            assert_eq!(are_ambiguous(&plain(one), &plain(other)), ambiguous, "{one} {other}");
            assert_eq!(are_ambiguous(&plain(other), &plain(one)), ambiguous, "{other} {one}");
        }
    }
}
