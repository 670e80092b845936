//! `gateway.toml`.

use super::{
    parts::{FILE, LOOKUP},
    table::{DAY_MS, Grammar, Kind, key, required},
};

pub(in crate::declare) static GATEWAY: Grammar = Grammar {
    about: "What a gateway knows beside its screens and routes: upstreams, accounts, tags, topics and look-ups.",
    keys: &[
        key("title", Kind::Text, "The product's name, in its contract with callers."),
        key(
            "about",
            Kind::Text,
            "What callers should know of the product, in its contract with them. Markdown.",
        ),
        key(
            "groups",
            Kind::TextMap,
            "Groups of operations in the contract with callers, and what each is about.",
        ),
        key(
            "upstreams",
            Kind::Tables(&UPSTREAM),
            "Services behind the gateway, by name (a-z 0-9 -). The config and the environment may override each key.",
        ),
        key("accounts", Kind::Table(&ACCOUNTS), "Who keeps the accounts of people who sign in."),
        key(
            "refusals",
            Kind::Tables(&REFUSAL),
            "Codes of upstreams' refusals that callers may see, with the gateway's own words.",
        ),
        key("tags", Kind::Table(&TAGS), "The kinds of tags that documents may bear."),
        key("topics", Kind::Table(&TOPICS), "Who may subscribe to what."),
        key("lookups", Kind::Tables(&LOOKUP), "Look-ups by id that several screens and routes use."),
    ],
};

static UPSTREAM: Grammar = Grammar {
    about: "A service behind the gateway.",
    keys: &[
        key("url", Kind::Text, "Its base URL: http or https, without credentials, query or fragment."),
        key("audience", Kind::Text, "`aud` of the service tokens it receives. No two upstreams share one."),
        key(
            "contract",
            Kind::Text,
            "Its contract, relative to this folder: OpenAPI 3.0 or 3.1, JSON or YAML. Without it nothing is checked against it, and its data is untyped in the contract with callers.",
        ),
        key(
            "authorization",
            Kind::TextOr(&["service_token", "none"], &FILE),
            "How the gateway proves itself: with a service token (default), not at all, or with the bearer token in a file.",
        ),
        key("timeout_ms", Kind::Integer(1, DAY_MS), "Bounds one try."),
        key(
            "connect_timeout_ms",
            Kind::Integer(1, DAY_MS),
            "Bounds connecting; at most `timeout_ms` counts.",
        ),
        key(
            "idle_ms",
            Kind::Integer(1, DAY_MS),
            "How long a connection is kept that no call uses: below the time after which the upstream closes one.",
        ),
        key("max_response_bytes", Kind::Integer(1, u32::MAX as i64), "A longer answer counts as invalid."),
        key("max_concurrent", Kind::Integer(1, 1_000_000), "Calls at once."),
        key(
            "queue",
            Kind::Integer(0, 1_000_000),
            "Calls that wait beyond `max_concurrent`; further ones fail at once.",
        ),
        key("token_algorithm", Kind::OneOf(&["EdDSA", "HS256"]), "How its service tokens are signed."),
        key(
            "secret",
            Kind::Text,
            "For HS256: at least 32 bytes, shared with this upstream alone. Rather name a file, or set it by the environment.",
        ),
        key("secret_file", Kind::Text, "A file that holds `secret`."),
        key(
            "client_cert_file",
            Kind::Text,
            "Client certificate for the upstream's TLS (PEM, with its chain).",
        ),
        key("client_key_file", Kind::Text, "Its private key (PEM)."),
        key(
            "ca_file",
            Kind::Text,
            "The authority that the upstream's own certificate comes from (PEM), and no other.",
        ),
        key(
            "events_token",
            Kind::Text,
            "Bearer token by which it may send events, at least 32 bytes in production. Rather name a file, or set it by the environment.",
        ),
        key("events_token_file", Kind::Text, "A file that holds `events_token`."),
    ],
};

static ACCOUNTS: Grammar = Grammar {
    about: "Who keeps the accounts of people who sign in.",
    keys: &[
        key(
            "upstream",
            Kind::Text,
            "The upstream that serves the accounts contract (sign-up, verify, by-identity, totp). Without it people sign in by OpenID alone.",
        ),
        key("card", Kind::Texts, "The fields of a profile that `user.card` is made of, in this order."),
        key(
            "claims",
            Kind::TextMap,
            "Without an upstream: which claim of an identity token is which field of a profile.",
        ),
        key(
            "delete",
            Kind::Texts,
            "The calls (DELETE) that delete all that is kept of a member, in this order: `UPSTREAM:PATH` with `{id}`, the member's. Without it `DELETE /api/me` is 404.",
        ),
        key(
            "export",
            Kind::TextMap,
            "What is kept of a member, by its name in `GET /api/me/export`: a call (GET) that answers `{items, nextCursor}`, with `{id}` and perhaps `{cursor}`.",
        ),
        key(
            "drops",
            Kind::Texts,
            "Tags (`KIND:{id}`) whose documents are gone for everybody once a member is deleted.",
        ),
    ],
};

static REFUSAL: Grammar = Grammar {
    about: "A refusal of an upstream that callers may see.",
    keys: &[
        required(
            "status",
            Kind::Integer(400, 499),
            "The status with which the upstream refuses, and callers are refused.",
        ),
        required("detail", Kind::Text, "In the gateway's own words: an upstream's text never leaves."),
    ],
};

static TAGS: Grammar = Grammar {
    about: "The kinds of tags that documents may bear.",
    keys: &[required("kinds", Kind::Texts, "Kinds (a-z _): a tag is `KIND:ID` or a bare `KIND`.")],
};

static TOPICS: Grammar = Grammar {
    about: "Who may subscribe to what.",
    keys: &[
        key("open", Kind::Texts, "Any signed-in caller may subscribe to `KIND:ID` of these kinds."),
        key("own", Kind::Texts, "A caller may subscribe to `KIND:` and their own id alone, of these kinds."),
    ],
};
