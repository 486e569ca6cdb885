//! Object types, and what a project schema gives to new entities.

use std::sync::Arc;

use super::Transaction;
use crate::error::ApiError;
use crate::schema::{EntityType, type_name};
use crate::store::{Row, Value};

impl Transaction<'_> {
    /// An object type becomes an entity type, so its name must make one.
    pub(super) fn check_object_type(&self, row: &Row) -> Result<(), ApiError> {
        let name = row.get(&self.schema, "name").to_text();
        let of_type = type_name(&name);
        if !of_type.starts_with(char::is_alphabetic) {
            let content = format!("Attribute name of ObjectType must begin with a letter: {name}");
            return Err(ApiError::validation(content));
        }
        if self.schema.is_name_taken(&of_type, &row.key(&self.schema)) {
            let content = format!("Duplicate entry {name} for ObjectType");
            return Err(ApiError::integrity(content));
        }
        Ok(())
    }

    /// Two names of one column: clients set either.
    pub(super) fn complete_schema(&self, row: &mut Row) {
        let schema = &self.schema;
        for (empty, other) in [("type_id", "object_type_id"), ("object_type_id", "type_id")] {
            if row.get(schema, empty).is_null() {
                let value = row.get(schema, other).clone();
                row.set(schema, empty, value);
            }
        }
    }

    /// The status that a project schema gives to new entities of a type.
    pub(super) fn first_status(
        &self,
        entity: &EntityType,
        row: &Row,
        workflow: Option<&Row>,
    ) -> Value {
        let schema = &self.schema;
        let Some(workflow) = workflow else {
            return Value::Null;
        };
        let workflow_id = workflow.key(schema);
        if &*entity.name != "Task" {
            let object_type = row.get(schema, "object_type_id");
            let own = self
                .store
                .rows_where("Schema", "project_schema_id", &workflow_id);
            let own = own
                .into_iter()
                .find(|own| own.get(schema, "object_type_id") == object_type);
            let own = own.map(|own| own.key(schema));
            return self.first_link("SchemaStatus", "schema_id", own, "status_id");
        }
        let overrides =
            self.store
                .rows_where("ProjectSchemaOverride", "project_schema_id", &workflow_id);
        let of_type = overrides
            .iter()
            .find(|found| found.get(schema, "type_id") == row.get(schema, "type_id"));
        let statuses = match of_type {
            Some(found) => found.text(schema, "workflow_schema_id").cloned(),
            None => workflow.text(schema, "task_workflow_schema_id").cloned(),
        };
        self.first_link(
            "WorkflowSchemaStatus",
            "workflow_schema_id",
            statuses,
            "status_id",
        )
    }

    /// What the first row of a link table pairs with `owner`.
    pub(super) fn first_link(
        &self,
        table: &str,
        column: &str,
        owner: Option<Arc<str>>,
        wanted: &str,
    ) -> Value {
        let links = owner
            .map(|owner| self.store.rows_where(table, column, &owner))
            .unwrap_or_default();
        links
            .first()
            .map_or(Value::Null, |link| link.get(&self.schema, wanted).clone())
    }
}
