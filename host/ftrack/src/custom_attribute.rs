//! The attributes that a studio made, by their names, wherever the server keeps their values.

mod kind;
mod values;

use serde_json::{Value, json};

use crate::entity::{CustomAttributeConfiguration, Entity, FieldError, Id};
use crate::error::CallError;
use crate::operation::Operation;
use crate::query::Query;
use crate::session::{ReadError, Session};

pub use kind::AttributeKind;

/// All attributes that the studio made, read once by [`Session::custom_attributes`].
#[derive(Clone, Debug, Default)]
pub struct CustomAttributes {
    all: Vec<CustomAttribute>,
}

/// One attribute that the studio made, for one kind of entity or for all contexts.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomAttribute {
    /// The id of its configuration.
    pub id: Id<CustomAttributeConfiguration>,
    /// Its name to programs: `fstart`.
    pub key: String,
    /// Its name to people.
    pub label: String,
    /// What it can hold.
    pub kind: AttributeKind,
    /// What it holds where nobody set it.
    pub default: Value,
    /// Whether what is below inherits it.
    pub is_hierarchical: bool,
    entity_type: String,
    object_type_id: Option<String>,
    project_id: Option<String>,
}

/// Something that has custom attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    id: String,
    entity_type: String,
    object_type_id: Option<String>,
    project_id: Option<String>,
    store: Store,
}

/// Where the server keeps values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    Context,
    Asset,
    AssetVersion,
    List,
    User,
}

/// Why an attribute cannot be set or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttributeError {
    /// The entity has no such attribute. Choose one of those that it has.
    #[error("`{entity_type}` has no attribute `{key}`; it has {}", listed(known))]
    Unknown {
        /// The entity's type.
        entity_type: String,
        /// The name that was given.
        key: String,
        /// The names of those that it has.
        known: Vec<String>,
    },
    /// Entities of this type have none at all.
    #[error("`{entity_type}` has no attributes of the studio's")]
    NoAttributes {
        /// The entity's type.
        entity_type: String,
    },
    /// The value is of another kind.
    #[error("`{key}` takes {wanted}")]
    OtherKind {
        /// The attribute.
        key: String,
        /// What it takes.
        wanted: &'static str,
    },
    /// The value is not among those that can be chosen.
    #[error("`{key}` cannot be `{value}`; it is one of {}", listed(choices))]
    NoChoice {
        /// The attribute.
        key: String,
        /// The value.
        value: String,
        /// What can be chosen.
        choices: Vec<String>,
    },
    /// What should have attributes was read without what says which.
    #[error("could not tell which attributes it has")]
    Owner(#[from] FieldError),
    /// The values could not be read.
    #[error(transparent)]
    Call(#[from] CallError),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

impl Owner {
    /// Takes an entity for what has attributes. It must have been read with its `project_id`, if it has one, and
    /// something below a project with its `object_type_id`; the server sends both of contexts anyway.
    ///
    /// # Errors
    ///
    /// Tells if its type has none, or what is missing.
    pub fn of(entity: &Entity) -> Result<Self, AttributeError> {
        let entity_type = entity.entity_type();
        let is_context = entity_type == "Project" || entity.has("object_type_id");
        let store = match entity_type {
            _ if is_context => Store::Context,
            "Asset" => Store::Asset,
            "AssetVersion" => Store::AssetVersion,
            "User" => Store::User,
            "List" | "TypedContextList" | "AssetVersionList" => Store::List,
            _ => {
                let entity_type = entity_type.to_owned();
                return Err(AttributeError::NoAttributes { entity_type });
            }
        };
        let text = |name| Ok::<_, FieldError>(entity.text(name)?.map(str::to_owned));
        let project_id = match entity_type {
            "Project" => text("id")?,
            "User" => None,
            _ => text("project_id")?,
        };
        Ok(Self {
            id: entity.id()?.to_owned(),
            entity_type: entity_type.to_owned(),
            object_type_id: match is_context && entity_type != "Project" {
                true => text("object_type_id")?,
                false => None,
            },
            project_id,
            store,
        })
    }
}

impl Store {
    /// The type of the entities that hold the values.
    fn value_type(self) -> &'static str {
        match self {
            Self::Context => "ContextCustomAttributeValue",
            Self::Asset => "AssetCustomAttributeValue",
            Self::AssetVersion => "AssetVersionCustomAttributeValue",
            Self::List => "ListCustomAttributeValue",
            Self::User => "UserCustomAttributeValue",
        }
    }
}

impl CustomAttribute {
    fn from_configuration(row: &CustomAttributeConfiguration) -> Result<Self, FieldError> {
        let name = match row.type_()? {
            Some(kind) => kind.name()?.unwrap_or_default().to_owned(),
            None => String::new(),
        };
        Ok(Self {
            id: row.id()?,
            key: row.key()?.to_owned(),
            label: row.label()?.unwrap_or_default().to_owned(),
            kind: AttributeKind::new(&name, row.config()?),
            default: row.default()?.clone(),
            is_hierarchical: row.is_hierarchical()?.unwrap_or(false),
            entity_type: row.entity_type()?.unwrap_or_default().to_owned(),
            object_type_id: row.object_type_id()?.map(String::from),
            project_id: row.project_id()?.map(String::from),
        })
    }

    fn applies_to(&self, owner: &Owner) -> bool {
        if self.project_id.is_some() && self.project_id != owner.project_id {
            return false;
        }
        if self.is_hierarchical {
            return matches!(
                owner.store,
                Store::Context | Store::Asset | Store::AssetVersion
            );
        }
        let entity_type = match owner.store {
            Store::Context if owner.object_type_id.is_some() => "task",
            Store::Context => "show",
            Store::Asset => "asset",
            Store::AssetVersion => "assetversion",
            Store::List => "list",
            Store::User => "user",
        };
        self.entity_type == entity_type
            && (entity_type != "task" || self.object_type_id == owner.object_type_id)
    }
}

impl CustomAttributes {
    /// Returns all attributes that something has, each name once: what is made for its project or for its type goes
    /// before what is made for all.
    pub fn of(&self, owner: &Owner) -> Vec<&CustomAttribute> {
        let mut own: Vec<_> = self
            .all
            .iter()
            .filter(|one| one.applies_to(owner))
            .collect();
        own.sort_by_key(|one| (&one.key, one.project_id.is_none(), one.is_hierarchical));
        own.dedup_by(|later, kept| later.key == kept.key);
        own
    }

    /// Returns the attribute with this name.
    ///
    /// # Errors
    ///
    /// Tells if there is none.
    pub fn find(&self, owner: &Owner, key: &str) -> Result<&CustomAttribute, AttributeError> {
        let own = self.of(owner);
        let known = || own.iter().map(|one| one.key.clone()).collect();
        own.iter()
            .find(|one| one.key == key)
            .copied()
            .ok_or_else(|| AttributeError::Unknown {
                entity_type: owner.entity_type.clone(),
                key: key.to_owned(),
                known: known(),
            })
    }

    /// Returns the operation that gives an attribute a value; `null` takes it away.
    ///
    /// # Errors
    ///
    /// Tells if there is no such attribute, or if it cannot have that value.
    pub fn set(
        &self,
        owner: &Owner,
        key: &str,
        value: &Value,
    ) -> Result<Operation, AttributeError> {
        let attribute = self.find(owner, key)?;
        let value = attribute.kind.to_wire(key, value)?;
        let Value::Object(data) = json!({ "value": value }) else {
            unreachable!("it is written as an object");
        };
        // There is no creation of values: the update makes what is not there.
        Ok(Operation::Update {
            entity_type: owner.store.value_type().to_owned(),
            key: vec![attribute.id.to_string(), owner.id.clone()],
            data,
        })
    }
}

impl Session {
    /// Reads which attributes the studio has made.
    ///
    /// # Errors
    ///
    /// Returns how the call failed.
    pub async fn custom_attributes(&self) -> Result<CustomAttributes, ReadError> {
        let query = Query::of::<CustomAttributeConfiguration>()
            .select(["id", "key", "label", "type.name", "config", "default"])
            .select([
                "entity_type",
                "object_type_id",
                "project_id",
                "is_hierarchical",
            ]);
        let rows: Vec<CustomAttributeConfiguration> = self.all(&query).await?;
        let all = rows.iter().map(CustomAttribute::from_configuration);
        Ok(CustomAttributes {
            all: all.collect::<Result<_, _>>()?,
        })
    }
}
