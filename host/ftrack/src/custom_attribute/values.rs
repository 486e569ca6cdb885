//! The values of attributes, with what is inherited.

use std::collections::HashMap;

use serde_json::Value;

use super::{AttributeError, CustomAttribute, CustomAttributes, Owner, Store};
use crate::error::CallError;
use crate::query::{Filter, Query};
use crate::session::Session;

/// How many ids stand in one query.
const IDS_IN_A_QUERY: usize = 500;

/// Values by configuration and entity.
type Values = HashMap<(String, String), Value>;

impl Session {
    /// Returns what an attribute holds on each of `owners`: its own value, or what it inherits, or the default.
    ///
    /// # Errors
    ///
    /// Tells if one of them has no such attribute, or how a call failed.
    pub async fn custom_attribute(
        &self,
        attributes: &CustomAttributes,
        owners: &[Owner],
        key: &str,
    ) -> Result<Vec<Value>, AttributeError> {
        let of_each: Vec<&CustomAttribute> = owners
            .iter()
            .map(|owner| attributes.find(owner, key))
            .collect::<Result<_, _>>()?;
        let mut configurations: Vec<_> = of_each.iter().map(|one| one.id.to_string()).collect();
        configurations.sort_unstable();
        configurations.dedup();
        let above = match of_each.iter().any(|one| one.is_hierarchical) {
            true => self.above(owners).await?,
            false => HashMap::new(),
        };
        let mut values = Values::new();
        for store in [
            Store::Context,
            Store::Asset,
            Store::AssetVersion,
            Store::List,
            Store::User,
        ] {
            let own = owners.iter().filter(|owner| owner.store == store);
            let mut ids: Vec<&str> = own.map(|owner| owner.id.as_str()).collect();
            if store == Store::Context {
                ids.extend(above.values().flatten().map(String::as_str));
            }
            ids.sort_unstable();
            ids.dedup();
            for ids in ids.chunks(IDS_IN_A_QUERY) {
                self.read_values(store, ids, &configurations, &mut values)
                    .await?;
            }
        }
        let value = |(owner, attribute): (&Owner, &&CustomAttribute)| {
            let inherited = match attribute.is_hierarchical {
                true => above.get(&owner.id).map(Vec::as_slice).unwrap_or_default(),
                false => &[],
            };
            std::iter::once(&owner.id)
                .chain(inherited)
                .filter_map(|id| values.get(&(attribute.id.to_string(), id.clone())))
                .find(|value| !value.is_null())
                .unwrap_or(&attribute.default)
                .clone()
        };
        Ok(owners.iter().zip(&of_each).map(value).collect())
    }

    async fn read_values(
        &self,
        store: Store,
        ids: &[&str],
        configurations: &[String],
        values: &mut Values,
    ) -> Result<(), CallError> {
        let query = Query::from(store.value_type())
            .select(["value", "entity_id", "configuration_id"])
            .filter(Filter::is_in("entity_id", ids.iter().copied()))
            .filter(Filter::is_in("configuration_id", configurations.iter()));
        for mut row in self.query(&query.build().unwrap_or_default()).await? {
            let text = |name: &str| Some(row.get(name)?.as_str()?.to_owned());
            if let (Some(configuration), Some(entity)) =
                (text("configuration_id"), text("entity_id"))
            {
                let value = row.get_mut("value").map(Value::take).unwrap_or_default();
                values.insert((configuration, entity), value);
            }
        }
        Ok(())
    }

    /// Returns what each of `owners` inherits from, by its id: the nearest first.
    async fn above(&self, owners: &[Owner]) -> Result<HashMap<String, Vec<String>>, CallError> {
        let mut above = HashMap::new();
        for (store, entity_type, path) in [
            (Store::Context, "Context", "link"),
            (Store::Asset, "Asset", "parent.link"),
            (Store::AssetVersion, "AssetVersion", "asset.parent.link"),
        ] {
            let own = owners.iter().filter(|owner| owner.store == store);
            let ids: Vec<_> = own.map(|owner| owner.id.as_str()).collect();
            for ids in ids.chunks(IDS_IN_A_QUERY) {
                let query = Query::from(entity_type)
                    .select(["id", path])
                    .filter(Filter::is_in("id", ids.iter().copied()));
                let rows = self.query(&query.build().unwrap_or_default()).await?;
                above.extend(rows.iter().filter_map(|row| chain(row, path)));
            }
        }
        Ok(above)
    }
}

/// Reads the way from the project down to an entity, and turns it round.
fn chain(row: &Value, path: &str) -> Option<(String, Vec<String>)> {
    let id = row.get("id")?.as_str()?;
    let link = path
        .split('.')
        .try_fold(row, |value, name| value.get(name))?;
    let above = link.as_array()?.iter().rev();
    let ids = above.filter_map(|item| item.get("id")?.as_str());
    let ids = ids.filter(|above| *above != id).map(str::to_owned);
    Some((id.to_owned(), ids.collect()))
}
