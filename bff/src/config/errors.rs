//! What is wrong with a configuration: every mistake at once, so that one start shows them all.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key, such as `http.listen`; empty where no key is to blame (an unreadable file).
    pub path: String,
    /// What is wrong with it. Never holds a secret.
    pub message: String,
}

/// All that is wrong with a configuration. `Display` writes one mistake on each line,
/// `key.path: what is wrong`, in the order of the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Mistake>);

impl ConfigErrors {
    /// The mistakes in the order of their keys.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.0
    }

    pub(super) fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Mistake { path: path.into(), message: message.into() });
    }

    /// Whether `path` was already found wrong: a value replaced by its default needs no second look.
    pub(super) fn blames(&self, path: &str) -> bool {
        self.0.iter().any(|mistake| mistake.path == path)
    }

    pub(super) fn into_result<T>(mut self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by(|a, b| a.path.cmp(&b.path));
        Err(self)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Mistake { path, message }) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            if !path.is_empty() {
                write!(f, "{path}: ")?;
            }
            f.write_str(message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
