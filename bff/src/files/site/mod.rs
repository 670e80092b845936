//! A single-page app beside the API: the default service, for paths that no route has taken. Everything about a file
//! is found out when the folder is read, so that a request is a look in a table: no session, no lock, no copy.
//!
//! What is at a path: `place`. What a name tells of a file: `names`. The table and how it is filled: `index`,
//! `folder`, `entry`, `encodings`. The answer: `answer`, `ranges`. Settings for the app: `script`.

mod answer;
mod encodings;
mod entry;
mod folder;
mod index;
mod names;
mod place;
mod ranges;
mod script;

#[cfg(test)]
mod tests;

use std::{
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::http::header::{HeaderValue, InvalidHeaderValue};
use arc_swap::ArcSwap;

pub use self::{
    answer::serve,
    place::reads_app,
    script::{ConfigScript, serve_script},
};
use self::{folder::Notes, index::Index};

/// What is served, and how.
#[derive(Debug, Clone)]
pub struct SiteSettings {
    /// Its folder.
    pub dir: PathBuf,
    /// Paths below which files are named after their content.
    pub immutable: Vec<String>,
    /// `Content-Security-Policy`.
    pub policy: String,
    /// How long files with hashes in their names outlive the build that made them.
    pub retire: Duration,
    /// What files and their encodings may take in memory, in bytes.
    pub memory: usize,
}

/// Why a folder is not served.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error("`{path}` cannot be read")]
    Read { path: PathBuf, source: io::Error },
    #[error("`{0}` holds no index.html")]
    NoPage(PathBuf),
    #[error("`{0}` holds more than {max} files: is it the folder of a build?", max = folder::MOST_FILES)]
    TooMany(PathBuf),
    #[error("the content security policy is no header value")]
    Policy(#[from] InvalidHeaderValue),
}

/// What reading the folder has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Files that are served.
    pub files: usize,
    /// Of those, from the builds before.
    pub retired: usize,
    /// Files that are other than before, or new.
    pub changed: usize,
    /// In memory.
    pub bytes: usize,
    /// What is in the folder and not served, and why: one line each.
    pub notes: Vec<String>,
}

/// The app. One for all workers; cloning is cheap.
#[derive(Debug, Clone)]
pub struct Site(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: SiteSettings,
    policy: HeaderValue,
    index: ArcSwap<Index>,
}

impl Site {
    /// Reads the folder, every byte of it. Blocks.
    ///
    /// # Errors
    /// When it cannot be read or holds no page.
    pub fn open(settings: SiteSettings) -> Result<(Self, Loaded), SiteError> {
        let policy = HeaderValue::from_str(&settings.policy)?;
        let mut notes = Notes::default();
        let index = Index::read(&settings, None, Instant::now(), &mut notes)?;
        let loaded = index.loaded(notes);
        Ok((Self(Arc::new(Inner { settings, policy, index: ArcSwap::from_pointee(index) })), loaded))
    }

    /// Reads the folder again. Requests see the old build or the new one, never some of both; hashed files of the old
    /// one stay for [`SiteSettings::retire`]. Blocks.
    ///
    /// # Errors
    /// As [`Site::open`]; what was served before is served on.
    pub fn reload(&self) -> Result<Loaded, SiteError> {
        let mut notes = Notes::default();
        let index = Index::read(&self.0.settings, Some(&self.0.index.load()), Instant::now(), &mut notes)?;
        let loaded = index.loaded(notes);
        self.0.index.store(Arc::new(index));
        Ok(loaded)
    }

    /// Lets go of files of earlier builds whose time is over; says how many.
    pub fn forget(&self) -> usize {
        let now = Instant::now();
        let index = self.0.index.load();
        let over = index.over(self.0.settings.retire, now);
        if over > 0 {
            self.0.index.store(Arc::new(index.without_retired(self.0.settings.retire, now)));
        }
        over
    }
}
