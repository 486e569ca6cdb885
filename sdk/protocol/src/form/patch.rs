//! What a plugin changes in a form that is being filled in.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Edit;
use crate::view::{Choice, Control, Item, View};

/// A change of one item; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Patch {
    /// The item. One that the form does not have is left alone.
    pub name: String,
    /// The whole item anew, for what has no shorter patch. The others below are done to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Box<Item>>,
    /// Its value; for a label, its text.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub value: Option<Value>,
    /// Rows and cells of the table that it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Edit>,
    /// The choices of an enumerator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Vec<Choice>>,
    /// What stands beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What is wrong with its value; null where nothing is.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub error: Option<Option<String>>,
    /// Whether it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible: Option<bool>,
    /// Whether it must be filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
}

/// Tells a null apart from what is absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Patch {
    /// Starts a patch of an item that changes nothing.
    pub fn of(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Replaces the whole item.
    #[must_use]
    pub fn item(mut self, item: Item) -> Self {
        self.item = Some(Box::new(item));
        self
    }

    /// Sets the value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Value>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Changes a row or a cell of a table, after those that were changed before.
    #[must_use]
    pub fn row(mut self, edit: Edit) -> Self {
        self.rows.push(edit);
        self
    }

    /// Sets the choices of an enumerator.
    #[must_use]
    pub fn choices(mut self, data: Vec<Choice>) -> Self {
        self.data = Some(data);
        self
    }

    /// Sets what stands beside it.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Says what is wrong with its value.
    #[must_use]
    pub fn error(mut self, sentence: impl Into<String>) -> Self {
        self.error = Some(Some(sentence.into()));
        self
    }

    /// Says that nothing is wrong with its value.
    #[must_use]
    pub fn without_error(mut self) -> Self {
        self.error = Some(None);
        self
    }

    /// Shows it.
    #[must_use]
    pub fn show(mut self) -> Self {
        self.visible = Some(true);
        self
    }

    /// Hides it; what is not shown need not be filled in.
    #[must_use]
    pub fn hide(mut self) -> Self {
        self.visible = Some(false);
        self
    }

    /// Says whether it must be filled in.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.required = Some(required);
        self
    }

    /// Tells whether it changes the value.
    pub fn touches_value(&self) -> bool {
        self.item.is_some() || self.value.is_some() || !self.rows.is_empty()
    }

    /// Leaves the value as it is.
    pub fn spare_value(&mut self, current: &Value) {
        self.value = None;
        self.rows.clear();
        if let Some(item) = &mut self.item {
            item.value.clone_from(current);
        }
    }

    /// Does it to an item, whatever that is called.
    pub fn apply(&self, item: &mut Item) {
        if let Some(new) = &self.item {
            item.clone_from(new);
            item.name.clone_from(&self.name);
        }
        if let Some(value) = &self.value {
            item.value.clone_from(value);
        }
        for edit in &self.rows {
            edit.apply(&mut item.value);
        }
        if let (Some(new), Control::Enumerator { data, .. }) = (&self.data, &mut item.control) {
            data.clone_from(new);
        }
        if let Some(label) = &self.label {
            item.label.clone_from(label);
        }
        if let Some(error) = &self.error {
            item.error.clone_from(error);
        }
        if let Some(visible) = self.visible {
            item.visible = visible;
        }
        if let Some(required) = self.required {
            item.required = required;
        }
    }
}

impl View {
    /// Does a patch; returns whether the view has the item.
    pub fn patch(&mut self, patch: &Patch) -> bool {
        let mut items = self.items.iter_mut();
        match items.find(|item| !item.name.is_empty() && item.name == patch.name) {
            Some(item) => {
                patch.apply(item);
                true
            }
            None => false,
        }
    }
}
