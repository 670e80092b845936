//! Keys that several tables have alike.

use super::table::{DAY_MS, Key, Kind, key};

pub(super) const ABOUT: Key = key("about", Kind::Text, "What callers should know of it. Markdown.");
pub(super) const ACCESS: Key = key(
    "access",
    Kind::OneOf(&["signed_in", "open"]),
    "Who may call: signed-in callers alone (default), or everybody.",
);
pub(super) const AT: Key = key("at", Kind::Text, "The answer is that value of what came.");
pub(super) const BODY: Key =
    key("body", Kind::Text, "Of a `post`: JSON in which `\"{ids}\"` becomes a list.");
pub(super) const DROP: Key = key("drop", Kind::Texts, "All fields but these leave the gateway.");
pub(super) const EXPECT: Key = key(
    "expect",
    Kind::TextMap,
    "What must stand at each path of the answer, or it is about something else, and invalid.",
);
pub(super) const FRESH_MS: Key =
    key("fresh_ms", Kind::Integer(0, DAY_MS), "How long a shared answer is fresh.");
pub(super) const GET: Key =
    key("get", Kind::Text, "The call: `{ids}` takes many ids at once, `{id}` makes one call for each id.");
pub(super) const GROUP: Key = key("group", Kind::Text, "Its group in the contract with callers.");
pub(super) const MAX_CALLS: Key =
    key("max_calls", Kind::Integer(1, 1000), "With `{id}`: the most calls for one document; default: 20.");
pub(super) const MAX_IDS: Key =
    key("max_ids", Kind::Integer(1, 1000), "The most ids of one call; default: 100.");
pub(super) const PICK: Key = key("pick", Kind::Texts, "These fields alone leave the gateway.");
pub(super) const PICK_OF_ANSWER: Key =
    key("pick", Kind::Texts, "These fields of the answer alone leave the gateway.");
pub(super) const POST: Key = key("post", Kind::Text, "A service that is asked with POST: counts as a read.");
pub(super) const REMEMBER: Key = key(
    "remember",
    Kind::TextsMap,
    "Pairs to remember of the answer: table = [path of the key, path of the value].",
);
pub(super) const RENAME: Key = key("rename", Kind::TextMap, "Other names for fields: theirs = ours.");
pub(super) const SEND: Key = key("send", Kind::TextMap, "Headers that go along, from an allow-list.");
pub(super) const SHAPE: Key =
    key("shape", Kind::Text, "The name of its schema in the contract with callers.");
pub(super) const SHAPE_OF_ENTITY: Key =
    key("shape", Kind::Text, "The name of the schema of what is looked up, in the contract with callers.");
pub(super) const SHARED: Key =
    key("shared", Kind::Boolean, "One cache for all users: the call then acts for nobody.");
pub(super) const TAG: Key = key("tag", Kind::Text, "Each id looked up tags the document as `TAG:ID`.");
