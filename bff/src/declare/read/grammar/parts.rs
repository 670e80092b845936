//! Tables that screens, routes and `gateway.toml` have in common.

use super::{
    keys::{
        AT, BODY, DROP, EXPECT, FRESH_MS, GET, MAX_CALLS, MAX_IDS, PICK, PICK_OF_ANSWER, POST, REMEMBER,
        RENAME, SEND, SHAPE, SHAPE_OF_ENTITY, SHARED, TAG,
    },
    table::{Grammar, Kind, key, required},
};

pub(in crate::declare) static FILE: Grammar = Grammar {
    about: "A bearer token in a file.",
    keys: &[required("file", Kind::Text, "The file that holds it (its last line break is ignored).")],
};

pub(in crate::declare) static PARAM: Grammar = Grammar {
    about: "A parameter.",
    keys: &[
        key("about", Kind::Text, "What it says, for the contract with callers."),
        key("summary", Kind::Text, "The same in one line."),
        SHAPE,
        required(
            "in",
            Kind::OneOf(&["path", "query", "header", "fixed"]),
            "Where it is read; \"fixed\": no caller can set it.",
        ),
        key(
            "type",
            Kind::OneOf(&["id", "integer", "boolean", "cursor", "string"]),
            "What it may be; default: \"id\" in a path, what its default is where it is fixed, else \"string\".",
        ),
        key("name", Kind::Text, "The header's name; default: the parameter's own."),
        key("default", Kind::Scalar, "Where the caller says nothing; without it the parameter is optional."),
        key("compact_default", Kind::Scalar, "The default of the compact view, where that is another one."),
        key("min", Kind::Integer(i64::MIN, i64::MAX), "The least integer."),
        key("max", Kind::Integer(i64::MIN, i64::MAX), "The greatest integer."),
        key("max_length", Kind::Integer(1, 65_536), "The longest string, in characters; default: 200."),
        key("one_of", Kind::Texts, "The only values that there are."),
    ],
};

pub(in crate::declare) static PART: Grammar = Grammar {
    about: "A part of a screen: one call.",
    keys: &[
        key("get", Kind::Text, "The call: `UPSTREAM:PATH?QUERY` with placeholders."),
        key("post", Kind::Text, "A service that is asked with POST (GraphQL, search): counts as a read."),
        key("body", Kind::Text, "Of a `post`: JSON in which a placeholder is a whole string, `\"{id}\"`."),
        key("at", Kind::Text, "The part is that value of the answer; missing or null: invalid."),
        key("required", Kind::Boolean, "Without it there is no document; default: it degrades."),
        key("subject", Kind::Boolean, "Its 404 is the screen's 404."),
        key("share", Kind::Number(0.01, 1.0), "Its share of the screen's deadline."),
        key("tags", Kind::Texts, "Tags of the document, whatever comes: `KIND:{value}` or a bare `KIND`."),
        key("tags_of", Kind::Texts, "`KIND:PATH`: a tag for each id found there."),
        key(
            "page",
            Kind::Text,
            "The parameter that the page begins at: the upstream's 400 or 422 is the caller's 422 for it.",
        ),
        SEND,
        key(
            "when",
            Kind::Text,
            "`user`: only for signed-in callers; `user.id != PARAMETER` implies it. Otherwise `else` stands.",
        ),
        key("else", Kind::Text, "JSON that stands where `when` does not hold."),
        key("not_found", Kind::OneOf(&["else"]), "A 404 of this part is `else`, and not degraded."),
        EXPECT,
        PICK_OF_ANSWER,
        DROP,
        RENAME,
        REMEMBER,
        key("about", Kind::Text, "What it is, for the contract with callers."),
        SHAPE,
    ],
};

pub(in crate::declare) static LOOKUP: Grammar = Grammar {
    about: "A look-up by id.",
    keys: &[
        GET,
        POST,
        BODY,
        AT,
        key("from", Kind::Text, "Where the answers are: `items[]`. Left out with `{id}`."),
        key("key", Kind::Text, "By what an answer is known. Left out with `{id}`."),
        PICK,
        DROP,
        RENAME,
        TAG,
        SHARED,
        FRESH_MS,
        MAX_IDS,
        MAX_CALLS,
        SHAPE_OF_ENTITY,
    ],
};

pub(in crate::declare) static JOIN: Grammar = Grammar {
    about: "Ids become what they name.",
    keys: &[
        required("of", Kind::Texts, "Paths to ids; the object around each gets `as`."),
        required(
            "as",
            Kind::Text,
            "The field: null where the id is unknown, or what it names not to be had.",
        ),
        key("part", Kind::Text, "The name in `degraded`, timings and metrics; default: the join's own."),
        key("lookup", Kind::Text, "A look-up of gateway.toml; or one of this join's own, by the keys below."),
        GET,
        POST,
        BODY,
        AT,
        key("from", Kind::Text, "Where the answers are: `items[]`."),
        key("key", Kind::Text, "By what an answer is known."),
        PICK,
        DROP,
        RENAME,
        TAG,
        SHARED,
        FRESH_MS,
        MAX_IDS,
        MAX_CALLS,
        SHAPE_OF_ENTITY,
    ],
};

pub(in crate::declare) static ANNOUNCE: Grammar = Grammar {
    about: "What live connections are told.",
    keys: &[
        required("topic", Kind::Text, "`KIND:{value}`."),
        required("type", Kind::Text, "The message's type: `order.created`."),
    ],
};
