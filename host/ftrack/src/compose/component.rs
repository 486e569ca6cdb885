//! Components: what a file is to ftrack.

use std::path::Path;

use super::Attributes;
use crate::entity::{AssetVersion, EntityRef, Id, Location};
use crate::operation::{Operation, new_id};

/// The locations that every server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerLocation {
    /// `ftrack.server`: where uploaded files lie.
    Server,
    /// `ftrack.review`: where what the web player shows lies.
    Review,
    /// `ftrack.unmanaged`: a path that somebody else looks after.
    Unmanaged,
    /// `ftrack.origin`: where a file was before it was published.
    Origin,
}

impl ServerLocation {
    /// Returns the location's id, which is the same on every server.
    pub fn id(self) -> Id<Location> {
        Id::new(match self {
            Self::Server => "3a372bde-05bc-11e4-8908-20c9d081909b",
            Self::Review => "cd41be70-8809-11e3-b98a-20c9d081909b",
            Self::Unmanaged => "cb268ecc-8809-11e3-a7e2-20c9d081909b",
            Self::Origin => "ce9b348f-8809-11e3-821c-20c9d081909b",
        })
    }
}

/// A file that becomes known to ftrack.
///
/// [`Session::upload`](crate::Session::upload) sends it, before or after: a version whose components are made only
/// when their files are there is never seen empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewComponent {
    /// The id; the file is uploaded under it.
    pub id: String,
    /// The name: `main`, `movie`, `ftrackreview-mp4`.
    pub name: String,
    /// The ending with its dot, `.mov`, or nothing.
    pub file_type: String,
    /// The size of the file.
    pub size_bytes: u64,
    /// The version that it belongs to.
    pub version: Option<Id<AssetVersion>>,
    /// Where it lies.
    pub location: ServerLocation,
}

impl NewComponent {
    /// Names the component of a file that goes to the server, with the ending that the file has.
    pub fn of_file(path: &Path, name: impl Into<String>, size_bytes: u64) -> Self {
        let ending = path.extension().and_then(|ending| ending.to_str());
        Self {
            id: new_id(),
            name: name.into(),
            file_type: ending
                .map(|ending| format!(".{ending}"))
                .unwrap_or_default(),
            size_bytes,
            version: None,
            location: ServerLocation::Server,
        }
    }

    /// Returns what the server is to call the file: `main.mov`.
    pub fn file_name(&self) -> String {
        format!("{}{}", self.name, self.file_type)
    }

    /// Returns the operations that make it.
    pub fn operations(&self) -> Vec<Operation> {
        let component = Attributes::default()
            .with("id", self.id.as_str())
            .with("name", self.name.as_str())
            .with("file_type", self.file_type.as_str())
            .with("size", self.size_bytes)
            .with_some("version_id", self.version.as_ref());
        let place = Attributes::default()
            .with("id", new_id())
            .with("component_id", self.id.as_str())
            .with("location_id", &self.location.id())
            .with("resource_identifier", self.id.as_str());
        vec![
            component.create("FileComponent"),
            place.create("ComponentLocation"),
        ]
    }
}

/// Returns the operations that make `image` the thumbnail of something. The image is named `thumbnail`, as the official
/// client does it.
pub fn thumbnail(of: &EntityRef, image: &NewComponent) -> Vec<Operation> {
    let image = NewComponent {
        name: "thumbnail".to_owned(),
        ..image.clone()
    };
    let mut operations = image.operations();
    let data = Attributes::default().with("thumbnail_id", image.id.as_str());
    operations.push(Operation::update(&*of.entity_type, &*of.id, data.0));
    operations
}

/// Returns the operation that writes a text under a key that is not there yet, such as `ftr_meta` on a component.
///
/// Assumed: the server takes the row alone; the official client also writes the collection anew, which would drop what
/// others write meanwhile.
pub fn metadata(of: &EntityRef, key: &str, value: &str) -> Operation {
    Attributes::default()
        .with("parent_id", of.id.as_str())
        .with("parent_type", of.entity_type.as_str())
        .with("key", key)
        .with("value", value)
        .create("Metadata")
}
