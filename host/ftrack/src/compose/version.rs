//! Assets, their versions, and who works on what.

use super::Attributes;
use crate::entity::{Appointment, Asset, AssetType, AssetVersion, EntityRef, Id, Status, Task};
use crate::operation::Operation;

/// Something that will have versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAsset {
    /// The id.
    pub id: Id<Asset>,
    /// The name.
    pub name: String,
    /// What sort of asset it is.
    pub asset_type: Id<AssetType>,
    /// What it belongs to: a shot, or another context.
    pub parent: EntityRef,
}

impl NewAsset {
    /// Returns the operations that make it.
    pub fn operations(&self) -> Vec<Operation> {
        let asset = Attributes::default()
            .with("id", &self.id)
            .with("name", self.name.as_str())
            .with("type_id", &self.asset_type)
            .with("context_id", self.parent.id.as_str());
        vec![asset.create("Asset")]
    }
}

/// A version of an asset. The server numbers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVersion {
    /// The id.
    pub id: Id<AssetVersion>,
    /// What it is a version of.
    pub asset: Id<Asset>,
    /// The task that it was made for.
    pub task: Option<Id<Task>>,
    /// How far it is; the server chooses without.
    pub status: Option<Id<Status>>,
    /// What is said about it.
    pub comment: String,
}

impl NewVersion {
    /// Returns the operations that make it.
    pub fn operations(&self) -> Vec<Operation> {
        let version = Attributes::default()
            .with("id", &self.id)
            .with("asset_id", &self.asset)
            .with_some("task_id", self.task.as_ref())
            .with_some("status_id", self.status.as_ref())
            .with("comment", self.comment.as_str())
            .with("is_published", true);
        vec![version.create("AssetVersion")]
    }
}

/// Returns the operation that gives a task to a user or a group.
pub fn assignment(id: &Id<Appointment>, task: &EntityRef, resource: &EntityRef) -> Operation {
    Attributes::default()
        .with("id", id)
        .with("context_id", task.id.as_str())
        .with("resource_id", resource.id.as_str())
        .with("type", "assignment")
        .create("Appointment")
}
