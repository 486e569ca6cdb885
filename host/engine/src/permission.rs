//! Whether a plugin's manifest lets it ask for what it asks for.

use callboard_protocol::{
    Failure, HandOver, HostMethod, Manifest, Operation, Permission, Verb, Work,
};

/// Checks that `manifest` declares what `method` needs.
pub(crate) fn check_method(manifest: &Manifest, method: HostMethod) -> Result<(), Failure> {
    let needed = match method {
        HostMethod::Query | HostMethod::QueryPage | HostMethod::FtrackDownload => {
            Permission::FtrackRead
        }
        HostMethod::Describe => Permission::Dcc,
        HostMethod::StoreGet
        | HostMethod::StorePut
        | HostMethod::StoreSwap
        | HostMethod::StoreKeys
        | HostMethod::StoreAppend
        | HostMethod::StoreEntries
        | HostMethod::StoreTrim => Permission::Store,
        HostMethod::Notify => Permission::Notify,
        HostMethod::JobsLaunch => Permission::Jobs,
        HostMethod::EventsSubscribe
        | HostMethod::EventsUnsubscribe
        | HostMethod::EventsNext
        | HostMethod::EventsPublish => Permission::Events,
        HostMethod::Open => Permission::Open,
        HostMethod::SecretGet | HostMethod::SecretPut => Permission::Secret,
        _ => return Ok(()),
    };
    check(manifest, &needed)
}

fn check(manifest: &Manifest, needed: &Permission) -> Result<(), Failure> {
    if manifest.permissions.contains(needed) {
        Ok(())
    } else {
        Err(undeclared(manifest, needed))
    }
}

/// Checks that `manifest` declares everything of a hand-over.
pub(crate) fn check_hand_over(manifest: &Manifest, hand_over: &HandOver) -> Result<(), Failure> {
    for step in &hand_over.steps {
        match &step.work {
            Work::Call { units } => {
                for operation in units.iter().flat_map(|unit| &unit.operations) {
                    check_operation(manifest, operation)?;
                }
            }
            Work::Event { .. } => check(manifest, &Permission::Events)?,
            _ => {}
        }
    }
    Ok(())
}

/// Checks that `manifest` declares an operation.
pub(crate) fn check_operation(manifest: &Manifest, operation: &Operation) -> Result<(), Failure> {
    let verb = match operation {
        Operation::Create { .. } => Verb::Create,
        Operation::Update { .. } => Verb::Update,
        Operation::Delete { .. } => Verb::Delete,
        _ => {
            return Err(Failure::new(
                callboard_protocol::FailureKind::Unsupported,
                "this version does not know an operation",
            ));
        }
    };
    let declared = manifest
        .permissions
        .iter()
        .any(|permission| match permission {
            Permission::Ftrack {
                verb: declared,
                entity_type,
            } => {
                *declared == verb && (entity_type == "*" || entity_type == operation.entity_type())
            }
            _ => false,
        });
    if declared {
        return Ok(());
    }
    Err(undeclared(
        manifest,
        &Permission::Ftrack {
            verb,
            entity_type: operation.entity_type().to_owned(),
        },
    ))
}

/// Returns the hosts that `manifest` declares, for [`HostMethod::HttpRequest`].
pub(crate) fn declared_hosts(manifest: &Manifest) -> Result<Vec<String>, Failure> {
    let hosts: Vec<String> = manifest
        .permissions
        .iter()
        .filter_map(|permission| match permission {
            Permission::Http { host } => Some(host.clone()),
            _ => None,
        })
        .collect();
    if hosts.is_empty() {
        let host = "HOST".to_owned();
        return Err(undeclared(manifest, &Permission::Http { host }));
    }
    Ok(hosts)
}

fn undeclared(manifest: &Manifest, permission: &Permission) -> Failure {
    Failure::denied(format!(
        "the manifest of `{}` does not declare the permission `{permission}`",
        manifest.id
    ))
    .hint("add it to `permissions` in plugin.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(permissions: &str) -> Manifest {
        serde_json::from_str(&format!(
            r#"{{"id":"p","version":"1","run":{{"library":"p"}},"permissions":{permissions}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn a_service_needs_its_permission() {
        let bare = manifest("[]");
        for (method, permission) in [
            (HostMethod::Query, "ftrack.read"),
            (HostMethod::QueryPage, "ftrack.read"),
            (HostMethod::FtrackDownload, "ftrack.read"),
            (HostMethod::Describe, "dcc"),
            (HostMethod::StoreGet, "store"),
            (HostMethod::StorePut, "store"),
            (HostMethod::StoreSwap, "store"),
            (HostMethod::StoreKeys, "store"),
            (HostMethod::StoreAppend, "store"),
            (HostMethod::StoreEntries, "store"),
            (HostMethod::StoreTrim, "store"),
            (HostMethod::Notify, "notify"),
            (HostMethod::JobsLaunch, "jobs"),
            (HostMethod::EventsNext, "events"),
            (HostMethod::EventsPublish, "events"),
            (HostMethod::Open, "open"),
            (HostMethod::SecretGet, "secret"),
            (HostMethod::SecretPut, "secret"),
        ] {
            let refusal = check_method(&bare, method).unwrap_err();
            assert!(refusal.message.contains(permission), "{refusal}");
            assert_eq!(
                check_method(&manifest(&format!(r#"["{permission}"]"#)), method),
                Ok(())
            );
        }
        assert_eq!(check_method(&bare, HostMethod::Log), Ok(()));
    }

    #[test]
    fn an_operation_needs_its_verb_and_type() {
        let create: Operation =
            serde_json::from_str(r#"{"action":"create","entity_type":"Shot","id":"1","data":{}}"#)
                .unwrap();
        for (permissions, allowed) in [
            (r#"["ftrack.create.Shot"]"#, true),
            (r#"["ftrack.create.*"]"#, true),
            (r#"["ftrack.update.Shot"]"#, false),
            (r#"["ftrack.create.Task"]"#, false),
            (r#"["ftrack.read"]"#, false),
        ] {
            assert_eq!(
                check_operation(&manifest(permissions), &create).is_ok(),
                allowed,
                "{permissions}"
            );
        }
    }
}
