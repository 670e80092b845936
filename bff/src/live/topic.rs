//! What can be subscribed to, and by whom.

use std::{fmt, sync::Arc};

use schemas::{Id, TopicKind};

/// `recipe:ID`, `member:ID`, `timeline:ID` or `user:ID`. Cloning is cheap (shared text).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    kind: TopicKind,
    text: Arc<str>,
}

impl Topic {
    /// Nothing, where the text has no such form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, _) = TopicKind::parse(text)?;
        Some(Self { kind, text: text.into() })
    }

    /// The topic of `kind` about `id`.
    #[must_use]
    pub fn of(kind: TopicKind, id: &Id) -> Self {
        Self { kind, text: format!("{}:{id}", kind.as_str()).into() }
    }

    /// What concerns `user` alone. Each of their connections is subscribed to it.
    #[must_use]
    pub fn own(user: &Id) -> Self {
        Self::of(TopicKind::User, user)
    }

    /// As it is written on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `user` may listen: to what is public, and to what is theirs.
    pub(super) fn is_open_to(&self, user: &Id) -> bool {
        match self.kind {
            TopicKind::Recipe | TopicKind::Member => true,
            TopicKind::User | TopicKind::Timeline => {
                self.text.split_once(':').is_some_and(|(_, id)| id == user.as_str())
            }
        }
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use schemas::Id;

    use super::Topic;

    #[test]
    fn what_is_personal_is_open_to_its_owner_alone() {
        let (ada, bob) = (Id::new("ada").expect("an id"), Id::new("bob").expect("an id"));
        for (topic, for_ada, for_bob) in [
            ("recipe:r", true, true),
            ("member:ada", true, true),
            ("user:ada", true, false),
            ("timeline:ada", true, false),
            ("timeline:ad", false, false),
        ] {
            let topic = Topic::parse(topic).expect("a topic");
            assert_eq!((topic.is_open_to(&ada), topic.is_open_to(&bob)), (for_ada, for_bob), "{topic:?}");
        }
        assert_eq!(Topic::own(&ada).as_str(), "user:ada");
    }
}
