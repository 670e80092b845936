//! A way to Redis that can be cut for one gateway while others go on.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::{REDIS_PASSWORD, RedisServer, StoreUrl};

/// Carries bytes between a gateway and Redis. It ends when it is dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    open: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// Listens before `redis`.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn before(redis: &RedisServer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let open = watch::Sender::new(true);
        let accepting = tokio::spawn(accept(listener, redis.address(), open.subscribe()));
        Self { address, open, accepting }
    }

    /// Ends all connections, and every new one at once.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.open.send_replace(true);
    }
}

impl StoreUrl for Relay {
    fn store_url(&self) -> String {
        format!("redis://:{REDIS_PASSWORD}@{}", self.address)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // The connections are children of this task.
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: String, mut open: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                // One that is dropped here is closed.
                if *open.borrow() {
                    connections.spawn(carry(client, target.clone()));
                }
            },
            Some(_) = connections.join_next() => {}
            changed = open.changed() => match changed {
                Ok(()) if *open.borrow_and_update() => {}
                Ok(()) => connections.abort_all(),
                Err(_) => return,
            },
        }
    }
}

async fn carry(mut client: TcpStream, target: String) {
    if let Ok(mut server) = TcpStream::connect(target).await {
        // Either end of it may be cut at any time.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}
