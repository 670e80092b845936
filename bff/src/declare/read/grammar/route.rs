//! `routes/NAME.toml`.

use super::{
    keys::{ABOUT, ACCESS, DROP, EXPECT, GROUP, PICK_OF_ANSWER, REMEMBER, RENAME, SEND},
    parts::{ANNOUNCE, JOIN, PARAM},
    table::{DAY_MS, Grammar, Kind, key, required},
};

pub(in crate::declare) static ROUTES: Grammar = Grammar {
    about: "Reads and writes that pass through.",
    keys: &[key("route", Kind::List(&ROUTE), "A route.")],
};

pub(in crate::declare) static ROUTE: Grammar = Grammar {
    about: "A read or write that passes through.",
    keys: &[
        key(
            "id",
            Kind::Text,
            "Its `operationId` in the contract with callers; with one method only. Default: made of method and path.",
        ),
        key("summary", Kind::Text, "What it does, in one line."),
        ABOUT,
        GROUP,
        key("shape", Kind::Text, "The name of its answer's schema in the contract with callers."),
        key(
            "leads_to",
            Kind::TextsMap,
            "Links: a path into the answer, and the `OPERATION.PARAMETER`s that take what stands there.",
        ),
        required(
            "path",
            Kind::Text,
            "The path that callers ask for: `/api/orders/{id}`, `/api/reports/{rest..}`.",
        ),
        required("methods", Kind::Texts, "GET, POST, PUT, PATCH, DELETE."),
        required("to", Kind::Text, "The call: `UPSTREAM:PATH?QUERY`."),
        ACCESS,
        key("params", Kind::Tables(&PARAM), "Parameters; those of the path are ids unless said otherwise."),
        SEND,
        key(
            "joins",
            Kind::Tables(&JOIN),
            "Ids in the answer become what they name; their paths begin at the answer.",
        ),
        EXPECT,
        PICK_OF_ANSWER,
        DROP,
        RENAME,
        key(
            "status",
            Kind::Integer(200, 299),
            "The status of success; default: 204 where the contract's success has no content, else 201 for POST and 200 otherwise.",
        ),
        key("location", Kind::Text, "`Location` of the answer: `/api/orders/{response.id}`."),
        key(
            "body",
            Kind::Text,
            "The schema, in the upstream's contract, by which bodies are checked before an upstream is called.",
        ),
        key(
            "files",
            Kind::TextMap,
            "Fields of the body that are keys of uploaded files: `image` or `file`. Each must be the writer's own, committed and public.",
        ),
        key(
            "drops_mine",
            Kind::Texts,
            "Tags: the writer's documents that bear one are gone before the answer.",
        ),
        key(
            "drops",
            Kind::Texts,
            "Tags: the writer's documents that bear one are gone, everybody else's are stale.",
        ),
        key("add", Kind::TextMap, "Fields beside what the upstream answered: `user.card`, `user.id`, …"),
        key(
            "announce",
            Kind::Table(&ANNOUNCE),
            "What live connections are told: the answer as `data`, `drops` as tags.",
        ),
        key("idempotent_key", Kind::Boolean, "Whether an `Idempotency-Key` is honoured; default: for POST."),
        key(
            "profile",
            Kind::Boolean,
            "The answer is the caller's own profile, and their sessions take it over.",
        ),
        key("if_match", Kind::Boolean, "Reads give the upstream's ETag, and writes pass `If-Match`."),
        REMEMBER,
        key("recall", Kind::TextMap, "Values that were remembered: name = \"TABLE:{key}\"."),
        key("stream", Kind::Boolean, "Bodies go through as they come, either way, and are not kept."),
        key("max_bytes", Kind::Integer(1, i64::MAX), "Of a stream: the most bytes, either way."),
        key("idle_ms", Kind::Integer(1, DAY_MS), "Of a stream: the longest silence."),
        key(
            "timeout_ms",
            Kind::Integer(0, DAY_MS),
            "Of a stream: the longest time for the whole; 0: unbounded.",
        ),
    ],
};
