-- What can be bought: `price` buys `per` thousandths of a unit.
CREATE TABLE ingredients (
    id    TEXT PRIMARY KEY NOT NULL,
    name  TEXT NOT NULL UNIQUE,
    unit  TEXT NOT NULL,
    price INTEGER NOT NULL CHECK (price > 0),
    per   INTEGER NOT NULL CHECK (per > 0)
) STRICT, WITHOUT ROWID;

-- Costs are kept as they were worked out when the recipe was written. Prices change only by a migration,
-- which then has to work the costs out again.
CREATE TABLE recipes (
    seq              INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    author_id        TEXT NOT NULL,
    title            TEXT NOT NULL,
    body             TEXT NOT NULL,
    servings         INTEGER NOT NULL CHECK (servings BETWEEN 1 AND 100),
    photo_key        TEXT,
    total_cost       INTEGER NOT NULL,
    cost_per_serving INTEGER NOT NULL,
    like_count       INTEGER NOT NULL DEFAULT 0,
    comment_count    INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,      -- microseconds since the epoch
    updated_at       INTEGER NOT NULL
) STRICT;

CREATE INDEX recipes_new ON recipes (created_at, id);
CREATE INDEX recipes_popular ON recipes (like_count, created_at, id);
CREATE INDEX recipes_by_author_new ON recipes (author_id, created_at, id);
CREATE INDEX recipes_by_author_popular ON recipes (author_id, like_count, created_at, id);

CREATE TABLE recipe_ingredients (
    recipe_seq    INTEGER NOT NULL REFERENCES recipes (seq) ON DELETE CASCADE,
    position      INTEGER NOT NULL,
    ingredient_id TEXT NOT NULL REFERENCES ingredients (id),
    amount        INTEGER NOT NULL CHECK (amount > 0),   -- thousandths
    cost          INTEGER NOT NULL,
    PRIMARY KEY (recipe_seq, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX recipe_ingredients_by_ingredient ON recipe_ingredients (ingredient_id);

CREATE TABLE recipe_likes (
    recipe_seq INTEGER NOT NULL REFERENCES recipes (seq) ON DELETE CASCADE,
    member_id  TEXT NOT NULL,
    PRIMARY KEY (recipe_seq, member_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER recipe_liked AFTER INSERT ON recipe_likes BEGIN
    UPDATE recipes SET like_count = like_count + 1 WHERE seq = new.recipe_seq;
END;
CREATE TRIGGER recipe_unliked AFTER DELETE ON recipe_likes BEGIN
    UPDATE recipes SET like_count = like_count - 1 WHERE seq = old.recipe_seq;
END;

CREATE TABLE comments (
    id         TEXT PRIMARY KEY NOT NULL,
    recipe_seq INTEGER NOT NULL REFERENCES recipes (seq) ON DELETE CASCADE,
    author_id  TEXT NOT NULL,
    body       TEXT NOT NULL,
    like_count INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX comments_by_recipe ON comments (recipe_seq, created_at, id);

CREATE TRIGGER commented AFTER INSERT ON comments BEGIN
    UPDATE recipes SET comment_count = comment_count + 1 WHERE seq = new.recipe_seq;
END;
CREATE TRIGGER uncommented AFTER DELETE ON comments BEGIN
    UPDATE recipes SET comment_count = comment_count - 1 WHERE seq = old.recipe_seq;
END;

CREATE TABLE comment_likes (
    comment_id TEXT NOT NULL REFERENCES comments (id) ON DELETE CASCADE,
    member_id  TEXT NOT NULL,
    PRIMARY KEY (comment_id, member_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER comment_liked AFTER INSERT ON comment_likes BEGIN
    UPDATE comments SET like_count = like_count + 1 WHERE id = new.comment_id;
END;
CREATE TRIGGER comment_unliked AFTER DELETE ON comment_likes BEGIN
    UPDATE comments SET like_count = like_count - 1 WHERE id = old.comment_id;
END;

-- Pairs of letters of titles, bodies and ingredient names; rowid is recipes.seq.
CREATE VIRTUAL TABLE recipe_search USING fts5 (
    pairs, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
);

CREATE TRIGGER recipe_unsearchable AFTER DELETE ON recipes BEGIN
    DELETE FROM recipe_search WHERE rowid = old.seq;
END;
