//! Paths that the gateway answers itself (DESIGN section 4).

/// Method (`None`: all) and path; `**`: everything below.
pub(super) const OWN: [(Option<&str>, &str); 15] = [
    (None, "/auth"),
    (None, "/auth/**"),
    (None, "/bff/notify"),
    (None, "/bff/vitals"),
    (None, "/bff/errors"),
    (None, "/files"),
    (None, "/files/**"),
    (None, "/docs"),
    (None, "/docs/**"),
    (None, "/openapi.json"),
    (None, "/config.js"),
    (None, "/.well-known/**"),
    (None, "/problems/**"),
    (Some("DELETE"), "/api/me"),
    (Some("GET"), "/api/me/export"),
];
