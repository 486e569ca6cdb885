//! Kinds of typed context, such as a shot: each is one row of `ObjectType` and one entity type.
//!
//! Those of the tables are always known; others come and go while the server runs. The position of an
//! entity type never changes, so one that is deleted stays as a hidden one until the next start.

use super::parse::{RawEntity, attribute};
use super::{Schema, SchemaError, link, read_tables};
use crate::store::Row;

/// A kind of typed context.
#[derive(Clone, Debug)]
pub(crate) struct ObjectType {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) icon: String,
    flags: Vec<String>,
    /// Defined by the tables, and known to clients by its name.
    is_built_in: bool,
    /// Its row has been deleted.
    is_gone: bool,
}

/// Flags, and the columns that hold them.
const FLAGS: [(&str, &str); 7] = [
    ("leaf", "is_leaf"),
    ("prioritizable", "is_prioritizable"),
    ("reportable", "is_time_reportable"),
    ("schedulable", "is_schedulable"),
    ("statusable", "is_statusable"),
    ("taskable", "is_taskable"),
    ("typeable", "is_typeable"),
];

/// What an object type may not be given, by the flag it lacks.
const FROZEN_WITHOUT: [(&str, &[&str]); 4] = [
    ("typeable", &["type_id", "type"]),
    ("statusable", &["status_id", "status"]),
    ("schedulable", &["bid", "start_date", "end_date"]),
    ("prioritizable", &["priority_id", "priority"]),
];

impl ObjectType {
    pub(super) fn from_words(words: &[String]) -> Result<Self, String> {
        let [_, name, id, icon, flags @ ..] = words else {
            return Err("an object type needs a name, an id and an icon".to_owned());
        };
        Ok(Self {
            name: name.trim_matches('"').to_owned(),
            id: id.clone(),
            icon: icon.clone(),
            flags: flags.to_vec(),
            is_built_in: true,
            is_gone: false,
        })
    }

    pub(crate) fn from_row(schema: &Schema, row: &Row) -> Self {
        let is_set = |(_, column): &&(&str, &str)| row.get(schema, column).is_true();
        Self {
            name: row.get(schema, "name").to_text(),
            id: row.key(schema).to_string(),
            icon: row.get(schema, "icon").to_text(),
            flags: FLAGS
                .iter()
                .filter(is_set)
                .map(|(flag, _)| (*flag).to_owned())
                .collect(),
            is_built_in: false,
            is_gone: false,
        }
    }

    /// The name of the entity type: that of the object type without spaces and signs.
    pub(crate) fn type_name(&self) -> String {
        if self.is_gone && !self.is_built_in {
            // Another may be made of the same name.
            return self.id.clone();
        }
        type_name(&self.name)
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }

    /// Columns of the row, and whether they are true.
    pub(crate) fn flag_columns(&self) -> impl Iterator<Item = (&'static str, bool)> {
        FLAGS.iter().map(|(flag, column)| (*column, self.has(flag)))
    }

    /// The entity type, before names are resolved.
    pub(super) fn to_entity(&self) -> RawEntity {
        let name = self.type_name();
        let quoted = format!("\"{}\"", self.id);
        let lines: [&[&str]; 2] = [
            &[
                "object_type_id",
                "fk:ObjectType!#",
                "as",
                "object_typeid",
                "=",
                &quoted,
            ],
            &[
                "priority_id",
                "fk:Priority!",
                "as",
                "priorityid",
                "=",
                "\"9661b320-3a0c-11e2-81c1-0800200c9a66\"",
            ],
        ];
        let mut frozen = vec!["object_type".to_owned()];
        for (flag, attributes) in FROZEN_WITHOUT {
            if !self.has(flag) {
                frozen.extend(attributes.iter().map(|attribute| (*attribute).to_owned()));
            }
        }
        match name.as_str() {
            "Task" => {}
            "Milestone" => frozen.extend(["split_parts".to_owned(), "start_date".to_owned()]),
            _ => frozen.push("split_parts".to_owned()),
        }
        RawEntity {
            name,
            parent: Some("TypedContext".to_owned()),
            shows_mixin: true,
            legacy: Some((
                "Task".to_owned(),
                vec![("object_typeid".to_owned(), self.id.clone())],
            )),
            hidden: self.is_gone,
            stored_as: (!self.is_built_in).then(|| self.id.clone()),
            grouped: true,
            frozen,
            attributes: lines
                .iter()
                .map(|line| {
                    line.iter()
                        .map(|word| (*word).to_owned())
                        .collect::<Vec<_>>()
                })
                .map(|line| attribute(&line).expect("the two lines above are well formed"))
                .collect(),
            ..RawEntity::default()
        }
    }
}

/// What an entity type is called whose object type has this name.
pub(crate) fn type_name(name: &str) -> String {
    name.chars().filter(|sign| sign.is_alphanumeric()).collect()
}

impl Schema {
    /// The schema with exactly these kinds of typed context. What has rows keeps its position.
    ///
    /// # Errors
    ///
    /// Fails when two entity types would have one name.
    pub(crate) fn with_object_types(&self, wanted: Vec<ObjectType>) -> Result<Self, SchemaError> {
        let (mut entities, _) = read_tables()?;
        let mut object_types = self.object_types.clone();
        for known in &mut object_types {
            match wanted.iter().find(|wanted| wanted.id == known.id) {
                // Clients rely on the names of the types that the tables define; that they outlive a new
                // name of the object type is assumed.
                Some(row) if known.is_built_in => {
                    known.flags.clone_from(&row.flags);
                    known.is_gone = false;
                }
                Some(row) => known.clone_from(row),
                None => known.is_gone = true,
            }
        }
        for new in wanted {
            if !object_types.iter().any(|known| known.id == new.id) {
                object_types.push(new);
            }
        }
        for object_type in &object_types {
            let entity = object_type.to_entity();
            match entities
                .iter_mut()
                .find(|known| known.legacy == entity.legacy)
            {
                Some(known) => *known = entity,
                None => entities.push(entity),
            }
        }
        link::link(entities, object_types)
    }
}
