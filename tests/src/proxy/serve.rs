//! Connections of the proxy.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    select,
    sync::watch,
    task::JoinSet,
    time::sleep,
};

use super::{
    Recorded, Shared,
    fault::{Fault, HUGE, Rules, fixed_answer, problem},
    wire::{Message, Side, Wire},
};
use crate::{
    leak_canaries::{Secret, plant},
    upstream_contract::Answered,
};

const BACKLOG: u32 = 1024;

/// Takes connections for as long as the rules allow it. Connections are children of this task.
pub(super) async fn accept(mut listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let (mut rules, mut healing) = (shared.rules.subscribe(), shared.rules.subscribe());
    loop {
        select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                connections.spawn(connection(client, Arc::clone(&shared)));
            },
            Some(_) = connections.join_next() => {}
            () = until(&mut rules, |rules| rules.refuse) => {
                // Bound but not listening: connections are refused, and nobody else can take the port.
                drop(listener);
                let socket = rebind(address).await;
                while connections.join_next().await.is_some() {}
                shared.listening.send_replace(false);
                until(&mut healing, |rules| !rules.refuse).await;
                let Ok(reopened) = socket.listen(BACKLOG) else { return };
                listener = reopened;
                shared.listening.send_replace(true);
            }
        }
    }
}

/// Waits until the rules are such. The guard of what was seen stays in here: it must not be held over an await.
async fn until(rules: &mut watch::Receiver<Rules>, such: impl FnMut(&Rules) -> bool) {
    // The sender lives as long as the task that waits.
    let _ = rules.wait_for(such).await;
}

/// The port is free in a moment: its last listener is only just gone.
async fn rebind(address: SocketAddr) -> TcpSocket {
    for _ in 0..200 {
        if let Ok(socket) = TcpSocket::new_v4()
            && socket.set_reuseaddr(true).is_ok()
            && socket.bind(address).is_ok()
        {
            return socket;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("the proxy cannot have its port {address} again");
}

async fn connection(client: TcpStream, shared: Arc<Shared>) {
    // Without it, small answers wait for the gateway's delayed acknowledgements.
    let _ = client.set_nodelay(true);
    let mut client = Wire::new(client);
    let mut rules = shared.rules.subscribe();
    let ended = select! {
        ended = exchanges(&mut client, &shared) => ended,
        () = until(&mut rules, |rules| rules.refuse) => Ok(Ending::Reset),
    };
    if matches!(ended, Ok(Ending::Reset)) {
        // The close that follows then sends RST.
        let _ = client.stream.set_zero_linger();
    }
}

/// How a connection ends.
enum Ending {
    Close,
    Reset,
}

async fn exchanges(client: &mut Wire, shared: &Shared) -> io::Result<Ending> {
    let mut upstream: Option<Wire> = None;
    let mut reused = false;
    while let Some(request) = client.read(Side::Request).await? {
        let recorded = record(&request, shared);
        let target = recorded.target();
        let fault = shared.rules.borrow().fault(&target).cloned();
        if fault == Some(Fault::CloseReused) && reused {
            return Ok(Ending::Close);
        }
        reused = true;
        if let Some(fault) = &fault {
            if let Some(contract) = shared.contract.get() {
                contract.passes(&recorded, None);
            }
            match before_forwarding(fault, &target, client, shared).await? {
                Step::Forward => {}
                Step::Answered => continue,
                Step::End(ending) => return Ok(ending),
            }
        }
        let answer = forward(&mut upstream, &request, shared).await?;
        if let Some(contract) = shared.contract.get() {
            let status = answer.start.split(' ').nth(1).and_then(|status| status.parse().ok());
            let (headers, body) = (answer.headers.clone(), answer.body.clone());
            contract.passes(&recorded, Some(Answered { status: status.unwrap_or_default(), headers, body }));
        }
        let ending = match &fault {
            Some(Fault::LoseAnswer) => Some(Ending::Reset),
            Some(Fault::HoldAnswer) => {
                let mut rules = shared.rules.subscribe();
                select! {
                    () = until(&mut rules, |rules| rules.fault(&target) != Some(&Fault::HoldAnswer)) => {
                        send(client, shared, &answer.raw).await?;
                    }
                    () = client.closed() => shared.count_abandoned(),
                }
                Some(Ending::Close)
            }
            Some(Fault::DoneThen(status)) => {
                send(client, shared, &problem(*status)).await?;
                None
            }
            Some(Fault::CutBody) => {
                send(client, shared, &half(&answer)).await?;
                Some(Ending::Close)
            }
            Some(Fault::Stall) => {
                send(client, shared, &half(&answer)).await?;
                client.closed().await;
                shared.count_abandoned();
                Some(Ending::Close)
            }
            _ => {
                send(client, shared, &answer.raw).await?;
                (answer.closes() || request.closes()).then_some(Ending::Close)
            }
        };
        if let Some(ending) = ending {
            return Ok(ending);
        }
        if answer.closes() {
            upstream = None;
        }
    }
    Ok(Ending::Close)
}

/// What is done with a request next.
enum Step {
    Forward,
    Answered,
    End(Ending),
}

/// Everything that a fault does before, or instead of, asking the upstream.
async fn before_forwarding(
    fault: &Fault,
    target: &str,
    client: &mut Wire,
    shared: &Shared,
) -> io::Result<Step> {
    if let Some(answer) = fixed_answer(fault) {
        send(client, shared, &answer).await?;
        let broken = *fault == Fault::Garbage;
        return Ok(if broken { Step::End(Ending::Close) } else { Step::Answered });
    }
    let given_up = || {
        shared.count_abandoned();
        Ok(Step::End(Ending::Close))
    };
    match fault {
        Fault::Reset => Ok(Step::End(Ending::Reset)),
        Fault::BlackHole => {
            client.closed().await;
            given_up()
        }
        Fault::Huge { announced } => {
            huge(client, shared, *announced).await?;
            Ok(Step::Answered)
        }
        Fault::Delay(delay) => select! {
            () = sleep(*delay) => Ok(Step::Forward),
            () = client.closed() => given_up(),
        },
        Fault::Hold => {
            let mut rules = shared.rules.subscribe();
            select! {
                () = until(&mut rules, |rules| rules.fault(target) != Some(&Fault::Hold)) => Ok(Step::Forward),
                () = client.closed() => given_up(),
            }
        }
        _ => Ok(Step::Forward),
    }
}

fn record(request: &Message, shared: &Shared) -> Recorded {
    let recorded = Recorded::of(request);
    if let Some(token) = recorded.bearer() {
        plant(Secret::ServiceToken, token);
    }
    shared.journal.push(recorded.clone());
    recorded
}

/// Sends the request on, as it came, over this connection's own connection to the upstream.
async fn forward(upstream: &mut Option<Wire>, request: &Message, shared: &Shared) -> io::Result<Message> {
    let to_head = request.start.starts_with("HEAD ");
    if upstream.is_none() {
        let mut target = shared.target.subscribe();
        let address = *target.wait_for(Option::is_some).await.map_err(io::Error::other)?;
        let stream = TcpStream::connect(address.ok_or(io::ErrorKind::NotConnected)?).await?;
        stream.set_nodelay(true)?;
        *upstream = Some(Wire::new(stream));
    }
    let wire = upstream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
    wire.write(&request.raw).await?;
    wire.read(Side::Answer { to_head }).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// The answer with a body that is announced whole and sent by half.
fn half(answer: &Message) -> Vec<u8> {
    let mut text = format!("{}\r\n", answer.start);
    for (name, value) in &answer.headers {
        let framing = ["content-length", "transfer-encoding", "connection"];
        if !framing.iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
            text += &format!("{name}: {value}\r\n");
        }
    }
    let announced = answer.body.len().max(2);
    text += &format!("content-length: {announced}\r\n\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&answer.body[..answer.body.len() / 2]);
    bytes
}

/// `[0,0,…,0]`, [`HUGE`] bytes of it.
async fn huge(client: &mut Wire, shared: &Shared, announced: bool) -> io::Result<()> {
    let framing =
        if announced { format!("content-length: {HUGE}") } else { "transfer-encoding: chunked".into() };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{framing}\r\n\r\n");
    send(client, shared, head.as_bytes()).await?;
    let block = "0,".repeat(32 * 1024);
    let blocks = HUGE / block.len();
    for number in 0..blocks {
        let mut data = block.clone().into_bytes();
        if number == 0 {
            data[..2].copy_from_slice(b"[ ");
        }
        if number == blocks - 1 {
            let end = data.len() - 2;
            data[end..].copy_from_slice(b"0]");
        }
        if announced {
            send(client, shared, &data).await?;
        } else {
            let mut chunk = format!("{:x}\r\n", data.len()).into_bytes();
            chunk.append(&mut data);
            chunk.extend_from_slice(b"\r\n");
            send(client, shared, &chunk).await?;
        }
    }
    if announced { Ok(()) } else { send(client, shared, b"0\r\n\r\n").await }
}

async fn send(client: &mut Wire, shared: &Shared, bytes: &[u8]) -> io::Result<()> {
    client.write(bytes).await?;
    shared.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    Ok(())
}
