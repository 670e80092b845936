//! The recipe book: the first product that is declared, compiled into the command.

use super::read::Sources;

/// Includes files of `bff/recipe-book`, each under its name there.
macro_rules! declared {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../recipe-book/", $name)))),+]
    };
}

/// Includes contracts, each under the name by which `gateway.toml` names it.
macro_rules! contracts {
    ($($name:literal),+ $(,)?) => {
        &[$((concat!("../../clients/contracts/", $name), include_str!(concat!("../../../clients/contracts/", $name)))),+]
    };
}

static FILES: &[(&str, &str)] = declared![
    "gateway.toml",
    "routes/comments.toml",
    "routes/follows.toml",
    "routes/ingredients.toml",
    "routes/me.toml",
    "routes/posts.toml",
    "routes/recipes.toml",
    "screens/home-feed.toml",
    "screens/me.toml",
    "screens/member.toml",
    "screens/recipe.toml",
];

static CONTRACTS: &[(&str, &str)] = contracts!["profile.json", "recipe.json", "timeline.json"];

/// Its files.
pub(super) fn sources() -> Sources {
    Sources::embedded(FILES, CONTRACTS)
}
