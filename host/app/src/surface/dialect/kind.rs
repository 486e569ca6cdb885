//! Entity types: ftrack's events use legacy names, its schemas others.

/// Legacy names that are not the schema's name in lower case.
///
/// An event calls every typed context `task`; what it is exactly is a fact that the server must be asked for.
const LEGACY: &[(&str, &str)] = &[
    ("dependency", "TypedContextLink"),
    ("meta", "Metadata"),
    ("show", "Project"),
    ("socialevent", "Event"),
    ("socialfeed", "Feed"),
    ("task", "TypedContext"),
    ("userroleproject", "UserSecurityRoleProject"),
];

/// Schemas that every server has and whose name is not one word.
const SCHEMAS: &[&str] = &[
    "AssetBuild",
    "AssetVersion",
    "AssetVersionList",
    "CalendarEvent",
    "ComponentLocation",
    "ContainerComponent",
    "FileComponent",
    "ListObject",
    "ObjectType",
    "ProjectSchema",
    "ReviewSession",
    "ReviewSessionFolder",
    "ReviewSessionInvitee",
    "ReviewSessionObject",
    "SequenceComponent",
    "TypedContext",
    "TypedContextLink",
    "TypedContextList",
];

/// Returns the schema's name for an event's `entityType`.
///
/// The page writes legacy names, desktop tools the schema's name in lower case, and either may come with underscores.
/// A name that begins with a capital letter is a schema's name already.
pub(crate) fn kind_from_entity_type(entity_type: &str) -> String {
    if entity_type.starts_with(|first: char| first.is_uppercase()) {
        return entity_type.to_owned();
    }
    let plain = entity_type.replace('_', "").to_lowercase();
    if let Some((_, kind)) = LEGACY.iter().find(|(legacy, _)| *legacy == plain) {
        return (*kind).to_owned();
    }
    if let Some(kind) = SCHEMAS.iter().find(|kind| kind.to_lowercase() == plain) {
        return (*kind).to_owned();
    }
    let mut letters = plain.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_and_lower_cased_names_become_schema_names() {
        for (entity_type, expected) in [
            ("task", "TypedContext"),
            ("show", "Project"),
            ("assetversion", "AssetVersion"),
            ("asset_version", "AssetVersion"),
            ("asset", "Asset"),
            ("list", "List"),
            ("user", "User"),
            ("reviewsession", "ReviewSession"),
            ("component", "Component"),
            ("Component", "Component"),
            ("shot", "Shot"),
            ("sequence", "Sequence"),
            ("project", "Project"),
            ("assetbuild", "AssetBuild"),
            ("typedcontext", "TypedContext"),
            ("Shot", "Shot"),
            ("PreviewShot", "PreviewShot"),
            ("previz", "Previz"),
            ("", ""),
        ] {
            assert_eq!(
                kind_from_entity_type(entity_type),
                expected,
                "{entity_type}"
            );
        }
    }
}
