//! The `ftrack` service of the fake host.

use callboard_protocol::{
    Failure, FtrackCall, FtrackCalled, Operation, Permission, Query, QueryPage, QueryResults,
    QueryRows,
};
use serde_json::{Value, json};

use super::{FakeHost, permission_of, write};

/// How many rows a page has at most, so that plugins meet pages.
const PAGE_ROWS: usize = 3;

impl FakeHost {
    pub(super) fn query(&mut self, query: Query) -> Result<Value, Failure> {
        self.need(&Permission::FtrackRead)?;
        let mut results = Vec::new();
        for expression in query.expressions {
            results.push((self.ftrack)(&expression)?);
            self.record.queries.push(expression);
        }
        write(&QueryResults { results })
    }

    pub(super) fn query_page(&mut self, page: &QueryPage) -> Result<Value, Failure> {
        self.need(&Permission::FtrackRead)?;
        let all = (self.ftrack)(&page.expression)?;
        if page.offset == 0 {
            self.record.queries.push(page.expression.clone());
        }
        let limit = page.limit.map_or(PAGE_ROWS, |limit| {
            usize::try_from(limit).map_or(PAGE_ROWS, |limit| limit.clamp(1, PAGE_ROWS))
        });
        let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let next = offset.saturating_add(limit);
        write(&QueryRows {
            next_offset: (next < all.len()).then_some(next as u64),
            rows: all.into_iter().skip(offset).take(limit).collect(),
        })
    }

    pub(super) fn call(&mut self, call: FtrackCall) -> Result<Value, Failure> {
        if call.operations.is_empty() {
            return Err(Failure::invalid("a call needs at least one operation"));
        }
        for permission in call.operations.iter().filter_map(permission_of) {
            self.need(&permission)?;
        }
        let results = call.operations.iter().map(made).collect();
        self.record.calls.push(call.operations);
        write(&FtrackCalled { results })
    }
}

/// Returns what a server answers to an operation.
fn made(operation: &Operation) -> Value {
    match operation {
        Operation::Create {
            entity_type,
            id,
            data,
        } => entity(entity_type, id, data),
        Operation::Update {
            entity_type,
            key,
            data,
            ..
        } => entity(entity_type, &key.join(","), data),
        _ => json!(true),
    }
}

fn entity(entity_type: &str, id: &str, data: &serde_json::Map<String, Value>) -> Value {
    let mut entity = data.clone();
    entity.insert("__entity_type__".to_owned(), entity_type.into());
    entity.insert("id".to_owned(), id.into());
    Value::Object(entity)
}
