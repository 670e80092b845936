//! Numbered schema changes, each in a transaction of its own together with its number.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// One step of a schema; its number is its place in the list, from 1.
pub(crate) struct Migration {
    pub(crate) sql: &'static str,
    /// Rows that belong to the step.
    pub(crate) fill: Option<fn(&Transaction<'_>) -> rusqlite::Result<()>>,
}

/// The schema cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrateError {
    #[error("step {step} of the schema was refused")]
    Step {
        step: usize,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the database is at version {found}, this program knows {known}")]
    Newer { found: usize, known: usize },
}

/// Runs what the database lacks. Two processes may start on one file: the second waits for the first.
pub(crate) fn run(connection: &mut Connection, migrations: &[Migration]) -> Result<(), MigrateError> {
    loop {
        let at = |step| move |source| MigrateError::Step { step, source };
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at(0))?;
        let version: usize =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(at(0))?;
        if version > migrations.len() {
            return Err(MigrateError::Newer { found: version, known: migrations.len() });
        }
        let Some(migration) = migrations.get(version) else { return Ok(()) };
        let step = version + 1;
        transaction.execute_batch(migration.sql).map_err(at(step))?;
        if let Some(fill) = migration.fill {
            fill(&transaction).map_err(at(step))?;
        }
        transaction.pragma_update(None, "user_version", step).map_err(at(step))?;
        transaction.commit().map_err(at(step))?;
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::run;
    use crate::{recipe, timeline};

    /// Every table of a service's own, with the columns it has.
    fn columns(connection: &Connection) -> Vec<(String, Vec<String>)> {
        let mut tables = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%\\_search%' ESCAPE '\\'")
            .expect("a statement");
        let tables = tables.query_map([], |row| row.get(0)).expect("rows").map(|name| name.expect("a name"));
        let tables: Vec<String> = tables.collect();
        let of = |table: &String| {
            let mut statement =
                connection.prepare("SELECT name FROM pragma_table_info(?)").expect("a statement");
            let names = statement.query_map([table], |row| row.get(0)).expect("rows");
            names.map(|name| name.expect("a name")).collect()
        };
        tables.iter().map(|table| (table.clone(), of(table))).collect()
    }

    #[test]
    fn every_table_says_when_its_rows_were_made_and_changed() {
        for migrations in [timeline::MIGRATIONS, recipe::MIGRATIONS] {
            let mut connection = Connection::open_in_memory().expect("opens");
            run(&mut connection, migrations).expect("migrates");
            for (table, columns) in columns(&connection) {
                for column in ["created_at", "updated_at"] {
                    assert!(columns.iter().any(|known| known == column), "{table}.{column}");
                }
            }
        }
    }

    #[test]
    fn a_timeline_of_before_keeps_its_rows_and_gets_their_times() {
        let mut connection = Connection::open_in_memory().expect("opens");
        run(&mut connection, &timeline::MIGRATIONS[..1]).expect("the first schema");
        connection
            .execute_batch(
                "INSERT INTO posts (id, author_id, text, created_at) VALUES ('p', 'ada', 't', 7);
                 INSERT INTO post_likes VALUES ('p', 'bora');
                 INSERT INTO follows VALUES ('bora', 'ada');",
            )
            .expect("old rows");
        run(&mut connection, timeline::MIGRATIONS).expect("migrates");
        let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
        assert_eq!(one("SELECT updated_at FROM posts WHERE like_count = 1"), 7);
        assert!(
            one("SELECT min(created_at, updated_at) FROM post_likes WHERE member_id = 'bora'") > 1_000_000
        );
        assert!(one("SELECT min(created_at, updated_at) FROM follows") > 1_000_000);
        connection
            .execute_batch(
                "INSERT INTO posts (id, author_id, text, created_at) VALUES ('q', 'ada', 't', 8);
                 INSERT INTO post_likes (post_id, member_id) VALUES ('q', 'bora');",
            )
            .expect("new rows");
        assert_eq!(one("SELECT updated_at FROM posts WHERE id = 'q'"), 8);
        assert!(one("SELECT min(created_at, updated_at) FROM post_likes WHERE post_id = 'q'") > 1_000_000);
        assert_eq!(one("SELECT like_count FROM posts WHERE id = 'q'"), 1);
    }

    #[test]
    fn a_recipe_book_of_before_keeps_its_rows_and_gets_their_times() {
        let mut connection = Connection::open_in_memory().expect("opens");
        run(&mut connection, &recipe::MIGRATIONS[..1]).expect("the first schema");
        connection
            .execute_batch(
                "INSERT INTO recipes (seq, id, author_id, title, body, servings, total_cost, cost_per_serving,
                                      created_at, updated_at) VALUES (1, 'r', 'ada', 't', 'b', 1, 1, 1, 7, 9);
                 INSERT INTO recipe_ingredients VALUES (1, 0, 'rice', 1, 1);
                 INSERT INTO recipe_likes VALUES (1, 'bora');
                 INSERT INTO comments (id, recipe_seq, author_id, body, created_at, updated_at)
                 VALUES ('c', 1, 'bora', 'b', 8, 8);
                 INSERT INTO comment_likes VALUES ('c', 'ada');",
            )
            .expect("old rows");
        run(&mut connection, recipe::MIGRATIONS).expect("migrates");
        let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
        assert_eq!(one("SELECT created_at FROM recipe_ingredients"), 9);
        for table in ["ingredients", "recipe_likes", "comment_likes"] {
            let least = format!("SELECT min(min(created_at), min(updated_at)) FROM {table}");
            assert!(one(&least) > 1_000_000, "{table}");
        }
        assert_eq!(one("SELECT like_count + comment_count FROM recipes"), 2);
        connection.execute_batch("DELETE FROM recipes").expect("it goes");
        for table in ["recipe_ingredients", "recipe_likes", "comments", "comment_likes"] {
            assert_eq!(one(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
        }
    }
}
