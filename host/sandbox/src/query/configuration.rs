//! Values of custom attributes: one for each configuration that applies, whether anything was stored or
//! not.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::access::View;
use crate::schema::{Attribute, EntityType, TypeId};
use crate::store::{Row, Value, key_from_parts};
use crate::time::seconds_from_text;

/// What decides which configurations apply: the entity's type, project and object type.
type Scope = (TypeId, Option<Arc<str>>, Option<Arc<str>>);

/// The configurations that apply, looked up once per query for entities that do not differ in what decides.
#[derive(Default)]
pub(super) struct Configurations {
    known: RefCell<HashMap<Scope, Rc<[Applicable]>>>,
}

/// A configuration that applies to some entities.
struct Applicable {
    configuration: Arc<Row>,
    /// The value of an entity that has none of its own, without saying whose it is.
    unset: Arc<Row>,
}

impl Configurations {
    fn of(&self, store: View<'_>, kind: TypeId, owner: &Row) -> Rc<[Applicable]> {
        let schema = &store.schema;
        let scope = (
            owner.kind,
            owner.text(schema, "project_id").cloned(),
            owner.text(schema, "object_type_id").cloned(),
        );
        let mut known = self.known.borrow_mut();
        let applicable = known.entry(scope).or_insert_with(|| {
            let found = applicable_configurations(store, owner).into_iter();
            let found = found.map(|configuration| Applicable {
                unset: Arc::new(unset_value(store, kind, &configuration, Value::Null)),
                configuration,
            });
            found.collect()
        });
        applicable.clone()
    }

    /// The values of an entity. Those that nobody has set do not say whose they are.
    pub(super) fn shared_values(&self, store: View<'_>, owner: &Row) -> Vec<Arc<Row>> {
        let schema = &store.schema;
        let Some(kind) = value_type(schema.entity_type(owner.kind)) else {
            return Vec::new();
        };
        let entity_id = owner.key(schema);
        let column = schema.entity_type(kind).expect_column("entity_id");
        let has_own = store.each_with(kind, column, &entity_id).next().is_some();
        let applicable = self.of(store, kind, owner);
        let values = applicable.iter().map(|applicable| {
            let stored = || {
                let configuration_id = applicable.configuration.key(schema);
                store.find(kind, &key_from_parts([&*configuration_id, &*entity_id]))
            };
            let stored = has_own.then(stored).flatten();
            stored.unwrap_or(&applicable.unset).clone()
        });
        values.collect()
    }

    /// The values of an entity, each saying whose it is.
    pub(super) fn values(&self, store: View<'_>, owner: &Row) -> Vec<Arc<Row>> {
        let schema = &store.schema;
        let mut values = self.shared_values(store, owner);
        for value in &mut values {
            if value.get(schema, "entity_id").is_null() {
                let mut own = Row::clone(value);
                own.set(schema, "entity_id", Value::Text(owner.key(schema)));
                *value = Arc::new(own);
            }
        }
        values
    }
}

/// The type of an entity's custom attribute values.
pub(crate) fn value_type(entity: &EntityType) -> Option<TypeId> {
    entity
        .attribute("custom_attributes")
        .and_then(Attribute::target)
}

/// The row of a value that nobody has set: the default, or null where it is inherited.
pub(crate) fn unset_value(
    store: View<'_>,
    kind: TypeId,
    configuration: &Row,
    entity_id: Value,
) -> Row {
    let schema = &store.schema;
    let mut row = Row::new(schema, schema.entity_type(kind));
    let configuration_id = Value::Text(configuration.key(schema));
    row.set(schema, "configuration_id", configuration_id);
    row.set(schema, "entity_id", entity_id);
    row.set(schema, "key", configuration.get(schema, "key").clone());
    if !configuration.get(schema, "is_hierarchical").is_true() {
        row.set(schema, "value", default_value(store, configuration));
    }
    row
}

/// The default of a custom attribute as a value; a configuration keeps that of a date as a text.
fn default_value(store: View<'_>, configuration: &Row) -> Value {
    let schema = &store.schema;
    let default = configuration.get(schema, "default");
    let kinds = schema.expect_type("CustomAttributeType").id;
    let kind = configuration
        .text(schema, "type_id")
        .and_then(|id| store.find(kinds, id));
    let is_date = kind
        .and_then(|kind| kind.text(schema, "name"))
        .is_some_and(|name| **name == *"date");
    let seconds = default
        .as_text()
        .filter(|_| is_date)
        .and_then(|text| seconds_from_text(text));
    seconds.map_or_else(|| default.clone(), Value::Time)
}

/// The word by which custom attribute configurations name an entity type.
fn configuration_word(entity: &EntityType) -> String {
    match &*entity.name {
        "Project" => "show".to_owned(),
        "AssetVersion" | "Asset" | "User" => entity.name.to_lowercase(),
        "ListObject" => "listobject".to_owned(),
        _ if entity.is_typed_context() => "task".to_owned(),
        _ => "list".to_owned(),
    }
}

fn is_inherited_by(configuration: &Row, store: View<'_>, word: &str) -> bool {
    matches!(word, "task" | "show" | "asset" | "assetversion")
        && configuration
            .get(&store.schema, "is_hierarchical")
            .is_true()
}

/// The configurations that apply to an entity; those of its project hide general ones of the same key.
pub(crate) fn applicable_configurations(store: View<'_>, owner: &Row) -> Vec<Arc<Row>> {
    let schema = &store.schema;
    let word = configuration_word(schema.entity_type(owner.kind));
    let project = owner.text(schema, "project_id");
    let object_type = owner.get(schema, "object_type_id");
    let applies = |configuration: &&Arc<Row>| {
        let of = configuration.get(schema, "project_id");
        if (!of.is_null() && of.as_text() != project) || !store.shows_values_of(configuration) {
            return false;
        }
        is_inherited_by(configuration, store, &word)
            || *configuration.get(schema, "entity_type").to_text() == *word
                && configuration.get(schema, "object_type_id") == object_type
    };
    let kind = schema.expect_type("CustomAttributeConfiguration").id;
    let mut found: Vec<Arc<Row>> = Vec::new();
    for configuration in store.rows(kind).filter(applies) {
        let key = configuration.get(schema, "key");
        match found
            .iter_mut()
            .find(|known| known.get(schema, "key") == key)
        {
            Some(known) if known.get(schema, "project_id").is_null() => {
                *known = configuration.clone();
            }
            Some(_) => {}
            None => found.push(configuration.clone()),
        }
    }
    found
}

/// The values that rows of a type show where nobody has set one, without saying whose they are.
pub(super) fn unset_values(store: View<'_>, owner: TypeId) -> Vec<Arc<Row>> {
    let schema = &store.schema;
    let configurations = schema.expect_type("CustomAttributeConfiguration").id;
    let mut values = Vec::new();
    for owner in &schema.entity_type(owner).kinds {
        let entity = schema.entity_type(*owner);
        let Some(kind) = value_type(entity) else {
            continue;
        };
        let word = configuration_word(entity);
        let object_type = entity.attribute("object_type_id");
        let object_type = object_type.and_then(|attribute| attribute.default.as_ref()?.as_str());
        for configuration in store.rows(configurations) {
            let of = configuration.text(schema, "object_type_id");
            if is_inherited_by(configuration, store, &word)
                || *configuration.get(schema, "entity_type").to_text() == *word
                    && (object_type.is_none() || of.map(|of| &**of) == object_type)
            {
                values.push(Arc::new(unset_value(
                    store,
                    kind,
                    configuration,
                    Value::Null,
                )));
            }
        }
    }
    values
}
