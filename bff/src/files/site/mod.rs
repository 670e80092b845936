//! A single-page app beside the API: the default service, for paths that no route has taken. Everything about a file
//! is found out when the folder is read, so that a request is a look in a table: no session, no lock, no copy.
//!
//! What is at a path: `place`. What a name tells of a file: `names`. The table and how it is filled: `index`,
//! `folder`, `entry`, `encodings`. The answer: `answer`, `ranges`. Settings for the app: `script`. The app as a whole: `app`.

mod answer;
mod app;
mod encodings;
mod entry;
mod error;
mod folder;
mod index;
mod loaded;
mod names;
mod place;
mod ranges;
mod script;
mod settings;

#[cfg(test)]
mod tests;

pub use answer::serve;
pub use app::Site;
pub use error::SiteError;
pub use loaded::Loaded;
pub use place::reads_app;
pub use script::{ConfigScript, serve_script};
pub use settings::SiteSettings;
