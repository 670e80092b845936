//! Password hashes: argon2id (RFC 9106) on the blocking pool.

use std::{num::NonZero, sync::Arc, thread::available_parallelism};

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

/// Hashes and compares passwords.
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    /// Stands in for the hash that an unknown account does not have.
    dummy: String,
    /// A hash takes 19 MiB and a core: no more at once than there are cores.
    permits: Arc<Semaphore>,
}

/// A password cannot be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("argon2 refused")]
    Hash(#[from] argon2::password_hash::Error),
    #[error("the stored hash cannot be read")]
    Stored(#[from] argon2::password_hash::phc::Error),
    #[error("argon2's parameters are refused")]
    Parameters(#[from] argon2::Error),
    #[error("the work was given up")]
    GivenUp,
}

impl Passwords {
    /// OWASP's minimum (19 MiB, two passes, one lane); `cheap` leaves out nearly all of the work.
    pub(crate) async fn new(cheap: bool) -> Result<Self, PasswordError> {
        let params = if cheap { Params::new(Params::MIN_M_COST, 1, 1, None)? } else { Params::DEFAULT };
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = available_parallelism().map_or(1, NonZero::get);
        let mut passwords = Self { argon2, dummy: String::new(), permits: Arc::new(Semaphore::new(cores)) };
        passwords.dummy = passwords.hash("a password that nobody has".to_owned()).await?;
        Ok(passwords)
    }

    /// The hash as a PHC string, with a salt of its own.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.work(move |argon2| Ok(argon2.hash_password(password.as_bytes())?.to_string())).await
    }

    /// Whether the password is the one of that hash. Without a hash it is not, which takes as long.
    pub(crate) async fn matches(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.clone());
        self.work(move |argon2| {
            let hash = PasswordHash::new(&hash)?;
            match argon2.verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(known),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| PasswordError::GivenUp)?;
        let argon2 = self.argon2.clone();
        let task = tokio::task::spawn_blocking(move || {
            // The work goes on when the caller hangs up, so the permit must stay with it.
            let _permit = permit;
            work(&argon2)
        });
        task.await.map_err(|_| PasswordError::GivenUp)?
    }
}

#[cfg(test)]
mod tests {
    use super::Passwords;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_account_matches() {
        let passwords = Passwords::new(true).await.expect("argon2");
        let hash = passwords.hash("correct-horse".to_owned()).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$"));
        let matches = |password: &str, hash: Option<String>| passwords.matches(password.to_owned(), hash);
        assert!(matches("correct-horse", Some(hash.clone())).await.expect("compares"));
        assert!(!matches("wrong-horse", Some(hash)).await.expect("compares"));
        assert!(!matches("a password that nobody has", None).await.expect("compares"));
    }
}
