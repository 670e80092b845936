-- Times of every row, confirmed addresses, sealed secrets of second factors, links that are mailed, and the mail itself.
ALTER TABLE members ADD COLUMN email_confirmed_at INTEGER;          -- null: nobody has proved that the address is theirs
ALTER TABLE members ADD COLUMN totp_sealed BLOB;                    -- takes the place of totp_secret, which stays null
ALTER TABLE members ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE members SET updated_at = created_at;

-- Whatever changes a member, the row tells when.
CREATE TRIGGER members_updated AFTER UPDATE ON members WHEN NEW.updated_at = OLD.updated_at
BEGIN
    UPDATE members SET updated_at = CAST(unixepoch('subsec') * 1000000 AS INTEGER) WHERE id = NEW.id;
END;

ALTER TABLE recovery_codes ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recovery_codes ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE recovery_codes SET created_at = (SELECT created_at FROM members WHERE id = member_id);
UPDATE recovery_codes SET updated_at = created_at;

ALTER TABLE identities ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE identities ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE identities SET created_at = (SELECT created_at FROM members WHERE id = member_id);
UPDATE identities SET updated_at = created_at;

-- Tokens of mailed links. A member has one of each purpose: the newest.
CREATE TABLE link_tokens (
    member_id  TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    purpose    TEXT NOT NULL CHECK (purpose IN ('password', 'email')),
    hash       BLOB NOT NULL UNIQUE,    -- SHA-256: whoever reads the database can use no link
    email      TEXT NOT NULL,           -- the address that it was mailed to, and that alone it is good for
    expires_at INTEGER NOT NULL,        -- microseconds since the epoch, as all times
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (member_id, purpose)
) STRICT, WITHOUT ROWID;

-- Mail that is still to be sent. It holds no token: that is made when the mail is.
CREATE TABLE outbox (
    id            INTEGER PRIMARY KEY,
    kind          TEXT NOT NULL,
    recipient     TEXT NOT NULL,
    recipient_key TEXT NOT NULL,        -- the lower-case form
    member_id     TEXT REFERENCES members (id) ON DELETE CASCADE,   -- null: not looked up yet
    locale        TEXT NOT NULL,
    admitted      INTEGER NOT NULL,     -- 0: whether it may be sent is still to be decided
    attempts      INTEGER NOT NULL DEFAULT 0,
    due_at        INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX outbox_once ON outbox (kind, recipient_key, ifnull(member_id, ''));
CREATE INDEX outbox_by_due ON outbox (admitted, due_at);

-- How often links were mailed lately: what limits them.
CREATE TABLE mailed (
    id            INTEGER PRIMARY KEY,
    kind          TEXT NOT NULL,
    recipient_key TEXT NOT NULL,
    member_id     TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX mailed_by_time ON mailed (created_at);
CREATE INDEX mailed_by_recipient ON mailed (recipient_key, created_at);
CREATE INDEX mailed_by_member ON mailed (member_id, created_at);
