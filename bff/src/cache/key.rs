//! What a document is found by.

use schemas::Id;

/// Room for the view and the parameters of an ordinary request.
const PARAMETERS: usize = 64;

/// Screen, user, view and parameters as bytes. The whole text is the key, not a hash of it: a collision would hand
/// one user's document to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct DocumentKey(Vec<u8>);

impl DocumentKey {
    /// Starts a key. `user` is `None` for the document that all callers who are not signed in share.
    #[must_use]
    pub fn new(screen: &'static str, user: Option<&Id>) -> Self {
        let length = screen.len() + user.map_or(0, |id| id.as_str().len());
        let mut bytes = Vec::with_capacity(length + PARAMETERS);
        bytes.extend_from_slice(screen.as_bytes());
        // No id holds a NUL, so "nobody" cannot be mistaken for a user, nor a user's end for a parameter.
        bytes.push(0);
        match user {
            Some(id) => bytes.extend_from_slice(id.as_str().as_bytes()),
            None => bytes.push(0),
        }
        bytes.push(0);
        Self(bytes)
    }

    /// Adds a parameter. Its length goes before it, so that no two lists of parameters make the same key.
    #[must_use]
    pub fn with(mut self, parameter: &[u8]) -> Self {
        // Parameters are capped far below 4 GiB where they are read.
        let length = u32::try_from(parameter.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(parameter);
        self
    }

    /// Adds parameters that [`DocumentKey::with`] has written.
    #[must_use]
    pub fn with_all(mut self, written: &[u8]) -> Self {
        self.0.extend_from_slice(written);
        self
    }

    /// What was added.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Adds a number.
    #[must_use]
    pub fn with_number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DocumentKey, Id};

    proptest! {
        #[test]
        fn different_parts_make_different_keys(
            a in ("[a-z.~]{1,4}", proptest::collection::vec(any::<u8>(), 0..4), proptest::collection::vec(any::<u8>(), 0..4)),
            b in ("[a-z.~]{1,4}", proptest::collection::vec(any::<u8>(), 0..4), proptest::collection::vec(any::<u8>(), 0..4)),
        ) {
            let key = |(user, p, q): &(String, Vec<u8>, Vec<u8>)| {
                let user = Id::new(user).ok();
                DocumentKey::new("feed", user.as_ref()).with(p).with(q)
            };
            let canonical = |(user, p, q): &(String, Vec<u8>, Vec<u8>)| (Id::new(user).ok(), p.clone(), q.clone());
            prop_assert_eq!(key(&a) == key(&b), canonical(&a) == canonical(&b));
        }
    }
}
