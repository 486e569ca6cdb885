//! What a new sandbox contains. Ids are derived from names, so they are the same in every sandbox.

mod demo;
mod studio;

use md5::{Digest, Md5};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::access::Access;
use crate::api::{api_key_row, new_secret};
use crate::error::ApiError;
use crate::operations::{Caller, Transaction};
use crate::store::Store;

/// What a new sandbox contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seed {
    /// A studio's settings and users, and two projects with shots, tasks and versions.
    #[default]
    Demo,
    /// The same settings and users, and no project.
    Empty,
}

/// How large the demo is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scale {
    /// Shots of a further project, each with three tasks; none of it when this is 0.
    pub shots: usize,
}

/// The user whom the sandbox introduces itself with.
const MAIN_USER: &str = "ada";

pub(crate) fn plant(store: &mut Store, seed: Seed, scale: &Scale) -> Result<(), ApiError> {
    let caller = Caller {
        access: Access::unlimited(),
        ..Caller::default()
    };
    let mut planter = Planter {
        transaction: Transaction::new(store, &caller),
    };
    studio::plant(&mut planter)?;
    if seed == Seed::Demo {
        demo::plant(&mut planter)?;
    }
    if scale.shots > 0 {
        demo::plant_large(&mut planter, scale.shots)?;
    }
    planter.transaction.check_rows()
}

/// The id that a name stands for.
pub(crate) fn id_from_name(name: &str) -> String {
    let digest = Md5::digest(format!("callboard sandbox/{name}"));
    uuid::Builder::from_md5_bytes(digest.into())
        .into_uuid()
        .to_string()
}

/// User names and API keys of all who have one.
pub(crate) fn credentials(store: &Store) -> Vec<(String, String)> {
    let schema = &store.schema;
    let users = store.rows(schema.expect_type("User").id);
    let found = users.filter_map(|user| {
        let key = store
            .rows_where("ApiKey", "resource_id", &user.key(schema))
            .into_iter()
            .next()?;
        Some((
            user.get(schema, "username").to_text(),
            key.text(schema, "secret")?.to_string(),
        ))
    });
    found.collect()
}

pub(crate) fn main_credentials(store: &Store) -> Option<(String, String)> {
    let all = credentials(store);
    let main = all
        .iter()
        .find(|(user, _)| user == MAIN_USER)
        .or_else(|| all.first());
    main.cloned()
}

/// Makes entities by the same road as clients do.
struct Planter<'a> {
    transaction: Transaction<'a>,
}

impl Planter<'_> {
    /// Creates an entity whose id comes from `type/name`, and returns the id.
    fn add(&mut self, entity_type: &str, name: &str, data: Json) -> Result<String, ApiError> {
        let id = id_from_name(&format!("{entity_type}/{name}"));
        self.add_with_id(entity_type, &id, data)?;
        Ok(id)
    }

    fn add_with_id(&mut self, entity_type: &str, id: &str, mut data: Json) -> Result<(), ApiError> {
        data["id"] = json!(id);
        self.add_keyed(entity_type, data)
    }

    /// Creates an entity whose key is among its data.
    fn add_keyed(&mut self, entity_type: &str, data: Json) -> Result<(), ApiError> {
        self.transaction
            .create(&json!({"entity_type": entity_type, "entity_data": data}))?;
        Ok(())
    }

    fn add_user(&mut self, username: &str, role: &str, data: Json) -> Result<String, ApiError> {
        let mut data = data;
        data["username"] = json!(username);
        data["email"] = json!(format!("{username}@example.com"));
        let id = self.add("User", username, data)?;
        let role = id_from_name(&format!("SecurityRole/{role}"));
        let given = json!({"user_id": id, "security_role_id": role, "is_all_projects": true, "is_all_open_projects": true});
        self.add("UserSecurityRole", username, given)?;
        // Keys are secrets, so unlike ids they differ between sandboxes.
        let key_id = Uuid::new_v4().to_string();
        let row = api_key_row(self.transaction.store, &id, &new_secret(), &key_id);
        self.transaction.store.insert(row);
        Ok(id)
    }
}

/// The demo in memory, for tests.
#[cfg(test)]
pub(crate) fn demo_store() -> Store {
    let schema = crate::schema::Schema::built_in().expect("the built-in tables are sound");
    let mut store = Store::in_memory(std::sync::Arc::new(schema));
    plant(&mut store, Seed::Demo, &Scale::default()).expect("the demo can be made");
    store.commit().expect("a store in memory can be committed");
    store
}
