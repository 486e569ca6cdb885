//! Packets of Socket.IO 0.9: `code:id:endpoint:data`.

use serde_json::{Value as Json, json};

/// What a client said.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Packet {
    Disconnect,
    /// `acknowledge` is the number to answer with; `event` is none when the packet held something else.
    Event {
        acknowledge: Option<u64>,
        event: Option<Json>,
    },
    /// A heartbeat, or something that ftrack does not use.
    Ignored,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PacketError {
    #[error("the packet has fewer than three fields")]
    TooShort,
    #[error("`{code}` is no packet code")]
    UnknownCode { code: String },
}

/// Reads a packet. Only the first three colons separate; the data may hold any number of them.
pub(super) fn parse(text: &str) -> Result<Packet, PacketError> {
    let mut fields = text.splitn(4, ':');
    let (Some(code), Some(id), Some(_endpoint)) = (fields.next(), fields.next(), fields.next())
    else {
        return Err(PacketError::TooShort);
    };
    match code {
        "0" => Ok(Packet::Disconnect),
        "5" => {
            let event = fields
                .next()
                .and_then(|data| serde_json::from_str::<Json>(data).ok())
                .and_then(envelope);
            let acknowledge = id.strip_suffix('+').and_then(|number| number.parse().ok());
            Ok(Packet::Event { acknowledge, event })
        }
        "1" | "2" | "3" | "4" | "6" | "7" | "8" => Ok(Packet::Ignored),
        _ => Err(PacketError::UnknownCode {
            code: code.chars().take(16).collect(),
        }),
    }
}

/// The one argument of an `ftrack.event`.
fn envelope(mut data: Json) -> Option<Json> {
    if data.get("name")? != "ftrack.event" {
        return None;
    }
    match data.get_mut("args")?.as_array_mut()?.as_mut_slice() {
        [event] if event.is_object() => Some(event.take()),
        _ => None,
    }
}

/// An event for a client: never with an id, which the JavaScript client cannot read.
pub(super) fn event(event: &Json) -> String {
    format!("5:::{}", json!({"name": "ftrack.event", "args": [event]}))
}

pub(super) fn acknowledgement(number: u64, arguments: &Json) -> String {
    format!("6:::{number}+{arguments}")
}

/// Sent as soon as a socket is open.
pub(super) const CONNECT: &str = "1::";
pub(super) const HEARTBEAT: &str = "2::";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_that_clients_send_is_read() {
        let event = |acknowledge, event| Ok(Packet::Event { acknowledge, event });
        for (text, expected) in [
            ("0::", Ok(Packet::Disconnect)),
            ("2::", Ok(Packet::Ignored)),
            ("2:::", Ok(Packet::Ignored)),
            (
                "5:1+::{\"name\":\"ftrack.event\",\"args\":[{\"topic\":\"a:b\"}]}",
                event(Some(1), Some(json!({"topic": "a:b"}))),
            ),
            (
                "5:::{\"name\":\"ftrack.event\",\"args\":[{\"topic\":\"x\"}]}",
                event(None, Some(json!({"topic": "x"}))),
            ),
            (
                "5:7::{\"name\":\"ftrack.event\",\"args\":[{}]}",
                event(None, Some(json!({}))),
            ),
            (
                "5:2+::{\"name\":\"other\",\"args\":[{}]}",
                event(Some(2), None),
            ),
            (
                "5:2+::{\"name\":\"ftrack.event\",\"args\":[{},{}]}",
                event(Some(2), None),
            ),
            ("5:2+::{broken", event(Some(2), None)),
            ("5:2+::", event(Some(2), None)),
            ("2:", Err(PacketError::TooShort)),
            ("", Err(PacketError::TooShort)),
            (
                "9::",
                Err(PacketError::UnknownCode {
                    code: "9".to_owned(),
                }),
            ),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn packets_to_clients_have_the_one_shape_that_both_understand() {
        assert_eq!(
            event(&json!({"topic": "x"})),
            "5:::{\"name\":\"ftrack.event\",\"args\":[{\"topic\":\"x\"}]}"
        );
        assert_eq!(
            acknowledgement(3, &json!([{"success": true}])),
            "6:::3+[{\"success\":true}]"
        );
    }
}
