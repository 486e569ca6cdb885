//! Drafts: what a person has committed to the fields of a form that is not sent yet. Kept until the question is answered.

use std::collections::BTreeMap;

use callboard_protocol::{
    DraftKept, Edit, Failure, FailureKind, FieldEdit, Item, JobDraft, JobId, JobState,
    MAX_DRAFT_BYTES, MAX_EDITS, ROW_ID, View, apply_edits,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Engine;
use crate::event::{Reply, RequestId, Row};
use crate::job::Job;
use crate::waiting::AfterKept;

/// How many windows' counts are remembered; that of the one heard of longest ago is forgotten.
const MAX_WRITERS: usize = 8;

/// The longest name of a writer, in bytes.
const MAX_WRITER_BYTES: usize = 100;

/// One row of a draft as the ledger keeps it, under a key of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub enum DraftRow {
    /// The last edit of an item, of a row of it, or of a cell.
    Edit(FieldEdit),
    /// The number of the last edit of each writer, the latest writer last.
    Writers {
        /// Writers and numbers.
        writers: Vec<(String, u64)>,
    },
}

/// What is changed of a draft in the ledger, in one go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftChange {
    /// Whether everything that was kept before is forgotten.
    pub clear: bool,
    /// The keys of rows that are forgotten.
    pub forget: Vec<String>,
    /// Rows that replace those of the same keys.
    pub put: Vec<(String, DraftRow)>,
}

/// What an edit is about: an item, a row of it, a cell of that. A later edit replaces the earlier of the same place.
type Place = (String, Option<String>, Option<String>);

/// What was changed of a form since it was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// What was done last at each place; numbered anew, in the order in which it is done.
    edits: BTreeMap<Place, FieldEdit>,
    last: u64,
    bytes: usize,
    writers: Vec<(String, u64)>,
    /// Whether anything of it is in the ledger, or may be.
    is_kept: bool,
    /// Whether something of it could not be written: the next change then brings all of it.
    is_behind: bool,
}

impl Draft {
    pub(crate) fn from_rows(rows: Vec<DraftRow>) -> Self {
        let mut draft = Self {
            is_kept: !rows.is_empty(),
            ..Self::default()
        };
        for row in rows {
            match row {
                DraftRow::Writers { writers } => draft.writers = writers,
                DraftRow::Edit(edit) => {
                    draft.last = draft.last.max(edit.number);
                    draft.insert(place_of(&edit), edit);
                }
            }
        }
        draft
    }

    /// Returns what is to be done to the form's values, in order.
    pub(crate) fn edits(&self) -> Vec<FieldEdit> {
        let mut edits: Vec<FieldEdit> = self.edits.values().cloned().collect();
        edits.sort_by_key(|edit| edit.number);
        edits
    }

    /// Returns the number of the last change of the draft.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Tells whether an item was changed after the draft had this number.
    pub(crate) fn has_changed_since(&self, name: &str, number: u64) -> bool {
        self.of_item(name).any(|(_, edit)| edit.number > number)
    }

    /// Forgets what was changed of an item.
    pub(crate) fn forget(&mut self, name: &str) -> DraftChange {
        let places = self.of_item(name).map(|(place, _)| place.clone());
        let places: Vec<Place> = places.collect();
        let mut change = DraftChange::default();
        for place in places {
            self.remove(&place, &mut change);
        }
        change
    }

    /// Begins an empty draft; returns what the ledger forgets with it.
    pub(crate) fn clear(&mut self) -> Option<DraftChange> {
        let was_kept = std::mem::take(self).is_kept;
        was_kept.then(|| DraftChange {
            clear: true,
            ..DraftChange::default()
        })
    }

    fn of_item(&self, name: &str) -> impl Iterator<Item = (&Place, &FieldEdit)> {
        let from = (name.to_owned(), None, None);
        self.edits
            .range(from..)
            .take_while(move |(place, _)| place.0 == name)
    }

    /// Returns the number of the last edit that a writer brought.
    fn number_of(&self, writer: &str) -> u64 {
        let mut writers = self.writers.iter();
        writers
            .find(|(known, _)| known == writer)
            .map_or(0, |(_, number)| *number)
    }

    fn heard_of(&mut self, writer: &str, number: u64) {
        self.writers.retain(|(known, _)| known != writer);
        if self.writers.len() >= MAX_WRITERS {
            self.writers.remove(0);
        }
        self.writers.push((writer.to_owned(), number));
    }

    fn take(&mut self, edit: &FieldEdit, change: &mut DraftChange) {
        self.last += 1;
        let edit = FieldEdit {
            number: self.last,
            ..edit.clone()
        };
        let place = place_of(&edit);
        let (name, row, column) = &place;
        // What it makes nothing of: the cells of a row that is new or gone, everything of a value that is another one.
        let replaced = self.of_item(name).filter(|((_, of, cell), _)| {
            row.is_none() || (column.is_none() && of == row && cell.is_some())
        });
        let replaced: Vec<Place> = replaced.map(|(place, _)| place.clone()).collect();
        for place in replaced {
            self.remove(&place, change);
        }
        let edit = match (self.edits.get(&place), edit) {
            // A row that is new already takes the cells where it is.
            (
                Some(FieldEdit {
                    number,
                    edit: Edit::Insert { before, .. },
                    ..
                }),
                FieldEdit {
                    name,
                    edit: Edit::Insert { row, .. },
                    ..
                },
            ) => FieldEdit {
                number: *number,
                name,
                edit: Edit::Insert {
                    row,
                    before: before.clone(),
                },
            },
            (_, edit) => edit,
        };
        change
            .put
            .push((key_of(&place), DraftRow::Edit(edit.clone())));
        self.insert(place, edit);
    }

    fn insert(&mut self, place: Place, edit: FieldEdit) {
        self.bytes += bytes_of(&edit);
        if let Some(before) = self.edits.insert(place, edit) {
            self.bytes -= bytes_of(&before);
        }
    }

    fn remove(&mut self, place: &Place, change: &mut DraftChange) {
        if let Some(edit) = self.edits.remove(place) {
            self.bytes -= bytes_of(&edit);
            let key = key_of(place);
            change.put.retain(|(put, _)| *put != key);
            change.forget.push(key);
        }
    }

    /// Completes a change that is to be written: all of the draft where an earlier change could not be.
    fn brought_up(&mut self, mut change: DraftChange) -> DraftChange {
        if std::mem::take(&mut self.is_behind) {
            let edits = self.edits.iter();
            change = DraftChange {
                clear: true,
                forget: Vec::new(),
                put: edits
                    .map(|(place, edit)| (key_of(place), DraftRow::Edit(edit.clone())))
                    .collect(),
            };
        }
        let writers = self.writers.clone();
        change
            .put
            .push((String::new(), DraftRow::Writers { writers }));
        self.is_kept = true;
        change
    }
}

fn place_of(edit: &FieldEdit) -> Place {
    let column = match &edit.edit {
        Edit::Cell { column, .. } => Some(column.clone()),
        _ => None,
    };
    let row = edit.edit.row().map(str::to_owned);
    (edit.name.clone(), row, column)
}

/// Returns the key of a place in the ledger; the empty key is that of the writers.
fn key_of(place: &Place) -> String {
    crate::turn::as_json(place).to_string()
}

fn bytes_of(edit: &FieldEdit) -> usize {
    crate::turn::as_json(edit).to_string().len()
}

impl Job {
    /// Returns the values of the form that is asked, as far as they were filled in.
    pub(crate) fn drafted_values(&self) -> Map<String, Value> {
        let view = self.view.as_ref();
        let mut values = view.map_or_else(Map::new, View::initial_values);
        apply_edits(&mut values, &self.draft.edits());
        values
    }

    /// Checks that the job asks, and asks this.
    pub(crate) fn check_question(&self, question: Option<u64>) -> Result<&View, Failure> {
        let label = &self.summary.label;
        let view = self.view.as_ref();
        let Some(view) = view.filter(|_| self.summary.state == JobState::Asks) else {
            let said = crate::ask::said(self.summary.state);
            let message = format!("`{label}` asks nothing: it is {said}");
            let hint = format!("see `callboard jobs show {}`", self.summary.id);
            return Err(Failure::new(FailureKind::Conflict, message).hint(hint));
        };
        if question.is_some_and(|question| question != self.question) {
            let message = format!("`{label}` asks something else by now");
            return Err(Failure::new(FailureKind::Conflict, message).hint("look at the job again"));
        }
        Ok(view)
    }
}

impl Engine {
    /// Takes what a person changed in a form; answered once it is on disk.
    pub(crate) fn take_draft(&mut self, request: RequestId, draft: &JobDraft) {
        let Some(job) = self.require_own_job(request, &draft.job) else {
            return;
        };
        if let Err(failure) = check_draft(job, draft) {
            return self.refuse(request, failure);
        }
        let known = job.draft.number_of(&draft.writer);
        let new = draft.edits.iter().filter(|edit| edit.number > known);
        let new: Vec<&FieldEdit> = new.collect();
        let grown = job.draft.bytes + new.iter().map(|edit| bytes_of(edit)).sum::<usize>();
        // What it replaces makes room, which is known once it is done.
        let before = (grown > MAX_DRAFT_BYTES).then(|| job.draft.clone());
        let mut change = DraftChange::default();
        for edit in &new {
            let is_secret = job.secrets.contains(&edit.name);
            if !is_secret && edit.edit != Edit::Unknown {
                job.draft.take(edit, &mut change);
            }
        }
        if let Some(before) = before
            && job.draft.bytes > MAX_DRAFT_BYTES
        {
            job.draft = before;
            return self.refuse(request, too_large());
        }
        let number = new.last().map_or(known, |edit| edit.number);
        let kept = DraftKept { number };
        if new.is_empty() && !job.draft.is_kept {
            return self.reply(request, Reply::DraftKept(kept));
        }
        job.draft.heard_of(&draft.writer, number);
        let change = Box::new(job.draft.brought_up(change));
        let job = draft.job.clone();
        let rows = vec![Row::Draft {
            job: job.clone(),
            change,
        }];
        self.keep(rows, AfterKept::Drafted { job, request, kept });
    }

    /// A change of a draft is on disk, or could not be written.
    pub(crate) fn draft_kept(
        &mut self,
        id: &JobId,
        request: RequestId,
        kept: DraftKept,
        result: Result<(), Failure>,
    ) {
        if let Err(failure) = result {
            if let Some(job) = self.jobs.get_mut(id) {
                job.draft.is_behind = true;
            }
            return self.refuse(request, failure);
        }
        self.reply(request, Reply::DraftKept(kept));
    }
}

/// Checks what can be checked of edits before they are done.
fn check_draft(job: &Job, draft: &JobDraft) -> Result<(), Failure> {
    let view = job.check_question(draft.question)?;
    if draft.writer.len() > MAX_WRITER_BYTES {
        let message = format!("the name of a writer may have {MAX_WRITER_BYTES} bytes at most");
        return Err(Failure::new(FailureKind::Limit, message));
    }
    if draft.edits.len() > MAX_EDITS {
        let message = format!("a message may bring {MAX_EDITS} edits at most");
        return Err(Failure::new(FailureKind::Limit, message).hint("send them in several messages"));
    }
    let numbers = draft.edits.iter().map(|edit| edit.number);
    if draft.edits.first().is_some_and(|edit| edit.number == 0)
        || !numbers.is_sorted_by(|a, b| a < b)
    {
        return Err(Failure::invalid("the numbers of edits must grow, from 1"));
    }
    for edit in &draft.edits {
        let is_field = |item: &&Item| item.has_value() && item.name == edit.name;
        let Some(item) = view.items.iter().find(is_field) else {
            let message = format!("the form has no field `{}`", edit.name);
            return Err(Failure::invalid(message).hint("look at the job again"));
        };
        let is_of_rows = matches!(
            edit.edit,
            Edit::Cell { .. } | Edit::Insert { .. } | Edit::Delete { .. }
        );
        if is_of_rows && (edit.edit.row().is_none() || !has_rows(item)) {
            let message = format!("`{}` has no such row to edit", edit.name);
            let hint = format!("give a row of a table a text as `{ROW_ID}`");
            return Err(Failure::invalid(message).hint(hint));
        }
    }
    Ok(())
}

/// Tells whether an item's value can be one of rows: what is known to be something else cannot.
fn has_rows(item: &Item) -> bool {
    item.value.is_array() || item.value.is_null()
}

fn too_large() -> Failure {
    let message = format!("a draft may have {MAX_DRAFT_BYTES} bytes at most");
    Failure::new(FailureKind::Limit, message).hint("send the form, or fill in less of it")
}
