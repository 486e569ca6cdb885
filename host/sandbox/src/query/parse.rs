//! Reads the text of a query.
//!
//! The grammar has no reserved words: `group`, `type`, `key` and the like are attribute names wherever
//! an attribute may stand. So there is no separate lexer; each rule reads what it expects at the
//! current position.

use super::QueryError;
use super::ast::{
    Aggregate, AggregateFunction, Criteria, Operator, Order, Path, Query, Segment, Set,
};
use super::literal::Literal;

/// Deeper nesting than anyone writes, and far less than the stack bears.
const DEEPEST: usize = 100;

/// Reads a query.
///
/// # Errors
///
/// Fails at the first place that makes no sense, and says where.
pub(crate) fn parse(text: &str) -> Result<Query, QueryError> {
    let mut parser = Parser {
        text,
        position: 0,
        depth: 0,
    };
    let query = parser.query()?;
    parser.skip_blanks();
    if parser.position < text.len() {
        return Err(parser.unexpected("the end of the query"));
    }
    Ok(query)
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start().len();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_blanks();
        self.rest().chars().next()
    }

    fn error(&self, message: impl Into<String>) -> QueryError {
        QueryError::Syntax {
            message: message.into(),
            position: self.position,
        }
    }

    fn unexpected(&self, expected: &str) -> QueryError {
        let found: String = self
            .rest()
            .chars()
            .take_while(|character| !character.is_whitespace())
            .take(24)
            .collect();
        // Braces in an error would break the official client when it prints the message.
        let found = found.replace(['{', '}'], "?");
        if found.is_empty() {
            self.error(format!("expected {expected} but the query ends"))
        } else {
            self.error(format!("expected {expected}, found `{found}`"))
        }
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        self.skip_blanks();
        let found = self.rest().starts_with(symbol);
        if found {
            self.position += symbol.len();
        }
        found
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), QueryError> {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("`{symbol}`")))
        }
    }

    /// The run of letters, digits and underscores at the current position.
    fn peek_word(&mut self) -> &'a str {
        self.skip_blanks();
        let rest = self.rest();
        let end =
            rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        &rest[..end.unwrap_or(rest.len())]
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek_word().eq_ignore_ascii_case(word);
        if found {
            self.position += word.len();
        }
        found
    }

    fn identifier(&mut self, what: &str) -> Result<&'a str, QueryError> {
        let word = self.peek_word();
        if word.is_empty() || word.starts_with(|character: char| character.is_ascii_digit()) {
            return Err(self.unexpected(what));
        }
        self.position += word.len();
        Ok(word)
    }

    fn query(&mut self) -> Result<Query, QueryError> {
        let mut query = Query {
            projections: None,
            aggregates: Vec::new(),
            entity: String::new(),
            entity_position: 0,
            criteria: None,
            group: Vec::new(),
            order: Vec::new(),
            offset: 0,
            limit: None,
        };
        if self.take_word("select") {
            query.projections = Some(self.projections(&mut query.aggregates)?);
            if !self.take_word("from") {
                return Err(self.unexpected("`from` or `,`"));
            }
        }
        self.skip_blanks();
        query.entity_position = self.position;
        self.identifier("the name of an entity type")?
            .clone_into(&mut query.entity);
        if self.take_word("where") {
            query.criteria = Some(self.criteria()?);
        }
        loop {
            // The official client may append a second `offset` or `limit`; the last one counts.
            if self.take_word("order") {
                self.expect_by()?;
                query.order = self.order()?;
            } else if self.take_word("group") {
                self.expect_by()?;
                query.group = self.paths()?;
            } else if self.take_word("offset") {
                query.offset = self.integer()?;
            } else if self.take_word("limit") {
                query.limit = Some(self.integer()?);
            } else {
                return Ok(query);
            }
        }
    }

    fn expect_by(&mut self) -> Result<(), QueryError> {
        if self.take_word("by") {
            Ok(())
        } else {
            Err(self.unexpected("`by`"))
        }
    }

    fn integer(&mut self) -> Result<u64, QueryError> {
        let word = self.peek_word();
        let number = word
            .parse()
            .map_err(|_| self.unexpected("a whole number"))?;
        self.position += word.len();
        Ok(number)
    }

    fn projections(&mut self, aggregates: &mut Vec<Aggregate>) -> Result<Vec<Path>, QueryError> {
        let mut paths = Vec::new();
        loop {
            let before = self.position;
            let path = self.path()?;
            if self.peek() == Some('(') {
                let function = AggregateFunction::named(&path.to_string());
                let Some(function) = function else {
                    self.position = before;
                    return Err(self.unexpected("an attribute or one of count, sum, avg, min, max"));
                };
                self.expect_symbol("(")?;
                let path = self.path()?;
                self.expect_symbol(")")?;
                aggregates.push(Aggregate { function, path });
            } else {
                paths.push(path);
            }
            if !self.take_symbol(",") {
                return Ok(paths);
            }
        }
    }

    fn paths(&mut self) -> Result<Vec<Path>, QueryError> {
        let mut paths = vec![self.path()?];
        while self.take_symbol(",") {
            paths.push(self.path()?);
        }
        Ok(paths)
    }

    fn path(&mut self) -> Result<Path, QueryError> {
        self.skip_blanks();
        let position = self.position;
        let mut segments = Vec::new();
        loop {
            let name = self.identifier("an attribute")?.to_owned();
            let mut cast = None;
            if self.rest().starts_with('[') {
                self.position += 1;
                cast = Some(self.identifier("the name of an entity type")?.to_owned());
                self.expect_symbol("]")?;
            }
            segments.push(Segment { name, cast });
            if !self.rest().starts_with('.') {
                return Ok(Path { segments, position });
            }
            self.position += 1;
        }
    }

    fn order(&mut self) -> Result<Vec<Order>, QueryError> {
        let mut order = Vec::new();
        loop {
            let path = self.path()?;
            let is_descending = self.take_word("descending") || self.take_word("desc");
            if !is_descending && !self.take_word("ascending") {
                self.take_word("asc");
            }
            order.push(Order {
                path,
                is_descending,
            });
            if !self.take_symbol(",") {
                return Ok(order);
            }
        }
    }

    fn criteria(&mut self) -> Result<Criteria, QueryError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error("the criteria are nested too deeply"));
        }
        let mut any = vec![self.all()?];
        while self.take_word("or") {
            any.push(self.all()?);
        }
        self.depth -= 1;
        Ok(if any.len() == 1 {
            any.remove(0)
        } else {
            Criteria::Any(any)
        })
    }

    fn all(&mut self) -> Result<Criteria, QueryError> {
        let mut all = vec![self.not()?];
        while self.take_word("and") {
            all.push(self.not()?);
        }
        Ok(if all.len() == 1 {
            all.remove(0)
        } else {
            Criteria::All(all)
        })
    }

    fn not(&mut self) -> Result<Criteria, QueryError> {
        let mut is_negated = false;
        while self.take_word("not") {
            is_negated = !is_negated;
        }
        let criteria = if self.take_symbol("(") {
            let inner = self.criteria()?;
            self.expect_symbol(")")?;
            inner
        } else {
            self.condition()?
        };
        Ok(if is_negated {
            Criteria::Not(Box::new(criteria))
        } else {
            criteria
        })
    }

    fn condition(&mut self) -> Result<Criteria, QueryError> {
        let path = self.path()?;
        if let Some(operator) = self.symbolic_operator() {
            return self.compare(path, operator);
        }
        let word = self.peek_word();
        let before = self.position;
        self.position += word.len();
        let operator = match word.to_ascii_lowercase().as_str() {
            "has" | "any" => return self.related(path),
            "in" => return self.member(path, false),
            "not_in" => return self.member(path, true),
            "not" if self.take_word("in") => return self.member(path, true),
            "not" if self.take_word("like") => Operator::NotLike,
            "is" if self.take_word("not") => Operator::IsNot,
            "is" => Operator::Is,
            "is_not" => Operator::IsNot,
            "greater_than" | "after" => Operator::Greater,
            "less_than" | "before" => Operator::Less,
            "like" => Operator::Like,
            "not_like" => Operator::NotLike,
            "contains" => {
                let literal = self.literal()?.into_part();
                return Ok(Criteria::Compare {
                    path,
                    operator: Operator::Like,
                    literal,
                });
            }
            _ => {
                self.position = before;
                return Err(self.unexpected("an operator"));
            }
        };
        self.compare(path, operator)
    }

    fn compare(&mut self, path: Path, operator: Operator) -> Result<Criteria, QueryError> {
        let literal = self.literal()?;
        Ok(Criteria::Compare {
            path,
            operator,
            literal: match operator {
                Operator::Like | Operator::NotLike => literal.into_pattern(),
                _ => literal,
            },
        })
    }

    fn symbolic_operator(&mut self) -> Option<Operator> {
        const SYMBOLS: [(&str, Operator); 8] = [
            ("==", Operator::Is),
            ("!=", Operator::IsNot),
            ("<>", Operator::IsNot),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            ("=", Operator::Is),
            (">", Operator::Greater),
            ("<", Operator::Less),
        ];
        SYMBOLS
            .into_iter()
            .find(|(symbol, _)| self.take_symbol(symbol))
            .map(|(_, operator)| operator)
    }

    fn related(&mut self, path: Path) -> Result<Criteria, QueryError> {
        self.expect_symbol("(")?;
        if self.take_symbol(")") {
            return Ok(Criteria::Related {
                path,
                criteria: None,
            });
        }
        let criteria = self.criteria()?;
        self.expect_symbol(")")?;
        Ok(Criteria::Related {
            path,
            criteria: Some(Box::new(criteria)),
        })
    }

    fn member(&mut self, path: Path, is_negated: bool) -> Result<Criteria, QueryError> {
        self.expect_symbol("(")?;
        let set = if self.starts_subquery() {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(self.error("the query is nested too deeply"));
            }
            let query = self.query()?;
            self.depth -= 1;
            Set::Query(Box::new(query))
        } else {
            let mut list = Vec::new();
            while self.peek() != Some(')') {
                list.push(self.literal()?);
                if !self.take_symbol(",") {
                    break;
                }
            }
            Set::List(list)
        };
        self.expect_symbol(")")?;
        Ok(Criteria::Member {
            path,
            is_negated,
            set,
        })
    }

    /// A bare value may be the word `select` too, but then no blank and attribute follow it.
    fn starts_subquery(&mut self) -> bool {
        let word = self.peek_word();
        let after = self.rest()[word.len()..].trim_start();
        word.eq_ignore_ascii_case("select") && !after.starts_with([',', ')'])
    }

    fn literal(&mut self) -> Result<Literal, QueryError> {
        match self.peek() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            _ => {
                let rest = self.rest();
                let ends =
                    |character: char| character.is_whitespace() || ",()\"'".contains(character);
                let bare = &rest[..rest.find(ends).unwrap_or(rest.len())];
                if bare.is_empty() {
                    return Err(self.unexpected("a value"));
                }
                self.position += bare.len();
                Ok(Literal::bare(bare))
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Literal, QueryError> {
        let mut text = String::new();
        let mut pattern = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((offset, character)) = characters.next() {
            if character == quote {
                self.position += offset + 1;
                return Ok(Literal::quoted(text, pattern));
            }
            if character != '\\' {
                text.push(character);
                pattern.push(character);
                continue;
            }
            match characters.next() {
                Some((_, escaped @ ('"' | '\''))) => {
                    text.push(escaped);
                    pattern.push(escaped);
                }
                Some((_, '\\')) => {
                    text.push('\\');
                    pattern.push_str("\\\\");
                }
                Some((_, other)) => {
                    // Not an escape of ours: `\%` means something to `like`, and `C:\dir` is a path.
                    text.extend(['\\', other]);
                    pattern.extend(['\\', other]);
                }
                None => break,
            }
        }
        Err(self.error("the quote is not closed"))
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
