//! Screens: one file for each, between `edge` and `cache`. A screen says which parts it joins, which of them it
//! can do without, and what shape comes out; caching, deadlines, metrics, partial failure and HTTP come with
//! [`Screen`].

mod answer;
mod composition;
mod contract;
mod declared;
mod home_feed;
mod joined;
mod lines;
mod lists;
mod me;
mod member;
mod params;
#[cfg(test)]
mod parts_tests;
mod recipe;
mod response;
mod screen;
mod tags;

pub use answer::ScreenDocuments;
pub use contract::describe;
pub use declared::{DeclaredScreen, DeclaredScreensParts, answer, declared_screens};
pub use home_feed::HomeFeedScreen;
pub use me::MeScreen;
pub use member::MemberScreen;
pub use params::PageParams;
pub use recipe::RecipeScreen;
pub use screen::{Screen, ScreenSettings, Screens, ScreensParts, Upstream, serve};
