//! Declarations that have changed take effect on SIGHUP: all at once, or not at all.

use std::{error::Error, fmt, sync::Arc};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::{
    accounts,
    additions::Additions,
    declared::{Declared, DeclaredParts},
    error::StartError,
};
use crate::{
    auth::Api,
    config::Config,
    declare::{Declarations, Mistakes},
    live::TopicRules,
};

/// Reads settings and declarations again, as at the start.
pub type ReadAgain =
    Box<dyn Fn() -> Result<(Config, Declarations), Box<dyn Error + Send + Sync>> + Send + Sync>;

/// What has to be known to exchange what is served.
pub(super) struct Reload {
    pub(super) parts: DeclaredParts,
    pub(super) additions: Additions,
    pub(super) api: Api,
    pub(super) declared: Arc<ArcSwap<Declared>>,
    pub(super) read: ReadAgain,
    pub(super) last: Mutex<Fingerprint>,
}

/// What is new.
#[derive(Debug)]
pub(super) struct Reread {
    pub(super) screens: usize,
    pub(super) routes: usize,
    pub(super) upstreams: usize,
}

/// Why nothing has changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReloadError {
    #[error("they cannot be used")]
    Read(#[source] Box<dyn Error + Send + Sync>),
    #[error("they cannot be served")]
    Start(#[from] StartError),
}

/// Equal where nothing has changed that a reload would exchange.
#[derive(PartialEq, Eq)]
pub(super) struct Fingerprint {
    declarations: [u8; 32],
    /// Of the sections that declarations stand beneath. Secrets are not shown in it: one that has changed takes effect with
    /// the next change of something else.
    settings: String,
}

impl Fingerprint {
    pub(super) fn of(config: &Config, declarations: &Declarations) -> Self {
        let settings = serde_json::json!([config.upstreams, config.screens, config.cache, config.accounts]);
        Self { declarations: declarations.fingerprint(), settings: settings.to_string() }
    }
}

impl Reload {
    /// Reads again, and exchanges what is served where it has changed. Requests under way end on what they began with;
    /// documents begin empty. Nothing: all is as before.
    ///
    /// # Errors
    /// [`ReloadError`]: what is served is as before.
    pub(super) fn reload(&self) -> Result<Option<Reread>, ReloadError> {
        let (config, declarations) = (self.read)().map_err(ReloadError::Read)?;
        let fingerprint = Fingerprint::of(&config, &declarations);
        let mut last = self.last.lock();
        if *last == fingerprint {
            return Ok(None);
        }
        let declared = Declared::new(&self.parts, &config, &declarations, &self.additions)?;
        self.api.find_accounts_at(accounts::source(&config, declared.upstreams(), &declarations));
        let plan = declarations.compile();
        self.parts.hub.set_topic_rules(TopicRules::new(&plan.topics.open, &plan.topics.own));
        self.declared.store(Arc::new(declared));
        *last = fingerprint;
        let (screens, routes, upstreams) = (plan.screens.len(), plan.routes.len(), plan.upstreams.len());
        Ok(Some(Reread { screens, routes, upstreams }))
    }
}

impl ReloadError {
    /// One text for each mistake.
    pub(super) fn lines(&self) -> Vec<String> {
        if let Self::Read(error) = self
            && let Some(mistakes) = error.downcast_ref::<Mistakes>()
        {
            return mistakes.0.iter().map(ToString::to_string).collect();
        }
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        vec![text]
    }
}

impl fmt::Display for Reread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { screens, routes, upstreams } = self;
        write!(f, "{screens} screens, {routes} routes, {upstreams} upstreams")
    }
}
