//! The `search` action: free text over the rows that a query finds.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::error::ApiError;
use crate::query::{Reader, link, parse};
use crate::store::Row;

/// Attributes that a term may occur in.
const SEARCHED: [&str; 7] = [
    "name",
    "full_name",
    "username",
    "first_name",
    "last_name",
    "email",
    "label",
];

pub(super) fn search(reader: &Reader<'_>, operation: &Json) -> Result<Json, ApiError> {
    let texts = |key: &str| -> Vec<&str> {
        operation[key]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect()
    };
    let expression = operation["expression"].as_str();
    let expression =
        expression.ok_or_else(|| ApiError::validation("The search has no expression"))?;
    let query = parse(expression)?;
    let terms: Vec<String> = texts("terms")
        .iter()
        .map(|term| term.to_lowercase())
        .collect();
    let object_types = texts("object_type_ids");
    let context = operation["context_id"].as_str();
    let keep = |row: &Arc<Row>| {
        matches_terms(reader, row, &terms)
            && (object_types.is_empty()
                || row
                    .text(&reader.store.schema, "object_type_id")
                    .is_some_and(|id| object_types.contains(&&**id)))
            && context.is_none_or(|context| is_below(reader, row, context))
    };
    let page = reader.run_filtered(&query, &keep)?;
    Ok(
        json!({"action": "search", "data": page.data, "metadata": {"next": {"offset": page.next_offset}}}),
    )
}

/// Every term must occur in a name of the entity or of what it lies below.
fn matches_terms(reader: &Reader<'_>, row: &Row, terms: &[String]) -> bool {
    let schema = &reader.store.schema;
    let mut names: Vec<String> = SEARCHED
        .iter()
        .filter_map(|name| row.text(schema, name))
        .map(|name| name.to_lowercase())
        .collect();
    if schema.entity_type(row.kind).attribute("link").is_some() {
        let items = link(reader.store, row);
        names.extend(
            items
                .iter()
                .filter_map(|item| item["name"].as_str())
                .map(str::to_lowercase),
        );
    }
    terms
        .iter()
        .all(|term| names.iter().any(|name| name.contains(term)))
}

fn is_below(reader: &Reader<'_>, row: &Row, context: &str) -> bool {
    let schema = &reader.store.schema;
    let context_kind = schema.expect_type("Context").id;
    let mut next: Option<Arc<str>> = Some(row.key(schema));
    if !schema.entity_type(row.kind).is_context() {
        next = row
            .text(schema, "context_id")
            .or_else(|| row.text(schema, "project_id"))
            .cloned();
    }
    while let Some(id) = next {
        if *id == *context {
            return true;
        }
        next = reader
            .store
            .find(context_kind, &id)
            .and_then(|row| row.text(schema, "parent_id"))
            .cloned();
    }
    false
}
