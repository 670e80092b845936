//! The shapes that a document comes in: all of it, or what a small screen shows.

use serde::Serialize;
use serde_json::Value;

/// What a screen's compact shape leaves out.
#[derive(Debug, Clone, Copy)]
pub struct Compact {
    /// Paths of fields from the document's root, dotted; lists count as what they hold.
    pub without: &'static [&'static str],
    /// Lists that are cut short, and to how many.
    pub at_most: &'static [(&'static str, usize)],
}

/// The shape that was asked for.
#[derive(Debug, Clone, Copy)]
pub enum View {
    Full,
    Compact(&'static Compact),
}

impl View {
    /// The name in keys of documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Compact(_) => "compact",
        }
    }

    /// Whether the compact shape was asked for.
    #[must_use]
    pub const fn is_compact(self) -> bool {
        matches!(self, Self::Compact(_))
    }

    /// Serialises what stands at `path` (empty: the root) in this shape.
    pub(super) fn to_json(self, path: &str, value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::Full => serde_json::to_vec(value),
            Self::Compact(compact) => {
                let mut value = serde_json::to_value(value)?;
                compact.prune(path, &mut value);
                serde_json::to_vec(&value)
            }
        }
    }
}

impl Compact {
    /// This shape of a whole document.
    #[must_use]
    pub fn of(&self, mut document: Value) -> Value {
        self.prune("", &mut document);
        document
    }

    fn prune(&self, path: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let of =
                    |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                fields.retain(|name, _| !self.without.contains(&of(name).as_str()));
                for (name, value) in fields {
                    self.prune(&of(name), value);
                }
            }
            Value::Array(items) => {
                if let Some((_, most)) = self.at_most.iter().find(|(list, _)| *list == path) {
                    items.truncate(*most);
                }
                for item in items {
                    self.prune(path, item);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Compact, View};

    const COMPACT: Compact =
        Compact { without: &["profile.bio", "posts.author.id", "extra"], at_most: &[("posts", 2)] };

    #[test]
    fn the_compact_shape_lacks_what_its_screen_names() {
        let author = json!({ "id": 1, "name": "ada" });
        let full = json!({
            "profile": { "bio": "long", "name": "ada" },
            "posts": [{ "author": author, "bio": "stays" }, { "author": null }, { "author": author }],
            "extra": [1],
        });
        let view = |path: &str, value: &Value| -> Value {
            let json = View::Compact(&COMPACT).to_json(path, value).expect("serialises");
            serde_json::from_slice(&json).expect("JSON")
        };
        let compact = json!({
            "profile": { "name": "ada" },
            "posts": [{ "author": { "name": "ada" }, "bio": "stays" }, { "author": null }],
        });
        assert_eq!(view("", &full), compact);
        assert_eq!(
            view("posts", &full["posts"]),
            compact["posts"],
            "a field alone looks as it does in its document"
        );
    }
}
