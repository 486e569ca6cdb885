//! The packets of Socket.IO 0.9: `code:id:endpoint:data`, where only the first three colons separate.

use std::borrow::Cow;
use std::fmt;

use callboard_event::{Event, RawEvent};
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The name under which ftrack's events travel.
const EVENT_NAME: &str = "ftrack.event";

/// What an arriving packet says.
#[derive(Debug, PartialEq)]
pub(super) enum Packet {
    /// The server wants the connection to end.
    Disconnect,
    /// The server is alive and wants to hear that we are.
    Heartbeat,
    /// Something happened.
    Event(Box<RawEvent>),
    /// What became of the packet that we sent under this number.
    Acknowledge(u64, Outcome),
    /// The server reports an error.
    Error(String),
    /// Nothing to act on.
    Nothing,
}

/// What the server made of something that we sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    Failure(String),
}

/// Why a frame is no packet.
#[derive(Debug, thiserror::Error)]
pub(super) enum PacketError {
    #[error("the frame is no packet")]
    NotAPacket,
    #[error("the packet's content cannot be read")]
    BadContent(#[source] serde_json::Error),
}

pub(super) const HEARTBEAT: &str = "2::";

impl Packet {
    pub(super) fn decode(frame: &str) -> Result<Self, PacketError> {
        let mut parts = frame.splitn(4, ':');
        let code = parts.next().unwrap_or_default();
        let (Some(id), Some(_endpoint)) = (parts.next(), parts.next()) else {
            return Err(PacketError::NotAPacket);
        };
        let data = parts.next().unwrap_or_default();
        match code {
            "0" => Ok(Self::Disconnect),
            "2" => Ok(Self::Heartbeat),
            "5" => decode_event(data),
            // The real form has the number in the data; a sloppier one has it where all packets have it.
            "6" if data.is_empty() => Ok(decode_acknowledgement(id)),
            "6" => Ok(decode_acknowledgement(data)),
            "7" => Ok(Self::Error(data.to_owned())),
            "1" | "3" | "4" | "8" => Ok(Self::Nothing),
            _ => Err(PacketError::NotAPacket),
        }
    }
}

fn decode_event(data: &str) -> Result<Packet, PacketError> {
    let payload: Payload = serde_json::from_str(data).map_err(PacketError::BadContent)?;
    Ok(payload.0.map_or(Packet::Nothing, Packet::Event))
}

/// The event of `{"name":"ftrack.event","args":[event]}`, or nothing where the packet is about something else.
struct Payload(Option<Box<RawEvent>>);

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PayloadVisitor)
    }
}

struct PayloadVisitor;

impl<'de> Visitor<'de> for PayloadVisitor {
    type Value = Payload;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with a name and arguments")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Payload, A::Error> {
        let mut is_event = None;
        let mut event = None;
        let mut unread: Option<&RawValue> = None;
        while let Some(field) = fields.next_key::<Cow<'de, str>>()? {
            match &*field {
                "name" => is_event = Some(fields.next_value::<Cow<'de, str>>()? == EVENT_NAME),
                // As all servers write it the name comes first, and the event is read where it stands.
                "args" if is_event == Some(true) => event = fields.next_value::<FirstEvent>()?.0,
                "args" => unread = Some(fields.next_value()?),
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        match (is_event, unread) {
            (None, _) => return Err(A::Error::missing_field("name")),
            (Some(true), Some(arguments)) => {
                let read = serde_json::from_str::<FirstEvent>(arguments.get());
                event = read.map_err(A::Error::custom)?.0;
            }
            _ => {}
        }
        Ok(Payload(event))
    }
}

/// The first of some arguments.
struct FirstEvent(Option<Box<RawEvent>>);

impl<'de> Deserialize<'de> for FirstEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FirstEventVisitor)
    }
}

struct FirstEventVisitor;

impl<'de> Visitor<'de> for FirstEventVisitor {
    type Value = FirstEvent;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut arguments: A) -> Result<FirstEvent, A::Error> {
        let event = arguments.next_element()?;
        while arguments.next_element::<IgnoredAny>()?.is_some() {}
        Ok(FirstEvent(event))
    }
}

fn decode_acknowledgement(data: &str) -> Packet {
    let (number, result) = data.split_once('+').unwrap_or((data, ""));
    let Ok(number) = number.parse() else {
        return Packet::Nothing;
    };
    let result: Value = serde_json::from_str(result).unwrap_or_default();
    // Silence about success is taken as success: it is only ever said aloud of failures.
    let outcome = match result.pointer("/0/success") {
        Some(Value::Bool(false)) => {
            let message = result.pointer("/0/message").and_then(Value::as_str);
            Outcome::Failure(message.unwrap_or("no reason given").to_owned())
        }
        _ => Outcome::Success,
    };
    Packet::Acknowledge(number, outcome)
}

/// Returns the packet that publishes `event` and asks for an acknowledgement under `number`.
pub(super) fn encode_event(number: u64, event: &Event) -> String {
    let event = serde_json::to_string(event).unwrap_or_default();
    format!("5:{number}+::{{\"name\":\"{EVENT_NAME}\",\"args\":[{event}]}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(frame: &str, expected: Packet) {
        assert_eq!(Packet::decode(frame).unwrap(), expected, "{frame}");
    }

    fn check_event(frame: &str, topic: &str, data: Value) {
        let Packet::Event(event) = Packet::decode(frame).unwrap() else {
            panic!("no event: {frame}")
        };
        assert_eq!(
            event.into_event().unwrap(),
            Event::new(topic, data),
            "{frame}"
        );
    }

    #[test]
    fn packets_are_read_in_all_their_forms() {
        check("0::", Packet::Disconnect);
        check("1::", Packet::Nothing);
        check("2::", Packet::Heartbeat);
        check("2:::", Packet::Heartbeat);
        check("8::", Packet::Nothing);
        check(
            "7:::unauthorized+reconnect",
            Packet::Error("unauthorized+reconnect".to_owned()),
        );
        check("7::", Packet::Error(String::new()));
        check_event(
            r#"5:::{"name":"ftrack.event","args":[{"topic":"a"}]}"#,
            "a",
            json!({}),
        );
        check_event(
            r#"5:1+::{"name":"ftrack.event","args":[{"topic":"a"}]}"#,
            "a",
            json!({}),
        );
        check_event(
            r#"5:::{"args":[{"topic":"a","data":{"t":"10:30:::"},"new":1},{}],"name":"ftrack.event"}"#,
            "a",
            json!({"t": "10:30:::"}),
        );
        check(r#"5:::{"name":"ftrack.event","args":[]}"#, Packet::Nothing);
        check(r#"5:::{"name":"ftrack.event"}"#, Packet::Nothing);
        check(r#"5:::{"name":"other","args":[1]}"#, Packet::Nothing);
    }

    #[test]
    fn acknowledgements_tell_failure_from_everything_else() {
        check(
            r#"6:::12+[{"success":true}]"#,
            Packet::Acknowledge(12, Outcome::Success),
        );
        check(
            r#"6:::12+[{"success":false,"message":"no: such"}]"#,
            Packet::Acknowledge(12, Outcome::Failure("no: such".to_owned())),
        );
        check("6:::12", Packet::Acknowledge(12, Outcome::Success));
        check("6:::12+[]", Packet::Acknowledge(12, Outcome::Success));
        check("6::12", Packet::Nothing);
        check("6:12::", Packet::Acknowledge(12, Outcome::Success));
        check("6:::x+[]", Packet::Nothing);
    }

    #[test]
    fn what_is_no_packet_is_an_error_and_no_panic() {
        for frame in [
            "",
            "5",
            "5::",
            "5:::",
            "5:::{",
            "9::",
            "2",
            ":::",
            "5:::{\"name\":1}",
            "é::",
        ] {
            assert!(Packet::decode(frame).is_err(), "{frame}");
        }
        assert!(Packet::decode(r#"5:::{"name":"ftrack.event","args":[null]}"#).is_err());
    }

    #[test]
    fn an_event_is_written_as_the_official_client_writes_it() {
        let sent = encode_event(3, &Event::new("a", json!({"x": "é"})).with_id("e"));
        assert_eq!(
            sent,
            concat!(
                r#"5:3+::{"name":"ftrack.event","args":[{"topic":"a","data":{"x":"é"},"id":"e","sent":null,"#,
                r#""source":null,"target":"","inReplyToEvent":null}]}"#
            )
        );
        let Packet::Event(read) = Packet::decode(&sent).unwrap() else {
            panic!("no event")
        };
        assert_eq!(read.id, "e");
    }
}
