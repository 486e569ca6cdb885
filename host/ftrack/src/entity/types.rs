//! The types that Callboard and its plugins read by name.
//!
//! A field that may be null is an `Option`. Its absence from the answer is another thing, and an error.

use jiff::Timestamp;
use serde_json::Value;

use super::field::FromField;
use super::{Entity, FieldError, FieldKind, Id, Typed};

/// The name of an attribute on the server, where it is not that of its getter.
macro_rules! attribute {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $attribute:literal) => {
        $attribute
    };
}

/// Declares types of entities with what can be read of each; `includes` says which other types pass for it.
macro_rules! entities {
    ($($(#[$doc:meta])* $type:ident $(includes $includes:path)? { $($field:ident $(as $attribute:literal)?: $value:ty,)* })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $type(Entity);

        impl $type {
            $(
                #[doc = concat!("Returns `", attribute!($field $($attribute)?), "`.")]
                ///
                /// # Errors
                ///
                /// Tells if it was not asked for, or is something else.
                pub fn $field(&self) -> Result<$value, FieldError> {
                    FromField::from_field(&self.0, attribute!($field $($attribute)?))
                }
            )*
        }

        impl Typed for $type {
            const TYPE: &'static str = stringify!($type);
            const FIELDS: &'static [(&'static str, FieldKind)] =
                &[$((attribute!($field $($attribute)?), <$value as FromField<'_>>::KIND)),*];

            $(
                fn includes(entity: &Entity) -> bool {
                    $includes(entity)
                }
            )?

            fn from_entity_unchecked(entity: Entity) -> Self {
                Self(entity)
            }

            fn entity(&self) -> &Entity {
                &self.0
            }
        }

        impl From<$type> for Entity {
            fn from(typed: $type) -> Self {
                typed.0
            }
        }
    )* };
}

/// Declares types that stand below a project and have the same attributes.
macro_rules! typed_contexts {
    ($($(#[$doc:meta])* $type:ident $(includes $includes:path)?;)*) => {
        entities! { $(
            $(#[$doc])*
            $type $(includes $includes)? {
                id: Id<$type>,
                name: &str,
                description: Option<&str>,
                context_type: &str,
                object_type_id: Id<ObjectType>,
                object_type: Option<ObjectType>,
                project_id: Id<Project>,
                project: Option<Project>,
                parent_id: Option<Id<Context>>,
                parent: Option<Context>,
                children: Vec<Context>,
                status_id: Option<Id<Status>>,
                status: Option<Status>,
                type_id: Option<Id<Type>>,
                type_ as "type": Option<Type>,
                priority_id: Option<Id<Priority>>,
                priority: Option<Priority>,
                start_date: Option<Timestamp>,
                end_date: Option<Timestamp>,
                bid: Option<f64>,
                time_logged: Option<f64>,
                sort: Option<f64>,
                thumbnail_id: Option<Id<Component>>,
                thumbnail_url: &Value,
                link: &Value,
                created_at: Option<Timestamp>,
                assignments: Vec<Appointment>,
                assets: Vec<Asset>,
                notes: Vec<Note>,
                timelogs: Vec<Timelog>,
                metadata: Vec<Metadata>,
                custom_attributes: &Value,
            }
        )* }
    };
}

typed_contexts! {
    /// Anything below a project: a shot, a task, a folder, or an object of a type that the studio made.
    TypedContext includes is_typed_context;
    /// A task: what somebody works on.
    Task;
    /// A shot.
    Shot;
    /// A sequence of shots.
    Sequence;
    /// An episode.
    Episode;
    /// Something that is built for several shots.
    AssetBuild;
    /// A point in time that matters.
    Milestone;
    /// A folder.
    Folder;
}

entities! {
    /// A project, or anything below one.
    Context includes is_context {
        id: Id<Context>,
        name: &str,
        context_type: &str,
        parent_id: Option<Id<Context>>,
        project_id: Option<Id<Project>>,
        thumbnail_id: Option<Id<Component>>,
        link: &Value,
        created_at: Option<Timestamp>,
        children: Vec<Context>,
        assets: Vec<Asset>,
        notes: Vec<Note>,
        timelogs: Vec<Timelog>,
        custom_attributes: &Value,
    }
    /// A project.
    Project {
        id: Id<Project>,
        name: &str,
        full_name: Option<&str>,
        status: &str,
        root: Option<&str>,
        color: Option<&str>,
        is_global: bool,
        is_private: Option<bool>,
        start_date: Option<Timestamp>,
        end_date: Option<Timestamp>,
        project_schema_id: Id<ProjectSchema>,
        project_schema: Option<ProjectSchema>,
        thumbnail_id: Option<Id<Component>>,
        children: Vec<Context>,
        metadata: Vec<Metadata>,
        custom_attributes: &Value,
    }
    /// What a project's objects, types and statuses are.
    ProjectSchema {
        id: Id<ProjectSchema>,
        name: Option<&str>,
        object_types: Vec<ObjectType>,
        task_workflow_schema_id: Option<&str>,
        asset_version_workflow_schema_id: Option<&str>,
        task_type_schema_id: Option<&str>,
    }
    /// A kind of object below a project: `Shot`, `Task`, or one that the studio made.
    ObjectType {
        id: Id<ObjectType>,
        name: &str,
        sort: i64,
        icon: &str,
        is_taskable: bool,
        is_typeable: bool,
        is_statusable: bool,
        is_schedulable: bool,
        is_time_reportable: bool,
        is_leaf: Option<bool>,
        is_prioritizable: Option<bool>,
    }
    /// What sort of work a task is.
    Type {
        id: Id<Type>,
        name: Option<&str>,
        color: &str,
        sort: i64,
        is_billable: bool,
    }
    /// How far something is.
    Status {
        id: Id<Status>,
        name: Option<&str>,
        color: Option<&str>,
        sort: Option<i64>,
        is_active: bool,
        state: Option<State>,
    }
    /// What a status means to programs.
    State {
        id: Id<State>,
        name: Option<&str>,
        short: Option<&str>,
    }
    /// How much something matters.
    Priority {
        id: Id<Priority>,
        name: Option<&str>,
        color: Option<&str>,
        sort: Option<i64>,
        value: Option<f64>,
    }
    /// Somebody or something that work can be given to: a user or a group.
    Resource includes is_resource {
        id: Id<Resource>,
        resource_type: &str,
    }
    /// A person.
    User {
        id: Id<User>,
        username: &str,
        first_name: Option<&str>,
        last_name: Option<&str>,
        email: Option<&str>,
        is_active: bool,
        resource_type: &str,
        thumbnail_id: Option<Id<Component>>,
        thumbnail_url: &Value,
        timelogs: Vec<Timelog>,
        metadata: Vec<Metadata>,
        custom_attributes: &Value,
    }
    /// Several people.
    Group {
        id: Id<Group>,
        name: &str,
        local: bool,
        parent_id: Option<Id<Group>>,
    }
    /// What a person may do.
    SecurityRole {
        id: Id<SecurityRole>,
        name: Option<&str>,
    }
    /// That somebody works, or is planned to work, on something.
    Appointment {
        id: Id<Appointment>,
        type_ as "type": &str,
        resource_id: Id<Resource>,
        resource: Option<Resource>,
        context_id: Id<Context>,
        context: Option<Context>,
    }
    /// Something that has versions.
    Asset {
        id: Id<Asset>,
        name: Option<&str>,
        type_id: Option<Id<AssetType>>,
        type_ as "type": Option<AssetType>,
        context_id: Option<Id<Context>>,
        parent: Option<Context>,
        project_id: Option<Id<Project>>,
        latest_version: Option<AssetVersion>,
        versions: Vec<AssetVersion>,
        metadata: Vec<Metadata>,
        custom_attributes: &Value,
    }
    /// What sort of asset it is.
    AssetType {
        id: Id<AssetType>,
        name: &str,
        short: &str,
    }
    /// A version of an asset.
    AssetVersion {
        id: Id<AssetVersion>,
        version: Option<i64>,
        asset_id: Option<Id<Asset>>,
        asset: Option<Asset>,
        task_id: Option<Id<Task>>,
        task: Option<Task>,
        status_id: Option<Id<Status>>,
        status: Option<Status>,
        user_id: Option<Id<User>>,
        user: Option<User>,
        project_id: Option<Id<Project>>,
        comment: Option<&str>,
        date: Option<Timestamp>,
        is_published: bool,
        is_latest_version: Option<bool>,
        thumbnail_id: Option<Id<Component>>,
        thumbnail_url: &Value,
        link: &Value,
        components: Vec<Component>,
        uses_versions: Vec<AssetVersion>,
        used_in_versions: Vec<AssetVersion>,
        notes: Vec<Note>,
        metadata: Vec<Metadata>,
        custom_attributes: &Value,
    }
    /// A file, a sequence of files, or a container of such.
    Component includes is_component {
        id: Id<Component>,
        name: &str,
        file_type: Option<&str>,
        size: Option<i64>,
        system_type: &str,
        version_id: Option<Id<AssetVersion>>,
        version: Option<AssetVersion>,
        container_id: Option<Id<Component>>,
        component_locations: Vec<ComponentLocation>,
        metadata: Vec<Metadata>,
    }
    /// A single file.
    FileComponent {
        id: Id<FileComponent>,
        name: &str,
        file_type: Option<&str>,
        size: Option<i64>,
        version_id: Option<Id<AssetVersion>>,
        container_id: Option<Id<Component>>,
        component_locations: Vec<ComponentLocation>,
        metadata: Vec<Metadata>,
    }
    /// A row of numbered files.
    SequenceComponent {
        id: Id<SequenceComponent>,
        name: &str,
        file_type: Option<&str>,
        size: Option<i64>,
        padding: i64,
        version_id: Option<Id<AssetVersion>>,
        members: Vec<Component>,
    }
    /// That a component lies somewhere.
    ComponentLocation {
        id: Id<ComponentLocation>,
        component_id: Option<Id<Component>>,
        component: Option<Component>,
        location_id: Option<Id<Location>>,
        location: Option<Location>,
        resource_identifier: Option<&str>,
        url: &Value,
    }
    /// A place where files lie.
    Location {
        id: Id<Location>,
        name: &str,
        label: Option<&str>,
        description: Option<&str>,
    }
    /// A note on something.
    Note {
        id: Id<Note>,
        content: Option<&str>,
        parent_id: Option<&str>,
        parent_type: Option<&str>,
        user_id: Id<User>,
        date: Option<Timestamp>,
        thread_activity: Option<Timestamp>,
        in_reply_to_id: Option<Id<Note>>,
        is_todo: Option<bool>,
        completed_at: Option<Timestamp>,
        frame_number: Option<i64>,
        project_id: Option<Id<Project>>,
        replies: Vec<Note>,
        metadata: Vec<Metadata>,
    }
    /// What a note can be marked with.
    NoteLabel {
        id: Id<NoteLabel>,
        name: Option<&str>,
        color: Option<&str>,
        sort: Option<i64>,
    }
    /// Work that is under way somewhere, shown in ftrack.
    Job {
        id: Id<Job>,
        status: &str,
        type_ as "type": &str,
        user_id: Option<Id<User>>,
        user: Option<User>,
        data: &Value,
        created_at: Option<Timestamp>,
        finished_at: Option<Timestamp>,
    }
    /// Time that was worked.
    Timelog {
        id: Id<Timelog>,
        name: Option<&str>,
        comment: &str,
        start: Timestamp,
        duration: f64,
        user_id: Option<Id<User>>,
        user: Option<User>,
        context_id: Option<Id<Context>>,
        context: Option<Context>,
    }
    /// The clock of a person that is running.
    Timer {
        id: Id<Timer>,
        name: Option<&str>,
        comment: &str,
        start: Timestamp,
        user_id: Id<User>,
        context_id: Option<Id<Context>>,
        context: Option<Context>,
    }
    /// A list of anything that can be listed.
    List includes is_list {
        id: Id<List>,
        name: Option<&str>,
        is_open: bool,
        date: Option<Timestamp>,
        project_id: Id<Project>,
        category_id: &str,
        user_id: Option<Id<User>>,
        system_type: Option<&str>,
    }
    /// A list of shots, tasks and the like.
    TypedContextList {
        id: Id<TypedContextList>,
        name: Option<&str>,
        is_open: bool,
        project_id: Id<Project>,
        items: Vec<TypedContext>,
    }
    /// A list of versions.
    AssetVersionList {
        id: Id<AssetVersionList>,
        name: Option<&str>,
        is_open: bool,
        project_id: Id<Project>,
        items: Vec<AssetVersion>,
    }
    /// An attribute that the studio made.
    CustomAttributeConfiguration {
        id: Id<CustomAttributeConfiguration>,
        key: &str,
        label: Option<&str>,
        type_id: Option<Id<CustomAttributeType>>,
        type_ as "type": Option<CustomAttributeType>,
        config: &str,
        default: &Value,
        entity_type: Option<&str>,
        object_type_id: Option<Id<ObjectType>>,
        project_id: Option<Id<Project>>,
        is_hierarchical: Option<bool>,
        core: bool,
        sort: Option<i64>,
    }
    /// What an attribute of the studio's can hold.
    CustomAttributeType {
        id: Id<CustomAttributeType>,
        name: Option<&str>,
    }
    /// A text under a key, on something.
    Metadata {
        key: &str,
        value: &str,
        parent_id: &str,
        parent_type: Option<&str>,
    }
}

/// The types that every ftrack server has; a studio's own are known by the attributes that the server always sends.
fn is_typed_context(entity: &Entity) -> bool {
    const STOCK: [&str; 8] = [
        Task::TYPE,
        Shot::TYPE,
        Sequence::TYPE,
        Episode::TYPE,
        AssetBuild::TYPE,
        Milestone::TYPE,
        Folder::TYPE,
        TypedContext::TYPE,
    ];
    STOCK.contains(&entity.entity_type())
        || entity.has("object_type_id") && entity.has("context_type")
}

fn is_context(entity: &Entity) -> bool {
    [Project::TYPE, Context::TYPE].contains(&entity.entity_type()) || is_typed_context(entity)
}

fn is_component(entity: &Entity) -> bool {
    // `NoteComponent` and `JobComponent` say where a component is used; they are none.
    let name = entity.entity_type();
    [
        FileComponent::TYPE,
        SequenceComponent::TYPE,
        Component::TYPE,
        "ContainerComponent",
    ]
    .contains(&name)
}

fn is_resource(entity: &Entity) -> bool {
    let name = entity.entity_type();
    [
        User::TYPE,
        Group::TYPE,
        Resource::TYPE,
        "BaseUser",
        "Collaborator",
    ]
    .contains(&name)
}

fn is_list(entity: &Entity) -> bool {
    let name = entity.entity_type();
    [List::TYPE, TypedContextList::TYPE, AssetVersionList::TYPE].contains(&name)
}
