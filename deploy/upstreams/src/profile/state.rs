//! What the profile service works with.

use std::sync::Arc;

use url::Url;

use super::{
    mail::{MailError, Mailer},
    passwords::{PasswordError, Passwords},
    sealing::{SealingError, TotpKeys, seal_all},
};
use crate::{
    db::Database,
    options::{Options, TotpKeySource},
};

/// What the service works with.
pub(crate) struct Profile {
    pub(crate) db: Database,
    pub(crate) passwords: Passwords,
    pub(super) assets: Option<Arc<Url>>,
    pub(super) totp_label: String,
    pub(super) totp_keys: Arc<TotpKeys>,
    pub(super) mailer: Mailer,
}

/// The service cannot work with what it was given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfileError {
    #[error("password hashing")]
    Passwords(#[from] PasswordError),
    #[error("the keys of second factors")]
    Sealing(#[from] SealingError),
    #[error("mail")]
    Mail(#[from] MailError),
}

impl Profile {
    pub(crate) async fn new(
        db: Database,
        options: &Options,
        assets: Option<Arc<Url>>,
    ) -> Result<Self, ProfileError> {
        let passwords = Passwords::new(options.cheap_passwords).await?;
        let totp_keys = Arc::new(keys(options).await?);
        let keys = Arc::clone(&totp_keys);
        let sealed = db.write(move |tx| seal_all(tx, &keys)).await?;
        if sealed > 0 {
            tracing::info!(secrets = sealed, "second factors were sealed");
            // What stood there before is not to stay in free pages, nor in the database's log.
            db.scrub().await.map_err(SealingError::from)?;
        }
        let mailer = Mailer::start(db.clone(), &options.mail)?;
        Ok(Self { db, passwords, assets, totp_label: options.totp_label.clone(), totp_keys, mailer })
    }
}

/// The keys that the options name. Without any, a database in a file has a key file beside it.
async fn keys(options: &Options) -> Result<TotpKeys, SealingError> {
    let (source, database) = (options.totp_keys.clone(), options.database.clone());
    let read = tokio::task::spawn_blocking(move || match (source, database) {
        (Some(TotpKeySource::Text(text)), _) => TotpKeys::parse(text.expose()),
        (Some(TotpKeySource::File(file)), _) => TotpKeys::read(&file),
        (None, Some(database)) => {
            let mut file = database.into_os_string();
            file.push(".totp-key");
            TotpKeys::read_or_make(file.as_ref())
        }
        (None, None) => TotpKeys::ephemeral(),
    });
    read.await.unwrap_or(Err(SealingError::NoKey))
}
