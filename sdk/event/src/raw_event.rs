//! The envelope with its content still as text.

use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::candidate::{Candidate, Field, Path};
use crate::envelope::{Event, Texts, empty_object, text_or_empty, text_or_none};

/// An event that arrived, of whose content no more is read than someone asks for.
///
/// Most events are matched by their topic alone, and of most that are wanted a line or two is looked at. Building the
/// whole content costs many times what finding out who wants it does.
///
/// ```
/// use callboard_event::{Expression, RawEvent};
///
/// #[derive(serde::Deserialize)]
/// struct Launch<'a> {
///     #[serde(rename = "actionIdentifier")]
///     action: &'a str,
/// }
///
/// let text = r#"{"topic":"ftrack.action.launch","data":{"actionIdentifier":"hello","selection":[]}}"#;
/// let event: RawEvent = serde_json::from_str(text)?;
/// assert!(Expression::parse("topic=ftrack.action.*").is_ok_and(|wanted| wanted.matches(&event)));
/// assert_eq!(event.read_data::<Launch>()?.action, "hello");
/// assert_eq!(event.into_event()?.data["selection"], serde_json::json!([]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RawEvent {
    /// As in [`Event`].
    pub topic: String,
    /// As in [`Event`].
    #[serde(default, deserialize_with = "text_or_empty")]
    pub id: String,
    /// As in [`Event`].
    #[serde(default, deserialize_with = "text_or_none")]
    pub sent: Option<String>,
    /// As in [`Event`].
    #[serde(default, deserialize_with = "text_or_empty")]
    pub target: String,
    /// As in [`Event`].
    #[serde(default, rename = "inReplyToEvent", deserialize_with = "text_or_none")]
    pub in_reply_to_event: Option<String>,
    #[serde(default)]
    data: Content,
    #[serde(default)]
    source: Content,
}

/// Why an event's content is none, although its envelope is one: a number, a text or a depth that nothing can hold.
#[derive(Debug, thiserror::Error)]
#[error("could not read the content of an event on `{topic}`")]
pub struct ContentError {
    topic: String,
    source: serde_json::Error,
}

impl RawEvent {
    /// Returns the name of the user who published the event.
    pub fn username(&self) -> Option<&str> {
        let source = self.source.value()?;
        source.pointer("/user/username").and_then(Value::as_str)
    }

    /// Reads what the event is about into a type that names no more than is wanted.
    ///
    /// # Errors
    ///
    /// Returns that the data has another shape.
    pub fn read_data<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ContentError> {
        let read = serde_json::from_str(self.data.text_or("{}"));
        read.map_err(|source| self.content_error(source))
    }

    /// Reads all that has not been read yet.
    ///
    /// # Errors
    ///
    /// Returns that the content cannot be read.
    pub fn into_event(mut self) -> Result<Event, ContentError> {
        let (data, source) = (
            std::mem::take(&mut self.data).into_value(),
            std::mem::take(&mut self.source).into_value(),
        );
        let data = match data.map_err(|source| self.content_error(source))? {
            Value::Null => empty_object(),
            data => data,
        };
        let source = source.map_err(|source| self.content_error(source))?;
        Ok(Event {
            topic: self.topic,
            data,
            id: self.id,
            sent: self.sent,
            source,
            target: self.target,
            in_reply_to_event: self.in_reply_to_event,
        })
    }

    fn content_error(&self, source: serde_json::Error) -> ContentError {
        ContentError {
            topic: self.topic.clone(),
            source,
        }
    }
}

impl Candidate for RawEvent {
    fn field(&self, path: &Path) -> Option<Field<'_>> {
        let (first, rest) = path.split_first();
        match first {
            "data" => return Field::find(self.data.value()?, rest),
            "source" => return Field::find(self.source.value()?, rest),
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

/// Some JSON, and its value once someone has asked for it.
#[derive(Clone, Default)]
struct Content {
    text: Option<Box<RawValue>>,
    value: OnceLock<Option<Value>>,
}

impl Content {
    fn text_or<'a>(&'a self, missing: &'a str) -> &'a str {
        match self.text.as_deref().map(RawValue::get) {
            None | Some("null") => missing,
            Some(text) => text,
        }
    }

    /// Returns the value, if the text is one.
    fn value(&self) -> Option<&Value> {
        let read = || serde_json::from_str(self.text_or("null")).ok();
        self.value.get_or_init(read).as_ref()
    }

    fn into_value(mut self) -> Result<Value, serde_json::Error> {
        match self.value.take() {
            Some(Some(value)) => Ok(value),
            _ => serde_json::from_str(self.text_or("null")),
        }
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.text_or("null") == other.text_or("null")
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text_or("null"))
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            text: Some(Box::deserialize(deserializer)?),
            value: OnceLock::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Expression;

    /// Checks that reading late gives what reading at once gives.
    fn check(text: &str) {
        let raw: RawEvent = serde_json::from_str(text).unwrap();
        let event: Event = serde_json::from_str(text).unwrap();
        for expression in [
            "topic=a",
            "data.a=1",
            "data.a.b=x",
            "source.user.username=ada",
            "source=*",
            "data=*",
            "id=e",
            "sent=*",
            "target=*",
            "inReplyToEvent=r",
            "other=1",
            "topic.more=1",
        ] {
            let expression = Expression::parse(expression).unwrap();
            let (late, at_once) = (expression.matches(&raw), expression.matches(&event));
            assert_eq!(late, at_once, "{expression} {text}");
        }
        assert_eq!(raw.username(), event.username(), "{text}");
        assert_eq!(raw.clone().into_event().unwrap(), event, "{text}");
        // Once more, with nothing read before.
        let raw: RawEvent = serde_json::from_str(text).unwrap();
        assert_eq!(raw.into_event().unwrap(), event, "{text}");
    }

    #[test]
    fn what_is_read_late_is_what_is_read_at_once() {
        for text in [
            r#"{"topic":"a"}"#,
            r#"{"topic":"a","data":null,"id":null,"sent":null,"source":null,"target":null,"inReplyToEvent":null}"#,
            r#"{"topic":"a","stop":true,"sent":17,"target":false}"#,
            r#"{"data":{"a":1,"a":2},"topic":"\u0061","id":"e","source":{"user":{"username":"ada"}}}"#,
            r#"{"topic":"a","data":{"a":{"b":"x"}},"inReplyToEvent":"r","sent":"now","source":"s"}"#,
            r#"{"topic":"a","data":[1],"source":7}"#,
        ] {
            check(text);
        }
    }

    #[test]
    fn content_that_nothing_can_hold_is_an_error_and_matches_nothing() {
        for content in [r#"{"a":1e999}"#, r#"{"a":"\ud800"}"#, &"[".repeat(200)] {
            let closing = "]".repeat(content.matches('[').count());
            let text = format!(r#"{{"topic":"a","data":{content}{closing}}}"#);
            let raw: RawEvent = serde_json::from_str(&text).unwrap();
            assert!(Expression::parse("topic=a").unwrap().matches(&raw));
            assert!(!Expression::parse("data.a=*").unwrap().matches(&raw));
            let error = raw.into_event().unwrap_err();
            assert_eq!(
                error.to_string(),
                "could not read the content of an event on `a`"
            );
        }
        assert!(serde_json::from_str::<RawEvent>(r#"{"topic":"a","data":{]}"#).is_err());
        assert!(serde_json::from_str::<RawEvent>(r#"{"data":{}}"#).is_err());
    }

    #[test]
    fn data_that_is_missing_is_read_as_an_empty_object() {
        #[derive(Deserialize)]
        struct Data {
            a: Option<u32>,
        }
        for (text, expected) in [
            (r#"{"topic":"a"}"#, Some(None)),
            (r#"{"topic":"a","data":null}"#, Some(None)),
            (r#"{"topic":"a","data":{"a":1,"b":[]}}"#, Some(Some(1))),
            (r#"{"topic":"a","data":{"a":"x"}}"#, None),
        ] {
            let raw: RawEvent = serde_json::from_str(text).unwrap();
            let read = raw.read_data::<Data>().ok().map(|data| data.a);
            assert_eq!(read, expected, "{text}");
        }
    }
}
