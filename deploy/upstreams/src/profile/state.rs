//! What the profile service works with.

use std::sync::Arc;

use url::Url;

use super::passwords::{PasswordError, Passwords};
use crate::db::Database;
use crate::options::Options;

/// What the service works with.
pub(crate) struct Profile {
    pub(crate) db: Database,
    pub(crate) passwords: Passwords,
    pub(super) assets: Option<Arc<Url>>,
    pub(super) totp_label: String,
}

impl Profile {
    pub(crate) async fn new(
        db: Database,
        options: &Options,
        assets: Option<Arc<Url>>,
    ) -> Result<Self, PasswordError> {
        let passwords = Passwords::new(options.cheap_passwords).await?;
        Ok(Self { db, passwords, assets, totp_label: options.totp_label.clone() })
    }
}
