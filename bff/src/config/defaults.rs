//! The settings that are compiled in.

use figment::providers::{Format as _, Toml};
use figment::value::Dict;

use super::named::Templates;

/// The compiled-in defaults: every key, with its comment.
pub const DEFAULTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/default.toml"));

/// The tree of `default.toml`, and the sections in it that stand for any number of their kind.
pub(super) fn default_tree() -> (Dict, Templates) {
    #[expect(clippy::expect_used, reason = "the text is compiled in and a test parses it")]
    let mut tree = Toml::from_str(DEFAULTS).expect("default.toml is valid TOML");
    let templates = Templates::take_out_of(&mut tree);
    (tree, templates)
}
