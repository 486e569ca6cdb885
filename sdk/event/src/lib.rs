//! ftrack's event envelope and expression grammar: parse, match, nothing else.
//!
//! Everything that carries events shares this crate: the ftrack client, the local bus, the engine, plugins.
//! It must never know I/O, async, clocks, randomness or Callboard itself.
//!
//! Read first: [`Event`], the envelope with its seven keys; [`Expression`], what a subscription or a target says;
//! and [`SubscriptionIndex`], which finds the subscriptions that want an event without asking each of them.
//!
//! ```
//! use callboard_event::{Event, Expression, SubscriptionIndex};
//!
//! let mut index = SubscriptionIndex::new();
//! index.insert("menu", Expression::parse("topic=ftrack.action.discover and source.user.username=ada")?);
//! index.insert("all", Expression::parse("topic=ftrack.*")?);
//!
//! let mut event = Event::new("ftrack.action.discover", serde_json::json!({"selection": []}));
//! event.source = serde_json::json!({"user": {"username": "ada"}});
//! let wanted: Vec<_> = index.matching(&event).collect();
//! assert_eq!(wanted, [&"menu", &"all"]);
//! # Ok::<(), callboard_event::ParseError>(())
//! ```
#![warn(missing_docs)]

mod candidate;
mod envelope;
mod expression;
mod index;
mod parse;
mod raw_event;

pub use candidate::{Candidate, Field, Path};
pub use envelope::{Event, REPLY_TOPIC};
pub use expression::{Condition, Expression, Operator, quote};
pub use index::SubscriptionIndex;
pub use parse::ParseError;
pub use raw_event::{ContentError, RawEvent};
