//! What can be subscribed to, and by whom.

use std::{fmt, sync::Arc};

use schemas::Id;

/// The kind of what concerns one user alone. There is no need to declare it.
const OWN: &str = "user";
/// Longest kind in bytes.
const MAX_KIND: usize = 31;

/// Who may subscribe to what, by the kinds of topics.
#[derive(Debug, Clone, Default)]
pub struct TopicRules {
    open: Box<[Box<str>]>,
    own: Box<[Box<str>]>,
}

impl TopicRules {
    /// Everybody who is signed in may listen to topics of the kinds in `open`, and to those of the kinds in `own` that bear
    /// their id. `user` is of the latter, unasked.
    #[must_use]
    pub fn new(open: &[Box<str>], own: &[Box<str>]) -> Self {
        Self { open: open.into(), own: own.into() }
    }

    /// A topic; nothing where its kind is none of those that there are.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<Topic> {
        let topic = Topic::parse(text)?;
        let is_known =
            |kind: &str| kind == OWN || self.open.iter().chain(&self.own).any(|known| **known == *kind);
        is_known(topic.parts().0).then_some(topic)
    }

    /// Whether `user` may listen: to what is public, and to what is theirs.
    pub(super) fn is_open_to(&self, topic: &Topic, user: &Id) -> bool {
        let (kind, id) = topic.parts();
        self.open.iter().any(|open| **open == *kind) || id == user.as_str()
    }

    /// The forms that topics may have, in words.
    pub(super) fn forms(&self) -> String {
        let kinds = self.open.iter().chain(&self.own).map(|kind| &**kind);
        let mut kinds: Vec<&str> = kinds.chain([OWN]).collect();
        kinds.dedup();
        format!("expected one of {}", kinds.join(":ID, ") + ":ID")
    }
}

/// `KIND:ID`. Cloning is cheap (shared text).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Topic(Arc<str>);

impl Topic {
    /// Nothing, where the text has no such form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        let plain = kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        (plain && (1..=MAX_KIND).contains(&kind.len()) && Id::new(id).is_ok()).then(|| Self(text.into()))
    }

    /// What concerns `user` alone. Each of their connections is subscribed to it.
    #[must_use]
    pub fn own(user: &Id) -> Self {
        Self([OWN, ":", user.as_str()].concat().into())
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or((&self.0, ""))
    }

    /// As it is written on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use schemas::Id;

    use super::{Topic, TopicRules};

    fn rules() -> TopicRules {
        TopicRules::new(&["item".into(), "member".into()], &["orders".into()])
    }

    #[test]
    fn what_is_personal_is_open_to_its_owner_alone() {
        let (ada, bob) = (Id::new("ada").expect("an id"), Id::new("bob").expect("an id"));
        for (topic, for_ada, for_bob) in [
            ("item:r", true, true),
            ("member:ada", true, true),
            ("user:ada", true, false),
            ("orders:ada", true, false),
            ("orders:ad", false, false),
        ] {
            let topic = rules().parse(topic).expect("a topic");
            let may = (rules().is_open_to(&topic, &ada), rules().is_open_to(&topic, &bob));
            assert_eq!(may, (for_ada, for_bob), "{topic:?}");
        }
        assert_eq!(Topic::own(&ada).as_str(), "user:ada");
    }

    #[test]
    fn a_topic_is_a_known_kind_and_an_id() {
        assert_eq!(rules().parse("item:a.b-1").expect("a topic").as_str(), "item:a.b-1");
        for other in ["", "item", "item:", ":a", "items:a", "Item:a", "item:a:b", "item:a b", " user:a"] {
            assert!(rules().parse(other).is_none(), "{other}");
        }
        assert!(Topic::parse("items:a").is_some(), "another replica may know more");
        assert_eq!(rules().forms(), "expected one of item:ID, member:ID, orders:ID, user:ID");
    }
}
