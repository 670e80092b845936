//! The lines of `session.secret`: the first one signs, all of them are accepted, so that a secret can be replaced
//! while requests run.

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use super::{Config, DEVELOPMENT_SECRET, Mistake, check::SECRET_BYTES};

const PATH: &str = "session.secret";

impl Config {
    /// The session secrets, at least one: the first one signs, all of them are accepted.
    #[must_use]
    pub fn session_secrets(&self) -> Vec<SecretString> {
        lines(self.session.secret.expose_secret()).map(SecretString::from).collect()
    }

    /// Reads `session.secret_file` again; nothing where there is none.
    ///
    /// # Errors
    /// What is wrong with it, as [`Config::load`] would say. Holds no secret.
    pub fn read_session_secrets(&self) -> Result<Option<Vec<SecretString>>, Mistake> {
        let file = &self.session.secret_file;
        if file.is_empty() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(file).map_err(|error| Mistake {
            path: format!("{PATH}_file"),
            message: format!("cannot be read: {error}"),
        })?;
        let text = Zeroizing::new(text);
        match fault(&text, self.is_production()) {
            Some(message) => Err(Mistake { path: PATH.to_owned(), message }),
            None => Ok(Some(lines(&text).map(SecretString::from).collect())),
        }
    }
}

/// The secrets in `text`. Empty lines are none.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r']).filter(|line| !line.trim().is_empty())
}

/// What is wrong with the secrets in `text`.
pub(super) fn fault(text: &str, production: bool) -> Option<String> {
    const ADVICE: &str = "set BFF__SESSION__SECRET or session.secret_file to at least 32 random bytes";
    if lines(text).next().is_none() {
        return Some("is empty".to_owned());
    }
    if !production {
        return None;
    }
    if lines(text).any(|line| line == DEVELOPMENT_SECRET) {
        return Some(format!("is the development secret: {ADVICE}"));
    }
    let short = lines(text).any(|line| line.len() < SECRET_BYTES);
    short.then(|| format!("is shorter than 32 bytes: {ADVICE}"))
}
