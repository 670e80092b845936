CREATE TABLE posts (
    id         TEXT PRIMARY KEY NOT NULL,
    author_id  TEXT NOT NULL,
    text       TEXT NOT NULL,
    recipe_id  TEXT,
    like_count INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL             -- microseconds since the epoch
) STRICT;

CREATE INDEX posts_by_author ON posts (author_id, created_at, id);

CREATE TABLE post_likes (
    post_id   TEXT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    member_id TEXT NOT NULL,
    PRIMARY KEY (post_id, member_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER post_liked AFTER INSERT ON post_likes BEGIN
    UPDATE posts SET like_count = like_count + 1 WHERE id = new.post_id;
END;
CREATE TRIGGER post_unliked AFTER DELETE ON post_likes BEGIN
    UPDATE posts SET like_count = like_count - 1 WHERE id = old.post_id;
END;

CREATE TABLE follows (
    follower_id TEXT NOT NULL,
    followee_id TEXT NOT NULL,
    PRIMARY KEY (follower_id, followee_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX follows_by_followee ON follows (followee_id);
