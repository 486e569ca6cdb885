//! What rows must meet.

use std::fmt;

use jiff::Timestamp;

use super::{Query, QueryError, quote};

/// A value in a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A text, an id, or a date in ISO 8601.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Number(f64),
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

impl From<f64> for Literal {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Timestamp> for Literal {
    fn from(time: Timestamp) -> Self {
        // Queries compare with whole seconds in UTC, written without an offset.
        Self::Text(time.strftime("%Y-%m-%dT%H:%M:%S").to_string())
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
            // Never in exponents, which the query language does not read.
            Self::Number(number) => write!(f, "{number}"),
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
    Found {
        attribute: String,
        query: String,
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

    /// Matches where the attribute is the id of something that `query` finds.
    ///
    /// # Errors
    ///
    /// Tells if that query cannot be written.
    pub fn is_found_by(attribute: impl Into<String>, query: &Query) -> Result<Self, QueryError> {
        Ok(Self(Node::Found {
            attribute: attribute.into(),
            query: query.build()?,
        }))
    }

    /// Matches where the studio's attribute `key` has the value.
    pub fn custom_attribute(key: &str, value: impl Into<Literal>) -> Self {
        Self::any(
            "custom_attributes",
            Self::is("key", key) & Self::is("value", value),
        )
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

    pub(super) fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
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
            | Self::In { attribute, .. }
            | Self::Found { attribute, .. } => {
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
            Self::Found { attribute, query } => write!(f, "{attribute} in ({query})"),
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

/// Writes a pattern for `like` that matches what contains `text`.
///
/// How many backslashes stand for one in a pattern within a literal is not known of every server, so a backslash is
/// matched by `_`, any one character. `\%` and `\_` are sure: a literal leaves them alone and a pattern knows them.
fn quote_containing(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 4);
    pattern.push_str("\"%");
    for character in text.chars() {
        match character {
            '\\' => pattern.push('_'),
            '%' | '_' | '"' => {
                pattern.push('\\');
                pattern.push(character);
            }
            other => pattern.push(other),
        }
    }
    pattern.push_str("%\"");
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_bind_as_they_were_combined() {
        let a = || Filter::is("a", 1);
        let b = || Filter::is_not("b", Literal::None);
        let c = || Filter::contains("c", "100%_\"\\");
        for (filter, expected) in [
            (
                a() & b() & c(),
                r#"a is 1 and b is_not none and c like "%100\%\_\"_%""#,
            ),
            (
                (a() | b()) & c(),
                r#"(a is 1 or b is_not none) and c like "%100\%\_\"_%""#,
            ),
            (a() | b() & a(), "a is 1 or b is_not none and a is 1"),
            (!(a() | b()), "not (a is 1 or b is_not none)"),
            (
                Filter::any("assignments", Filter::is("resource.username", "ada")),
                r#"assignments any (resource.username is "ada")"#,
            ),
            (
                Filter::custom_attribute("fstart", 1001.5)
                    & Filter::greater(
                        "date",
                        "2026-11-20T13:22:26.5Z".parse::<Timestamp>().unwrap(),
                    ),
                r#"custom_attributes any (key is "fstart" and value is 1001.5) and date > "2026-11-20T13:22:26""#,
            ),
            (
                Filter::is_found_by(
                    "parent_id",
                    &Query::from("Shot").filter(Filter::is("name", "a)")),
                )
                .unwrap(),
                r#"parent_id in (select id from Shot where name is "a)")"#,
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
}
