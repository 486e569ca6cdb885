//! The first line each way: which versions are spoken, and who is speaking.

use callboard_protocol::{
    BusHello, BusWelcome, Failure, FailureKind, HostHello, Message, PluginHello,
    SUPPORTED_VERSIONS, highest_common_version,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connection::ReceiveError;
use crate::decoder::{message_from_line, start_of};

/// A first message: it names the versions its sender speaks.
pub trait Versions {
    /// Returns the versions its sender speaks.
    fn versions(&self) -> &[u32];
}

macro_rules! versions {
    ($($hello:ty),*) => {
        $(impl Versions for $hello {
            fn versions(&self) -> &[u32] {
                &self.versions
            }
        })*
    };
}

versions!(PluginHello, HostHello, BusHello, BusWelcome);

/// Why two sides cannot talk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HelloError {
    /// The other side ended before it said anything.
    #[error("the other side ended without a hello")]
    Silent,
    /// The first line is something else.
    #[error("the first line is no hello: `{start}`")]
    NotAHello {
        /// How the line begins.
        start: String,
    },
    /// The other side said why it cannot, instead of a hello.
    #[error("{failure}")]
    Refused {
        /// What it said.
        failure: Failure,
    },
    /// No version is spoken by both sides.
    #[error("the other side speaks protocol {theirs}, this one {ours}: no version in common")]
    NoCommonVersion {
        /// What the other side speaks, in words.
        theirs: String,
        /// What this side speaks, in words.
        ours: String,
        /// Whether the other side is the older one.
        older: bool,
    },
    /// The line could not be read.
    #[error("could not read the hello")]
    Receive {
        /// Why.
        #[source]
        source: ReceiveError,
    },
    /// The hello could not be written.
    #[error("could not send the hello")]
    Send {
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl HelloError {
    /// Tells a person what went wrong and what to do, where `who` is the other side: ``the plugin `hello` ``.
    pub fn failure(&self, who: &str) -> Failure {
        match self {
            Self::Refused { failure } => failure.clone(),
            Self::NoCommonVersion {
                theirs,
                ours,
                older,
            } => {
                let old = if *older { who } else { "Callboard" };
                let message = format!("{who} speaks protocol {theirs}, Callboard speaks {ours}");
                Failure::new(FailureKind::Unsupported, message).hint(format!("update {old}"))
            }
            Self::Silent => {
                let message = format!("{who} ended before it said hello");
                Failure::new(FailureKind::Unavailable, message).hint("look into its log")
            }
            Self::NotAHello { start } => {
                let message = format!("{who} sent something else than a hello: `{start}`");
                Failure::invalid(message).hint(r#"send `{"versions":[1]}` as the first line"#)
            }
            Self::Receive { .. } | Self::Send { .. } => Failure::new(
                FailureKind::Unavailable,
                format!("could not exchange hellos with {who}"),
            )
            .caused_by(self),
        }
    }
}

/// Reads the first line of the other side, and agrees on a version: the highest that both speak.
///
/// # Errors
///
/// Says why the two sides cannot talk; [`HelloError::failure`] tells it to a person.
pub fn parse_hello<H: Versions + DeserializeOwned>(line: &[u8]) -> Result<(H, u32), HelloError> {
    if let Ok(Message::Answer {
        result: Err(failure),
        ..
    }) = message_from_line(line)
    {
        return Err(HelloError::Refused { failure });
    }
    let hello: H = serde_json::from_slice(line).map_err(|_| HelloError::NotAHello {
        start: start_of(line),
    })?;
    match highest_common_version(SUPPORTED_VERSIONS, hello.versions()) {
        Some(version) => Ok((hello, version)),
        None => Err(HelloError::NoCommonVersion {
            older: hello.versions().iter().max() < SUPPORTED_VERSIONS.iter().min(),
            theirs: versions_in_words(hello.versions()),
            ours: versions_in_words(SUPPORTED_VERSIONS),
        }),
    }
}

/// Writes a hello as one line, with its line feed.
pub fn encode_hello<H: Serialize>(hello: &H) -> Vec<u8> {
    let mut line =
        serde_json::to_vec(hello).expect("a hello is numbers and strings, which always serialise");
    line.push(b'\n');
    line
}

/// Writes the line that stands in place of a hello when there can be no talk.
pub fn refuse_hello(failure: Failure) -> Vec<u8> {
    let mut line = Message::Answer {
        id: None,
        result: Err(failure),
    }
    .to_json();
    line.push(b'\n');
    line
}

fn versions_in_words(versions: &[u32]) -> String {
    let words: Vec<String> = versions.iter().map(u32::to_string).collect();
    match words.split_last() {
        None => "no version at all".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let seen = match parse_hello::<PluginHello>(line.as_bytes()) {
            Ok((_, version)) => format!("version {version}"),
            Err(error) => {
                let failure = error.failure("the plugin `hello`");
                let hint = failure.hint.unwrap_or_default();
                format!("{}; {hint}", failure.message)
            }
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_highest_common_version_is_used() {
        check(r#"{"versions":[1]}"#, "version 1");
        check(r#"{"versions":[3,1,2],"from":"the future"}"#, "version 1");
    }

    #[test]
    fn no_common_version_tells_a_person_what_to_do() {
        check(
            r#"{"versions":[2,3]}"#,
            "the plugin `hello` speaks protocol 2 and 3, Callboard speaks 1; update Callboard",
        );
        check(
            r#"{"versions":[0]}"#,
            "the plugin `hello` speaks protocol 0, Callboard speaks 1; update the plugin `hello`",
        );
        check(
            r#"{"versions":[]}"#,
            "the plugin `hello` speaks protocol no version at all, Callboard speaks 1; update the plugin `hello`",
        );
    }

    #[test]
    fn something_else_than_a_hello_is_named() {
        check(
            "Loading…",
            r#"the plugin `hello` sent something else than a hello: `Loading…`; send `{"versions":[1]}` as the first line"#,
        );
        check(
            r#"{"error":{"kind":"plugin","message":"there is no `libhello.so`","hint":"build it"}}"#,
            "there is no `libhello.so`; build it",
        );
    }
}
