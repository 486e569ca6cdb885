//! Views: forms described as data. A surface draws them; no plugin draws.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// A form. Its JSON is the reply that ftrack's web page reads as a form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The title of its window.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Its items, top to bottom.
    #[serde(default)]
    pub items: Vec<Item>,
    /// What the button says that submits it.
    #[serde(
        rename = "submit_button_label",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub submit_label: Option<String>,
    /// Whether the person may go back to the view before, where there is one that was answered.
    #[serde(default, skip_serializing_if = "is_false")]
    pub back: bool,
}

/// One item of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// What it is.
    #[serde(flatten)]
    pub control: Control,
    /// The key of its value in the launch's `values`; with a label, what patches call it. May be empty where neither is wanted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What stands beside it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Its value now; for a label, its text in markdown.
    #[serde(default)]
    pub value: Value,
    /// Whether it must be filled in.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Whether a change of it asks the plugin for patches at once.
    #[serde(default, skip_serializing_if = "is_false")]
    pub live: bool,
    /// Whether it is shown; what is not need not be filled in.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub visible: bool,
    /// The least that a number may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Number>,
    /// The most that a number may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Number>,
    /// Whether a number must be whole.
    #[serde(default, skip_serializing_if = "is_false")]
    pub whole: bool,
    /// How many characters a text may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// Whether it is only read.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// What is wrong with its value, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What an item is and what only its kind has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Control {
    /// One line of text.
    Text {
        /// Shown while it is empty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        empty_text: Option<String>,
    },
    /// Several lines of text.
    #[serde(rename = "textarea")]
    TextArea {
        /// Shown while it is empty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        empty_text: Option<String>,
    },
    /// A number.
    Number,
    /// A day, as `YYYY-MM-DD`.
    Date,
    /// Yes or no.
    Boolean,
    /// One of several, or several of them.
    Enumerator {
        /// The choices.
        data: Vec<Choice>,
        /// Whether several may be chosen; the value is then a list.
        #[serde(default, skip_serializing_if = "is_false")]
        multi_select: bool,
    },
    /// Text to read; has no value of its own.
    Label,
    /// A value that travels along unseen.
    Hidden,
    /// Text that is not shown and never kept.
    Password,
    /// Rows of cells; its value is a list of rows, each an object with an [`id`](crate::ROW_ID).
    Table {
        /// Its columns: items of the kinds text, number, date, boolean and enumerator, without values.
        columns: Vec<Item>,
        /// Whether the person may add and delete rows.
        #[serde(default, skip_serializing_if = "is_false")]
        growing: bool,
    },
    /// Files that are dropped or chosen; its value is a list of [`FileChoice`]s. Frames of one name are one entry.
    Files {
        /// Which endings the files may have, without the dot; any when empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        extensions: Vec<String>,
        /// Whether there may be several.
        #[serde(default, skip_serializing_if = "is_false")]
        multiple: bool,
    },
    /// How far something is; its value is a [`ProgressValue`].
    Progress {
        /// Whether it has a button that cancels.
        #[serde(default, skip_serializing_if = "is_false")]
        cancel: bool,
    },
    /// A running time; its value is a [`TimerValue`].
    Timer,
    /// Lines that were written, as one text.
    Log,
    /// Numbers as bars beside each other; its value is a [`ChartValue`].
    Chart,
    /// Buttons in a row, each with what is told when it is pressed.
    Buttons {
        /// The buttons.
        data: Vec<Choice>,
    },
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A file, or the frames of a sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChoice {
    /// Its path; in a sequence's, a `#` stands for each digit of the frame: `plate.####.exr`.
    pub path: String,
    /// The first frame of a sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The last frame of a sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// The frames between them that are not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<u64>,
}

/// How far something is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProgressValue {
    /// From 0 to 1, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f64>,
    /// What is being done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// How fast, as text: `84 MB/s`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rate: String,
    /// How many seconds are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_secs: Option<u64>,
}

/// A time, as it was when it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerValue {
    /// How many milliseconds there were.
    pub elapsed_ms: u64,
    /// Whether it goes on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub running: bool,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// What a chart shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChartValue {
    /// What stands below the bars.
    pub labels: Vec<String>,
    /// The bars, beside each other for each label.
    pub series: Vec<ChartSeries>,
    /// What is counted: `h`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
}

/// The bars of one colour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChartSeries {
    /// What they are.
    pub label: String,
    /// One for each label.
    pub values: Vec<f64>,
}

/// One choice of an enumerator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What is shown.
    pub label: String,
    /// What is returned.
    pub value: Value,
}

impl Choice {
    /// Makes a choice that is shown as `label` and returned as `value`.
    pub fn new(label: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
        }
    }
}

impl View {
    /// Starts a view with a title.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// Adds an item.
    #[must_use]
    pub fn with(mut self, item: Item) -> Self {
        self.items.push(item);
        self
    }

    /// Names the button that submits it.
    #[must_use]
    pub fn submit(mut self, label: impl Into<String>) -> Self {
        self.submit_label = Some(label.into());
        self
    }

    /// Lets the person go back to the view before.
    #[must_use]
    pub fn back(mut self) -> Self {
        self.back = true;
        self
    }

    /// Returns the values that the view would submit untouched: one for each item with a name.
    pub fn initial_values(&self) -> Map<String, Value> {
        self.items
            .iter()
            .filter(|item| item.has_value())
            .map(|item| (item.name.clone(), item.value.clone()))
            .collect()
    }

    /// Returns the names of password items, whose values are never kept.
    pub fn password_names(&self) -> impl Iterator<Item = &str> {
        self.items
            .iter()
            .filter(|item| item.control == Control::Password)
            .map(|item| item.name.as_str())
    }
}

impl Item {
    /// Makes an item of any kind.
    pub fn new(control: Control, name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            control,
            name: name.into(),
            label: label.into(),
            value: Value::Null,
            required: false,
            live: false,
            visible: true,
            min: None,
            max: None,
            whole: false,
            max_length: None,
            read_only: false,
            error: None,
        }
    }

    /// Tells whether it has a value that is submitted.
    pub fn has_value(&self) -> bool {
        let is_read = matches!(
            self.control,
            Control::Label
                | Control::Progress { .. }
                | Control::Timer
                | Control::Log
                | Control::Chart
                | Control::Buttons { .. }
        );
        !self.name.is_empty() && !is_read
    }

    /// Makes a line of text.
    pub fn text(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(Control::Text { empty_text: None }, name, label).value("")
    }

    /// Makes several lines of text.
    pub fn text_area(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(Control::TextArea { empty_text: None }, name, label).value("")
    }

    /// Makes a number, which starts as none.
    pub fn number(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(Control::Number, name, label)
    }

    /// Makes a yes or no, which starts as no.
    pub fn boolean(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(Control::Boolean, name, label).value(false)
    }

    /// Makes a choice of one.
    pub fn one_of(name: impl Into<String>, label: impl Into<String>, data: Vec<Choice>) -> Self {
        Self::new(
            Control::Enumerator {
                data,
                multi_select: false,
            },
            name,
            label,
        )
    }

    /// Makes a choice of several, which starts with none.
    pub fn several_of(
        name: impl Into<String>,
        label: impl Into<String>,
        data: Vec<Choice>,
    ) -> Self {
        Self::new(
            Control::Enumerator {
                data,
                multi_select: true,
            },
            name,
            label,
        )
        .value(Value::Array(Vec::new()))
    }

    /// Makes a table, which starts without rows; rows are added and deleted by patches alone.
    pub fn table(name: impl Into<String>, label: impl Into<String>, columns: Vec<Item>) -> Self {
        let growing = false;
        Self::new(Control::Table { columns, growing }, name, label).value(Value::Array(Vec::new()))
    }

    /// Lets the person add and delete rows, where it is a table.
    #[must_use]
    pub fn growing(mut self) -> Self {
        if let Control::Table { growing, .. } = &mut self.control {
            *growing = true;
        }
        self
    }

    /// Makes a place for files.
    pub fn files(name: impl Into<String>, label: impl Into<String>) -> Self {
        let control = Control::Files {
            extensions: Vec::new(),
            multiple: true,
        };
        Self::new(control, name, label).value(Value::Array(Vec::new()))
    }

    /// Makes buttons in a row.
    pub fn buttons(name: impl Into<String>, data: Vec<Choice>) -> Self {
        Self::new(Control::Buttons { data }, name, "")
    }

    /// Makes a text to read, in markdown.
    pub fn note(markdown: impl Into<String>) -> Self {
        Self::new(Control::Label, "", "").value(markdown.into())
    }

    /// Makes a value that travels along unseen.
    pub fn hidden(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(Control::Hidden, name, "").value(value)
    }

    /// Sets the value it starts with.
    #[must_use]
    pub fn value(mut self, value: impl Into<Value>) -> Self {
        self.value = value.into();
        self
    }

    /// Sets the text shown while it is empty, where its kind has one.
    #[must_use]
    pub fn empty_text(mut self, text: impl Into<String>) -> Self {
        if let Control::Text { empty_text } | Control::TextArea { empty_text } = &mut self.control {
            *empty_text = Some(text.into());
        }
        self
    }

    /// Says that it must be filled in.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Asks the plugin for patches whenever it is changed.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }

    /// Gives it a name: what patches call a label.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Does not show it, until a patch does.
    #[must_use]
    pub fn invisible(mut self) -> Self {
        self.visible = false;
        self
    }

    /// Sets the least that a number may be.
    #[must_use]
    pub fn min(mut self, min: impl Into<Number>) -> Self {
        self.min = Some(min.into());
        self
    }

    /// Sets the most that a number may be.
    #[must_use]
    pub fn max(mut self, max: impl Into<Number>) -> Self {
        self.max = Some(max.into());
        self
    }

    /// Says that a number must be whole.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Sets how many characters a text may have.
    #[must_use]
    pub fn max_length(mut self, characters: u32) -> Self {
        self.max_length = Some(characters);
        self
    }

    /// Says that it is only read.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Says what is wrong with its value.
    #[must_use]
    pub fn error(mut self, sentence: impl Into<String>) -> Self {
        self.error = Some(sentence.into());
        self
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
fn is_true(value: &bool) -> bool {
    *value
}

fn yes() -> bool {
    true
}
