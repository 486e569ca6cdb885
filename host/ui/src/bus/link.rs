//! The connection itself: made, followed, and made anew when the host comes back.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use callboard_protocol::{
    BusHello, BusMethod, BusWelcome, Failure, FailureKind, Message, SUPPORTED_VERSIONS, Scope,
    Surface, WindowHeld, WindowNews, WindowRef,
};
use callboard_wire::{Connection, Receiver};
use serde_json::json;

use super::{Dial, News, Shared};

/// How long the host may take for its hello and the first answer.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// How long a line may take to be written.
const WRITING: Duration = Duration::from_secs(30);

/// How long to wait before the host is looked for again: at first, and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(3));

/// Connects, and takes the place of a window.
pub(super) fn connect(
    dial: &Dial,
    window: &WindowRef,
    token: Option<String>,
) -> Result<(Connection, WindowHeld), Failure> {
    let socket = dial()?;
    let prepare = || {
        socket.set_read_timeout(Some(FIRST_ANSWER))?;
        socket.set_write_timeout(Some(WRITING))?;
        Ok((socket.try_clone()?, socket.try_clone()?))
    };
    let (reader, writer) = prepare().map_err(|error: std::io::Error| broken().caused_by(&error))?;
    let mut connection = Connection::new(reader, writer);
    let hello = BusHello {
        versions: SUPPORTED_VERSIONS.to_vec(),
        scope: match token {
            Some(_) => Scope::Ui,
            None => Scope::Cli,
        },
        surface: Surface::Launcher,
        name: format!("window {}", window.window),
        token,
        ..BusHello::default()
    };
    connection
        .hello::<BusWelcome>(&hello)
        .map_err(|error| error.failure("the running callboard"))?;
    let held = hold(&mut connection, window)?;
    socket
        .set_read_timeout(None)
        .map_err(|error| broken().caused_by(&error))?;
    Ok((connection, held))
}

/// Asks for the place of a window; ids of requests that follow are greater than 0.
fn hold(connection: &mut Connection, window: &WindowRef) -> Result<WindowHeld, Failure> {
    let params = serde_json::to_value(window)
        .map_err(|error| Failure::invalid("the window could not be named").caused_by(&error))?;
    let request = Message::Request {
        id: 0,
        method: BusMethod::WindowsHold.name().to_owned(),
        params,
    };
    connection
        .send(&request)
        .map_err(|error| broken().caused_by(&error))?;
    loop {
        match connection.receive() {
            Ok(Some(Message::Answer {
                id: Some(0) | None,
                result,
            })) => {
                let result = result?;
                return serde_json::from_value(result).map_err(|error| broken().caused_by(&error));
            }
            Ok(Some(_)) => {}
            Ok(None) => return Err(broken()),
            Err(error) => return Err(broken().caused_by(&error)),
        }
    }
}

/// Follows the host, and connects anew each time that it has come back, until the process ends.
pub(super) fn follow(shared: &Shared, mut receiver: Receiver, dial: &Dial, window: &WindowRef) {
    loop {
        shared.read(&mut receiver);
        let connection = again(shared, dial, window);
        let drawn = Message::Request {
            id: 0,
            method: BusMethod::WindowsShown.name().to_owned(),
            params: json!({}),
        };
        // What breaks now is seen when it is read from.
        drop(connection.send(&drawn));
        let sender;
        (receiver, sender) = connection.split();
        shared.up(sender);
        shared.tell(News::Changed(WindowNews::Everything));
    }
}

/// Looks for the host until it is there. It did not start this process, so that there is no token for it.
fn again(shared: &Shared, dial: &Dial, window: &WindowRef) -> Connection {
    let mut wait = AGAIN.0;
    // Nobody sends: the wait is all that it is for.
    let (_sender, timer) = sync_channel::<()>(0);
    loop {
        timer.recv_timeout(wait).ok();
        match connect(dial, window, None) {
            Ok((connection, WindowHeld { held: true, .. })) => return connection,
            Ok(_) => {
                // Another process has taken its place meanwhile.
                shared.tell(News::Close);
                wait = AGAIN.1;
            }
            Err(failure) => {
                shared.down(&failure);
                wait = (wait * 2).min(AGAIN.1);
            }
        }
    }
}

pub(super) fn broken() -> Failure {
    Failure::new(
        FailureKind::Unavailable,
        "callboard has closed the connection",
    )
    .hint("start it again; this window then goes on")
}
