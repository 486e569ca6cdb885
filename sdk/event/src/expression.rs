//! What a subscription or a target says, and whether something matches it.

use std::cmp::Ordering;
use std::fmt;

use crate::candidate::{Candidate, Field, Path};
use crate::parse::{self, ParseError};

/// A parsed expression: `topic=ftrack.* and not source.user.username="ada"`.
///
/// What parses is what the official Python client's parser accepts.
/// What matches is a little more than that client matches, as the server does it, because a client filters again:
///
/// * A missing key never matches, not even with `!=`.
/// * Numbers and booleans compare by their text: `data.count=10` matches `10` and `"10"`.
///   For `<` and its kin two numbers compare as numbers.
/// * A `*` at the end of an `=` value matches any *string* that begins so.
/// * Null, lists and objects differ from every value: only `!=` matches them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Compares one field.
    Condition(Condition),
    /// Matches what the inner expression does not.
    Not(Box<Self>),
    /// Matches what all of these match.
    All(Vec<Self>),
    /// Matches what any of these matches.
    Any(Vec<Self>),
}

impl Expression {
    /// Parses `text`.
    ///
    /// # Errors
    ///
    /// Returns where `text` stops being an expression, and what was expected there.
    /// An empty text is an error, and so are more than 64 levels of parentheses and `not`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::expression(text)
    }

    /// Returns whether `candidate` satisfies the expression.
    pub fn matches(&self, candidate: &impl Candidate) -> bool {
        match self {
            Self::Condition(condition) => condition.matches(candidate),
            Self::Not(inner) => !inner.matches(candidate),
            Self::All(members) => members.iter().all(|member| member.matches(candidate)),
            Self::Any(members) => members.iter().any(|member| member.matches(candidate)),
        }
    }
}

impl std::str::FromStr for Expression {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

/// Writes the expression so that parsing gives it back.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition(condition) => fmt::Display::fmt(condition, f),
            Self::Not(inner) => {
                f.write_str("not ")?;
                inner.fmt_operand(f)
            }
            Self::All(members) => fmt_joined(members, " and ", f),
            Self::Any(members) => fmt_joined(members, " or ", f),
        }
    }
}

impl Expression {
    fn fmt_operand(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition(_) | Self::Not(_) => fmt::Display::fmt(self, f),
            Self::All(_) | Self::Any(_) => write!(f, "({self})"),
        }
    }
}

fn fmt_joined(members: &[Expression], word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        member.fmt_operand(f)?;
    }
    Ok(())
}

/// One comparison of a field with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    path: Path,
    operator: Operator,
    value: Box<str>,
}

impl Condition {
    pub(crate) fn new(key: &str, operator: Operator, value: &str) -> Self {
        Self {
            path: Path::new(key),
            operator,
            value: value.into(),
        }
    }

    /// Returns the field that is compared.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how it is compared.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// Returns what it is compared with, a trailing `*` included.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns what a string must begin with, if this is an `=` that ends in `*`.
    pub fn prefix(&self) -> Option<&str> {
        if self.operator == Operator::Equal {
            self.value.strip_suffix('*')
        } else {
            None
        }
    }

    /// Returns whether `candidate` satisfies the condition.
    pub fn matches(&self, candidate: &impl Candidate) -> bool {
        let Some(field) = candidate.field(&self.path) else {
            return false;
        };
        if let Some(prefix) = self.prefix() {
            // The official client raises on anything but a string here, so a server must not send it such an event.
            return matches!(field, Field::Text(text) if text.starts_with(prefix));
        }
        match self.ordering(field) {
            Some(ordering) => self.operator.accepts(ordering),
            None => self.operator == Operator::NotEqual,
        }
    }

    /// Returns how `field` compares with the value; `None` when it has no text form.
    fn ordering(&self, field: Field<'_>) -> Option<Ordering> {
        if let Field::Number(number) = field
            && !matches!(self.operator, Operator::Equal | Operator::NotEqual)
            && let (Some(left), Ok(right)) = (number.as_f64(), self.value.parse::<f64>())
            && let Some(ordering) = left.partial_cmp(&right)
        {
            return Some(ordering);
        }
        field.with_text(|text| text.cmp(&self.value))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was parsed can always be written again; the fallback only keeps this total.
        let value = quote(&self.value).unwrap_or_else(|| format!("\"{}\"", self.value));
        write!(f, "{}{}{value}", self.path, self.operator)
    }
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Operator {
    /// Returns how the operator is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// Writes `value` so that it can stand on the right of an operator: bare where it may, else in quotes.
///
/// The grammar has no escapes, so some texts cannot be written: those with line breaks, tabs, lone backslashes or
/// both kinds of quotes. For them the answer is `None`. A trailing `*` stays a wildcard, quoted or not.
pub fn quote(value: &str) -> Option<String> {
    if !value.is_empty() && value.bytes().all(parse::is_bare) {
        return Some(value.to_owned());
    }
    ['"', '\''].into_iter().find_map(|mark| {
        let quoted = format!("{mark}{value}{mark}");
        (!value.contains('\t') && parse::quoted_len(&quoted) == Some(quoted.len()))
            .then_some(quoted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(expression: &str, candidate: &Value, expected: bool) {
        let parsed = Expression::parse(expression).unwrap();
        assert_eq!(
            parsed.matches(candidate),
            expected,
            "`{expression}` on {candidate}"
        );
    }

    #[test]
    fn scalars_compare_by_their_text() {
        check("a=10", &json!({"a": "10"}), true);
        check("a=10", &json!({"a": 10}), true);
        check("a=1.5", &json!({"a": 1.5}), true);
        check("a=true", &json!({"a": true}), true);
        check("a=True", &json!({"a": true}), false);
        check("a!=10", &json!({"a": 10}), false);
        check("a!=10", &json!({"a": 11}), true);
        check("a=\"\"", &json!({"a": ""}), true);
        check("a=\"é\"", &json!({"a": "é"}), true);
    }

    #[test]
    fn a_missing_key_never_matches() {
        check("a=10", &json!({}), false);
        check("a!=10", &json!({}), false);
        check("a=*", &json!({}), false);
        check("a.b=1", &json!({"a": null}), false);
        check("a.b=1", &json!({"a": ["1"]}), false);
        check("a.b!=1", &json!({"a": "1"}), false);
        check("not a=1", &json!({}), true);
        check("a=1", &json!(["a"]), false);
        check("..=1", &json!({"": {"": {"": "1"}}}), true);
    }

    #[test]
    fn what_has_no_text_differs_from_every_value() {
        for other in [json!(null), json!([1]), json!({"b": 1})] {
            check("a=1", &json!({"a": other}), false);
            check("a<1", &json!({"a": other}), false);
            check("a=*", &json!({"a": other}), false);
            check("a!=1", &json!({"a": other}), true);
        }
    }

    #[test]
    fn a_star_is_a_prefix_of_strings_and_only_with_equals() {
        check("a=x*", &json!({"a": "x1"}), true);
        check("a=\"x*\"", &json!({"a": "x1"}), true);
        check("a=x*", &json!({"a": "x"}), true);
        check("a=x*", &json!({"a": "yx1"}), false);
        check("a=1*", &json!({"a": 10}), false);
        check("a=*", &json!({"a": ""}), true);
        check("a=*x", &json!({"a": "yx"}), false);
        check("a!=x*", &json!({"a": "xyz"}), true);
        check("a!=x*", &json!({"a": "x*"}), false);
    }

    #[test]
    fn order_is_of_numbers_among_numbers_and_of_text_otherwise() {
        check("a>5", &json!({"a": 10}), true);
        check("a>5", &json!({"a": "10"}), false);
        check("a>5", &json!({"a": "6"}), true);
        check("a<=5", &json!({"a": 5}), true);
        check("a>=b", &json!({"a": "b"}), true);
        check("a<b", &json!({"a": 1}), true);
    }

    #[test]
    fn words_bind_as_in_every_language() {
        check("a=1 or b=2 and c=3", &json!({"a": "1"}), true);
        check("(a=1 or b=2) and c=3", &json!({"a": "1"}), false);
        check("not a=1 and b=2", &json!({"a": "2", "b": "2"}), true);
        check("not (a=1 and b=2)", &json!({"a": "1", "b": "3"}), true);
        check("not not a=1", &json!({"a": "1"}), true);
    }

    #[test]
    fn a_quoted_value_reads_back_as_itself() {
        for value in [
            "ada",
            "ada@studio.tv",
            "two words",
            "it's",
            "say \"x",
            "é",
            "",
            "a:b",
            "x*",
        ] {
            let text = format!("a={}", quote(value).unwrap());
            let Expression::Condition(condition) = Expression::parse(&text).unwrap() else {
                panic!("{text}")
            };
            assert_eq!(condition.value(), value, "{text}");
        }
        for value in ["both \" and '", "line\nbreak", "tab\t", "ends in \\"] {
            assert_eq!(quote(value), None, "{value:?}");
        }
    }
}
