//! The socket that callers connect to.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the kernel holds until a worker takes them.
const BACKLOG: i32 = 1024;

/// Listens on `address`. A connection whose peer takes nothing of what is sent to it for `stalled` is closed by the
/// kernel (RFC 5482): the server itself waits for a reader without a limit, and what is already in its buffers
/// it cannot take back. Where the system not_modified no such option, its own retransmission limit has to do.
///
/// # Errors
/// What the system says: most often, that the address is in use.
pub fn listen(address: SocketAddr, stalled: Duration) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the last connections of the process before.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    // Connections inherit this and the next one. The second of two small messages, or lines of a stream, must not
    // wait for the acknowledgement of the first, which peers delay by 40 ms.
    socket.set_tcp_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(stalled))?;
    #[cfg(not(target_os = "linux"))]
    let _ = stalled;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
