//! Which operations of the API a child may ask for.

use callboard_protocol::{Permission, Verb};
use serde_json::Value;

/// What every session asks before anything else, and what tells nothing of anybody's work.
const FREE: [&str; 2] = ["query_server_information", "query_schemas"];

/// What reads.
const READS: [&str; 5] = [
    "query",
    "search",
    "permissions",
    "compute_rollups",
    "aggregates",
];

/// What prepares or ends the upload of a file.
const UPLOADS: [&str; 2] = ["get_upload_metadata", "complete_multipart_upload"];

/// What hands out or takes away credentials and rights: `ftrack.call.*` is not enough for it.
const RIGHTS: [&str; 9] = [
    "configure_totp",
    "generate_totp",
    "add_user_security_role",
    "remove_user_security_role",
    "update_user_security_role",
    "grant_user_security_role_project",
    "revoke_user_security_role_project",
    "grant_api_key_security_role",
    "revoke_api_key_security_role",
];

/// What no child may: it would be given the key, or take it from the host.
const NEVER: [&str; 1] = ["reset_remote"];

/// What a child was granted.
#[derive(Clone, Debug, Default)]
pub(super) struct Grants(Vec<Permission>);

impl Grants {
    pub(super) fn new(permissions: Vec<Permission>) -> Self {
        Self(permissions)
    }

    pub(super) fn has(&self, permission: &Permission) -> bool {
        self.0.contains(permission)
    }

    /// Checks a batch; returns the first thing that was not granted, as a sentence.
    pub(super) fn check(&self, operations: &[Value]) -> Result<(), String> {
        operations
            .iter()
            .try_for_each(|operation| self.check_one(operation))
    }

    fn check_one(&self, operation: &Value) -> Result<(), String> {
        let action = operation
            .get("action")
            .and_then(Value::as_str)
            .ok_or("an operation has no action")?;
        if FREE.contains(&action) {
            return Ok(());
        }
        if NEVER.contains(&action) {
            return Err(format!("no plugin may ask for `{action}`"));
        }
        if READS.contains(&action) {
            return self.need(&Permission::FtrackRead);
        }
        if UPLOADS.contains(&action) {
            return self.may(Verb::Create, "FileComponent");
        }
        match verb(action) {
            Some(verb) => self.may(verb, entity_type(operation)?),
            None => self.may_call(action),
        }
    }

    /// Checks a verb on an entity type.
    pub(super) fn may(&self, verb: Verb, entity_type: &str) -> Result<(), String> {
        let any = Permission::Ftrack {
            verb,
            entity_type: "*".to_owned(),
        };
        if self.has(&any) {
            return Ok(());
        }
        self.need(&Permission::Ftrack {
            verb,
            entity_type: entity_type.to_owned(),
        })
    }

    fn may_call(&self, action: &str) -> Result<(), String> {
        if RIGHTS.contains(&action) {
            return self.need(&Permission::Ftrack {
                verb: Verb::Call,
                entity_type: action.to_owned(),
            });
        }
        self.may(Verb::Call, action)
    }

    pub(super) fn need(&self, permission: &Permission) -> Result<(), String> {
        if self.has(permission) {
            return Ok(());
        }
        Err(format!("the plugin was not granted `{permission}`"))
    }
}

fn verb(action: &str) -> Option<Verb> {
    [Verb::Create, Verb::Update, Verb::Delete]
        .into_iter()
        .find(|verb| verb.name() == action)
}

/// Returns the one type that an operation is about; one that names two might be read as the other.
fn entity_type(operation: &Value) -> Result<&str, String> {
    let named = operation
        .get("entity_type")
        .and_then(Value::as_str)
        .ok_or("an operation names no entity type")?;
    match operation.pointer("/entity_data/__entity_type__") {
        None => Ok(named),
        Some(Value::String(same)) if same == named => Ok(named),
        Some(_) => Err(format!("an operation on `{named}` names another type too")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn grants(permissions: &[&str]) -> Grants {
        let read = |text: &&str| text.parse().unwrap();
        Grants::new(permissions.iter().map(read).collect())
    }

    fn check(permissions: &[&str], operation: Value, expected: Result<(), &str>) {
        let checked = grants(permissions).check(std::slice::from_ref(&operation));
        assert_eq!(
            checked,
            expected.map_err(str::to_owned),
            "{permissions:?} {operation}"
        );
    }

    #[test]
    fn each_operation_needs_its_verb_and_type() {
        let query = json!({"action": "query", "expression": "Task"});
        check(&["ftrack.read"], query.clone(), Ok(()));
        check(&[], query, Err("the plugin was not granted `ftrack.read`"));
        check(&[], json!({"action": "query_schemas"}), Ok(()));
        let create = json!({"action": "create", "entity_type": "Note",
            "entity_data": {"__entity_type__": "Note", "content": "x"}});
        check(&["ftrack.create.Note"], create.clone(), Ok(()));
        check(&["ftrack.create.*"], create.clone(), Ok(()));
        check(
            &["ftrack.create.Task", "ftrack.update.Note"],
            create,
            Err("the plugin was not granted `ftrack.create.Note`"),
        );
        let upload = json!({"action": "get_upload_metadata", "component_id": "c"});
        check(&["ftrack.create.FileComponent"], upload.clone(), Ok(()));
        check(
            &["ftrack.read"],
            upload,
            Err("the plugin was not granted `ftrack.create.FileComponent`"),
        );
        let encode = json!({"action": "encode_media", "component_id": "c"});
        check(&["ftrack.call.encode_media"], encode.clone(), Ok(()));
        check(&["ftrack.call.*"], encode, Ok(()));
    }

    #[test]
    fn rights_are_granted_by_name_and_the_key_is_never_given_anew() {
        let all = ["ftrack.call.*"];
        let grant = json!({"action": "add_user_security_role", "user_id": "u"});
        let refusal = "the plugin was not granted `ftrack.call.add_user_security_role`";
        check(&all, grant.clone(), Err(refusal));
        check(&["ftrack.call.add_user_security_role"], grant, Ok(()));
        let reset = json!({"action": "reset_remote", "reset_type": "api_key"});
        check(&all, reset, Err("no plugin may ask for `reset_remote`"));
    }

    #[test]
    fn an_operation_that_hides_its_type_is_refused() {
        let hidden = json!({"action": "create", "entity_type": "Note",
            "entity_data": {"__entity_type__": "User"}});
        let refusal = "an operation on `Note` names another type too";
        check(&["ftrack.create.Note"], hidden, Err(refusal));
        check(
            &["ftrack.create.*"],
            json!({"action": "create"}),
            Err("an operation names no entity type"),
        );
        check(&[], json!({}), Err("an operation has no action"));
    }
}
