//! The grammar, faithful to the official Python client's parser, its oddities included:
//!
//! * Only blank, tab and line breaks separate words; around the whole text any white space may stand.
//! * Tabs count as blanks up to the next multiple of eight columns, even between quotes.
//! * Quotes keep what is between them as it is: `\"` and `""` do not end the text, and stay as written.
//! * `and`, `or`, `not` are words only where a word can stand; elsewhere they are keys and values.
//! * `not.a=1` negates `.a=1`, because a dot ends a word.
//!
//! It is a plain recursive descent. No step ever has to be taken back: a `not` is a key exactly if an operator follows.

use std::borrow::Cow;

use crate::expression::{Condition, Expression, Operator};

/// How many parentheses and `not`s may be open at once.
const MAX_DEPTH: usize = 64;

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {}", position + 1)]
#[non_exhaustive]
pub struct ParseError {
    /// Where it went wrong, in characters from the start of the text, beginning at 0.
    pub position: usize,
    /// What was expected there.
    pub message: &'static str,
}

pub(crate) fn expression(text: &str) -> Result<Expression, ParseError> {
    let trimmed = text.trim_matches(is_python_space);
    let expanded = expand_tabs(trimmed);
    let mut parser = Parser {
        text: &expanded,
        offset: 0,
        depth: 0,
    };
    parser.whole().map_err(|(offset, message)| {
        let before = text
            .find(trimmed)
            .map_or(0, |start| text[..start].chars().count());
        ParseError {
            position: before + position_before_tabs(trimmed, expanded[..offset].chars().count()),
            message,
        }
    })
}

/// Returns whether `byte` may stand in a value without quotes.
pub(crate) fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_,./*@+".contains(&byte)
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.'
}

/// Returns the length of the quoted text that `text` begins with, both quotes included.
pub(crate) fn quoted_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mark = *bytes.first().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'\n' | b'\r' => return None,
            byte if byte == mark && bytes.get(at + 1) == Some(&mark) => at += 2,
            byte if byte == mark => return Some(at + 1),
            b'\\' if bytes.get(at + 1) == Some(&b'x') => {
                let digits = bytes[at + 2..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_hexdigit())
                    .count();
                if digits == 0 {
                    return None;
                }
                at += 2 + digits;
            }
            b'\\' => at += 1 + text[at + 1..].chars().next()?.len_utf8(),
            _ => at += 1,
        }
    }
}

type Step<T> = Result<T, (usize, &'static str)>;

struct Parser<'a> {
    text: &'a str,
    offset: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn whole(&mut self) -> Step<Expression> {
        if self.text.is_empty() {
            return self.fail("expected an expression");
        }
        let expression = self.any()?;
        self.skip_blanks();
        if self.offset < self.text.len() {
            return self.fail("expected `and`, `or` or the end");
        }
        Ok(expression)
    }

    fn any(&mut self) -> Step<Expression> {
        let mut members = vec![self.all()?];
        while self.word("or") {
            members.push(self.all()?);
        }
        Ok(single_or(members, Expression::Any))
    }

    fn all(&mut self) -> Step<Expression> {
        let mut members = vec![self.not()?];
        while self.word("and") {
            members.push(self.not()?);
        }
        Ok(single_or(members, Expression::All))
    }

    fn not(&mut self) -> Step<Expression> {
        let start = self.offset;
        if self.word("not") {
            self.skip_blanks();
            if !matches!(self.peek(), Some(b'=' | b'!' | b'<' | b'>')) {
                return self.deeper(|parser| Ok(Expression::Not(Box::new(parser.not()?))));
            }
            self.offset = start;
        }
        self.operand()
    }

    fn operand(&mut self) -> Step<Expression> {
        self.skip_blanks();
        if self.peek() != Some(b'(') {
            return self.condition().map(Expression::Condition);
        }
        self.offset += 1;
        let inner = self.deeper(Self::any)?;
        self.skip_blanks();
        if self.peek() != Some(b')') {
            return self.fail("expected `and`, `or` or `)`");
        }
        self.offset += 1;
        Ok(inner)
    }

    fn condition(&mut self) -> Step<Condition> {
        let key = self.run_of(is_key);
        if key.is_empty() {
            return self.fail("expected a key, `not` or `(`");
        }
        let operator = self.operator()?;
        self.skip_blanks();
        let rest = &self.text[self.offset..];
        let value = if let Some(len) = quoted_len(rest) {
            self.offset += len;
            &rest[1..len - 1]
        } else {
            self.run_of(is_bare)
        };
        // Two quotes are a value, though an empty one.
        if value.is_empty() && quoted_len(rest).is_none() {
            return self.fail("expected a value, or text in quotes");
        }
        Ok(Condition::new(key, operator, value))
    }

    fn operator(&mut self) -> Step<Operator> {
        self.skip_blanks();
        let rest = &self.text[self.offset..];
        let found = [
            Operator::GreaterOrEqual,
            Operator::LessOrEqual,
            Operator::NotEqual,
            Operator::Equal,
            Operator::Greater,
            Operator::Less,
        ]
        .into_iter()
        .find(|operator| rest.starts_with(operator.symbol()));
        match found {
            Some(operator) => {
                self.offset += operator.symbol().len();
                Ok(operator)
            }
            None => self.fail("expected `=`, `!=`, `<`, `<=`, `>` or `>=`"),
        }
    }

    /// Takes `word`, in any case, if it stands here as a word of its own.
    fn word(&mut self, word: &str) -> bool {
        let start = self.offset;
        self.skip_blanks();
        let rest = &self.text.as_bytes()[self.offset..];
        let is_here =
            rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes());
        let ends_here = !matches!(rest.get(word.len()), Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
        if is_here && ends_here {
            self.offset += word.len();
            true
        } else {
            self.offset = start;
            false
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        if self.depth == MAX_DEPTH {
            return self.fail("expected fewer nested parentheses and `not`s");
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn run_of(&mut self, accept: fn(u8) -> bool) -> &'a str {
        let rest = &self.text[self.offset..];
        let len = rest.bytes().take_while(|byte| accept(*byte)).count();
        self.offset += len;
        &rest[..len]
    }

    fn skip_blanks(&mut self) {
        self.run_of(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn fail<T>(&self, message: &'static str) -> Step<T> {
        Err((self.offset, message))
    }
}

fn single_or(
    mut members: Vec<Expression>,
    combine: fn(Vec<Expression>) -> Expression,
) -> Expression {
    match members.pop() {
        Some(only) if members.is_empty() => only,
        last => {
            members.extend(last);
            combine(members)
        }
    }
}

/// Python also counts the four information separators as white space.
fn is_python_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\x1c'..='\x1f')
}

fn expand_tabs(text: &str) -> Cow<'_, str> {
    if !text.contains('\t') {
        return Cow::Borrowed(text);
    }
    let mut expanded = String::with_capacity(text.len() + 8);
    for (character, width) in columns(text) {
        if character == '\t' {
            expanded.extend(std::iter::repeat_n(' ', width));
        } else {
            expanded.push(character);
        }
    }
    Cow::Owned(expanded)
}

/// Returns which character of `text` the character `position` of its expansion came from.
fn position_before_tabs(text: &str, position: usize) -> usize {
    let mut expanded = 0;
    columns(text)
        .take_while(|(_, width)| {
            expanded += width;
            expanded <= position
        })
        .count()
}

/// Returns each character with the number of characters that it expands to.
fn columns(text: &str) -> impl Iterator<Item = (char, usize)> + '_ {
    let mut column = 0;
    text.chars().map(move |character| {
        let width = if character == '\t' { 8 - column % 8 } else { 1 };
        column = if matches!(character, '\n' | '\r') {
            0
        } else {
            column + width
        };
        (character, width)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match expression(text) {
            Ok(parsed) => parsed.to_string(),
            Err(error) => format!("{}: {}", error.position, error.message),
        };
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn what_the_official_parser_accepts_is_accepted() {
        check("a=1", "a=1");
        check(" a\t=\r\n1 ", "a=1");
        check("((a=1))", "a=1");
        check("a=1 or b=2 and c=3", "a=1 or (b=2 and c=3)");
        check("(a=1 or b=2) and c=3", "(a=1 or b=2) and c=3");
        check("(a=1 and b=2) and c=3", "(a=1 and b=2) and c=3");
        check("a.b=1 AND NOT(c=2)", "a.b=1 and not c=2");
        check("not not (a=1) or not b=2", "not not a=1 or not b=2");
        check("a=1 and(b=2)and(c=3)", "a=1 and b=2 and c=3");
        check("a=\"x\"and b=1", "a=x and b=1");
        check("not=1", "not=1");
        check("a=1 and not not=2", "a=1 and not not=2");
        check("not.a=1", "not .a=1");
        check("a=1 and and=2", "a=1 and and=2");
        check("or=2 or or=3", "or=2 or or=3");
        check("a=\"\"", "a=\"\"");
        check("a='it''s'", "a=\"it''s\"");
        check(r#"a="x\"y""#, r#"a="x\"y""#);
        check(r#"a="\x41""#, r#"a="\x41""#);
        check("a=\"x\\\ny\"", "a=\"x\\\ny\"");
        check("a=\"\"\"x\"", "a=\"\"\"x\"");
        check("a=\"tab\tx\"", "a=\"tab  x\"");
        check("\u{a0}\x1ca=1", "a=1");
        check(
            "topic=ftrack.action.launch and source.user.username=ada.l+1@studio.tv",
            "topic=ftrack.action.launch and source.user.username=ada.l+1@studio.tv",
        );
    }

    #[test]
    fn what_the_official_parser_refuses_is_refused_where_it_goes_wrong() {
        check("", "0: expected an expression");
        check("  ", "0: expected an expression");
        check("a", "1: expected `=`, `!=`, `<`, `<=`, `>` or `>=`");
        check("a=", "2: expected a value, or text in quotes");
        check("a==1", "2: expected a value, or text in quotes");
        check("=1", "0: expected a key, `not` or `(`");
        check("not a", "5: expected `=`, `!=`, `<`, `<=`, `>` or `>=`");
        check("a=1 or", "6: expected a key, `not` or `(`");
        check("a=1 andb=2", "4: expected `and`, `or` or the end");
        check("a=1)", "3: expected `and`, `or` or the end");
        check("(a=1", "4: expected `and`, `or` or `)`");
        check("()", "1: expected a key, `not` or `(`");
        check("a=b:c", "3: expected `and`, `or` or the end");
        check("a=é", "2: expected a value, or text in quotes");
        check("é=1", "0: expected a key, `not` or `(`");
        check("a=\"new\nline\"", "2: expected a value, or text in quotes");
        check("a=\"x\"\"", "2: expected a value, or text in quotes");
        check(r#"a="\xg""#, "2: expected a value, or text in quotes");
        check("a=1\u{a0}and b=2", "3: expected `and`, `or` or the end");
        check("\t a\t=\t", "5: expected a value, or text in quotes");
        check("a\t\t:", "3: expected `=`, `!=`, `<`, `<=`, `>` or `>=`");
        check("a=1$and b=2", "3: expected `and`, `or` or the end");
    }

    #[test]
    fn nesting_has_a_limit_instead_of_a_stack_overflow() {
        let nested = |depth| format!("{}a=1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(expression(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(
            expression(&nested(100_000)).unwrap_err().position,
            MAX_DEPTH + 1
        );
        assert!(expression(&"not ".repeat(100_000)).is_err());
    }
}
