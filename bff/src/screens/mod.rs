//! Screens: one file for each, between `edge` and `cache`. A screen says which parts it joins, which of them it
//! can do without, and what shape comes out; caching, deadlines, metrics, partial failure and HTTP come with
//! [`Screen`].

mod answer;
mod body;
mod composition;
mod contract;
mod declared;
mod declared_screen;
mod documents;
mod failure;
mod lines;
#[cfg(test)]
mod parts_tests;
mod plain;
mod response;
mod screen;
mod settings;

pub use contract::{describe_screen, serve_screen};
pub use declared::answer;
pub use declared_screen::{DeclaredScreen, DeclaredScreensParts, declared_screens};
pub use documents::ScreenDocuments;
pub use screen::{Screen, Screens, ScreensParts, Upstream, Viewer};
pub use settings::ScreenSettings;
