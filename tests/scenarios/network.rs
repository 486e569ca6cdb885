//! A network that can lose what travels over it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::Builder;

use anyhow::Result;

/// A network between a host and the sandbox that can lose everything without breaking a connection.
pub(crate) struct Network {
    address: SocketAddr,
    loses: Arc<AtomicU8>,
}

/// What a network loses.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Loses {
    Nothing,
    /// What the server says; what it is told arrives.
    Answers,
    Everything,
}

/// How long the sandbox lets a client wait for a sign of life, as its handshake says it.
const LIMITS: &[u8] = b":60:60:websocket";

/// What the host is told instead, since a test has less time. It is as long, so that the answer's length stays right.
const SHORT_LIMITS: &[u8] = b":08:08:websocket";

impl Network {
    /// Begins to pass everything on to `server`. Its threads end with the process.
    pub(crate) fn start(server: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let loses = Arc::new(AtomicU8::new(Loses::Nothing as u8));
        let (server, lost) = (server.to_owned(), Arc::clone(&loses));
        Builder::new().name("network".into()).spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that cannot be passed on is closed, which its client notices.
                connect(client, &server, &lost).ok();
            }
        })?;
        Ok(Self { address, loses })
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Begins to lose this, and nothing else.
    pub(crate) fn lose(&self, loses: Loses) {
        self.loses.store(loses as u8, Ordering::SeqCst);
    }
}

fn connect(client: TcpStream, server: &str, loses: &Arc<AtomicU8>) -> Result<()> {
    let upstream = TcpStream::connect(server)?;
    for (from, to, lost_from) in [
        (
            client.try_clone()?,
            upstream.try_clone()?,
            Loses::Everything,
        ),
        (upstream, client, Loses::Answers),
    ] {
        let loses = Arc::clone(loses);
        Builder::new()
            .name("network line".into())
            .spawn(move || pass(from, to, &loses, lost_from))?;
    }
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream, loses: &AtomicU8, lost_from: Loses) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let bytes = &mut buffer[..length];
        if loses.load(Ordering::SeqCst) >= lost_from as u8 {
            continue;
        }
        if let Some(at) = bytes
            .windows(LIMITS.len())
            .position(|window| window == LIMITS)
        {
            bytes[at..at + LIMITS.len()].copy_from_slice(SHORT_LIMITS);
        }
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    // The other side may be gone already.
    to.shutdown(Shutdown::Both).ok();
}
