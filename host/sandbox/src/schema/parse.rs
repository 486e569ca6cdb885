//! Reads the notation of `tables/*.schema`.
//!
//! ```text
//! abstract entity Context                    no rows of its own
//! entity Project mixin Context legacy Show   shares Context's table and attributes
//!     unique name                            IntegrityError when two rows share it
//!     system context_type                    always part of an answer
//!     grouped                                may be grouped by
//!     full_name  string!   as fullname       required; `fullname` in events
//!     bid        number    auto 0            the server fills it in
//!     color      string    = "#fff"          the client fills it in
//!     disk_id    fk:Disk   cascade           deleted together with its disk
//!     disk       ->Disk    by disk_id        relation (`by` may be left out here)
//!     assets     [Asset]   by context_id     collection of the rows that point back
//!     scopes     [Scope]   through ContextScope.context_id.scope_id
//!     metadata   {Metadata} by parent_id     collection shown as a mapping
//!     link       string#   derived link      immutable, computed on reading
//! object_type Shot bad911de-… shot taskable  a kind of TypedContext
//! ```
//!
//! `!` is required, `#` immutable, `~` computed. `#` at the start of a line opens a comment.

use serde_json::Value as Json;

use super::object_type::ObjectType;
use super::{Auto, Derived, OnDelete, Scalar};

/// A table that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("schema table `{file}` line {line}: {message}")]
pub(crate) struct SchemaError {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// An entity as written, before names are resolved.
#[derive(Clone, Debug, Default)]
pub(super) struct RawEntity {
    pub(super) name: String,
    pub(super) parent: Option<String>,
    pub(super) shows_mixin: bool,
    pub(super) legacy: Option<(String, Vec<(String, String)>)>,
    pub(super) hidden: bool,
    /// The name on disk, where that of the type may change.
    pub(super) stored_as: Option<String>,
    pub(super) is_abstract: bool,
    pub(super) grouped: bool,
    pub(super) primary: Option<Vec<String>>,
    pub(super) defaults: Option<Vec<String>>,
    pub(super) system: Option<Vec<String>>,
    pub(super) unique: Vec<(Vec<String>, String)>,
    /// Attributes made immutable here though the parent allows changes.
    pub(super) frozen: Vec<String>,
    pub(super) attributes: Vec<RawAttribute>,
}

#[derive(Clone, Debug)]
pub(super) struct RawAttribute {
    pub(super) name: String,
    pub(super) kind: RawKind,
    pub(super) required: bool,
    pub(super) immutable: bool,
    pub(super) computed: bool,
    pub(super) hidden: bool,
    pub(super) filter_only: bool,
    pub(super) legacy: Option<String>,
    pub(super) default: Option<Json>,
    pub(super) auto: Option<Auto>,
    pub(super) on_delete: Option<OnDelete>,
    pub(super) choices: Vec<String>,
    pub(super) by: Option<String>,
    pub(super) filter: Option<(String, String)>,
    pub(super) through: Option<(String, String, String)>,
    pub(super) derived: Option<Derived>,
}

#[derive(Clone, Debug)]
pub(super) enum RawKind {
    Scalar(Scalar),
    ForeignKey(String),
    Reference(String),
    Collection { target: String, mapped: bool },
}

/// Adds what `text` defines to the lists.
pub(super) fn parse(
    file: &str,
    text: &str,
    entities: &mut Vec<RawEntity>,
    object_types: &mut Vec<ObjectType>,
) -> Result<(), SchemaError> {
    for (number, line) in text.lines().enumerate() {
        let fail = |message: String| SchemaError {
            file: file.to_owned(),
            line: number + 1,
            message,
        };
        if line.trim_start().starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let words = words(line).map_err(fail)?;
        if line.starts_with(' ') {
            let entity = entities
                .last_mut()
                .ok_or_else(|| fail("attribute outside an entity".to_owned()))?;
            statement(entity, &words).map_err(fail)?;
        } else if words[0] == "object_type" {
            let object_type = ObjectType::from_words(&words).map_err(fail)?;
            entities.push(object_type.to_entity());
            object_types.push(object_type);
        } else {
            entities.push(header(&words).map_err(fail)?);
        }
    }
    Ok(())
}

/// Splits a line at blanks; quoted text stays one word and keeps its quotes when it is a value.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let end = if let Some(quoted) = rest.strip_prefix('"') {
            quoted
                .find('"')
                .map(|end| end + 2)
                .ok_or("a quote is not closed")?
        } else {
            rest.find(char::is_whitespace).unwrap_or(rest.len())
        };
        words.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    Ok(words)
}

fn header(words: &[String]) -> Result<RawEntity, String> {
    let mut entity = RawEntity::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut next = || {
            words
                .next()
                .cloned()
                .ok_or_else(|| format!("`{word}` lacks its name"))
        };
        match word.as_str() {
            "hidden" => entity.hidden = true,
            "abstract" => entity.is_abstract = true,
            "entity" => entity.name = next()?,
            "mixin" => (entity.parent, entity.shows_mixin) = (Some(next()?), true),
            "within" => entity.parent = Some(next()?),
            "legacy" => entity.legacy = Some((next()?, Vec::new())),
            _ => {
                let (column, value) = word
                    .split_once('=')
                    .ok_or_else(|| format!("unknown word `{word}`"))?;
                let legacy = entity
                    .legacy
                    .as_mut()
                    .ok_or("a classifier needs `legacy` before it")?;
                legacy.1.push((column.to_owned(), value.to_owned()));
            }
        }
    }
    if entity.name.is_empty() {
        return Err("the entity has no name".to_owned());
    }
    Ok(entity)
}

fn statement(entity: &mut RawEntity, words: &[String]) -> Result<(), String> {
    let rest = || words[1..].to_vec();
    // An attribute may be called like a statement; its second word is then a type.
    let is_attribute = words
        .get(1)
        .is_some_and(|word| raw_kind(word.trim_end_matches(['!', '#', '~'])).is_some());
    match words[0].as_str() {
        _ if is_attribute => entity.attributes.push(attribute(words)?),
        "primary" => entity.primary = Some(rest()),
        "defaults" => entity.defaults = Some(rest()),
        "system" => entity.system = Some(rest()),
        "grouped" => entity.grouped = true,
        "unique" => {
            let mut columns = rest();
            let exception = match columns.iter().position(|word| word == "as") {
                Some(position) => {
                    let exception = columns
                        .get(position + 1)
                        .cloned()
                        .ok_or("`as` lacks a name")?;
                    columns.truncate(position);
                    exception
                }
                None => "IntegrityError".to_owned(),
            };
            entity.unique.push((columns, exception));
        }
        other => {
            return Err(format!(
                "`{other}` is neither a statement nor followed by a type"
            ));
        }
    }
    Ok(())
}

fn raw_kind(word: &str) -> Option<RawKind> {
    let scalar = match word {
        "key" => Scalar::Key,
        "string" | "any" => Scalar::Text,
        "type" => Scalar::TypeName,
        "json" => Scalar::JsonText,
        "integer" => Scalar::Integer,
        "number" => Scalar::Number,
        "boolean" => Scalar::Boolean,
        "datetime" => Scalar::Time,
        "object" => Scalar::Object,
        "variable" => Scalar::Variable,
        _ => {
            let between = |open, close| {
                word.strip_prefix(open)
                    .and_then(|rest: &str| rest.strip_suffix(close))
            };
            return if let Some(target) = word.strip_prefix("fk:") {
                Some(RawKind::ForeignKey(target.to_owned()))
            } else if let Some(target) = word.strip_prefix("->") {
                Some(RawKind::Reference(target.to_owned()))
            } else if let Some(target) = between('[', ']') {
                Some(RawKind::Collection {
                    target: target.to_owned(),
                    mapped: false,
                })
            } else {
                between('{', '}').map(|target| RawKind::Collection {
                    target: target.to_owned(),
                    mapped: true,
                })
            };
        }
    };
    Some(RawKind::Scalar(scalar))
}

pub(super) fn attribute(words: &[String]) -> Result<RawAttribute, String> {
    let kind_word = words.get(1).ok_or("the attribute has no type")?;
    let bare = kind_word.trim_end_matches(['!', '#', '~']);
    let flags = &kind_word[bare.len()..];
    let mut attribute = RawAttribute {
        name: words[0].clone(),
        kind: raw_kind(bare).ok_or_else(|| format!("unknown type `{bare}`"))?,
        required: flags.contains('!'),
        immutable: flags.contains('#'),
        computed: flags.contains('~'),
        hidden: false,
        filter_only: false,
        legacy: None,
        default: None,
        auto: None,
        on_delete: None,
        choices: Vec::new(),
        by: None,
        filter: None,
        through: None,
        derived: None,
    };
    let mut rest = words[2..].iter();
    while let Some(word) = rest.next() {
        let mut next = || {
            rest.next()
                .cloned()
                .ok_or_else(|| format!("`{word}` lacks its argument"))
        };
        match word.as_str() {
            "as" => attribute.legacy = Some(next()?),
            "by" => attribute.by = Some(next()?),
            "where" => attribute.filter = Some(pair(&next()?)?),
            "through" => attribute.through = Some(triple(&next()?)?),
            "derived" => attribute.derived = Some(derived(&next()?)?),
            "=" => attribute.default = Some(json(&next()?)?),
            "auto" => attribute.auto = Some(auto(&next()?)?),
            "enum" => attribute.choices = next()?.split('|').map(str::to_owned).collect(),
            "hidden" => attribute.hidden = true,
            "filter-only" => attribute.filter_only = true,
            "cascade" => attribute.on_delete = Some(OnDelete::Cascade),
            "clear" => attribute.on_delete = Some(OnDelete::Clear),
            other => return Err(format!("unknown word `{other}`")),
        }
    }
    Ok(attribute)
}

fn pair(word: &str) -> Result<(String, String), String> {
    let (column, value) = word
        .split_once('=')
        .ok_or_else(|| format!("`{word}` is not `column=value`"))?;
    Ok((column.to_owned(), value.to_owned()))
}

fn triple(word: &str) -> Result<(String, String, String), String> {
    let parts: Vec<&str> = word.split('.').collect();
    let [link, own, other] = parts.as_slice() else {
        return Err(format!("`{word}` is not `Type.own.other`"));
    };
    Ok(((*link).to_owned(), (*own).to_owned(), (*other).to_owned()))
}

fn json(word: &str) -> Result<Json, String> {
    serde_json::from_str(word).map_err(|error| format!("`{word}` is not JSON: {error}"))
}

fn auto(word: &str) -> Result<Auto, String> {
    Ok(match word {
        "now" => Auto::Now,
        "user" => Auto::User,
        _ => Auto::Value(json(word)?),
    })
}

fn derived(word: &str) -> Result<Derived, String> {
    Ok(match word {
        "ancestors" => Derived::Ancestors,
        "bid_time_logged_difference" => Derived::BidTimeLoggedDifference,
        "custom_attributes" => Derived::CustomAttributes,
        "descendants" => Derived::Descendants,
        "is_latest_version" => Derived::IsLatestVersion,
        "is_open" => Derived::IsOpen,
        "latest_version" => Derived::LatestVersion,
        "link" => Derived::Link,
        "thumbnail_url" => Derived::ThumbnailUrl,
        "time_logged" => Derived::TimeLogged,
        "url" => Derived::Url,
        other => return Err(format!("unknown derivation `{other}`")),
    })
}
