-- Members. What compares e-mail addresses is their lower-case form.
CREATE TABLE members (
    id              TEXT PRIMARY KEY NOT NULL,
    username        TEXT NOT NULL COLLATE NOCASE UNIQUE,
    email           TEXT,
    email_key       TEXT UNIQUE,
    display_name    TEXT NOT NULL,
    bio             TEXT,
    avatar_key      TEXT,
    password_hash   TEXT,               -- null: signs in through an OpenID provider only
    totp_secret     BLOB,               -- set by enrolment; counts once totp_enabled is 1
    totp_enabled    INTEGER NOT NULL DEFAULT 0,
    totp_last_step  INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL    -- microseconds since the epoch
) STRICT, WITHOUT ROWID;

-- Recovery codes that were not used yet, as SHA-256.
CREATE TABLE recovery_codes (
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    hash      BLOB NOT NULL,
    PRIMARY KEY (member_id, hash)
) STRICT, WITHOUT ROWID;

-- Identities at OpenID providers.
CREATE TABLE identities (
    issuer    TEXT NOT NULL,
    subject   TEXT NOT NULL,
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX identities_by_member ON identities (member_id);
