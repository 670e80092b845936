//! Asks sentinels which node is the master. All of them, each time: one that is cut off from the others
//! still names the master of yesterday, but with an older epoch.

use std::collections::HashMap;
use std::fmt;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::super::StoreError;
use super::dial::{Connection, Dialer, away, unanswered};
use super::url::Address;

/// The sentinels of one service.
pub(super) struct Sentinels {
    dialer: Dialer,
    service: String,
    sentinels: Vec<Sentinel>,
}

struct Sentinel {
    address: Address,
    /// Taken out while it is used, so that one that fails is not used again.
    connection: Mutex<Option<Connection>>,
}

/// The service's name.
impl fmt::Display for Sentinels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.service)
    }
}

impl Sentinels {
    pub(super) fn new(dialer: Dialer, service: String, addresses: Vec<Address>) -> Self {
        let sentinels =
            addresses.into_iter().map(|address| Sentinel { address, connection: Mutex::default() }).collect();
        Self { dialer, service, sentinels }
    }

    /// The master that the sentinels with the newest knowledge name.
    pub(super) async fn master(&self) -> Result<Address, StoreError> {
        // One that hangs must not keep the others' answer back.
        let asks = self.sentinels.iter().map(|sentinel| timeout(self.dialer.timeout, self.ask(sentinel)));
        let answers = join_all(asks).await;
        let mut error = None;
        let mut newest: Option<(u64, Address)> = None;
        for answer in answers {
            match answer.unwrap_or(Err(away("a sentinel does not answer"))) {
                Ok((epoch, _)) if newest.as_ref().is_some_and(|(known, _)| *known >= epoch) => {}
                Ok(answer) => newest = Some(answer),
                Err(refused) => error = Some(refused),
            }
        }
        newest.map(|(_, address)| address).ok_or_else(|| error.unwrap_or(away("there are no sentinels")))
    }

    async fn ask(&self, sentinel: &Sentinel) -> Result<(u64, Address), StoreError> {
        let kept = sentinel.connection.lock().take();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.dialer.dial(&sentinel.address, self.dialer.config()).await?,
        };
        let mut command = redis::cmd("SENTINEL");
        command.arg("MASTER").arg(&self.service);
        let told = command.query_async::<HashMap<String, String>>(&mut connection).await;
        let told = told.map_err(|error| match unanswered(error) {
            // A service that a sentinel does not know may be made known to it later.
            StoreError::Refused { reason } => StoreError::Away { reason },
            other => other,
        })?;
        *sentinel.connection.lock() = Some(connection);
        let answer = (|| {
            let port = told.get("port")?.parse().ok().filter(|port| *port > 0)?;
            let epoch = told.get("config-epoch")?.parse().ok()?;
            Some((epoch, Address { host: told.get("ip").filter(|host| !host.is_empty())?.clone(), port }))
        })();
        answer.ok_or(away("a sentinel names no master"))
    }
}
