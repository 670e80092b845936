//! Sends each command to the node that serves its key, and follows where a cluster sends it on to.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::super::StoreError;
use super::cluster::Cluster;
use super::dial::{Connection, Dialer, away};
use super::keys::slot;
use super::link::{Link, Place, Refusal};
use super::script::Script;
use super::sentinel::Sentinels;
use super::url::{self, Address, Target};

/// How often one command is sent on at most.
const REDIRECTS: usize = 5;

/// Everything that serves.
pub(super) struct Nodes {
    formation: Formation,
    /// How long a command that was sent on waits for the connection to where it was sent.
    patience: Duration,
}

enum Formation {
    /// One master, by itself or named by sentinels.
    One(Arc<Link>),
    Many(Arc<Cluster>),
}

impl Formation {
    fn one(dialer: &Arc<Dialer>, place: Place, tasks: &mut JoinSet<()>) -> Self {
        let link = Arc::new(Link::new(Arc::clone(dialer), place));
        tasks.spawn(Arc::clone(&link).keep());
        Self::One(link)
    }
}

impl Nodes {
    /// Starts to connect; `tasks` keep the connections.
    pub(super) fn start(target: Target, dialer: &Arc<Dialer>, tasks: &mut JoinSet<()>) -> Self {
        let formation = match target.formation {
            url::Formation::Cluster(seeds) => {
                let cluster = Arc::new(Cluster::new(Arc::clone(dialer), seeds));
                tasks.spawn(Arc::clone(&cluster).keep());
                Formation::Many(cluster)
            }
            url::Formation::Single(address) => Formation::one(dialer, Place::StaticResponse(address), tasks),
            url::Formation::Sentinel { sentinels, service, login } => {
                let to_sentinels = Dialer { login, db: 0, ..Dialer::clone(dialer) };
                let sentinels = Sentinels::new(to_sentinels, service, sentinels);
                Formation::one(dialer, Place::Watched(sentinels), tasks)
            }
        };
        Self { formation, patience: dialer.timeout }
    }

    /// Where all masters are; empty while that is not known. Stays as it was while one is away.
    pub(super) fn masters(&self) -> watch::Receiver<Vec<Address>> {
        match &self.formation {
            Formation::One(link) => link.master(),
            Formation::Many(cluster) => cluster.masters(),
        }
    }

    /// Waits until there are connections to all masters.
    ///
    /// # Errors
    /// What waiting does not mend, such as a wrong password.
    pub(super) async fn connected(&self) -> Result<(), StoreError> {
        match &self.formation {
            Formation::One(link) => link.connected().await,
            Formation::Many(cluster) => cluster.connected().await,
        }
    }

    /// Every master.
    pub(super) fn links(&self) -> Vec<Arc<Link>> {
        match &self.formation {
            Formation::One(link) => vec![Arc::clone(link)],
            Formation::Many(cluster) => cluster.links(),
        }
    }

    fn link(&self, key: &[u8]) -> Result<Arc<Link>, StoreError> {
        match &self.formation {
            Formation::One(link) => Ok(Arc::clone(link)),
            Formation::Many(cluster) => cluster.link(slot(key)).ok_or(away("no node serves the key's slot")),
        }
    }

    /// Sends `command` about `key`. It is sent again only where a node has said that it did nothing.
    pub(super) async fn send(&self, key: &[u8], command: &Cmd) -> Result<Value, StoreError> {
        Ok(self.follow(key, command).await?)
    }

    /// Whether keys lie on several nodes, so that no command may name two of them.
    pub(super) fn are_many(&self) -> bool {
        matches!(self.formation, Formation::Many(_))
    }

    /// Runs `script` on `key`, which is handed its code where the node has not seen it yet.
    pub(super) async fn run(
        &self,
        script: &Script,
        key: &[u8],
        arguments: &[&[u8]],
    ) -> Result<Value, StoreError> {
        self.run_on(script, &[key], arguments).await
    }

    /// [`Self::run`] on several keys, which must be on one node.
    pub(super) async fn run_on(
        &self,
        script: &Script,
        keys: &[&[u8]],
        arguments: &[&[u8]],
    ) -> Result<Value, StoreError> {
        let key = keys.first().copied().unwrap_or_default();
        let call = |name: &str, code: &str| {
            let mut command = redis::cmd(name);
            command.arg(code).arg(keys.len());
            for key in keys {
                command.arg(*key);
            }
            for argument in arguments {
                command.arg(*argument);
            }
            command
        };
        match self.follow(key, &call("EVALSHA", script.hash())).await {
            Err(Refusal::Told(error)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {}
            answer => return Ok(answer?),
        }
        Ok(self.follow(key, &call("EVAL", script.code())).await?)
    }

    async fn follow(&self, key: &[u8], command: &Cmd) -> Result<Value, Refusal> {
        let mut link = self.link(key).map_err(Refusal::Store)?;
        let mut asking = false;
        for _ in 0..REDIRECTS {
            let error = match link.send(command, asking).await {
                Err(Refusal::Told(error)) => error,
                answer => return answer,
            };
            let Some(next) = self.redirected(&error) else { return Err(Refusal::Told(error)) };
            asking = error.kind() == ErrorKind::Server(ServerErrorKind::Ask);
            link = next;
            // A node that was not known until now; the command has not been executed anywhere.
            if !link.is_up() && timeout(self.patience, link.connected()).await.is_err() {
                return Err(Refusal::Store(away("the key's slot has moved to a node that does not answer")));
            }
        }
        Err(Refusal::Store(away("the key's slot moves too often")))
    }

    /// Where `error` sends a command on to, if it does.
    fn redirected(&self, error: &RedisError) -> Option<Arc<Link>> {
        let Formation::Many(cluster) = &self.formation else { return None };
        let (address, _) = error.redirect_node()?;
        cluster.refresh();
        Some(cluster.link_to(&Address::parse(address, 6379)?))
    }

    /// A connection of one's own to the node that serves `key`, for a command that waits there.
    pub(super) async fn dial_apart(&self, key: &[u8]) -> Result<(Address, Connection), StoreError> {
        self.link(key)?.dial_apart().await
    }

    /// Where `key` is served now, if it is.
    pub(super) fn address(&self, key: &[u8]) -> Option<Address> {
        self.link(key).ok()?.address()
    }
}
