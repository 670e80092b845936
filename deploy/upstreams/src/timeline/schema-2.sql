-- When each row was made and last changed, deletion of members, and the indices that deletion and export read by.
-- Microseconds since the epoch. Of likes and follows from before this step it is not known when they were made: they
-- bear the time of the step.
ALTER TABLE posts ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE posts SET updated_at = created_at;
ALTER TABLE post_likes ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE post_likes ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE post_likes SET created_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000;
UPDATE post_likes SET updated_at = created_at;
ALTER TABLE follows ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE follows ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE follows SET created_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000;
UPDATE follows SET updated_at = created_at;

CREATE INDEX post_likes_by_member ON post_likes (member_id);

CREATE TRIGGER post_stamped AFTER INSERT ON posts WHEN new.updated_at = 0 BEGIN
    UPDATE posts SET updated_at = created_at WHERE id = new.id;
END;
CREATE TRIGGER post_like_stamped AFTER INSERT ON post_likes WHEN new.created_at = 0 BEGIN
    UPDATE post_likes
    SET created_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000,
        updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000
    WHERE post_id = new.post_id AND member_id = new.member_id;
END;
CREATE TRIGGER follow_stamped AFTER INSERT ON follows WHEN new.created_at = 0 BEGIN
    UPDATE follows
    SET created_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000,
        updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000
    WHERE follower_id = new.follower_id AND followee_id = new.followee_id;
END;

-- Members who are gone. A write that was under way when its member was deleted must not bring anything of them back.
CREATE TABLE deleted_members (
    id         TEXT PRIMARY KEY NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER no_post_of_the_deleted BEFORE INSERT ON posts
WHEN EXISTS (SELECT 1 FROM deleted_members WHERE id = new.author_id) BEGIN
    SELECT RAISE(ABORT, 'member_deleted');
END;
CREATE TRIGGER no_like_of_the_deleted BEFORE INSERT ON post_likes
WHEN EXISTS (SELECT 1 FROM deleted_members WHERE id = new.member_id) BEGIN
    SELECT RAISE(ABORT, 'member_deleted');
END;
CREATE TRIGGER no_follow_of_the_deleted BEFORE INSERT ON follows
WHEN EXISTS (SELECT 1 FROM deleted_members WHERE id = new.follower_id) BEGIN
    SELECT RAISE(ABORT, 'member_deleted');
END;
-- Others who follow somebody that is gone meanwhile follow nobody.
CREATE TRIGGER no_follower_of_the_deleted BEFORE INSERT ON follows
WHEN EXISTS (SELECT 1 FROM deleted_members WHERE id = new.followee_id) BEGIN
    SELECT RAISE(IGNORE);
END;
