//! Keys, session secrets and certificates that change while requests run: read again when their files change and on
//! SIGHUP, which also has the single-page app read again. Where that fails the previous value stays, which is reported once.

use std::{
    collections::BTreeSet,
    error::Error,
    io::{self, IsTerminal as _},
    sync::Arc,
};

use arc_swap::ArcSwap;
use clients::{KeyRing, Reloaded};
use parking_lot::Mutex;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{
    declared::Declared,
    reload::{Reload, Reread},
    site,
};
use crate::{
    config::Config,
    files::site::{Loaded, Site},
    identity::Secrets,
    telemetry::Metrics,
};

/// What is read again, and by whom it is used.
pub(super) struct Rotation {
    pub(super) config: Config,
    pub(super) keys: Arc<KeyRing>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) declared: Arc<ArcSwap<Declared>>,
    /// Read again on SIGHUP alone; nothing where the program gives no way to.
    pub(super) reload: Option<Reload>,
    pub(super) metrics: Arc<Metrics>,
    /// Read again on SIGHUP alone: no file says when a build is complete.
    pub(super) site: Option<Site>,
}

/// What was said last, so that nothing is said twice.
struct Said {
    signing: Arc<str>,
    faults: BTreeSet<String>,
}

/// What one look has found to be other than before.
#[derive(Default)]
struct Changes {
    keys: Option<Reloaded>,
    secrets: bool,
    certificates: Vec<&'static str>,
    site: Option<Loaded>,
    declared: Option<Reread>,
    faults: BTreeSet<String>,
}

/// Looks every `keys.poll_ms` and on SIGHUP, until the task is aborted.
///
/// # Errors
/// When no signal can be waited for.
pub(super) fn watch(rotation: Rotation) -> io::Result<JoinHandle<()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut ticks = interval(rotation.config.keys.poll_ms.into());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    rotation.count(0);
    let said = Said { signing: rotation.keys.signing_kid(), faults: BTreeSet::new() };
    let watched = Arc::new((rotation, Mutex::new(said)));
    Ok(tokio::spawn(async move {
        loop {
            let told = tokio::select! {
                Some(()) = hangup.recv() => true,
                _ = ticks.tick() => false,
            };
            let watched = Arc::clone(&watched);
            // Files may be on a network.
            let looked = tokio::task::spawn_blocking(move || {
                let (rotation, said) = &*watched;
                report(rotation, rotation.look(told), told, &mut said.lock());
            });
            if looked.await.is_err() {
                tracing::error!("keys and certificates could not be looked at");
            }
        }
    }))
}

impl Rotation {
    fn count(&self, faults: usize) {
        let metrics = &self.metrics.rotation;
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        metrics.keys.set(gauge(self.keys.count()));
        metrics.session_secrets.set(gauge(self.secrets.count()));
        metrics.faults.set(gauge(faults));
    }

    /// Reads what has changed; where `told`, everything.
    fn look(&self, told: bool) -> Changes {
        let mut changes = Changes::default();
        let reloaded = if told { self.keys.reload().map(Some) } else { self.keys.reload_if_changed() };
        match reloaded {
            Ok(reloaded) => changes.keys = reloaded.filter(Reloaded::is_change),
            Err(error) => changes.fault("keys.dir", &error),
        }
        match self.config.read_session_secrets() {
            Ok(Some(secrets)) => changes.secrets = self.secrets.replace(secrets),
            Ok(None) => {}
            Err(mistake) => {
                changes.faults.insert(format!("{}: {}", mistake.path, mistake.message));
            }
        }
        for reloaded in self.declared.load().upstreams().reload_files() {
            match reloaded {
                Ok(upstream) => changes.certificates.push(upstream),
                Err(error) => changes.fault("upstreams", &error),
            }
        }
        match self.reload.as_ref().filter(|_| told).map(Reload::reload) {
            Some(Ok(reread)) => changes.declared = reread,
            Some(Err(error)) => {
                changes.faults.extend(error.lines().iter().map(|line| format!("declarations: {line}")));
            }
            None => {}
        }
        match self.site.as_ref().filter(|_| told).map(Site::reload) {
            Some(Ok(loaded)) => changes.site = Some(loaded),
            Some(Err(error)) => changes.fault("site.dir", &error),
            None => {}
        }
        if let Some(forgotten) = self.site.as_ref().map(Site::forget).filter(|forgotten| *forgotten > 0) {
            tracing::info!(site.forgotten = forgotten, "files of an earlier build are served no more");
        }
        changes
    }
}

impl Changes {
    fn fault(&mut self, path: &str, error: &dyn Error) {
        let mut text = format!("{path}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        self.faults.insert(text);
    }
}

/// One line for what is other than before, and one for each fault that was not there before. Key ids and names
/// alone: no secret, no certificate.
fn report(rotation: &Rotation, changes: Changes, told: bool, said: &mut Said) {
    for fault in changes.faults.iter().filter(|fault| told || !said.faults.contains(*fault)) {
        tracing::error!(%fault, "reload failed; keeping the previous value");
    }
    if let Some(loaded) = &changes.site {
        site::report(loaded);
    }
    if let Some(reread) = &changes.declared {
        tracing::info!(served = %reread, "other declarations are served from now on");
    }
    let signing = rotation.keys.signing_kid();
    let changed = changes.keys.is_some()
        || changes.secrets
        || !changes.certificates.is_empty()
        || signing != said.signing;
    if changed || told {
        let keys = changes.keys.unwrap_or_default();
        let list = |kids: &[Arc<str>]| kids.join(" ");
        tracing::info!(
            keys.signing = %signing,
            keys.added = list(&keys.added),
            keys.retiring = list(&keys.retiring),
            keys.dropped = list(&keys.dropped),
            session.secrets = rotation.secrets.count(),
            session.changed = changes.secrets,
            certificates.changed = changes.certificates.join(" "),
            "keys, secrets and certificates"
        );
    }
    rotation.count(changes.faults.len());
    *said = Said { signing, faults: changes.faults };
}

/// Done when the terminal that the process was started from is gone: it is told so by SIGHUP, which otherwise has
/// files read again. Never done where it was started from none, as services are.
pub(super) async fn terminal_gone(mut hangup: Signal) {
    if io::stdin().is_terminal() {
        while hangup.recv().await.is_some() {
            if !io::stdin().is_terminal() {
                return;
            }
        }
    }
    std::future::pending().await
}
