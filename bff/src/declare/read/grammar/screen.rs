//! `screens/NAME.toml`.

use super::{
    keys::{ABOUT, ACCESS, GROUP},
    parts::{JOIN, PARAM, PART},
    table::{DAY_MS, Grammar, Kind, key, required},
};

pub(in crate::declare) static SCREEN: Grammar = Grammar {
    about: "A screen: one document made of several upstreams' answers, cached per user. The file's name is the screen's.",
    keys: &[
        key(
            "id",
            Kind::Text,
            "Its `operationId` in the contract with callers; default: made of the file's name.",
        ),
        key("summary", Kind::Text, "What it shows, in one line."),
        ABOUT,
        GROUP,
        key("shape", Kind::Text, "The name of its document's schema in the contract with callers."),
        key(
            "leads_to",
            Kind::TextsMap,
            "Links: a path into the document, and the `OPERATION.PARAMETER`s that take what stands there.",
        ),
        required("path", Kind::Text, "The path that callers ask for: `/bff/orders/{id}`."),
        ACCESS,
        key(
            "vary",
            Kind::Texts,
            "What the cache key has besides screen, view, user and parameters: \"session\".",
        ),
        key(
            "at_least_one",
            Kind::TextLists,
            "Fields of the document: where all of one list are missing there is no document.",
        ),
        key("params", Kind::Tables(&PARAM), "Parameters. Every one is checked before anything is called."),
        required("parts", Kind::Tables(&PART), "Calls to upstreams, one each; they leave together."),
        key("joins", Kind::Tables(&JOIN), "Ids in parts become what they name."),
        key(
            "document",
            Kind::TextMap,
            "The document's fields, in this order: a path into a part, or a value of the gateway. Default: each part under its own name.",
        ),
        key("compact", Kind::Table(&COMPACT), "What `?view=compact` leaves out."),
        key(
            "cache",
            Kind::Table(&CACHE),
            "How long documents live; the config and the environment override it.",
        ),
    ],
};

pub(in crate::declare) static COMPACT: Grammar = Grammar {
    about: "What `?view=compact` leaves out.",
    keys: &[
        key("without", Kind::Texts, "Paths into the document, lists without `[]`."),
        key("at_most", Kind::CountMap, "The most items of a list of the document."),
    ],
};

pub(in crate::declare) static CACHE: Grammar = Grammar {
    about: "How long documents live.",
    keys: &[
        key("fresh_ms", Kind::Integer(0, DAY_MS), "How long a document is fresh."),
        key("stale_ms", Kind::Integer(0, DAY_MS), "How long beyond that it is served while it is made anew."),
        key("deadline_ms", Kind::Integer(1, DAY_MS), "How long making one may take."),
    ],
};
