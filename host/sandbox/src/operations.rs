//! Changes to the store: create, update and delete, with the rules of the real server.
//!
//! A [`Transaction`] spans one request. The caller commits or rolls back the store; nothing here does.

mod attribute_configuration;
mod attribute_link;
mod constraint;
mod custom_attribute;
mod given;
mod history;
mod relation;
mod removal;
mod role;
mod rule;
mod workflow;

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::access::{Access, Hidden, Verb, View, Wish};
use crate::error::ApiError;
use crate::query::Encoder;
use crate::schema::{Auto, EntityType, Kind, Schema, TypeId};
use crate::store::{Row, Store, Value, key_from_parts};
use crate::time::Seconds;
use given::Given;

/// Who asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    pub(crate) user_id: Arc<str>,
    pub(crate) username: Arc<str>,
    pub(crate) full_name: String,
    pub(crate) access: Access,
    pub(crate) client_token: Option<String>,
    pub(crate) push_token: Option<String>,
    pub(crate) denormalize: bool,
    /// The API key in use, and whether it belongs to nobody.
    pub(crate) key_id: Option<Arc<str>>,
    pub(crate) has_global_key: bool,
}

/// The changes of one request.
pub(crate) struct Transaction<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) caller: &'a Caller,
    /// As at the start; what the transaction itself makes can be seen by who made it.
    hidden: Hidden,
    schema: Arc<Schema>,
    now: Seconds,
}

/// What an operation that sends attributes is about.
struct Request<'o> {
    named: TypeId,
    data: &'o Map<String, Json>,
    key: Option<&'o Json>,
}

static NO_DATA: LazyLock<Map<String, Json>> = LazyLock::new(Map::new);

/// An entity that an operation touched, to be written once the whole batch has run.
pub(crate) struct Touched {
    action: &'static str,
    row: Arc<Row>,
    /// The type that the client named, when it is not the row's.
    shown_as: Option<Arc<str>>,
    /// The row before an update; `None` when it was created.
    before: Option<Arc<Row>>,
    /// Columns and relations that the client sent and so expects to be told.
    sent_columns: Vec<usize>,
    sent_relations: Vec<Arc<str>>,
}

impl Caller {
    /// Tells whether the caller may do this to any entity of the type at all.
    pub(crate) fn may_ever(&self, store: &Store, verb: Verb, kind: &str) -> bool {
        let wish = Wish::new(verb, store.schema.expect_type(kind));
        self.access.may_ever(store, &wish)
    }
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(store: &'a mut Store, caller: &'a Caller) -> Self {
        let schema = store.schema.clone();
        let now = store.clock.now();
        Self {
            hidden: caller.access.hidden(store),
            store,
            caller,
            schema,
            now,
        }
    }

    fn entity_type(&self, operation: &Json) -> Result<TypeId, ApiError> {
        let name = operation.get("entity_type").and_then(Json::as_str);
        let name = name.or_else(|| {
            operation
                .pointer("/entity_data/__entity_type__")
                .and_then(Json::as_str)
        });
        let name =
            name.ok_or_else(|| ApiError::validation("The operation names no entity_type"))?;
        let entity = self.schema.type_named(name);
        entity
            .map(|entity| entity.id)
            .ok_or_else(|| ApiError::validation(format!("Entity type {name} does not exist")))
    }

    /// The store as the caller sees it.
    pub(crate) fn view(&self) -> View<'_> {
        View::without(self.store, &self.hidden)
    }

    /// Reads what `create` and `update` have in common.
    fn request<'o>(&self, verb: Verb, operation: &'o Json) -> Result<Request<'o>, ApiError> {
        let named = self.entity_type(operation)?;
        let data = operation.get("entity_data").and_then(Json::as_object);
        let request = Request {
            named,
            data: data.unwrap_or(&NO_DATA),
            key: operation.get("entity_key"),
        };
        let wish = request.wish(verb, self.schema.entity_type(named));
        self.allow(wish, None)?;
        Ok(request)
    }

    /// Checks that the caller may make a change, to this row if there is one already.
    fn allow(&self, wish: Wish<'_>, row: Option<&Row>) -> Result<(), ApiError> {
        let access = &self.caller.access;
        let is_allowed = match row {
            Some(row) => access.may(self.store, &wish, row) && self.view().shows(row),
            None => access.may_ever(self.store, &wish),
        };
        if is_allowed {
            return Ok(());
        }
        let username = &self.caller.username;
        let verb = wish.verb.name();
        Err(ApiError::permission(format!(
            "User {username} is not permitted to {verb} {}",
            wish.entity.name
        )))
    }

    /// Checks that the caller may also change what a change has led to: nothing is put where they may
    /// not go. A project may become private, because whoever makes it so keeps it in sight.
    fn allow_result(&self, wish: Wish<'_>, row: &Row) -> Result<(), ApiError> {
        match &*wish.entity.name {
            "Project" => Ok(()),
            _ => self.allow(wish, Some(row)),
        }
    }

    /// Carries out a `create` operation.
    pub(crate) fn create(&mut self, operation: &Json) -> Result<Touched, ApiError> {
        let schema = self.schema.clone();
        let request = self.request(Verb::Create, operation)?;
        let named = schema.entity_type(request.named);
        if named.is_custom_attribute_value() {
            return self.set_custom_attribute(&request, "create");
        }
        let entity = match self.link_type(named, request.data)? {
            Some(entity) => schema.entity_type(entity),
            None => concrete_type(&schema, named, request.data)?,
        };
        let given = Given::read(&schema, entity, request.data, None)?;
        let mut row = Row::new(&schema, entity);
        self.fill_in(entity, &mut row);
        for (column, value) in &given.scalars {
            row.values[*column] = value.clone();
        }
        self.complete_key(entity, request.key, &mut row);
        let row = self.insert(entity, row)?;
        self.allow_result(request.wish(Verb::Create, entity), &row)?;
        for (attribute, members) in &given.collections {
            self.replace_members(&row, attribute, members)?;
        }
        let shown_as = (named.id != entity.id).then(|| named.name.clone());
        Ok(Touched {
            action: "create",
            row,
            shown_as,
            before: None,
            sent_columns: given.scalars.iter().map(|(column, _)| *column).collect(),
            sent_relations: given.relations,
        })
    }

    /// Carries out an `update` operation.
    pub(crate) fn update(&mut self, operation: &Json) -> Result<Touched, ApiError> {
        let schema = self.schema.clone();
        let request = self.request(Verb::Update, operation)?;
        let named = schema.entity_type(request.named);
        if named.is_custom_attribute_value() {
            return self.set_custom_attribute(&request, "update");
        }
        let key = key_from_operation(operation)?;
        let before = self.store.find(named.id, &key).cloned();
        let before = before
            .ok_or_else(|| ApiError::validation(format!("{} {key} does not exist", named.name)))?;
        let entity = schema.entity_type(before.kind);
        self.allow(request.wish(Verb::Update, entity), Some(&before))?;
        let given = Given::read(&schema, entity, request.data, Some(&before))?;
        let mut row = Row::clone(&before);
        for (column, value) in &given.scalars {
            row.values[*column] = value.clone();
        }
        let row = self.change(entity, &before, row)?;
        self.allow_result(request.wish(Verb::Update, entity), &row)?;
        for (attribute, members) in &given.collections {
            self.replace_members(&row, attribute, members)?;
        }
        Ok(Touched {
            action: "update",
            row,
            shown_as: None,
            before: Some(before),
            sent_columns: given.scalars.iter().map(|(column, _)| *column).collect(),
            sent_relations: given.relations,
        })
    }

    /// Carries out a `delete` operation. What is gone already counts as deleted, because the official
    /// Python client deletes some rows twice in one batch.
    pub(crate) fn delete(&mut self, operation: &Json) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        let named = schema.entity_type(self.entity_type(operation)?);
        self.allow(Wish::new(Verb::Delete, named), None)?;
        let key = key_from_operation(operation)?;
        let Some(row) = self.store.find(named.id, &key).cloned() else {
            return Ok(());
        };
        let entity = schema.entity_type(row.kind);
        self.allow(Wish::new(Verb::Delete, entity), Some(&row))?;
        self.remove(&row)
    }

    /// Adds a row after applying the rules for new entities.
    fn insert(&mut self, entity: &EntityType, mut row: Row) -> Result<Arc<Row>, ApiError> {
        self.before_create(entity, &mut row)?;
        self.check_key(entity, &row)?;
        let key = row.key(&self.schema);
        if self.store.find(self.root_of(entity), &key).is_some() {
            return Err(ApiError::integrity(format!(
                "Duplicate entry {key} for the primary key of {}",
                entity.name
            )));
        }
        self.check_unique(entity, &row, None)?;
        let row = self.store.insert(row);
        self.after_create(entity, &row)?;
        Ok(row)
    }

    /// Replaces a row after applying the rules for changed entities.
    fn change(
        &mut self,
        entity: &EntityType,
        before: &Arc<Row>,
        mut row: Row,
    ) -> Result<Arc<Row>, ApiError> {
        self.before_update(entity, before, &mut row)?;
        self.check_unique(entity, &row, Some(before))?;
        let row = self.store.replace(row);
        self.after_update(entity, before, &row)?;
        Ok(row)
    }

    /// The topmost type that shares the entity's table, whose keys must be unique.
    fn root_of(&self, entity: &EntityType) -> TypeId {
        let mut root = entity;
        while let Some(parent) = root.mixin {
            root = self.schema.entity_type(parent);
        }
        root.id
    }

    /// Puts defaults into a new row.
    fn fill_in(&self, entity: &EntityType, row: &mut Row) {
        for attribute in &entity.attributes {
            let Kind::Scalar { column, scalar, .. } = attribute.kind else {
                continue;
            };
            row.values[column] = match (&attribute.auto, &attribute.default) {
                (Some(Auto::Now), _) => Value::Time(self.now),
                (Some(Auto::User), _) if self.caller.user_id.is_empty() => Value::Null,
                (Some(Auto::User), _) => Value::Text(self.caller.user_id.clone()),
                (Some(Auto::Value(json)), _) | (None, Some(json)) => {
                    Value::from_client(json, scalar).unwrap_or_default()
                }
                (None, None) => Value::Null,
            };
        }
    }

    /// Takes missing parts of the key from the operation, or makes an id.
    fn complete_key(&self, entity: &EntityType, given: Option<&Json>, row: &mut Row) {
        let parts: Vec<&Json> = match given {
            Some(Json::Array(parts)) => parts.iter().collect(),
            Some(part @ Json::String(_)) => vec![part],
            _ => Vec::new(),
        };
        for (column, part) in entity.key_columns.iter().zip(parts) {
            if row.values[*column].is_null() {
                row.values[*column] = Value::from_any(part);
            }
        }
        if let ([column], [name]) = (entity.key_columns.as_slice(), entity.primary_key.as_slice())
            && row.values[*column].is_null()
            && &**name == "id"
        {
            row.values[*column] = Value::text(Uuid::new_v4().to_string());
        }
    }

    /// Writes what an operation touched, in its state at the end of the batch.
    pub(crate) fn answer(&self, touched: &Touched, base_url: &str) -> Json {
        let entity = self.schema.entity_type(touched.row.kind);
        let found = self.store.find(entity.id, &touched.row.key(&self.schema));
        let row = found
            .filter(|row| row.sequence == touched.row.sequence)
            .unwrap_or(&touched.row);
        let encoder = Encoder::new(self.view(), base_url, false);
        // The official client takes what is missing as not known, and asks for it when it is read. So what
        // was neither sent nor given a value by the server is left out, as by the real server.
        let is_news = |column: usize| {
            let value = &row.values[column];
            touched.sent_columns.contains(&column)
                || touched
                    .before
                    .as_ref()
                    .map_or(!value.is_null(), |before| before.values[column] != *value)
        };
        let mut data = encoder.scalars(row, &is_news);
        if let Some(name) = &touched.shown_as {
            data.insert("__entity_type__".to_owned(), json!(&**name));
        }
        for name in &touched.sent_relations {
            data.insert(name.to_string(), encoder.relation(row, name));
        }
        json!({"action": touched.action, "data": data})
    }
}

impl<'o> Request<'o> {
    fn wish(&self, verb: Verb, entity: &'o EntityType) -> Wish<'o> {
        Wish {
            data: Some(self.data),
            ..Wish::new(verb, entity)
        }
    }
}

/// The type to create when the client named one that has no rows of its own.
fn concrete_type<'s>(
    schema: &'s Schema,
    named: &'s EntityType,
    data: &Map<String, Json>,
) -> Result<&'s EntityType, ApiError> {
    if !named.is_abstract {
        return Ok(named);
    }
    let object_type = data.get("object_type_id").and_then(Json::as_str);
    let object_type = object_type.or_else(|| data.get("object_type")?.get("id")?.as_str());
    let mut kinds = named.kinds.iter().map(|kind| schema.entity_type(*kind));
    let of_object_type = kinds.find(|kind| {
        let default = kind
            .attribute("object_type_id")
            .and_then(|attribute| attribute.default.as_ref());
        default
            .and_then(Json::as_str)
            .is_some_and(|default| Some(default) == object_type)
    });
    of_object_type.ok_or_else(|| {
        ApiError::validation(format!("{} is abstract and cannot be created", named.name))
    })
}

/// The key of an operation: a list from Python, mostly a plain text from JavaScript.
fn key_from_operation(operation: &Json) -> Result<Arc<str>, ApiError> {
    let part = |json: &Json| match json {
        Json::String(text) => Ok(text.clone()),
        Json::Number(number) => Ok(number.to_string()),
        _ => Err(ApiError::validation(
            "A part of entity_key is neither text nor number",
        )),
    };
    match operation.get("entity_key") {
        Some(Json::Array(parts)) if !parts.is_empty() => {
            let parts = parts.iter().map(part).collect::<Result<Vec<_>, _>>()?;
            Ok(key_from_parts(parts))
        }
        Some(single @ (Json::String(_) | Json::Number(_))) => Ok(Arc::from(part(single)?)),
        _ => Err(ApiError::validation("The operation has no entity_key")),
    }
}

#[cfg(test)]
#[path = "operations/tests.rs"]
mod tests;
