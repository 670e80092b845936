//! Screens: one file for each, between `edge` and `cache`. A screen says which parts it joins, which of them it
//! can do without, and what shape comes out; caching, deadlines, metrics, partial failure and HTTP come with
//! [`Screen`].

mod answer;
mod composition;
mod contract;
mod declared;
mod lines;
#[cfg(test)]
mod parts_tests;
mod response;
mod screen;

pub use answer::ScreenDocuments;
pub use contract::{describe_screen, serve_screen};
pub use declared::{DeclaredScreen, DeclaredScreensParts, answer, declared_screens};
pub use screen::{Screen, ScreenSettings, Screens, ScreensParts, Upstream, Viewer};
