//! What the recipe service works with.

use std::sync::Arc;

use url::Url;

use crate::db::Database;

/// ISO 4217. It has no minor unit.
pub(crate) const CURRENCY: &str = "KRW";

/// What the service works with.
pub(crate) struct Recipes {
    pub(crate) db: Database,
    pub(super) assets: Option<Arc<Url>>,
}

impl Recipes {
    pub(crate) const fn new(db: Database, assets: Option<Arc<Url>>) -> Self {
        Self { db, assets }
    }
}
