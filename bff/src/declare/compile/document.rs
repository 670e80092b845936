//! The document of a screen: which part each field comes from, and what the compact view leaves out of it.

use super::super::{
    contract::{Segment, ShapePath},
    mistake::{At, Spot, but, did_you_mean, quoted},
    read::{Screen, Shaping},
    text::is_name,
};
use super::{
    context::Context,
    points::{Point, same},
    scope::Answer,
};
use crate::compose::{
    plan::{SessionField, UserField, Value},
    scan::Export,
};

/// A field of the document.
pub(super) struct FieldDraft {
    pub(super) name: String,
    pub(super) source: SourceDraft,
    pub(super) only_full: bool,
}

/// Where a field comes from.
pub(super) enum SourceDraft {
    Value(Value),
    Part {
        part: usize,
        /// Into the whole answer, in the upstream's names.
        path: ShapePath,
        /// From the part on, in ours.
        ours: Vec<String>,
        export: Export,
    },
}

/// What the compact view leaves out of a field.
pub(super) struct Prune<'t> {
    pub(super) spot: &'t Spot,
    /// The field's place in the document.
    pub(super) field: usize,
    pub(super) part: usize,
    /// From the part on, in our names and without lists.
    pub(super) path: Vec<String>,
    /// The most items; `None`: all of it.
    pub(super) at_most: Option<u32>,
}

/// The document's fields.
pub(super) fn fields(
    cx: &Context<'_>,
    screen: &Screen,
    answers: &[Answer<'_>],
    shapings: &[&Shaping],
) -> Vec<FieldDraft> {
    let default: Vec<(At<String>, At<String>)>;
    let declared = match &screen.document {
        Some(declared) => declared,
        None => {
            let part = |part: &super::super::read::Part| (part.name.clone(), part.name.clone());
            default = screen.parts.iter().map(part).collect();
            &default
        }
    };
    if screen.document.is_some() && declared.is_empty() {
        cx.mistake(&screen.name.spot, "`document` names no field");
    }
    let mut fields: Vec<FieldDraft> = Vec::new();
    for (name, source) in declared {
        if name.as_str() == "degraded" || name.as_str() == "end" {
            cx.mistake(&name.spot, format_args!("{} is a name of the gateway's own", quoted(name)));
        }
        if !is_name(name) {
            cx.mistake(&name.spot, format_args!("{} is no name: letters, digits, `_` and `-`", quoted(name)));
        }
        let exports = u16::try_from(fields.len()).unwrap_or(u16::MAX);
        let Some(source) = self::source(cx, source, answers, shapings, Export(exports)) else { continue };
        fields.push(FieldDraft { name: name.value.clone(), source, only_full: false });
    }
    share_exports(&mut fields);
    fields
}

/// Fields that are the same value are one export.
fn share_exports(fields: &mut [FieldDraft]) {
    for place in 1..fields.len() {
        let (before, rest) = fields.split_at_mut(place);
        let Some(SourceDraft::Part { part, path, export, .. }) =
            rest.first_mut().map(|field| &mut field.source)
        else {
            continue;
        };
        let same = before.iter().find_map(|other| match &other.source {
            SourceDraft::Part { part: p, path: q, export, .. } if p == part && q == path => Some(*export),
            _ => None,
        });
        *export = same.unwrap_or(*export);
    }
}

fn source(
    cx: &Context<'_>,
    text: &At<String>,
    answers: &[Answer<'_>],
    shapings: &[&Shaping],
    export: Export,
) -> Option<SourceDraft> {
    let gateway = match text.as_str() {
        "session" => Some(Value::Session(SessionField::All)),
        "session.id" => Some(Value::Session(SessionField::Id)),
        "session.client" => Some(Value::Session(SessionField::Client)),
        "session.address" => Some(Value::Session(SessionField::Address)),
        "user.id" => Some(Value::User(UserField::Id)),
        "user.username" => Some(Value::User(UserField::Username)),
        "user.displayName" => Some(Value::User(UserField::DisplayName)),
        "user.card" => Some(Value::User(UserField::Card)),
        _ => None,
    };
    if let Some(value) = gateway {
        return Some(SourceDraft::Value(value));
    }
    let names: Vec<&str> = text.split('.').collect();
    let (head, rest) = names.split_first()?;
    let Some(part) = answers.iter().position(|answer| answer.name == *head) else {
        let known: Vec<&str> = answers.iter().map(|answer| answer.name).collect();
        let near = did_you_mean(head, known.iter().copied());
        let what = match *head {
            "user" => "there are user.id, user.username, user.displayName and user.card".to_owned(),
            "session" => "there are session, session.id, session.client and session.address".to_owned(),
            _ => format!("there is no part {}{near}{}", quoted(head), but(known)),
        };
        cx.mistake(&text.spot, what);
        return None;
    };
    if rest.iter().any(|name| name.is_empty() || name.contains(['[', ']'])) {
        cx.mistake(&text.spot, "is one value of a part: `part.field`, without `[]`");
        return None;
    }
    let answer = &answers[part];
    let theirs = theirs(cx, &text.spot, rest, shapings[part])?;
    let there = answer.at(&theirs);
    cx.report.take(&text.spot, there)?;
    if !leaves(&theirs, shapings[part]) {
        cx.mistake(&text.spot, "does not leave the gateway: the part's `pick` or `drop` says so");
        return None;
    }
    let ours = rest.iter().map(|name| (*name).to_owned()).collect();
    Some(SourceDraft::Part { part, path: answer.whole(&theirs), ours, export })
}

/// A path in our names as one in the upstream's.
fn theirs(cx: &Context<'_>, spot: &Spot, names: &[&str], shaping: &Shaping) -> Option<Vec<Segment>> {
    let mut path: Vec<Segment> = Vec::new();
    for name in names {
        let inside =
            |theirs: &ShapePath| theirs.0.split_last().is_some_and(|(_, object)| same(object, &path));
        let renamed = shaping.rename.iter().find(|(theirs, ours)| inside(theirs) && ours.as_str() == *name);
        let mut next = path.clone();
        next.push(Segment::Field((*name).to_owned()));
        let away = shaping.rename.iter().find(|(theirs, _)| same(&theirs.0, &next));
        match (renamed, away) {
            (Some((theirs, _)), _) => path.extend(theirs.0.last().cloned()),
            (None, Some((_, ours))) => {
                cx.mistake(spot, format_args!("{} leaves as {}", quoted(name), quoted(ours)));
                return None;
            }
            (None, None) => path = next,
        }
    }
    Some(path)
}

/// Whether `pick` and `drop` let a value leave.
fn leaves(path: &[Segment], shaping: &Shaping) -> bool {
    let dropped = shaping.drop.iter().any(|dropped| path.starts_with(&dropped.0));
    let mut picked = shaping.pick.iter().map(|picked| picked.0.as_slice());
    let wanted = shaping.pick.is_empty()
        || path.is_empty()
        || picked.any(|picked| path.starts_with(picked) || picked.starts_with(path));
    wanted && !dropped
}

/// What the compact view leaves out. Fields that it leaves out altogether are marked.
pub(super) fn prunes<'t>(cx: &Context<'t>, screen: &'t Screen, fields: &mut [FieldDraft]) -> Vec<Prune<'t>> {
    let mut prunes = Vec::new();
    let without = screen.without.iter().map(|path| (path, None));
    for (path, at_most) in without.chain(screen.at_most.iter().map(|(path, most)| (path, Some(*most)))) {
        let names: Vec<&str> = path.split('.').collect();
        let (head, rest) = names.split_first().map_or(("", &[][..]), |(head, rest)| (*head, rest));
        if rest.iter().any(|name| name.is_empty() || name.contains(['[', ']'])) {
            cx.mistake(&path.spot, "is a path into the document: `field.field`, lists without `[]`");
            continue;
        }
        let Some(place) = fields.iter().position(|field| field.name == head) else {
            let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            let near = did_you_mean(head, known.iter().copied());
            let known = but(known);
            cx.mistake(&path.spot, format_args!("the document has no field {}{near}{known}", quoted(head)));
            continue;
        };
        if rest.is_empty() && at_most.is_none() {
            fields[place].only_full = true;
            continue;
        }
        match &fields[place].source {
            SourceDraft::Value(_) => cx.mistake(&path.spot, "is a value of the gateway, which has no fields"),
            SourceDraft::Part { part, ours, .. } => {
                let rest = rest.iter().map(|name| (*name).to_owned());
                let path_in_part = ours.iter().cloned().chain(rest).collect();
                prunes.push(Prune {
                    spot: &path.spot,
                    field: place,
                    part: *part,
                    path: path_in_part,
                    at_most,
                });
            }
        }
    }
    prunes
}

/// Fields of one part in groups, so that in each group whatever overlaps is pruned alike: the first group is scanned with
/// the part, each further one by itself.
pub(super) fn groups(part: usize, fields: &[FieldDraft], prunes: &[Prune<'_>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        if !matches!(&field.source, SourceDraft::Part { part: of, .. } if *of == part) {
            continue;
        }
        let fits =
            |group: &&mut Vec<usize>| group.iter().all(|other| !conflict(fields, prunes, *other, place));
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups
}

/// Whether two fields overlap, and are pruned in different ways where they do.
fn conflict(fields: &[FieldDraft], prunes: &[Prune<'_>], one: usize, other: usize) -> bool {
    let (SourceDraft::Part { ours: a, .. }, SourceDraft::Part { ours: b, .. }) =
        (&fields[one].source, &fields[other].source)
    else {
        return false;
    };
    let (outer, inner, path) = match (b.starts_with(a), a.starts_with(b)) {
        (true, _) => (one, other, b),
        (_, true) => (other, one, a),
        _ => return false,
    };
    let of = |field: usize| prunes.iter().filter(move |prune| prune.field == field);
    let hides = of(outer).any(|prune| {
        path.starts_with(&prune.path) && (prune.at_most.is_none() || prune.path.len() < path.len())
    });
    let inside = |field: usize| {
        let mut inside: Vec<_> = of(field)
            .filter(|prune| prune.path.starts_with(path))
            .map(|prune| (&prune.path, prune.at_most))
            .collect();
        inside.sort();
        inside
    };
    hides || inside(outer) != inside(inner)
}

/// The point whose place a path leads to or through, and what is left of the path.
pub(super) fn through<'p>(
    points: &[Point<'_>],
    part: usize,
    path: &'p [String],
) -> Option<(usize, &'p [String])> {
    let leading =
        points.iter().enumerate().filter(|(_, point)| point.part == part && path.starts_with(&point.ours));
    let (place, point) = leading.max_by_key(|(_, point)| point.ours.len())?;
    Some((place, &path[point.ours.len()..]))
}

/// A field's name as it is written, with quotes and colon.
pub(super) fn key(name: &str) -> Box<[u8]> {
    format!("{}:", serde_json::Value::from(name)).into_bytes().into()
}
