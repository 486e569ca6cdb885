//! Turns entities as written into the schema: inherits, lays out columns, resolves names.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::belong;
use super::object_type::ObjectType;
use super::parse::{RawAttribute, RawEntity, RawKind, SchemaError};
use super::{
    Attribute, EntityType, Join, Kind, Legacy, OnDelete, Referrer, Scalar, Schema, Shape, TableId,
    TableShape, TypeId, Unique,
};

/// Columns that queries often compare and that no relation would index.
const OFTEN_COMPARED: [&str; 8] = [
    "name",
    "username",
    "key",
    "parent_id",
    "entity_id",
    "from_id",
    "to_id",
    "identifier",
];

pub(super) fn link(
    entities: Vec<RawEntity>,
    object_types: Vec<ObjectType>,
) -> Result<Schema, SchemaError> {
    let mut linker = Linker::new(entities)?;
    linker.lay_out_columns();
    let mut types = (0..linker.entities.len())
        .map(|index| linker.entity_type(index))
        .collect::<Result<Vec<_>, _>>()?;
    linker.collect_referrers(&types);
    belong::resolve(&mut types);
    linker.index_relations(&types);
    let names = linker
        .names
        .iter()
        .map(|(name, id)| (Arc::from(name.as_str()), *id))
        .collect();
    Ok(Schema {
        types,
        tables: linker.tables,
        object_types,
        names,
    })
}

struct Linker {
    /// With inherited attributes filled in.
    entities: Vec<RawEntity>,
    names: HashMap<String, TypeId>,
    table_of: Vec<TableId>,
    tables: Vec<TableShape>,
    columns: Vec<HashMap<String, usize>>,
}

fn fail(entity: &str, message: impl Into<String>) -> SchemaError {
    SchemaError {
        file: entity.to_owned(),
        line: 0,
        message: message.into(),
    }
}

impl Linker {
    fn new(mut entities: Vec<RawEntity>) -> Result<Self, SchemaError> {
        // Parents are written before their children, so one pass inherits everything.
        let mut names: HashMap<String, TypeId> = HashMap::new();
        let mut table_of = Vec::new();
        let mut tables = Vec::new();
        for index in 0..entities.len() {
            let entity = &entities[index];
            let id =
                TypeId(u16::try_from(index).map_err(|_| fail(&entity.name, "too many entities"))?);
            if let Some(parent) = &entity.parent {
                let parent = *names.get(parent).ok_or_else(|| {
                    fail(&entity.name, format!("`{parent}` is not defined above"))
                })?;
                let parent = usize::from(parent.0);
                entities[index] = inherited(&entities[parent], &entities[index]);
                table_of.push(table_of[parent]);
            } else {
                table_of.push(TableId(
                    u16::try_from(tables.len())
                        .map_err(|_| fail(&entity.name, "too many tables"))?,
                ));
                tables.push(TableShape::default());
            }
            if names.insert(entities[index].name.clone(), id).is_some() {
                let name = &entities[index].name;
                return Err(fail(name, format!("entity type {name} is defined twice")));
            }
        }
        let columns = vec![HashMap::new(); tables.len()];
        Ok(Self {
            entities,
            names,
            table_of,
            tables,
            columns,
        })
    }

    fn lay_out_columns(&mut self) {
        for (entity, table) in self.entities.iter().zip(&self.table_of) {
            let table = usize::from(table.0);
            for attribute in &entity.attributes {
                let is_stored =
                    matches!(attribute.kind, RawKind::Scalar(_) | RawKind::ForeignKey(_));
                if !is_stored
                    || attribute.derived.is_some()
                    || self.columns[table].contains_key(&attribute.name)
                {
                    continue;
                }
                let shape = &mut self.tables[table];
                self.columns[table].insert(attribute.name.clone(), shape.columns.len());
                shape.columns.push(Arc::from(attribute.name.as_str()));
                shape.indexed.push(
                    matches!(attribute.kind, RawKind::ForeignKey(_))
                        || OFTEN_COMPARED.contains(&attribute.name.as_str()),
                );
            }
        }
        for (entity, table) in self.entities.iter().zip(&self.table_of) {
            let table = usize::from(table.0);
            for column in entity.unique.iter().flat_map(|(columns, _)| columns) {
                if let Some(column) = self.columns[table].get(column) {
                    self.tables[table].indexed[*column] = true;
                }
            }
        }
    }

    fn type_id(&self, entity: &RawEntity, name: &str) -> Result<TypeId, SchemaError> {
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| fail(&entity.name, format!("unknown type `{name}`")))
    }

    fn column(&self, entity: &RawEntity, of: TypeId, name: &str) -> Result<usize, SchemaError> {
        let table = self.table_of[usize::from(of.0)];
        self.columns[usize::from(table.0)]
            .get(name)
            .copied()
            .ok_or_else(|| {
                fail(
                    &entity.name,
                    format!("`{name}` is no column of the related type"),
                )
            })
    }

    fn entity_type(&self, index: usize) -> Result<EntityType, SchemaError> {
        let entity = &self.entities[index];
        let id = self.type_id(entity, &entity.name)?;
        let attributes = entity
            .attributes
            .iter()
            .map(|raw| self.attribute(entity, id, raw))
            .collect::<Result<Vec<_>, _>>()?;
        let list = |names: &Option<Vec<String>>| -> Option<Vec<Arc<str>>> {
            names
                .as_ref()
                .map(|names| names.iter().map(|name| Arc::from(name.as_str())).collect())
        };
        let primary_key = list(&entity.primary).unwrap_or_else(|| vec![Arc::from("id")]);
        let key_columns = primary_key
            .iter()
            .map(|name| self.column(entity, id, name))
            .collect::<Result<Vec<_>, _>>()?;
        let unique = entity
            .unique
            .iter()
            .map(|(columns, exception)| {
                let columns = columns
                    .iter()
                    .map(|name| self.column(entity, id, name))
                    .collect::<Result<_, _>>()?;
                Ok(Unique {
                    columns,
                    exception: Arc::from(exception.as_str()),
                })
            })
            .collect::<Result<_, SchemaError>>()?;
        Ok(EntityType {
            id,
            name: Arc::from(entity.name.as_str()),
            stored_as: Arc::from(entity.stored_as.as_ref().unwrap_or(&entity.name).as_str()),
            table: self.table_of[index],
            mixin: entity
                .parent
                .as_ref()
                .and_then(|parent| self.names.get(parent).copied()),
            shows_mixin: entity.shows_mixin,
            legacy: entity.legacy.as_ref().map(|(name, classifiers)| Legacy {
                name: Arc::from(name.as_str()),
                classifiers: classifiers
                    .iter()
                    .map(|(column, value)| (Arc::from(column.as_str()), Arc::from(value.as_str())))
                    .collect(),
            }),
            hidden: entity.hidden,
            is_abstract: entity.is_abstract,
            can_group: entity.grouped,
            default_projections: list(&entity.defaults).unwrap_or_else(|| primary_key.clone()),
            system_projections: list(&entity.system).unwrap_or_default(),
            index: attributes
                .iter()
                .enumerate()
                .map(|(index, found)| (found.name.clone(), index))
                .collect(),
            primary_key,
            key_columns,
            attributes,
            kinds: self.kinds(id),
            unique,
            belongs: Vec::new(),
        })
    }

    /// The type itself and everything that descends from it. `NoteLabel` and `NoteCategory` are two
    /// names of the same thing, so each finds the other's rows.
    fn kinds(&self, id: TypeId) -> Vec<TypeId> {
        let mut kinds = BTreeSet::new();
        for (name, candidate) in &self.names {
            let mut next = Some(name);
            while let Some(name) = next {
                if self.names[name] == id {
                    kinds.insert(*candidate);
                }
                next = self.entities[usize::from(self.names[name].0)]
                    .parent
                    .as_ref();
            }
        }
        if self.entities[usize::from(id.0)].name == "NoteCategory" {
            kinds.extend(self.names.get("NoteLabel"));
        }
        let rest = kinds.into_iter().filter(|kind| *kind != id);
        std::iter::once(id).chain(rest).collect()
    }

    fn attribute(
        &self,
        entity: &RawEntity,
        id: TypeId,
        raw: &RawAttribute,
    ) -> Result<Attribute, SchemaError> {
        let kind = match (&raw.kind, raw.derived) {
            (RawKind::Scalar(scalar), Some(derived)) => Kind::Derived {
                derived,
                shape: Shape::Scalar(*scalar),
            },
            (RawKind::Reference(target), Some(derived)) => Kind::Derived {
                derived,
                shape: Shape::Reference(self.type_id(entity, target)?),
            },
            (RawKind::Collection { target, mapped }, Some(derived)) => Kind::Derived {
                derived,
                shape: Shape::Collection {
                    target: self.type_id(entity, target)?,
                    mapped: *mapped,
                },
            },
            (RawKind::ForeignKey(_), Some(_)) => {
                return Err(fail(&entity.name, "a foreign key cannot be derived"));
            }
            (RawKind::Scalar(scalar), None) => Kind::Scalar {
                column: self.column(entity, id, &raw.name)?,
                scalar: *scalar,
                target: None,
            },
            (RawKind::ForeignKey(target), None) => Kind::Scalar {
                column: self.column(entity, id, &raw.name)?,
                scalar: Scalar::Text,
                target: Some(self.type_id(entity, target)?),
            },
            (RawKind::Reference(target), None) => {
                let column = raw.by.clone().unwrap_or_else(|| format!("{}_id", raw.name));
                Kind::Reference {
                    target: self.type_id(entity, target)?,
                    column: self.column(entity, id, &column)?,
                }
            }
            (RawKind::Collection { target, mapped }, None) => {
                let target = self.type_id(entity, target)?;
                Kind::Collection {
                    target,
                    join: self.join(entity, target, raw)?,
                    mapped: *mapped,
                    filter_only: raw.filter_only,
                }
            }
        };
        Ok(Attribute {
            name: Arc::from(raw.name.as_str()),
            kind,
            legacy: raw.legacy.as_deref().map(Arc::from),
            required: raw.required,
            immutable: raw.immutable || entity.frozen.contains(&raw.name),
            computed: raw.computed,
            hidden: raw.hidden,
            default: raw.default.clone(),
            auto: raw.auto.clone(),
            choices: raw
                .choices
                .iter()
                .map(|choice| Arc::from(choice.as_str()))
                .collect(),
        })
    }

    fn join(
        &self,
        entity: &RawEntity,
        target: TypeId,
        raw: &RawAttribute,
    ) -> Result<Join, SchemaError> {
        if let Some((link, own, other)) = &raw.through {
            let link = self.type_id(entity, link)?;
            return Ok(Join::Through {
                link,
                own: self.column(entity, link, own)?,
                other: self.column(entity, link, other)?,
            });
        }
        let Some(column) = &raw.by else {
            return Ok(Join::Nothing);
        };
        let filter = match &raw.filter {
            Some((column, value)) => Some((
                self.column(entity, target, column)?,
                Arc::from(value.as_str()),
            )),
            None => None,
        };
        Ok(Join::Column {
            column: self.column(entity, target, column)?,
            filter,
        })
    }

    /// Lets every relation be followed from both ends, also where its column is declared as plain text.
    fn index_relations(&mut self, types: &[EntityType]) {
        let table_of = |id: TypeId| usize::from(types[usize::from(id.0)].table.0);
        for entity in types {
            for attribute in &entity.attributes {
                match attribute.kind {
                    Kind::Reference { column, .. } => {
                        self.tables[table_of(entity.id)].indexed[column] = true;
                    }
                    Kind::Collection {
                        target,
                        join: Join::Column { column, .. },
                        ..
                    } => self.tables[table_of(target)].indexed[column] = true,
                    Kind::Collection {
                        join: Join::Through { link, own, other },
                        ..
                    } => {
                        let indexed = &mut self.tables[table_of(link)].indexed;
                        indexed[own] = true;
                        indexed[other] = true;
                    }
                    _ => {}
                }
            }
        }
    }

    fn collect_referrers(&mut self, types: &[EntityType]) {
        for entity in types {
            for attribute in &entity.attributes {
                let Kind::Scalar {
                    column,
                    target: Some(target),
                    ..
                } = attribute.kind
                else {
                    continue;
                };
                let raw = self.entities[usize::from(entity.id.0)].attributes.iter();
                let stated = raw
                    .filter(|raw| *raw.name == *attribute.name)
                    .find_map(|raw| raw.on_delete);
                let otherwise = if attribute.required {
                    OnDelete::Refuse
                } else {
                    OnDelete::Clear
                };
                let referrer = Referrer {
                    table: entity.table,
                    column,
                    on_delete: stated.unwrap_or(otherwise),
                };
                let table = types[usize::from(target.0)].table;
                let referrers = &mut self.tables[usize::from(table.0)].referrers;
                match referrers
                    .iter_mut()
                    .find(|known| known.table == referrer.table && known.column == column)
                {
                    // Children may be stricter about a column than the type they inherit it from.
                    Some(known) if referrer.on_delete == OnDelete::Cascade => {
                        known.on_delete = OnDelete::Cascade
                    }
                    Some(_) => {}
                    None => referrers.push(referrer),
                }
            }
        }
    }
}

/// The child with everything of the parent's that it does not define itself.
fn inherited(parent: &RawEntity, child: &RawEntity) -> RawEntity {
    let mut merged = child.clone();
    merged.attributes = parent.attributes.clone();
    for attribute in &child.attributes {
        match merged
            .attributes
            .iter_mut()
            .find(|known| known.name == attribute.name)
        {
            Some(known) => *known = attribute.clone(),
            None => merged.attributes.push(attribute.clone()),
        }
    }
    merged.primary = merged.primary.or_else(|| parent.primary.clone());
    merged.defaults = merged.defaults.or_else(|| parent.defaults.clone());
    merged.system = merged.system.or_else(|| parent.system.clone());
    merged.grouped |= parent.grouped;
    merged.hidden |= parent.hidden;
    let mut unique = parent.unique.clone();
    unique.append(&mut merged.unique);
    merged.unique = unique;
    merged
}
