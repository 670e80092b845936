-- When each row was made and last changed, deletion of members, and the indices that deletion and export read by.
-- Microseconds since the epoch. Of rows from before this step whose time is not known, it is that of the step, or of
-- the recipe that they belong to.
ALTER TABLE ingredients ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ingredients ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE ingredients SET created_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000;
UPDATE ingredients SET updated_at = created_at;
ALTER TABLE recipe_ingredients ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipe_ingredients ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE recipe_ingredients
SET created_at = (SELECT updated_at FROM recipes WHERE seq = recipe_seq),
    updated_at = (SELECT updated_at FROM recipes WHERE seq = recipe_seq);
ALTER TABLE recipe_likes ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipe_likes ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE recipe_likes SET created_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000;
UPDATE recipe_likes SET updated_at = created_at;
ALTER TABLE comment_likes ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comment_likes ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE comment_likes SET created_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000;
UPDATE comment_likes SET updated_at = created_at;

CREATE INDEX recipe_likes_by_member ON recipe_likes (member_id);
CREATE INDEX comments_by_author ON comments (author_id, id);
CREATE INDEX comment_likes_by_member ON comment_likes (member_id);

CREATE TRIGGER ingredient_stamped AFTER INSERT ON ingredients WHEN new.created_at = 0 BEGIN
    UPDATE ingredients
    SET created_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000,
        updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000
    WHERE id = new.id;
END;
-- Lines are written with their recipe, and anew with each change of it.
CREATE TRIGGER recipe_ingredient_stamped AFTER INSERT ON recipe_ingredients WHEN new.created_at = 0 BEGIN
    UPDATE recipe_ingredients
    SET created_at = (SELECT updated_at FROM recipes WHERE seq = new.recipe_seq),
        updated_at = (SELECT updated_at FROM recipes WHERE seq = new.recipe_seq)
    WHERE recipe_seq = new.recipe_seq AND position = new.position;
END;
CREATE TRIGGER recipe_like_stamped AFTER INSERT ON recipe_likes WHEN new.created_at = 0 BEGIN
    UPDATE recipe_likes
    SET created_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000,
        updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000
    WHERE recipe_seq = new.recipe_seq AND member_id = new.member_id;
END;
CREATE TRIGGER comment_like_stamped AFTER INSERT ON comment_likes WHEN new.created_at = 0 BEGIN
    UPDATE comment_likes
    SET created_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000,
        updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000
    WHERE comment_id = new.comment_id AND member_id = new.member_id;
END;

-- Members who are gone. A write that was under way when its member was deleted must not bring anything of them back.
CREATE TABLE deleted_members (
    id         TEXT PRIMARY KEY NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER no_recipe_of_the_deleted BEFORE INSERT ON recipes
WHEN EXISTS (SELECT 1 FROM deleted_members WHERE id = new.author_id) BEGIN
    SELECT RAISE(ABORT, 'member_deleted');
END;
CREATE TRIGGER no_recipe_like_of_the_deleted BEFORE INSERT ON recipe_likes
WHEN EXISTS (SELECT 1 FROM deleted_members WHERE id = new.member_id) BEGIN
    SELECT RAISE(ABORT, 'member_deleted');
END;
CREATE TRIGGER no_comment_of_the_deleted BEFORE INSERT ON comments
WHEN EXISTS (SELECT 1 FROM deleted_members WHERE id = new.author_id) BEGIN
    SELECT RAISE(ABORT, 'member_deleted');
END;
CREATE TRIGGER no_comment_like_of_the_deleted BEFORE INSERT ON comment_likes
WHEN EXISTS (SELECT 1 FROM deleted_members WHERE id = new.member_id) BEGIN
    SELECT RAISE(ABORT, 'member_deleted');
END;
