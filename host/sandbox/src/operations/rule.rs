//! What the server adds to what clients send: derived columns, defaults that depend on other entities,
//! and rows that follow from a change.

use std::sync::Arc;

use uuid::Uuid;

use super::Transaction;
use crate::access::View;
use crate::error::ApiError;
use crate::query::descendants;
use crate::schema::EntityType;
use crate::store::{Row, Value, key_from_parts};

/// What belongs to the project of another entity, and the column that names this entity.
const MOVE_ALONG: [(&str, &str); 4] = [
    ("Asset", "context_id"),
    ("AssetVersion", "asset_id"),
    ("Note", "parent_id"),
    ("Note", "in_reply_to_id"),
];

impl Transaction<'_> {
    pub(super) fn before_create(
        &mut self,
        entity: &EntityType,
        row: &mut Row,
    ) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        match &*entity.name {
            "Project" => {
                row.set(&schema, "project_id", row.get(&schema, "id").clone());
                if row.get(&schema, "full_name").is_null() {
                    row.set(&schema, "full_name", row.get(&schema, "name").clone());
                }
            }
            "Asset" => {
                let parent = self.found_by_id("Context", row.text(&schema, "context_id"));
                row.set(&schema, "project_id", self.project_of(parent.as_deref()));
            }
            "AssetVersion" => self.complete_version(row),
            "User" if row.get(&schema, "username").is_null() => {
                let unique = Uuid::new_v4().simple().to_string();
                row.set(
                    &schema,
                    "username",
                    Value::text(format!("user-{}", &unique[..12])),
                );
            }
            "ReviewSessionObject" => self.complete_review_object(row),
            "ObjectType" => self.check_object_type(row)?,
            "Schema" => self.complete_schema(row),
            "CustomAttributeConfiguration" => self.complete_configuration(row, None)?,
            "CustomAttributeLinkConfiguration" => self.check_link_configuration(row)?,
            _ if entity.is_custom_attribute_link() => self.complete_link(row)?,
            _ if entity.is_typed_context() => self.complete_typed_context(entity, row)?,
            _ => {}
        }
        Ok(())
    }

    fn project_of(&self, row: Option<&Row>) -> Value {
        row.map_or(Value::Null, |row| {
            row.get(&self.schema, "project_id").clone()
        })
    }

    fn complete_typed_context(
        &mut self,
        entity: &EntityType,
        row: &mut Row,
    ) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        let default = entity
            .attribute("object_type_id")
            .and_then(|attribute| attribute.default.as_ref());
        if default.and_then(serde_json::Value::as_str)
            != row.text(&schema, "object_type_id").map(|id| &**id)
        {
            return Err(ApiError::validation(format!(
                "Attribute object_type_id does not fit {}",
                entity.name
            )));
        }
        if row.get(&schema, "parent_id").is_null() {
            row.set(&schema, "parent_id", row.get(&schema, "project_id").clone());
        }
        let Some(parent_id) = row.text(&schema, "parent_id").cloned() else {
            return Err(ApiError::validation(format!(
                "Attribute parent of {} is required",
                entity.name
            )));
        };
        // A parent that does not exist is reported when references are checked.
        let parent = self.found_by_id("Context", Some(&parent_id));
        row.set(&schema, "project_id", self.project_of(parent.as_deref()));
        let project = self.found_by_id("Project", row.text(&schema, "project_id"));
        let project_schema =
            project.and_then(|project| project.text(&schema, "project_schema_id").cloned());
        let workflow = self.found_by_id("ProjectSchema", project_schema.as_ref());
        if &*entity.name == "Task" && row.get(&schema, "type_id").is_null() {
            let types = workflow
                .as_ref()
                .and_then(|workflow| workflow.text(&schema, "task_type_schema_id").cloned());
            row.set(
                &schema,
                "type_id",
                self.first_link(
                    "TaskTypeSchemaType",
                    "task_type_schema_id",
                    types,
                    "type_id",
                ),
            );
        }
        if row.get(&schema, "status_id").is_null() {
            row.set(
                &schema,
                "status_id",
                self.first_status(entity, row, workflow.as_deref()),
            );
        }
        Ok(())
    }

    fn complete_version(&mut self, row: &mut Row) {
        let schema = self.schema.clone();
        let asset = self.found_by_id("Asset", row.text(&schema, "asset_id"));
        let project_id = self.project_of(asset.as_deref());
        if row.get(&schema, "version").is_null() {
            let versions = asset.map(|asset| {
                self.store
                    .rows_where("AssetVersion", "asset_id", &asset.key(&schema))
            });
            let number = |row: &Arc<Row>| match row.get(&schema, "version") {
                Value::Integer(number) => *number,
                _ => 0,
            };
            let last = versions.iter().flatten().map(number).max().unwrap_or(0);
            row.set(&schema, "version", Value::Integer(last + 1));
        }
        if row.get(&schema, "status_id").is_null() {
            let project = self.found_by_id("Project", project_id.as_text());
            let workflow =
                project.and_then(|project| project.text(&schema, "project_schema_id").cloned());
            let workflow = self.found_by_id("ProjectSchema", workflow.as_ref());
            let statuses = workflow.and_then(|found| {
                found
                    .text(&schema, "asset_version_workflow_schema_id")
                    .cloned()
            });
            let status = self.first_link(
                "WorkflowSchemaStatus",
                "workflow_schema_id",
                statuses,
                "status_id",
            );
            row.set(&schema, "status_id", status);
        }
        row.set(&schema, "project_id", project_id);
    }

    pub(super) fn after_create(
        &mut self,
        entity: &EntityType,
        row: &Arc<Row>,
    ) -> Result<(), ApiError> {
        match &*entity.name {
            // The author is a recipient of every note.
            "Note" => self.add_recipient(row),
            "NoteLabelLink" => {
                self.categorise_note(row);
                Ok(())
            }
            "User" => self.give_default_role(row),
            "Project" => self.keep_in_sight(row),
            _ if entity.is_custom_attribute_link() => self.add_other_side(row),
            _ => Ok(()),
        }
    }

    fn add_recipient(&mut self, note: &Row) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        let author = note.get(&schema, "user_id").clone();
        let note_id = note.key(&schema);
        let recipient = key_from_parts([&*note_id, &*author.to_text()]);
        let kind = schema.expect_type("Recipient").id;
        if author.is_null() || self.store.find(kind, &recipient).is_some() {
            return Ok(());
        }
        let values = [("note_id", Value::Text(note_id)), ("resource_id", author)];
        self.make("Recipient", &values)?;
        Ok(())
    }

    /// The first label of a note is its category too, which is the older name of labels.
    fn categorise_note(&mut self, link: &Row) {
        let schema = self.schema.clone();
        let note = self.found_by_id("Note", link.text(&schema, "note_id"));
        let note = note.filter(|note| note.get(&schema, "category_id").is_null());
        if let Some(note) = note {
            let mut note = Row::clone(&note);
            note.set(
                &schema,
                "category_id",
                link.get(&schema, "label_id").clone(),
            );
            self.store.replace(note);
        }
    }

    /// Gives a note the project of what it is attached to; a reply wakes its thread.
    pub(super) fn adopt_note(&mut self, owner: &Arc<Row>, note: &mut Row) {
        let schema = self.schema.clone();
        note.set(&schema, "project_id", self.project_of(Some(owner)));
        if &*schema.entity_type(owner.kind).name == "Note" {
            let mut thread = Row::clone(owner);
            thread.set(&schema, "thread_activity", Value::Time(self.now));
            self.store.replace(thread);
        }
    }

    /// A new object of a review comes after the others; that the server counts on is assumed.
    fn complete_review_object(&self, row: &mut Row) {
        let schema = &self.schema;
        if !matches!(row.get(schema, "sort_order"), Value::Null) {
            return;
        }
        let review = row.get(schema, "review_session_id").to_text();
        let others = self
            .store
            .rows_where("ReviewSessionObject", "review_session_id", &review);
        let orders = others
            .iter()
            .filter_map(|row| row.get(schema, "sort_order").as_number());
        let last = orders.fold(-1.0, f64::max);
        row.set(schema, "sort_order", Value::Number(last + 1.0));
    }

    /// When a job ended; that the server notes it without being told is assumed.
    fn note_end(&self, row: &mut Row, before: &Row) {
        let schema = &self.schema;
        let is_over =
            |row: &Row| matches!(&*row.get(schema, "status").to_text(), "done" | "failed");
        if is_over(row) && !is_over(before) && row.get(schema, "finished_at").is_null() {
            row.set(schema, "finished_at", Value::Time(self.now));
        }
    }

    /// When a to-do was done; that the server notes it without being told is assumed.
    fn note_completion(&self, row: &mut Row, before: &Row) {
        let schema = &self.schema;
        let by = row.get(schema, "completed_by_id");
        if *by == *before.get(schema, "completed_by_id") {
            return;
        }
        let when = match by {
            Value::Null => Value::Null,
            _ if row.get(schema, "completed_at").is_null() => Value::Time(self.now),
            _ => return,
        };
        row.set(schema, "completed_at", when);
    }

    pub(super) fn before_update(
        &mut self,
        entity: &EntityType,
        before: &Row,
        row: &mut Row,
    ) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        match &*entity.name {
            "ObjectType" => self.check_object_type(row)?,
            "CustomAttributeConfiguration" => self.complete_configuration(row, Some(before))?,
            "Job" => self.note_end(row, before),
            "Note" => self.note_completion(row, before),
            _ => {}
        }
        if entity.is_typed_context()
            && row.get(&schema, "parent_id") != before.get(&schema, "parent_id")
        {
            let parent_id = row.text(&schema, "parent_id").cloned();
            let below = descendants(View::whole(self.store), before);
            let is_below = |id: &Arc<str>| {
                *id == before.key(&schema) || below.iter().any(|row| row.key(&schema) == *id)
            };
            if parent_id.as_ref().is_none_or(is_below) {
                return Err(ApiError::validation(format!(
                    "{} cannot be moved below itself",
                    entity.name
                )));
            }
            let parent = self.found_by_id("Context", parent_id.as_ref());
            row.set(&schema, "project_id", self.project_of(parent.as_deref()));
        }
        Ok(())
    }

    pub(super) fn after_update(
        &mut self,
        entity: &EntityType,
        before: &Row,
        row: &Arc<Row>,
    ) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        if entity.is_typed_context()
            && row.get(&schema, "project_id") != before.get(&schema, "project_id")
        {
            self.move_to_project(row);
        }
        if &*entity.name == "Project" && !before.get(&schema, "is_private").is_true() {
            self.keep_in_sight(row)?;
        }
        let has_history = entity.is_typed_context() || &*entity.name == "AssetVersion";
        if has_history && row.get(&schema, "status_id") != before.get(&schema, "status_id") {
            self.record_status_change(entity, before, row)?;
        }
        Ok(())
    }

    /// Gives everything below a context the project that it has been moved to.
    fn move_to_project(&mut self, row: &Arc<Row>) {
        let schema = self.schema.clone();
        let project = row.get(&schema, "project_id").clone();
        let mut moved = descendants(View::whole(self.store), row);
        moved.push(row.clone());
        let mut next = 0;
        while let Some(owner) = moved.get(next).cloned() {
            let key = owner.key(&schema);
            for (kind, column) in MOVE_ALONG {
                moved.extend(self.store.rows_where(kind, column, &key));
            }
            let mut owner = Row::clone(&owner);
            owner.set(&schema, "project_id", project.clone());
            self.store.replace(owner);
            next += 1;
        }
    }

    fn record_status_change(
        &mut self,
        of: &EntityType,
        before: &Row,
        row: &Row,
    ) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        let (kind, parent_type) = match &*of.name {
            "AssetVersion" => ("AssetVersionStatusChange", "AssetVersion"),
            _ => ("TypedContextStatusChange", "TypedContext"),
        };
        let user = Some(&self.caller.user_id).filter(|id| !id.is_empty());
        let values = [
            ("parent_id", Value::Text(row.key(&schema))),
            ("parent_type", Value::text(parent_type)),
            ("status_id", row.get(&schema, "status_id").clone()),
            ("from_status_id", before.get(&schema, "status_id").clone()),
            ("user_id", user.cloned().map_or(Value::Null, Value::Text)),
        ];
        self.make(kind, &values)?;
        Ok(())
    }
}
