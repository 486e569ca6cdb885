//! The first line of a client.

use std::time::Duration;

use callboard_protocol::{BusHello, BusWelcome, Failure, FailureKind, SUPPORTED_VERSIONS};
use callboard_wire::{Decoder, encode_hello, parse_hello, refuse_hello};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// Reads a client's hello and answers it; none when there can be no talk, or `admit` refuses it. What was read beyond
/// it stays in `decoder`.
pub(super) async fn exchange<R, W>(
    reader: &mut R,
    writer: &mut W,
    decoder: &mut Decoder,
    welcome: &BusWelcome,
    deadline: Duration,
    admit: impl FnOnce(&BusHello) -> Result<(), Failure>,
) -> Option<BusHello>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let line = match timeout(deadline, first_line(reader, decoder)).await {
        Ok(line) => line?,
        Err(_) => {
            let failure = Failure::new(FailureKind::TimedOut, "no hello came in time")
                .hint("send `{\"versions\":[1]}` as the first line");
            refuse(writer, failure).await;
            return None;
        }
    };
    match parse_hello::<BusHello>(&line) {
        Ok((hello, _)) => {
            if let Err(failure) = admit(&hello) {
                refuse(writer, failure).await;
                return None;
            }
            writer.write_all(&encode_hello(welcome)).await.ok()?;
            Some(hello)
        }
        Err(error) => {
            refuse(writer, error.failure("the client")).await;
            None
        }
    }
}

/// Returns the welcome of a host.
pub(super) fn welcome(host: &str, session: u64) -> BusWelcome {
    BusWelcome {
        versions: SUPPORTED_VERSIONS.to_vec(),
        features: Vec::new(),
        callboard: env!("CARGO_PKG_VERSION").into(),
        host: host.into(),
        session,
    }
}

async fn first_line<R: AsyncRead + Unpin>(
    reader: &mut R,
    decoder: &mut Decoder,
) -> Option<Vec<u8>> {
    let mut piece = [0; 1024];
    loop {
        // A first line that is too long is no hello.
        if let Some(line) = decoder.next_line() {
            return line.ok();
        }
        match reader.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => decoder.push(&piece[..read]),
        }
    }
}

async fn refuse<W: AsyncWrite + Unpin>(writer: &mut W, failure: Failure) {
    // Whoever does not read why is refused all the same.
    let line = refuse_hello(failure);
    drop(timeout(Duration::from_secs(1), writer.write_all(&line)).await);
}

#[cfg(test)]
mod tests {
    use callboard_protocol::Scope;

    use super::*;

    async fn check(line: &str, expected: &str) {
        let (mut theirs, ours) = tokio::io::duplex(4096);
        theirs.write_all(line.as_bytes()).await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(ours);
        let mut decoder = Decoder::default();
        let welcome = welcome("h", 3);
        let deadline = Duration::from_millis(20);
        let admit = |hello: &BusHello| match hello.scope {
            Scope::Ui => Err(Failure::denied("not a window of the host's")),
            _ => Ok(()),
        };
        let read = exchange(
            &mut reader,
            &mut writer,
            &mut decoder,
            &welcome,
            deadline,
            admit,
        );
        drop(read.await);
        drop((reader, writer));
        let mut answer = String::new();
        theirs.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(expected), "{answer}");
    }

    #[tokio::test]
    async fn a_hello_is_welcomed_and_anything_else_refused() {
        check(
            "{\"versions\":[1],\"scope\":\"dcc\"}\n",
            "{\"versions\":[1],\"callboard\":",
        )
        .await;
        check(
            "{\"versions\":[9]}\n",
            "{\"error\":{\"kind\":\"unsupported\"",
        )
        .await;
        check(
            "{\"versions\":[1],\"scope\":\"ui\"}\n",
            "{\"error\":{\"kind\":\"denied\"",
        )
        .await;
        check("GET / HTTP/1.1\r\n", "{\"error\":").await;
        check("{\"versions\":", "{\"error\":{\"kind\":\"timed_out\"").await;
    }
}
