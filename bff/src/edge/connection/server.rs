//! Listeners, workers, and what each connection is served with: what actix-web's `HttpServer` does, over
//! [`Connection`] in place of a bare socket.

use std::{
    cell::OnceCell,
    fmt, io,
    net::TcpListener,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_http::{HttpService, Request, Response, body::MessageBody};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_factory, fn_service, map_config,
};
use actix_web::{
    Error,
    dev::{AppConfig, Server},
};
use tokio::net::TcpStream;

use super::{
    Connection, TooLate,
    service::{Application, InTurns, continued},
};

/// How long a connection is kept for a caller who does not take the end of the last answer.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How a listener is served.
#[derive(Debug, Clone)]
pub struct Serving {
    pub workers: usize,
    /// Open connections of each worker; more wait in the kernel's backlog.
    pub max_connections: usize,
    /// How long a connection may be idle.
    pub keep_alive: Duration,
    /// How long the head of a request may take, from its first byte, or from the connection for the first one.
    pub head_timeout: Duration,
    /// How long requests in flight may take once the server stops. Rounded down to seconds, at least one.
    pub shutdown_timeout: Duration,
    /// Set: each connection closes behind its next answer, so that none is idle when the server stops. A request that
    /// is sent into a connection while it closes is lost.
    pub draining: Arc<AtomicBool>,
}

/// Serves `application`, which is made once for each worker, on `listener`. `too_late` makes what is sent to a caller
/// whose head did not come in time: a whole HTTP answer. Heeds no signals.
///
/// # Errors
/// What the system says of the listener.
pub fn serve<F, I, S, B>(
    listener: TcpListener,
    serving: Serving,
    too_late: impl Fn(Duration) -> Vec<u8> + Clone + Send + 'static,
    application: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Clone + Send + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let address = listener.local_addr()?;
    let builder = Server::build()
        .workers(serving.workers)
        .max_concurrent_connections(serving.max_connections)
        .shutdown_timeout(serving.shutdown_timeout.as_secs().max(1))
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let listening = builder.listen(format!("http-{address}"), listener, move || {
        let stopping = stopping.clone();
        let (head_timeout, too_late) = (serving.head_timeout, too_late.clone());
        let too_late: TooLate = Rc::new(move || too_late(head_timeout));
        let made = application().into_factory().map_err(|error| error.into().error_response());
        let made = map_config(made, |()| AppConfig::default());
        let shared: Application<_> = Rc::new(OnceCell::new());
        let expected = Rc::clone(&shared);
        let (draining, draining_too) = (Arc::clone(&serving.draining), Arc::clone(&serving.draining));
        let in_turns = fn_factory(move || {
            let (making, shared) = (made.new_service(()), Rc::clone(&shared));
            let draining = Arc::clone(&draining);
            async move {
                let service = Rc::new(making.await?);
                // One for each worker: this is asked for once.
                let _ = shared.set(Rc::clone(&service));
                Ok::<_, S::InitError>(InTurns::<_, B>::new(service, draining))
            }
        });
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(serving.keep_alive)
            // Every head has its time, and the first one is one of them.
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            // Who hangs up on an event stream says nothing else: nobody is to be kept for it.
            .h1_allow_half_closed(false)
            .local_addr(address)
            .expect(fn_service(move |request| {
                let last = draining_too.load(Ordering::Relaxed);
                continued::<_, B>(Rc::clone(&expected), request, last)
            }))
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.turns());
            })
            .h1(in_turns);
        fn_service(move |socket: TcpStream| {
            let peer = socket.peer_addr().ok();
            let connection = Connection::new(socket, head_timeout, Rc::clone(&too_late));
            async move { Ok((connection, peer)) }
        })
        .and_then(http)
    })?;
    Ok(listening.run())
}
