//! One gateway process, over all its lives.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use reqwest::Method;

use super::{Program, gateway::Gateway};
use crate::{
    Actor, Answer,
    contract::{self, Terms},
    leak_canaries,
};

/// A gateway. When it is let go of, all it ever said is searched for secrets.
pub struct Replica {
    gateway: Option<Gateway>,
    settings: Vec<(String, String)>,
    folder: PathBuf,
    /// What it serves; nothing: the recipe book.
    declarations: Option<PathBuf>,
    /// Where its output goes; nothing: into memory.
    log: Option<PathBuf>,
    /// What it said in its earlier lives.
    earlier: String,
    http: reqwest::Client,
}

impl Replica {
    /// Starts a gateway and waits until it listens.
    pub(super) async fn start(
        settings: Vec<(String, String)>,
        folder: &Path,
        log: Option<PathBuf>,
        http: reqwest::Client,
    ) -> Self {
        settings.iter().for_each(|(key, value)| leak_canaries::configured(key, value));
        let gateway = Some(Gateway::start(&settings, folder, None, log.as_deref()).await);
        let folder = folder.to_owned();
        Self { gateway, settings, folder, declarations: None, log, earlier: String::new(), http }
    }

    /// Starts a gateway over declarations and waits until it listens.
    pub(crate) async fn start_declared(
        settings: Vec<(String, String)>,
        folder: &Path,
        declarations: &Path,
        http: reqwest::Client,
    ) -> Self {
        settings.iter().for_each(|(key, value)| leak_canaries::configured(key, value));
        let gateway = Some(Gateway::start(&settings, folder, Some(declarations), None).await);
        let (folder, declarations) = (folder.to_owned(), Some(declarations.to_owned()));
        Self { gateway, settings, folder, declarations, log: None, earlier: String::new(), http }
    }

    /// Starts another one with the same settings and some more: same upstreams, same keys, same store.
    pub(crate) async fn another(&self, more: &[(&str, &str)]) -> Self {
        let mut settings = self.settings.clone();
        settings.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        match &self.declarations {
            Some(dir) => Self::start_declared(settings, &self.folder, dir, self.http.clone()).await,
            None => Self::start(settings, &self.folder, None, self.http.clone()).await,
        }
    }

    /// Where callers reach it: `http://` without a closing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.gateway().http)
    }

    pub(crate) fn http_address(&self) -> SocketAddr {
        self.gateway().http
    }

    /// The committed contract is the recipe book's.
    fn terms(&self) -> Option<Terms> {
        self.declarations.is_none().then(|| Terms::of(&self.settings))
    }

    /// Somebody without a session.
    #[must_use]
    pub fn anonymous(&self) -> Actor {
        Actor::anonymous(self.http.clone(), self.url(), self.terms())
    }

    /// The same person, with the same cookies and tokens, who calls this replica.
    #[must_use]
    pub fn called_by(&self, actor: &Actor) -> Actor {
        actor.at(&self.url())
    }

    /// Where its internal listener is: `http://` without a closing slash.
    #[must_use]
    pub fn internal_url(&self) -> String {
        format!("http://{}", self.gateway().internal)
    }

    /// Holds an answer that a suite has read by itself, and not through an actor, against the contract.
    ///
    /// # Panics
    /// When it breaks it.
    pub fn hold(&self, method: &Method, path: &str, answer: &Answer) {
        contract::hold(Terms::of(&self.settings), method, path, answer);
    }

    /// Asks the internal listener.
    pub async fn internal(&self, path: &str) -> Answer {
        Actor::anonymous(self.http.clone(), self.internal_url(), None).get(path).await
    }

    /// What the gateway has said so far, over all its lives.
    #[must_use]
    pub fn output(&self) -> String {
        let now = self.gateway.as_ref().map(|gateway| gateway.program.output().text());
        format!("{}{}", self.earlier, now.unwrap_or_default())
    }

    /// Its store and its keys are in here.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Resident memory in KiB: now, and the most it ever was.
    #[must_use]
    pub fn memory_kib(&self) -> (u64, u64) {
        (self.gateway().program.memory_kib("VmRSS"), self.gateway().program.memory_kib("VmHWM"))
    }

    /// The gateway's process id.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.gateway().program.id()
    }

    /// Sends SIGTERM and returns at once.
    pub async fn terminate(&self) {
        self.gateway().program.terminate().await;
    }

    /// Sends a signal, such as `HUP`.
    pub async fn signal(&self, name: &str) {
        self.gateway().program.signal(name).await;
    }

    /// Waits until the gateway has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let program = self.take_gateway();
        let output = program.output().clone();
        let status = program.ended().await;
        self.earlier += &output.whole();
        status
    }

    /// `kill -9`.
    pub async fn kill9(&mut self) {
        let program = self.take_gateway();
        let output = program.output().clone();
        program.kill().await;
        self.earlier += &output.whole();
    }

    /// Starts the gateway again after its end: same settings, same store, another port.
    ///
    /// # Panics
    /// When it still runs, or does not start.
    pub async fn restart(&mut self) {
        assert!(self.gateway.is_none(), "the gateway still runs");
        let (dir, log) = (self.declarations.as_deref(), self.log.as_deref());
        self.gateway = Some(Gateway::start(&self.settings, &self.folder, dir, log).await);
    }

    pub(super) fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().expect("the gateway runs")
    }

    fn take_gateway(&mut self) -> Program {
        self.gateway.take().expect("the gateway runs").program
    }
}

impl Drop for Replica {
    /// Of a test that failed, what the gateway said last is shown; of every other, it must hold no secret.
    fn drop(&mut self) {
        let mut text = std::mem::take(&mut self.earlier);
        if let Some(gateway) = self.gateway.take() {
            text += &gateway.program.cut_off();
        }
        if std::thread::panicking() {
            let tail: Vec<_> = text.lines().rev().take(60).collect();
            eprintln!("--- the gateway's last lines ---");
            tail.into_iter().rev().for_each(|line| eprintln!("{line}"));
        } else if let Err(found) = leak_canaries::search(&text) {
            panic!("{found}");
        }
    }
}
