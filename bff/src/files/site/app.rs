//! The app as it is served now. A reload puts another table in the place of the one before.

use std::{sync::Arc, time::Instant};

use actix_web::http::header::HeaderValue;
use arc_swap::ArcSwap;

use super::{Loaded, SiteError, SiteSettings, folder::Notes, index::Index};

/// The app. One for all workers; cloning is cheap.
#[derive(Debug, Clone)]
pub struct Site(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) settings: SiteSettings,
    pub(super) policy: HeaderValue,
    pub(super) index: ArcSwap<Index>,
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
