//! The commands' way to the running host: one blocking connection to the local bus.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use callboard_protocol::{
    BusHello, BusMethod, BusWelcome, Failure, FailureKind, Message, SUPPORTED_VERSIONS, Scope,
    Surface,
};
use callboard_wire::{Connection, HelloError, ReceiveError, SendError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// How long the host may take for an answer that needs no waiting of its own.
const ANSWER: Duration = Duration::from_secs(30);

/// How long the host may take to say hello: longer than a busy machine needs, shorter than a person waits.
const HELLO: Duration = Duration::from_secs(5);

/// A connection to the running host.
pub(crate) struct Client {
    connection: Connection,
    /// The same socket again, to set deadlines on.
    socket: UnixStream,
    last_id: u64,
}

impl Client {
    /// Connects to the host whose bus lies at `bus`.
    ///
    /// # Errors
    ///
    /// [`Problem::not_running`] where nobody listens, and whatever the host says against this client.
    pub(crate) fn connect(bus: &Path) -> Result<Self, Problem> {
        let socket = dial(bus)?;
        let ends = (|| -> std::io::Result<_> {
            socket.set_write_timeout(Some(ANSWER))?;
            socket.set_read_timeout(Some(HELLO))?;
            Ok((socket.try_clone()?, socket.try_clone()?))
        })();
        let (reader, writer) = ends.map_err(|error| unreachable(bus, &error))?;
        let mut client = Self {
            connection: Connection::new(reader, writer),
            socket,
            last_id: 0,
        };
        client.hello()?;
        Ok(client)
    }

    fn hello(&mut self) -> Result<(), Problem> {
        let hello = BusHello {
            versions: SUPPORTED_VERSIONS.to_vec(),
            scope: Scope::Cli,
            surface: Surface::Cli,
            name: format!("callboard {}", env!("CARGO_PKG_VERSION")),
            ..BusHello::default()
        };
        match self.connection.hello::<BusWelcome>(&hello) {
            Ok(_) => Ok(()),
            Err(HelloError::Receive {
                source: ReceiveError::Io(error),
            }) if is_timeout(&error) => Err(not_answering(HELLO).into()),
            Err(error) => Err(error.failure("the running callboard").into()),
        }
    }

    /// Calls a method of the host.
    ///
    /// # Errors
    ///
    /// The host's own failure, or that it did not answer.
    pub(crate) fn call<R: DeserializeOwned>(
        &mut self,
        method: BusMethod,
        params: &impl Serialize,
    ) -> Result<R, Problem> {
        self.call_within(method, params, ANSWER)
    }

    /// Calls a method of the host that may take as long as `wait` of its own.
    ///
    /// # Errors
    ///
    /// The host's own failure, or that it did not answer.
    pub(crate) fn call_waiting<R: DeserializeOwned>(
        &mut self,
        method: BusMethod,
        params: &impl Serialize,
        wait: Duration,
    ) -> Result<R, Problem> {
        self.call_within(method, params, wait + ANSWER)
    }

    fn call_within<R: DeserializeOwned>(
        &mut self,
        method: BusMethod,
        params: &impl Serialize,
        timeout: Duration,
    ) -> Result<R, Problem> {
        let params = serde_json::to_value(params).map_err(|error| {
            Failure::invalid(format!("could not write the request `{}`", method.name()))
                .caused_by(&error)
        })?;
        self.last_id += 1;
        let request = Message::Request {
            id: self.last_id,
            method: method.name().to_owned(),
            params,
        };
        self.connection
            .send(&request)
            .map_err(|error| match error {
                SendError::TooLong(_) => {
                    Failure::new(FailureKind::Limit, error.to_string()).hint("give less at once")
                }
                error => broken().caused_by(&error),
            })?;
        let result = self.answer(self.last_id, timeout)??;
        serde_json::from_value(result).map_err(|error| {
            Failure::new(
                FailureKind::Internal,
                format!("could not read the host's answer to `{}`", method.name()),
            )
            .caused_by(&error)
            .hint("use the `callboard` of the same version as the running host")
            .into()
        })
    }

    fn answer(
        &mut self,
        request: u64,
        timeout: Duration,
    ) -> Result<Result<serde_json::Value, Failure>, Failure> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(not_answering(timeout));
            }
            self.socket
                .set_read_timeout(Some(left))
                .map_err(|error| broken().caused_by(&error))?;
            match self.connection.receive() {
                Ok(Some(Message::Answer { id, result })) if id == Some(request) => {
                    return Ok(result);
                }
                // An error without id is the host's last word before it closes.
                Ok(Some(Message::Answer {
                    id: None,
                    result: Err(failure),
                })) => return Err(failure),
                Ok(Some(_)) => {}
                Ok(None) => return Err(broken()),
                Err(ReceiveError::Io(error)) if is_timeout(&error) => {
                    return Err(not_answering(timeout));
                }
                Err(error) => return Err(broken().caused_by(&error)),
            }
        }
    }
}

/// Connects to the socket of the host whose bus lies at `bus`, before anything is said.
///
/// # Errors
///
/// [`Problem::not_running`] where nobody listens, and when somebody else does.
pub(super) fn dial(bus: &Path) -> Result<UnixStream, Problem> {
    let socket = UnixStream::connect(bus).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => Problem::not_running(),
        _ => Problem::from(unreachable(bus, &error)),
    })?;
    check_owner(&socket, bus)?;
    Ok(socket)
}

/// Refuses a socket that somebody else serves: in a folder for temporary files anybody may have made it.
#[cfg(target_os = "linux")]
fn check_owner(socket: &UnixStream, bus: &Path) -> Result<(), Failure> {
    let peer = rustix::net::sockopt::socket_peercred(socket)
        .map_err(|error| unreachable(bus, &error.into()))?;
    if peer.uid.as_raw() == crate::home::user_id() {
        return Ok(());
    }
    Err(Failure::denied(format!(
        "another user serves the socket `{}`",
        bus.display()
    ))
    .hint("name your own with `CALLBOARD_BUS`"))
}

/// Trusts the folder's permissions where the system does not say who serves a socket.
#[cfg(not(target_os = "linux"))]
fn check_owner(_: &UnixStream, _: &Path) -> Result<(), Failure> {
    Ok(())
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn unreachable(bus: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        FailureKind::Unavailable,
        format!("could not connect to callboard at `{}`", bus.display()),
    )
    .caused_by(error)
    .hint("check that the socket belongs to you")
}

fn broken() -> Failure {
    Failure::new(
        FailureKind::Unavailable,
        "the running callboard closed the connection",
    )
    .hint("look at `callboard status`, and try again")
}

fn not_answering(timeout: Duration) -> Failure {
    Failure::new(
        FailureKind::TimedOut,
        format!(
            "the running callboard did not answer within {} seconds",
            timeout.as_secs()
        ),
    )
    .hint("restart it, and look into its log for the reason")
}
