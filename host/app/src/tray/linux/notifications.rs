//! The corner of the screen: `org.freedesktop.Notifications` on the session bus.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use anyhow::Context as _;
use callboard_protocol::NotifyLevel;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use zbus::message::Flags;
use zbus::zvariant::Value;
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::surface::tray::Command;
use crate::tray::Telling;

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What a click on the whole of a notification is called.
const CLICK: &str = "default";

/// How long the desktop may take to say which number a notification has.
const ANSWER: Duration = Duration::from_secs(10);

/// How many notifications are remembered for a click; desktops do not say of each that it is gone.
const REMEMBERED: usize = 64;

/// What is shown, and what a click on it does.
pub(super) struct Notifications {
    connection: Connection,
    commands: mpsc::Sender<Command>,
    signals: MessageStream,
    asked: JoinSet<Option<(u32, Command)>>,
    shown: VecDeque<(u32, Command)>,
}

impl Notifications {
    /// Listens to what the desktop says of notifications.
    ///
    /// # Errors
    ///
    /// When the session bus is gone.
    pub(super) async fn listen(
        connection: &Connection,
        commands: mpsc::Sender<Command>,
    ) -> anyhow::Result<Self> {
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender(SERVICE)?
            .interface(SERVICE)?
            .build();
        Ok(Self {
            connection: connection.clone(),
            commands,
            signals: MessageStream::for_match_rule(rule, connection, Some(REMEMBERED)).await?,
            asked: JoinSet::new(),
            shown: VecDeque::new(),
        })
    }

    /// Shows something. The desktop's answer is waited for elsewhere, and only where a click does something.
    ///
    /// # Errors
    ///
    /// When the session bus is gone.
    pub(super) async fn tell(&mut self, telling: &Telling) -> anyhow::Result<()> {
        let Some(command) = telling.click.clone() else {
            let message = Message::method_call(PATH, "Notify")?
                .destination(SERVICE)?
                .interface(SERVICE)?
                .with_flags(Flags::NoReplyExpected)?
                .build(&body(telling, &[]))?;
            let sent = self.connection.send(&message).await;
            return sent.context("the session bus went away");
        };
        if self.asked.len() >= REMEMBERED {
            tracing::warn!(title = telling.title, "the desktop answers no notification");
            return Ok(());
        }
        let (connection, telling) = (self.connection.clone(), telling.clone());
        self.asked.spawn(async move {
            let body = body(&telling, &[CLICK, "Show"]);
            let answer =
                connection.call_method(Some(SERVICE), PATH, Some(SERVICE), "Notify", &body);
            // A desktop without notifications has no answer.
            let answer = timeout(ANSWER, answer).await.ok()?.ok()?;
            let number: u32 = answer.body().deserialize().ok()?;
            Some((number, command))
        });
        Ok(())
    }

    /// Waits for the next thing that happens to a notification, and does what a click asks for. It may be dropped at
    /// any time.
    ///
    /// # Errors
    ///
    /// When the session bus is gone.
    pub(super) async fn next(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            // Numbers go first: a click on what was shown just now must find it.
            biased;
            Some(asked) = self.asked.join_next() => {
                if let Ok(Some(shown)) = asked {
                    self.shown.truncate(REMEMBERED - 1);
                    self.shown.push_front(shown);
                }
            }
            signal = self.signals.next() => {
                let signal = signal.context("the session bus went away")??;
                self.hear(&signal);
            }
        }
        Ok(())
    }

    fn hear(&mut self, signal: &Message) {
        let header = signal.header();
        let body = signal.body();
        match header.member().map(|member| member.as_str()) {
            Some("ActionInvoked") => {
                if let Ok((number, CLICK)) = body.deserialize::<(u32, &str)>()
                    && let Some(command) = self.forget(number)
                    && self.commands.try_send(command).is_err()
                {
                    tracing::warn!("a click on a notification was dropped: the host is busy");
                }
            }
            Some("NotificationClosed") => {
                if let Ok((number, _reason)) = body.deserialize::<(u32, u32)>() {
                    self.forget(number);
                }
            }
            _ => {}
        }
    }

    fn forget(&mut self, number: u32) -> Option<Command> {
        let at = self.shown.iter().position(|(shown, _)| *shown == number)?;
        self.shown.remove(at).map(|(_, command)| command)
    }
}

/// What `Notify` takes: who tells it, what it replaces, an icon, two texts, what can be done, hints and how long.
type Notify<'a> = (
    &'a str,
    u32,
    &'a str,
    &'a str,
    String,
    Vec<&'a str>,
    HashMap<&'a str, Value<'a>>,
    i32,
);

fn body<'a>(telling: &'a Telling, actions: &[&'a str]) -> Notify<'a> {
    let urgency: u8 = match telling.level {
        NotifyLevel::Error => 2,
        _ => 1,
    };
    (
        "Callboard",
        0,
        "callboard",
        &telling.title,
        without_markup(&telling.message),
        actions.to_vec(),
        HashMap::from([("urgency", Value::from(urgency))]),
        -1,
    )
}

/// Keeps a desktop from taking a text for markup: what a plugin says is shown as it is.
fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_says_is_no_markup() {
        assert_eq!(
            without_markup("<a href=\"x\">A & B</a>"),
            "&lt;a href=\"x\"&gt;A &amp; B&lt;/a&gt;"
        );
    }
}
