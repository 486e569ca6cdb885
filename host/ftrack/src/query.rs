//! Query expressions, written so that no value can leave its place.

use std::fmt;

/// Writes `value` as a string literal of the query language.
pub fn quote(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for character in value.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// Writes a pattern for `like` that matches what contains `text`.
///
/// The escapes of a pattern lie inside those of a literal. `\%` and `\_` are written once: a literal leaves them alone.
fn quote_containing(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 4);
    pattern.push_str("\"%");
    for character in text.chars() {
        match character {
            '"' => pattern.push_str("\\\""),
            '\\' => pattern.push_str(r"\\\\"),
            '%' | '_' => {
                pattern.push('\\');
                pattern.push(character);
            }
            other => pattern.push(other),
        }
    }
    pattern.push_str("%\"");
    pattern
}

/// A query that is put together instead of written.
///
/// ```
/// use ftrack::{Filter, Query};
///
/// let query = Query::from("Shot")
///     .select(["id", "name", "status.name"])
///     .filter(Filter::is("project_id", "p1") & Filter::is_in("name", ["sh010", "sh\"020"]))
///     .order_by("name")
///     .build()?;
/// assert_eq!(
///     query,
///     r#"select id, name, status.name from Shot where project_id is "p1" and name in ("sh010", "sh\"020") order by name"#
/// );
/// # Ok::<(), ftrack::QueryError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    entity_type: String,
    projections: Vec<String>,
    filter: Option<Filter>,
    order: Vec<String>,
    limit: Option<u64>,
    offset: Option<u64>,
}

/// Why a query cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A type or an attribute has a name that none can have.
    #[error("`{0}` is no name of an entity type or attribute")]
    BadName(String),
}

impl Query {
    /// Returns a query for all entities of a type.
    pub fn from(entity_type: impl Into<String>) -> Self {
        Self {
            entity_type: entity_type.into(),
            projections: Vec::new(),
            filter: None,
            order: Vec::new(),
            limit: None,
            offset: None,
        }
    }

    /// Asks for these attributes; dots lead through relations. Without any, ids come alone.
    #[must_use]
    pub fn select<T: Into<String>>(mut self, attributes: impl IntoIterator<Item = T>) -> Self {
        self.projections
            .extend(attributes.into_iter().map(Into::into));
        self
    }

    /// Asks only for what also matches `filter`.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(match self.filter {
            Some(existing) => existing & filter,
            None => filter,
        });
        self
    }

    /// Sorts by an attribute, after those given before.
    #[must_use]
    pub fn order_by(mut self, attribute: impl Into<String>) -> Self {
        self.order.push(attribute.into());
        self
    }

    /// Asks for so many rows at most.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Leaves out the first rows.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Writes the query.
    ///
    /// # Errors
    ///
    /// Returns the first name of a type or attribute that cannot be one. Values are quoted and never an error.
    pub fn build(&self) -> Result<String, QueryError> {
        let mut names = vec![self.entity_type.as_str()];
        names.extend(
            self.projections
                .iter()
                .chain(&self.order)
                .map(String::as_str),
        );
        if let Some(filter) = &self.filter {
            filter.names(&mut names);
        }
        match names.into_iter().find(|name| !is_name(name)) {
            Some(bad) => Err(QueryError::BadName(bad.to_owned())),
            None => Ok(self.to_text()),
        }
    }

    fn to_text(&self) -> String {
        let projections = if self.projections.is_empty() {
            "id".to_owned()
        } else {
            self.projections.join(", ")
        };
        let mut text = format!("select {projections} from {}", self.entity_type);
        if let Some(filter) = &self.filter {
            text += &format!(" where {filter}");
        }
        if !self.order.is_empty() {
            text += &format!(" order by {}", self.order.join(", "));
        }
        if let Some(offset) = self.offset {
            text += &format!(" offset {offset}");
        }
        if let Some(limit) = self.limit {
            text += &format!(" limit {limit}");
        }
        text
    }
}

/// Returns whether `name` can be a type, or a path of attributes with casts: `resource[User].username`.
fn is_name(name: &str) -> bool {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts_well
        && name
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || matches!(one, '_' | '.' | '[' | ']'))
}

/// A value in a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A text, an id, or a date in ISO 8601.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// Nothing.
    None,
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Literal {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Literal {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Literal {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Literal {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&quote(text)),
            Self::Integer(number) => fmt::Display::fmt(number, f),
            Self::Boolean(true) => f.write_str("True"),
            Self::Boolean(false) => f.write_str("False"),
            Self::None => f.write_str("none"),
        }
    }
}

/// What rows must meet; combined with `&`, `|` and `!`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(Node);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Compare {
        attribute: String,
        operator: &'static str,
        value: Literal,
    },
    Contains {
        attribute: String,
        text: String,
    },
    In {
        attribute: String,
        values: Vec<Literal>,
    },
    Members {
        attribute: String,
        word: &'static str,
        filter: Box<Node>,
    },
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
}

impl Filter {
    fn compare(
        attribute: impl Into<String>,
        operator: &'static str,
        value: impl Into<Literal>,
    ) -> Self {
        Self(Node::Compare {
            attribute: attribute.into(),
            operator,
            value: value.into(),
        })
    }

    /// Matches where the attribute has the value.
    pub fn is(attribute: impl Into<String>, value: impl Into<Literal>) -> Self {
        Self::compare(attribute, "is", value)
    }

    /// Matches where the attribute has another value.
    pub fn is_not(attribute: impl Into<String>, value: impl Into<Literal>) -> Self {
        Self::compare(attribute, "is_not", value)
    }

    /// Matches where the attribute is greater, or later.
    pub fn greater(attribute: impl Into<String>, value: impl Into<Literal>) -> Self {
        Self::compare(attribute, ">", value)
    }

    /// Matches where the attribute is less, or earlier.
    pub fn less(attribute: impl Into<String>, value: impl Into<Literal>) -> Self {
        Self::compare(attribute, "<", value)
    }

    /// Matches where the attribute is at least this, or not before it.
    pub fn at_least(attribute: impl Into<String>, value: impl Into<Literal>) -> Self {
        Self::compare(attribute, ">=", value)
    }

    /// Matches where the attribute is at most this, or not after it.
    pub fn at_most(attribute: impl Into<String>, value: impl Into<Literal>) -> Self {
        Self::compare(attribute, "<=", value)
    }

    /// Matches where the attribute contains the text.
    pub fn contains(attribute: impl Into<String>, text: &str) -> Self {
        Self(Node::Contains {
            attribute: attribute.into(),
            text: text.to_owned(),
        })
    }

    /// Matches where the attribute has one of the values. Without values nothing but an empty text matches.
    pub fn is_in<T: Into<Literal>>(
        attribute: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        Self(Node::In {
            attribute: attribute.into(),
            values: values.into_iter().map(Into::into).collect(),
        })
    }

    /// Matches where some member of the collection matches `filter`.
    pub fn any(collection: impl Into<String>, filter: Self) -> Self {
        Self(Node::Members {
            attribute: collection.into(),
            word: "any",
            filter: Box::new(filter.0),
        })
    }

    /// Matches where the related entity matches `filter`.
    pub fn has(relation: impl Into<String>, filter: Self) -> Self {
        Self(Node::Members {
            attribute: relation.into(),
            word: "has",
            filter: Box::new(filter.0),
        })
    }

    fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        self.0.names(names);
    }
}

impl std::ops::BitAnd for Filter {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(Node::And(Box::new(self.0), Box::new(other.0)))
    }
}

impl std::ops::BitOr for Filter {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(Node::Or(Box::new(self.0), Box::new(other.0)))
    }
}

impl std::ops::Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self(Node::Not(Box::new(self.0)))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Node {
    fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Compare { attribute, .. }
            | Self::Contains { attribute, .. }
            | Self::In { attribute, .. } => {
                names.push(attribute);
            }
            Self::Members {
                attribute, filter, ..
            } => {
                names.push(attribute);
                filter.names(names);
            }
            Self::Not(inner) => inner.names(names),
            Self::And(left, right) | Self::Or(left, right) => {
                left.names(names);
                right.names(names);
            }
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare {
                attribute,
                operator,
                value,
            } => write!(f, "{attribute} {operator} {value}"),
            Self::Contains { attribute, text } => {
                write!(f, "{attribute} like {}", quote_containing(text))
            }
            Self::In { attribute, values } if values.is_empty() => {
                write!(f, "{attribute} in (\"\")")
            }
            Self::In { attribute, values } => {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                write!(f, "{attribute} in ({})", values.join(", "))
            }
            Self::Members {
                attribute,
                word,
                filter,
            } => write!(f, "{attribute} {word} ({filter})"),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::And(left, right) => {
                fmt_in_and(left, f)?;
                f.write_str(" and ")?;
                fmt_in_and(right, f)
            }
            Self::Or(left, right) => write!(f, "{left} or {right}"),
        }
    }
}

fn fmt_in_and(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if matches!(node, Node::Or(..)) {
        write!(f, "({node})")
    } else {
        fmt::Display::fmt(node, f)
    }
}

/// Returns whether `expression` says itself how many rows it wants, or from which on.
pub(crate) fn has_own_range(expression: &str) -> bool {
    let mut rest = expression.char_indices();
    let mut words = Vec::new();
    let mut word_start = None;
    while let Some((at, character)) = rest.next() {
        if matches!(character, '"' | '\'') {
            word_start = None;
            while let Some((_, inner)) = rest.next() {
                if inner == '\\' {
                    rest.next();
                } else if inner == character {
                    break;
                }
            }
        } else if character.is_whitespace() || matches!(character, '(' | ')' | ',') {
            words.extend(word_start.take().map(|start: usize| &expression[start..at]));
        } else if word_start.is_none() {
            word_start = Some(at);
        }
    }
    words.extend(word_start.map(|start| &expression[start..]));
    words.windows(2).any(|pair| {
        let is_range =
            pair[0].eq_ignore_ascii_case("limit") || pair[0].eq_ignore_ascii_case("offset");
        is_range && pair[1].bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_value_has_no_way_out() {
        for (value, expected) in [
            ("sh010", r#""sh010""#),
            (r#"a" or id like "%"#, r#""a\" or id like \"%""#),
            (r"ends in \", r#""ends in \\""#),
            (r#"\" or 1"#, r#""\\\" or 1""#),
            ("é 🎬 'x'", r#""é 🎬 'x'""#),
        ] {
            assert_eq!(quote(value), expected);
        }
    }

    #[test]
    fn filters_bind_as_they_were_combined() {
        let a = || Filter::is("a", 1);
        let b = || Filter::is_not("b", Literal::None);
        let c = || Filter::contains("c", "100%_\"\\");
        for (filter, expected) in [
            (
                a() & b() & c(),
                r#"a is 1 and b is_not none and c like "%100\%\_\"\\\\%""#,
            ),
            (
                (a() | b()) & c(),
                r#"(a is 1 or b is_not none) and c like "%100\%\_\"\\\\%""#,
            ),
            (a() | b() & a(), "a is 1 or b is_not none and a is 1"),
            (!(a() | b()), "not (a is 1 or b is_not none)"),
            (
                Filter::any("assignments", Filter::is("resource.username", "ada")),
                r#"assignments any (resource.username is "ada")"#,
            ),
            (Filter::is_in("id", Vec::<String>::new()), r#"id in ("")"#),
            (
                Filter::at_least("start", "2026-11-01") & Filter::less("flag", true),
                r#"start >= "2026-11-01" and flag < True"#,
            ),
        ] {
            assert_eq!(filter.to_string(), expected);
        }
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        for query in [
            Query::from("Shot where id is_not none"),
            Query::from("Shot").select(["name from User"]),
            Query::from("Shot").order_by("name limit 1"),
            Query::from("Shot").filter(Filter::any("tasks", Filter::is("a is 1 or b", 2))),
            Query::from(""),
        ] {
            assert!(query.build().is_err(), "{query:?}");
        }
        let query = Query::from("Task")
            .filter(Filter::is("assignments.resource[User].username", "ada"))
            .limit(1);
        assert_eq!(
            query.build().unwrap(),
            r#"select id from Task where assignments.resource[User].username is "ada" limit 1"#
        );
    }

    #[test]
    fn a_range_is_seen_outside_of_quotes_only() {
        for (expression, expected) in [
            ("Task limit 5", true),
            ("Task where name is \"x\"limit 5", true),
            ("Task\noffset\t0", true),
            ("Task where name is \"limit 5\"", false),
            ("Task where name is 'a\\' limit 5'", false),
            ("Task where limit is 5", false),
            ("Task", false),
            ("select limit from Task", false),
        ] {
            assert_eq!(has_own_range(expression), expected, "{expression:?}");
        }
    }
}
