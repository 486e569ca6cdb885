//! The query language: text to tree, tree checked against the schema, tree run over the store.

mod aggregate;
mod ast;
mod check;
mod configuration;
mod derived;
mod encode;
mod evaluate;
mod literal;
mod parse;
mod plan;
mod sort;
mod walk;

use std::sync::Arc;

use serde_json::Value as Json;

pub(crate) use ast::Query;
pub(crate) use configuration::{applicable_configurations, unset_value, value_type};
pub(crate) use derived::{descendants, link};
pub(crate) use encode::{Encoder, Projection};
pub(crate) use parse::parse;

use crate::access::View;
use crate::store::Row;
use walk::Walker;

/// A query that cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("could not parse the query: {message} at position {position}")]
    Syntax { message: String, position: usize },
    #[error("{message}")]
    Invalid { message: String, position: usize },
}

/// One page of an answer.
pub(crate) struct Page {
    pub(crate) data: Json,
    /// Where the next page begins.
    pub(crate) next_offset: Option<u64>,
}

/// Rows that answer a query, before they are encoded.
pub(crate) struct Found {
    pub(crate) rows: Vec<Arc<Row>>,
    pub(crate) next_offset: Option<u64>,
}

/// Where answers come from, and how they are written.
pub(crate) struct Reader<'a> {
    pub(crate) store: View<'a>,
    /// Prefix of the addresses in answers.
    pub(crate) base_url: &'a str,
    /// Expand every occurrence of an entity, not just its first.
    pub(crate) denormalize: bool,
}

impl Reader<'_> {
    /// Answers one query.
    ///
    /// # Errors
    ///
    /// Fails when the text is malformed or names what does not exist.
    pub(crate) fn run(&self, text: &str) -> Result<Page, QueryError> {
        self.run_filtered(&parse(text)?, &|_| true)
    }

    /// As [`Self::run`], keeping only rows that `keep` accepts.
    pub(crate) fn run_filtered(
        &self,
        query: &Query,
        keep: &dyn Fn(&Arc<Row>) -> bool,
    ) -> Result<Page, QueryError> {
        check::check(&self.store.schema, query)?;
        let walker = Walker::new(self.store);
        if query.is_aggregate() {
            return aggregate::aggregate(&walker, query, keep);
        }
        let found = evaluate::find(&walker, query, keep)?;
        Ok(Page {
            data: self.encode(query, &found.rows)?,
            next_offset: found.next_offset,
        })
    }

    fn encode(&self, query: &Query, rows: &[Arc<Row>]) -> Result<Json, QueryError> {
        let entity = check::entity_type(&self.store.schema, query)?;
        let projection = match &query.projections {
            Some(paths) => Projection::from_paths(paths),
            None => Projection::from_names(entity.default_projections.iter().map(|name| &**name)),
        };
        let mut encoder = Encoder::new(self.store, self.base_url, self.denormalize);
        Ok(encoder.rows(rows, &projection))
    }
}

#[cfg(test)]
#[path = "query/tests.rs"]
mod tests;
