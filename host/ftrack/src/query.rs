//! Query expressions, written so that no value can leave its place.

mod filter;

pub use filter::{Filter, Literal};

use crate::entity::Typed;

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
    order: Vec<(String, &'static str)>,
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

    /// Returns a query for all entities of a type that has a Rust type.
    pub fn of<T: Typed>() -> Self {
        Self::from(T::TYPE)
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
        self.order.push((attribute.into(), ""));
        self
    }

    /// Sorts by an attribute, the greatest first, after those given before.
    #[must_use]
    pub fn order_by_descending(mut self, attribute: impl Into<String>) -> Self {
        self.order.push((attribute.into(), " descending"));
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
        names.extend(self.projections.iter().map(String::as_str));
        names.extend(self.order.iter().map(|(attribute, _)| attribute.as_str()));
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
            let order = self.order.iter();
            let order: Vec<_> = order.map(|(name, way)| format!("{name}{way}")).collect();
            text += &format!(" order by {}", order.join(", "));
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
