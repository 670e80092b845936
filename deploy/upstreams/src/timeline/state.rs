//! What the timeline service works with.

use crate::db::Database;

/// What the service works with.
pub(crate) struct Timeline {
    pub(crate) db: Database,
}

impl Timeline {
    pub(crate) const fn new(db: Database) -> Self {
        Self { db }
    }
}
