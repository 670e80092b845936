//! Makes connections to nodes, asks a node what it is, and says what an error of Redis means.

use std::time::Duration;

use bytes::Bytes;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, RedisError, ServerErrorKind, TlsCertificates, Value,
};
use secrecy::ExposeSecret;

use super::super::StoreError;
use super::url::{Address, Login};

/// One connection, over which many callers ask at the same time. All share its end.
pub(super) type Connection = redis::aio::MultiplexedConnection;

/// Commands that wait to be written at most; further callers wait before they queue.
const QUEUE: usize = 1024;
/// Making a connection may take longer than a command: nobody waits for it.
const DIAL_AT_LEAST: Duration = Duration::from_secs(1);

/// Makes connections with one set of credentials.
#[derive(Debug, Clone)]
pub(super) struct Dialer {
    pub(super) login: Login,
    pub(super) db: i64,
    pub(super) tls: bool,
    /// PEM of the authorities that sign the nodes' certificates; `None`: the system's.
    pub(super) ca: Option<Bytes>,
    /// How long a command may take.
    pub(super) timeout: Duration,
    /// Whether the nodes are those of a cluster.
    pub(super) cluster: bool,
}

impl Dialer {
    /// A connection that has said who it is. RESP3, so that its end is told to the push sender of `config`.
    pub(super) async fn dial(
        &self,
        address: &Address,
        config: AsyncConnectionConfig,
    ) -> Result<Connection, StoreError> {
        let config = config
            .set_connection_timeout(Some(self.timeout.max(DIAL_AT_LEAST)))
            .set_pipeline_buffer_size(QUEUE);
        let client = self.client(address).map_err(|error| not_reached(&error))?;
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        connecting.await.map_err(|error| not_reached(&error))
    }

    /// What [`dial`](Self::dial) is given for commands that are answered at once.
    pub(super) fn config(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new().set_response_timeout(Some(self.timeout))
    }

    fn client(&self, address: &Address) -> Result<Client, RedisError> {
        let Address { host, port } = address.clone();
        let address = if self.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_skip_set_lib_name()
            .set_db(self.db);
        if let Some(user) = &self.login.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.login.password {
            settings = settings.set_password(password.expose_secret());
        }
        let info = address.into_connection_info()?;
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
        match &self.ca {
            Some(ca) if self.tls => Client::build_with_tls(
                info,
                TlsCertificates { client_tls: None, root_cert: Some(ca.to_vec()) },
            ),
            _ => Client::open(info),
        }
    }

    /// Asks the node whether it serves writes now.
    pub(super) async fn check_master(&self, connection: &mut Connection) -> Result<(), StoreError> {
        // HELLO is answered also by a node that is loading; PING is not.
        let answers = redis::pipe().cmd("HELLO").cmd("PING").query_async::<Vec<Value>>(connection).await;
        let answers = answers.map_err(unanswered)?;
        let told = |name: &[u8]| answers.first().and_then(|hello| field(hello, name)).unwrap_or_default();
        let (mode, role) = (told(b"mode"), told(b"role"));
        match (mode, self.cluster) {
            (b"cluster", false) => return Err(misused("is a node of a cluster: use redis+cluster://")),
            (b"sentinel", _) => return Err(misused("is a sentinel: use redis+sentinel://")),
            (b"standalone", true) => return Err(misused("is not a node of a cluster: use redis://")),
            _ => {}
        }
        if role == b"master" { Ok(()) } else { Err(away("the node is not a master")) }
    }
}

/// The field `name` of an answer that is a map of texts.
fn field<'a>(map: &'a Value, name: &[u8]) -> Option<&'a [u8]> {
    let Value::Map(fields) = map else { return None };
    fields.iter().find(|(key, _)| text(key) == Some(name)).and_then(|(_, value)| text(value))
}

/// The bytes of a text in any of RESP's forms.
pub(super) fn text(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.as_bytes()),
        _ => None,
    }
}

pub(super) const fn away(reason: &'static str) -> StoreError {
    StoreError::Away { reason: std::borrow::Cow::Borrowed(reason) }
}

const fn misused(reason: &'static str) -> StoreError {
    StoreError::Url { reason }
}

/// Replies that tell that nothing was done and that the same may be asked again later.
fn is_away(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain
        ),
        // Too few replicas, a disk that is full, a script that runs.
        _ => matches!(error.code(), Some("NOREPLICAS" | "MISCONF" | "BUSY")),
    }
}

/// The error of a command that was sent.
pub(super) fn unanswered(error: RedisError) -> StoreError {
    if is_away(&error) {
        StoreError::Away { reason: error.to_string().into() }
    } else if error.is_io_error() || error.kind() == ErrorKind::Parse {
        StoreError::Unanswered { reason: error.to_string().into() }
    } else {
        StoreError::Refused { reason: error.to_string().into() }
    }
}

/// The error of a connection that could not be made.
fn not_reached(error: &RedisError) -> StoreError {
    let reason = error.to_string().into();
    if error.is_io_error() || is_away(error) {
        StoreError::Away { reason }
    } else {
        StoreError::Refused { reason }
    }
}

/// An answer that no Redis gives.
pub(super) fn unexpected() -> StoreError {
    StoreError::Refused { reason: "an answer that was not understood".into() }
}
