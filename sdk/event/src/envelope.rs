//! The envelope that every event travels in.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::candidate::{Candidate, Field, Path};
use crate::expression::quote;

/// The topic of every reply.
pub const REPLY_TOPIC: &str = "ftrack.meta.reply";

/// An event, with the seven keys that ftrack's envelope has.
///
/// Reading is tolerant: only `topic` must be there, a `null` counts as missing, keys that are not known are dropped.
/// Writing is exact: all seven keys and no other, because the official Python client drops an event with an eighth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What happened, in dotted words: `ftrack.update`.
    pub topic: String,
    /// What it is about. An object; its shape belongs to the topic.
    #[serde(default = "empty_object", deserialize_with = "object_unless_given")]
    pub data: Value,
    /// The event's identity, given by who publishes it; empty until then.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub id: String,
    /// When it was sent. The official clients leave it empty.
    #[serde(default, deserialize_with = "text_or_none")]
    pub sent: Option<String>,
    /// Who published it: `id`, `user`, and whatever the publisher says of itself.
    #[serde(default)]
    pub source: Value,
    /// An expression that a subscriber's metadata must match; empty means everyone.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub target: String,
    /// The id of the event that this one answers.
    #[serde(default, rename = "inReplyToEvent", deserialize_with = "text_or_none")]
    pub in_reply_to_event: Option<String>,
}

impl Event {
    /// Returns an event for everyone, still without id and source: who publishes it fills them in.
    pub fn new(topic: impl Into<String>, data: Value) -> Self {
        Self {
            topic: topic.into(),
            data,
            id: String::new(),
            sent: None,
            source: Value::Null,
            target: String::new(),
            in_reply_to_event: None,
        }
    }

    /// Returns the event with `id` as its identity.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Returns the event for those subscribers alone whose metadata match the expression `target`.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    /// Returns a reply to `event` that reaches its publisher only.
    ///
    /// An event whose source has no id can be answered too: the reply then has no target, and the publisher
    /// recognises it by `inReplyToEvent`.
    pub fn reply_to(event: &Self, data: Value) -> Self {
        let target = event
            .source_id()
            .and_then(quote)
            .map(|id| format!("id={id}"))
            .unwrap_or_default();
        Self {
            target,
            in_reply_to_event: Some(event.id.clone()),
            ..Self::new(REPLY_TOPIC, data)
        }
    }

    /// Returns the id of the hub that published the event.
    pub fn source_id(&self) -> Option<&str> {
        self.source.get("id").and_then(Value::as_str)
    }

    /// Returns the id of the user who published the event; the server fills it in.
    pub fn user_id(&self) -> Option<&str> {
        self.source.pointer("/user/id").and_then(Value::as_str)
    }

    /// Returns the name of the user who published the event.
    pub fn username(&self) -> Option<&str> {
        self.source
            .pointer("/user/username")
            .and_then(Value::as_str)
    }
}

impl Candidate for Event {
    fn field(&self, path: &Path) -> Option<Field<'_>> {
        let (first, rest) = path.split_first();
        match first {
            "data" => return Field::find(&self.data, rest),
            "source" => return Field::find(&self.source, rest),
            _ => {}
        }
        let texts = Texts {
            topic: &self.topic,
            id: &self.id,
            sent: self.sent.as_deref(),
            target: &self.target,
            in_reply_to_event: self.in_reply_to_event.as_deref(),
        };
        texts.field(path)
    }
}

/// The keys of an envelope that are texts.
pub(crate) struct Texts<'a> {
    pub(crate) topic: &'a str,
    pub(crate) id: &'a str,
    pub(crate) sent: Option<&'a str>,
    pub(crate) target: &'a str,
    pub(crate) in_reply_to_event: Option<&'a str>,
}

impl<'a> Texts<'a> {
    pub(crate) fn field(&self, path: &Path) -> Option<Field<'a>> {
        let (key, rest) = path.split_first();
        let text = match key {
            "topic" => Some(self.topic),
            "id" => Some(self.id),
            "sent" => self.sent,
            "target" => Some(self.target),
            "inReplyToEvent" => self.in_reply_to_event,
            _ => return None,
        };
        rest.is_empty()
            .then(|| text.map_or(Field::Other, Field::Text))
    }
}

pub(crate) fn empty_object() -> Value {
    Value::Object(Map::new())
}

fn object_unless_given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(if value.is_null() {
        empty_object()
    } else {
        value
    })
}

pub(crate) fn text_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

pub(crate) fn text_or_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    text_or_none(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_envelope_from_the_python_client_keeps_its_bytes_in_meaning() {
        let recorded = json!({
            "id": "2e3e76f6c3ff4df4b5ff5a5f90e8f023",
            "data": {"subscriber": {"id": "f020"}, "subscription": "topic=ftrack.meta.reply"},
            "topic": "ftrack.meta.subscribe", "sent": null,
            "source": {"id": "f020", "user": {"username": "demo"}, "host": "ws-01"},
            "target": "", "inReplyToEvent": null
        });
        let event: Event = serde_json::from_value(recorded.clone()).unwrap();
        assert_eq!(event.username(), Some("demo"));
        assert_eq!(serde_json::to_value(event).unwrap(), recorded);
    }

    #[test]
    fn what_is_missing_null_or_unknown_is_no_error() {
        for text in [
            r#"{"topic":"a"}"#,
            r#"{"topic":"a","data":null,"id":null,"sent":null,"source":null,"target":null,"inReplyToEvent":null}"#,
            r#"{"topic":"a","stop":true,"sent":17,"target":false}"#,
        ] {
            let event: Event = serde_json::from_str(text).unwrap();
            assert_eq!(event, Event::new("a", json!({})), "{text}");
        }
        assert!(serde_json::from_str::<Event>(r#"{"data":{}}"#).is_err());
    }

    #[test]
    fn only_the_seven_keys_are_written() {
        let Value::Object(written) = serde_json::to_value(Event::new("a", json!({}))).unwrap()
        else {
            panic!()
        };
        let keys: Vec<_> = written.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "topic",
                "data",
                "id",
                "sent",
                "source",
                "target",
                "inReplyToEvent"
            ]
        );
    }

    #[test]
    fn a_reply_is_addressed_to_the_source_of_its_event() {
        let mut event = Event::new("ftrack.action.discover", json!({})).with_id("e1");
        event.source = json!({"id": "hub 1", "user": {"id": "u1"}});
        let reply = Event::reply_to(&event, json!({"items": []}));
        assert_eq!(reply.topic, REPLY_TOPIC);
        assert_eq!(reply.target, "id=\"hub 1\"");
        assert_eq!(reply.in_reply_to_event.as_deref(), Some("e1"));

        event.source = Value::Null;
        assert_eq!(Event::reply_to(&event, json!({})).target, "");
    }
}
