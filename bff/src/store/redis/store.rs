//! The records of a Redis as a [`Store`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::super::{
    Entry, Lease, Listener, Record, Replacement, Space, Store, StoreError, StoreSettings,
    record::{check_entry, check_key, check_owner},
};
use super::SharedStore;
use super::dial::{Dialer, away};
use super::inner::Inner;
use super::keys::Keys;
use super::listening::{Listening, Subscribers};
use super::nodes::Nodes;
use super::records::Records;
use super::url::{Formation, Target};

/// How long opening waits for Redis before it goes on without.
const OPENING: Duration = Duration::from_secs(3);

/// Records in Redis. Dropping it closes the connections.
pub(in crate::store) struct RedisStore {
    inner: Arc<Inner>,
}

impl RedisStore {
    /// Connects to what `url` names. A Redis that is away is no error: it is waited for behind.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`], [`StoreError::Url`], and [`StoreError::Refused`] where Redis is there
    /// but refuses, such as for a wrong password.
    pub(in crate::store) async fn open(url: &str, settings: &StoreSettings) -> Result<Self, StoreError> {
        let target = Target::parse(url)?;
        let dialer = Arc::new(Dialer {
            login: target.login.clone(),
            db: target.db,
            tls: target.tls,
            ca: settings.ca.clone(),
            timeout: settings.timeout,
            cluster: matches!(target.formation, Formation::Cluster(_)),
        });
        let mut tasks = JoinSet::new();
        let nodes = Nodes::start(target, &dialer, &mut tasks);
        let (subscribers, keys) = (Arc::<Subscribers>::default(), Keys::new(&settings.prefix));
        let listening = Listening {
            subscribers: Arc::clone(&subscribers),
            dialer,
            keys: keys.clone(),
            masters: nodes.masters(),
        };
        tasks.spawn(listening.keep());
        let ready = async {
            nodes.connected().await?;
            subscribers.hearing().await;
            Ok::<(), StoreError>(())
        };
        timeout(OPENING, ready).await.unwrap_or(Ok(()))?;
        let inner = Inner {
            records: Records { nodes, keys },
            subscribers,
            timeout: settings.timeout,
            spare: Mutex::default(),
            _tasks: tasks,
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Record>, StoreError> {
        check_key(key)?;
        self.inner.records.get(space, key).await
    }

    async fn entry(&self, space: Space, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        check_key(key)?;
        self.inner.records.entry(space, key).await
    }

    async fn put(&self, space: Space, key: &[u8], entry: Entry) -> Result<u64, StoreError> {
        check_entry(key, &entry)?;
        self.inner.records.put(space, key, &entry).await
    }

    async fn put_if(
        &self,
        space: Space,
        key: &[u8],
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<Option<u64>, StoreError> {
        check_entry(key, &entry)?;
        self.inner.records.put_if(space, key, expected, &entry).await
    }

    async fn delete(&self, space: Space, key: &[u8]) -> Result<bool, StoreError> {
        check_key(key)?;
        self.inner.records.delete(space, key).await
    }

    async fn get_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<(Bytes, Record)>, StoreError> {
        self.inner.records.get_many(space, keys).await
    }

    async fn replace(&self, space: Space, changes: Vec<Replacement>) -> Result<Vec<Option<u64>>, StoreError> {
        self.inner.records.replace(space, changes).await
    }

    async fn owned_keys(&self, space: Space, owner: &str) -> Result<Vec<Bytes>, StoreError> {
        check_owner(owner)?;
        self.inner.records.owned_keys(space, owner).await
    }

    async fn get_owned(
        &self,
        space: Space,
        owner: &str,
        keys: &[Bytes],
    ) -> Result<Vec<(Bytes, Record)>, StoreError> {
        check_owner(owner)?;
        self.inner.records.get_owned(space, owner, keys).await
    }

    async fn delete_keys(&self, space: Space, owner: &str, keys: &[Bytes]) -> Result<Vec<Bytes>, StoreError> {
        check_owner(owner)?;
        self.inner.records.delete_keys(space, owner, keys).await
    }

    async fn delete_owned(
        &self,
        space: Space,
        owner: &str,
        except: Option<&[u8]>,
    ) -> Result<Vec<Bytes>, StoreError> {
        check_owner(owner)?;
        self.inner.records.delete_owned(space, owner, except).await
    }

    async fn add(
        &self,
        space: Space,
        key: &[u8],
        delta: i64,
        window: Duration,
    ) -> Result<(u64, u64), StoreError> {
        check_key(key)?;
        self.inner.records.add(space, key, delta, window).await
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        // Every key has an end that Redis knows.
        Ok(0)
    }

    fn listen(&self, listener: Listener) {
        self.inner.subscribers.listen(listener);
    }

    async fn publish(&self, payload: Bytes) -> Result<(), StoreError> {
        let Records { nodes, keys } = &self.inner.records;
        let channel = keys.messages();
        let mut command = redis::cmd("PUBLISH");
        command.arg(&channel).arg(&*payload);
        nodes.send(channel.as_bytes(), &command).await.map(|_| ())
    }

    fn lease(&self) -> Lease {
        self.inner.subscribers.lease()
    }

    fn shared(&self) -> Option<SharedStore> {
        Some(SharedStore { inner: Arc::clone(&self.inner) })
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let links = self.inner.records.nodes.links();
        if links.is_empty() {
            return Err(away("no node has been reached yet"));
        }
        let ping = redis::cmd("PING");
        try_join_all(links.iter().map(|link| link.send(&ping, false))).await?;
        Ok(())
    }

    fn name(&self) -> &'static str {
        "redis"
    }
}
