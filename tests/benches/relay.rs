//! Stands between a client and the sandbox, passes every byte on, and counts the API calls.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::Builder;

use anyhow::{Context, Result};

/// How a request to the API begins.
const CALL: &[u8] = b"POST /api";

/// A server that passes everything on. Its threads end with the process.
pub(crate) struct Relay {
    address: SocketAddr,
    calls: Arc<AtomicU32>,
}

impl Relay {
    pub(crate) fn start(server: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let calls = Arc::new(AtomicU32::new(0));
        let server = server.trim_start_matches("http://").trim_end_matches('/');
        let (server, counted) = (server.to_owned(), Arc::clone(&calls));
        Builder::new().name("relay".into()).spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that cannot be passed on is closed, which its client notices.
                relay(client, &server, &counted).ok();
            }
        })?;
        Ok(Self { address, calls })
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn calls(&self) -> f64 {
        f64::from(self.calls.load(Ordering::Relaxed))
    }
}

fn relay(client: TcpStream, server: &str, calls: &Arc<AtomicU32>) -> Result<()> {
    let upstream = TcpStream::connect(server).context("the sandbox is away")?;
    // What is measured is the sandbox, and not how long a small packet waits for a larger one.
    client.set_nodelay(true)?;
    upstream.set_nodelay(true)?;
    let (from_client, to_client) = (client.try_clone()?, client);
    let (from_server, to_server) = (upstream.try_clone()?, upstream);
    let calls = Arc::clone(calls);
    Builder::new()
        .name("relay up".into())
        .spawn(move || pass(from_client, to_server, |bytes| count(bytes, &calls)))?;
    Builder::new()
        .name("relay down".into())
        .spawn(move || pass(from_server, to_client, |_| {}))?;
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream, seen: impl Fn(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        seen(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // The other side may be gone already.
    to.shutdown(Shutdown::Both).ok();
}

/// Counts requests. Clients write a request's first line at once and at the start of a packet.
fn count(bytes: &[u8], calls: &AtomicU32) {
    if bytes.starts_with(CALL) {
        calls.fetch_add(1, Ordering::Relaxed);
    }
}
