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
