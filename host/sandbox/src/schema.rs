//! The entity types the server knows: what attributes they have, and how rows relate.
//!
//! The tables are written in a compact notation of our own (`schema/tables/*.schema`, explained in
//! `schema/parse.rs`), read once at start-up. The JSON documents that clients download, the legacy
//! names in events, the columns of the store and the joins of the query language all come from it.

mod belong;
mod document;
mod link;
mod object_type;
mod parse;
mod python_json;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

pub(crate) use document::Document;
pub(crate) use object_type::{ObjectType, type_name};
pub(crate) use parse::SchemaError;

/// The tables, in the order in which clients get them.
const TABLES: [(&str, &str); 10] = [
    ("context", include_str!("schema/tables/context.schema")),
    (
        "object_types",
        include_str!("schema/tables/object_types.schema"),
    ),
    ("workflow", include_str!("schema/tables/workflow.schema")),
    ("people", include_str!("schema/tables/people.schema")),
    ("asset", include_str!("schema/tables/asset.schema")),
    ("note", include_str!("schema/tables/note.schema")),
    ("time", include_str!("schema/tables/time.schema")),
    ("review", include_str!("schema/tables/review.schema")),
    ("setting", include_str!("schema/tables/setting.schema")),
    (
        "custom_attribute",
        include_str!("schema/tables/custom_attribute.schema"),
    ),
];

/// Index of an entity type in [`Schema::types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TypeId(pub(crate) u16);

/// Index of a table: a family of entity types whose rows lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TableId(pub(crate) u16);

/// Everything known of the entity types.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) types: Vec<EntityType>,
    pub(crate) tables: Vec<TableShape>,
    pub(crate) object_types: Vec<ObjectType>,
    names: HashMap<Arc<str>, TypeId>,
}

/// The columns of a table: the union of those of its entity types.
#[derive(Debug, Default)]
pub(crate) struct TableShape {
    pub(crate) columns: Vec<Arc<str>>,
    pub(crate) indexed: Vec<bool>,
    /// Columns elsewhere that point at rows of this table.
    pub(crate) referrers: Vec<Referrer>,
}

/// A foreign key, seen from the table it points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Referrer {
    pub(crate) table: TableId,
    pub(crate) column: usize,
    pub(crate) on_delete: OnDelete,
}

/// One entity type.
#[derive(Debug)]
pub(crate) struct EntityType {
    pub(crate) id: TypeId,
    pub(crate) name: Arc<str>,
    /// The name on disk.
    pub(crate) stored_as: Arc<str>,
    pub(crate) table: TableId,
    pub(crate) mixin: Option<TypeId>,
    /// Whether the mixin is shown to clients; some types only share a table with their parent.
    pub(crate) shows_mixin: bool,
    pub(crate) legacy: Option<Legacy>,
    /// Known to the store only.
    pub(crate) hidden: bool,
    /// Has no rows of its own.
    pub(crate) is_abstract: bool,
    pub(crate) can_group: bool,
    pub(crate) primary_key: Vec<Arc<str>>,
    pub(crate) key_columns: Vec<usize>,
    pub(crate) default_projections: Vec<Arc<str>>,
    /// Legacy names, as clients see them.
    pub(crate) system_projections: Vec<Arc<str>>,
    pub(crate) attributes: Vec<Attribute>,
    /// The types whose rows a query on this type finds, itself first.
    pub(crate) kinds: Vec<TypeId>,
    pub(crate) unique: Vec<Unique>,
    /// Columns that lead to the project a row belongs to.
    pub(crate) belongs: Vec<Belongs>,
    index: HashMap<Arc<str>, usize>,
}

/// The name an entity type had in the older API; it lives on in events and actions.
#[derive(Clone, Debug)]
pub(crate) struct Legacy {
    pub(crate) name: Arc<str>,
    /// Column and value that tell rows of this type from others of the same name.
    pub(crate) classifiers: Vec<(Arc<str>, Arc<str>)>,
}

/// Columns that no two rows of a type may share.
#[derive(Clone, Debug)]
pub(crate) struct Unique {
    pub(crate) columns: Vec<usize>,
    pub(crate) exception: Arc<str>,
}

/// A column that says what a row is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Belongs {
    Project {
        column: usize,
    },
    Row {
        column: usize,
        target: TypeId,
    },
    /// Any kind of entity: the column is no foreign key.
    Anything {
        column: usize,
    },
}

/// One attribute of an entity type.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) legacy: Option<Arc<str>>,
    pub(crate) required: bool,
    pub(crate) immutable: bool,
    pub(crate) computed: bool,
    pub(crate) hidden: bool,
    /// What a client fills in.
    pub(crate) default: Option<Json>,
    /// What the server fills in.
    pub(crate) auto: Option<Auto>,
    pub(crate) choices: Vec<Arc<str>>,
}

/// What an attribute holds, and where.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Scalar {
        column: usize,
        scalar: Scalar,
        target: Option<TypeId>,
    },
    Reference {
        target: TypeId,
        column: usize,
    },
    Collection {
        target: TypeId,
        join: Join,
        mapped: bool,
        filter_only: bool,
    },
    /// Computed when it is read.
    Derived {
        derived: Derived,
        shape: Shape,
    },
}

/// What a derived attribute looks like from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Scalar(Scalar),
    Reference(TypeId),
    Collection { target: TypeId, mapped: bool },
}

/// How the rows of a collection are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// Rows whose column holds the key of this one.
    Column {
        column: usize,
        filter: Option<(usize, Arc<str>)>,
    },
    /// Rows that a row of a link table pairs with this one.
    Through {
        link: TypeId,
        own: usize,
        other: usize,
    },
    /// Nothing is stored yet.
    Nothing,
}

/// The type of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A text that clients fill with a fresh uuid.
    Key,
    Text,
    /// The name of an entity type.
    TypeName,
    /// A JSON document inside a text.
    JsonText,
    Integer,
    Number,
    Boolean,
    Time,
    Object,
    /// Whatever the configuration of a custom attribute says.
    Variable,
}

/// What the server puts into an attribute that the client left out.
#[derive(Clone, Debug)]
pub(crate) enum Auto {
    Now,
    User,
    Value(Json),
}

/// What happens to a row when the row it points at is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDelete {
    Cascade,
    Clear,
    Refuse,
}

/// Attributes that are computed when they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Derived {
    Ancestors,
    BidTimeLoggedDifference,
    CustomAttributes,
    Descendants,
    IsLatestVersion,
    IsOpen,
    LatestVersion,
    Link,
    ThumbnailUrl,
    TimeLogged,
    Url,
}

impl Schema {
    /// Reads the tables that are part of the program.
    pub(crate) fn built_in() -> Result<Self, SchemaError> {
        let (entities, object_types) = read_tables()?;
        link::link(entities, object_types)
    }

    pub(crate) fn type_named(&self, name: &str) -> Option<&EntityType> {
        self.names
            .get(name)
            .map(|id| self.entity_type(*id))
            .filter(|found| !found.hidden)
    }

    pub(crate) fn entity_type(&self, id: TypeId) -> &EntityType {
        &self.types[usize::from(id.0)]
    }

    /// Tells whether an entity type other than that of this object type has the name.
    pub(crate) fn is_name_taken(&self, name: &str, object_type_id: &str) -> bool {
        let known = self.names.get(name).map(|id| self.entity_type(*id));
        known.is_some_and(|known| {
            let classifiers = known.legacy.iter().flat_map(|legacy| &legacy.classifiers);
            !classifiers
                .into_iter()
                .any(|(_, id)| **id == *object_type_id)
        })
    }

    /// Finds a type that the server's own code names.
    ///
    /// # Panics
    ///
    /// Panics when the tables lack it, which the tests would have shown.
    pub(crate) fn expect_type(&self, name: &str) -> &EntityType {
        let id = self
            .names
            .get(name)
            .expect("the built-in tables define every type that the code names");
        self.entity_type(*id)
    }

    /// Tells whether rows of type `kind` are found by a query on `wanted`.
    pub(crate) fn is_kind_of(&self, kind: TypeId, wanted: TypeId) -> bool {
        kind == wanted || self.entity_type(wanted).kinds.contains(&kind)
    }
}

fn read_tables() -> Result<(Vec<parse::RawEntity>, Vec<ObjectType>), SchemaError> {
    let mut entities = Vec::new();
    let mut object_types = Vec::new();
    for (file, text) in TABLES {
        parse::parse(file, text, &mut entities, &mut object_types)?;
    }
    Ok((entities, object_types))
}

impl EntityType {
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.index
            .get(name)
            .map(|position| &self.attributes[*position])
    }

    /// The attribute of this name, unless clients must not know of it.
    pub(crate) fn public_attribute(&self, name: &str) -> Option<&Attribute> {
        self.attribute(name).filter(|attribute| !attribute.hidden)
    }

    /// The column that holds the scalar of this name.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        match self.attribute(name)?.kind {
            Kind::Scalar { column, .. } => Some(column),
            _ => None,
        }
    }

    /// Finds a column that the server's own code names.
    ///
    /// # Panics
    ///
    /// Panics when the tables lack it, which the tests would have shown.
    pub(crate) fn expect_column(&self, name: &str) -> usize {
        self.column(name)
            .expect("the built-in tables define every column that the code names")
    }

    /// Tells whether this is a project or something below one.
    pub(crate) fn is_context(&self) -> bool {
        self.index.contains_key("context_type")
    }

    /// Tells whether this is something below a project.
    pub(crate) fn is_typed_context(&self) -> bool {
        self.is_context() && self.index.contains_key("object_type_id")
    }

    /// Tells whether rows of this type hold the value of a custom attribute.
    pub(crate) fn is_custom_attribute_value(&self) -> bool {
        self.name.ends_with("CustomAttributeValue")
    }

    /// Tells whether rows of this type link two entities as a custom attribute says.
    pub(crate) fn is_custom_attribute_link(&self) -> bool {
        self.name.ends_with("CustomAttributeLink")
    }

    /// Tells whether rows of this type are others seen from their other side.
    pub(crate) fn is_other_side(&self) -> bool {
        self.name.ends_with("CustomAttributeLinkFrom")
    }

    /// The public attribute behind a name from [`Self::system_projections`].
    pub(crate) fn system_attribute(&self, legacy: &str) -> Option<&Attribute> {
        let legacy = legacy.trim_start_matches('_');
        self.public_attribute(legacy)
            .or_else(|| {
                self.attributes
                    .iter()
                    .find(|attribute| attribute.legacy.as_deref() == Some(legacy))
            })
            .filter(|attribute| matches!(attribute.kind, Kind::Scalar { .. }) && !attribute.hidden)
    }

    /// The name of this type in events: lower case, of the older API.
    pub(crate) fn event_name(&self) -> String {
        let legacy = self
            .legacy
            .as_ref()
            .map_or(&self.name, |legacy| &legacy.name);
        if self.is_typed_context() {
            return "task".to_owned();
        }
        match &*self.name {
            "FileComponent" | "SequenceComponent" | "ContainerComponent" | "Component" => {
                "component".to_owned()
            }
            _ => legacy.to_lowercase(),
        }
    }
}

impl Kind {
    /// The type a relation leads to.
    pub(crate) fn target(&self) -> Option<TypeId> {
        match self {
            Self::Reference { target, .. } | Self::Collection { target, .. } => Some(*target),
            Self::Derived {
                shape: Shape::Reference(target) | Shape::Collection { target, .. },
                ..
            } => Some(*target),
            _ => None,
        }
    }
}

impl Attribute {
    /// The type an attribute leads to, if it is a relation.
    pub(crate) fn target(&self) -> Option<TypeId> {
        self.kind.target()
    }

    pub(crate) fn is_collection(&self) -> bool {
        matches!(
            self.kind,
            Kind::Collection { .. }
                | Kind::Derived {
                    shape: Shape::Collection { .. },
                    ..
                }
        )
    }

    /// The name of this attribute in events.
    pub(crate) fn event_name(&self) -> &Arc<str> {
        self.legacy.as_ref().unwrap_or(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_tables_can_be_read() {
        let schema = Schema::built_in().unwrap();
        let task = schema.type_named("Task").unwrap();
        assert!(task.is_typed_context());
        assert_eq!(
            &*task.system_attribute("showid").unwrap().name,
            "project_id"
        );
        assert!(schema.types.iter().filter(|found| !found.hidden).count() > 110);
        assert!(schema.type_named("ContextScope").is_none());
    }

    #[test]
    fn event_names_are_those_of_the_older_api() {
        let schema = Schema::built_in().unwrap();
        for (name, expected) in [
            ("Project", "show"),
            ("Shot", "task"),
            ("AssetVersion", "assetversion"),
            ("FileComponent", "component"),
            ("TypedContextLink", "dependency"),
            ("TypedContextList", "list"),
            ("Metadata", "meta"),
            ("UserSecurityRoleProject", "userroleproject"),
            ("Event", "socialevent"),
        ] {
            assert_eq!(
                schema.type_named(name).unwrap().event_name(),
                expected,
                "{name}"
            );
        }
    }
}
