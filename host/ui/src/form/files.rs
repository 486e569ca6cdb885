//! Files that are dropped, chosen in a list of the folder, or named by path; frames of one name fold into one entry.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use callboard_protocol::FileChoice;
use egui::{Button, Frame, Id, Key, Modal, RichText, ScrollArea, Stroke, TextEdit, Ui};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::icon::Icon;
use crate::tokens::{Tokens, size, space};

/// How many entries of a folder are listed.
const MAX_ENTRIES: usize = 5_000;

/// The path that is typed, and the folder that is looked into.
#[derive(Debug, Default)]
pub(super) struct Files {
    path: String,
    folder: Option<Folder>,
    problem: Option<String>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    folders: Vec<PathBuf>,
    files: Vec<FileChoice>,
    problem: Option<String>,
}

impl Files {
    pub(super) fn is_open(&self) -> bool {
        self.folder.is_some()
    }

    /// Draws the place for files; returns what takes the focus, and whether the value is another one.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        value: &mut Value,
        name: &str,
        extensions: &[String],
        multiple: bool,
    ) -> (Id, bool) {
        let tokens = Tokens::of(ui);
        let mut new: Vec<PathBuf> = ui.input_mut(|input| {
            let files = std::mem::take(&mut input.raw.dropped_files);
            files.iter().map(|file| file.path().to_owned()).collect()
        });
        let mut chosen = Vec::new();
        let is_hovered = ui.input(|input| !input.raw.hovered_files.is_empty());
        let line = if is_hovered {
            Stroke::new(2.0, tokens.accent)
        } else {
            Stroke::new(1.0, tokens.line)
        };
        let mut focus = None;
        let frame = Frame::new()
            .stroke(line)
            .fill(tokens.field)
            .inner_margin(12.0)
            .corner_radius(f32::from(space::CORNER));
        let mut removed = None;
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                let edit = TextEdit::singleline(&mut self.path)
                    .hint_text("Drop files here, or type a path")
                    .margin(egui::Margin::symmetric(10, 6))
                    .desired_width(ui.available_width() - 140.0);
                let edit = ui.add(edit);
                ui.ctx().accesskit_node_builder(edit.id, |node| {
                    node.set_label(format!("{name}: path"))
                });
                focus = Some(edit.id);
                let is_entered =
                    edit.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                if is_entered && !self.path.trim().is_empty() {
                    new.push(PathBuf::from(std::mem::take(&mut self.path).trim()));
                    edit.request_focus();
                }
                if ui.button("Choose files…").clicked() {
                    self.folder = Some(read_folder(&start_folder(value), extensions));
                }
            });
            removed = entries_ui(ui, value);
        });
        if let Some(problem) = &self.problem {
            ui.label(RichText::new(problem).size(size::SMALL).color(tokens.bad));
        }
        self.folder_ui(ui, extensions, &mut chosen);
        let is_changed = removed.is_some() || !new.is_empty() || !chosen.is_empty();
        if let (Some(place), Value::Array(list)) = (removed, &mut *value) {
            list.remove(place);
        }
        if !new.is_empty() {
            let (there, strangers): (Vec<_>, Vec<_>) = new
                .into_iter()
                .partition(|path| fits(path, extensions) && path.is_file());
            self.problem = strangers.first().map(|path| refusal(path, extensions));
            chosen.extend(fold(&there));
        }
        for file in chosen {
            add(value, &file, multiple);
        }
        (focus.unwrap_or(Id::NULL), is_changed)
    }

    fn folder_ui(&mut self, ui: &mut Ui, extensions: &[String], chosen: &mut Vec<FileChoice>) {
        let Some(folder) = &self.folder else {
            return;
        };
        let mut next = None;
        let mut is_open = true;
        let modal = Modal::new(ui.scope_id().with("folder")).show(ui.ctx(), |ui| {
            ui.set_width(560.0);
            ui.heading("Choose files");
            ui.label(RichText::new(folder.path.display().to_string()).monospace());
            if let Some(problem) = &folder.problem {
                ui.colored_label(Tokens::of(ui).bad, problem);
            }
            if let Some(parent) = folder
                .path
                .parent()
                .filter(|_| ui.button("Folder above").clicked())
            {
                next = Some(parent.to_owned());
            }
            let count = folder.folders.len() + folder.files.len();
            ScrollArea::vertical()
                .max_height(340.0)
                .auto_shrink([false, false])
                .show_rows(ui, space::ROW, count, |ui, seen| {
                    for place in seen {
                        match folder.folders.get(place) {
                            Some(path) => {
                                let name = format!("{}/", name_of(path));
                                if row_ui(ui, Icon::Folder, &name) {
                                    next = Some(path.clone());
                                }
                            }
                            None => {
                                let file = &folder.files[place - folder.folders.len()];
                                if row_ui(ui, Icon::File, &text_of(file)) {
                                    chosen.push(file.clone());
                                    is_open = false;
                                }
                            }
                        }
                    }
                });
            if ui.button("Close folder").clicked() {
                is_open = false;
            }
        });
        if let Some(path) = next {
            self.folder = Some(read_folder(&path, extensions));
        } else if !is_open || modal.should_close() {
            self.folder = None;
        }
    }
}

fn row_ui(ui: &mut Ui, icon: Icon, name: &str) -> bool {
    ui.horizontal(|ui| {
        icon.ui(ui, Tokens::of(ui).quiet);
        let size = egui::vec2(ui.available_width(), space::ROW);
        ui.add(
            Button::new(name)
                .frame_when_inactive(false)
                .truncate()
                .min_size(size),
        )
        .clicked()
    })
    .inner
}

/// Draws what is chosen; returns the place of an entry that is taken out.
fn entries_ui(ui: &mut Ui, value: &Value) -> Option<usize> {
    let tokens = Tokens::of(ui);
    let mut removed = None;
    for (place, file) in value.as_array().into_iter().flatten().enumerate() {
        let file = FileChoice::deserialize(file).unwrap_or_default();
        ui.horizontal(|ui| {
            let text = text_of(&file);
            if Icon::Cross.button(ui, &format!("Remove {text}")).clicked() {
                removed = Some(place);
            }
            ui.label(text).on_hover_text(&file.path);
            if !file.missing.is_empty() {
                let text = format!("{} missing: {}", file.missing.len(), ranges(&file.missing));
                ui.label(RichText::new(text).size(size::SMALL).color(tokens.warning));
            }
        });
    }
    removed
}

fn add(value: &mut Value, file: &FileChoice, multiple: bool) {
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    let Value::Array(list) = value else {
        return;
    };
    if !multiple {
        list.clear();
    }
    list.retain(|old| old["path"] != file.path.as_str());
    list.push(json!(file));
}

fn fits(path: &Path, extensions: &[String]) -> bool {
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    extensions.is_empty()
        || ending.is_some_and(|ending| extensions.iter().any(|one| one.to_lowercase() == ending))
}

fn refusal(path: &Path, extensions: &[String]) -> String {
    let shown = path.display();
    if fits(path, extensions) {
        format!("There is no file `{shown}`.")
    } else {
        format!("`{shown}` is not one of {}.", extensions.join(", "))
    }
}

fn start_folder(value: &Value) -> PathBuf {
    let chosen = value
        .as_array()
        .and_then(|list| list.last())
        .and_then(|file| file["path"].as_str());
    let beside = chosen
        .and_then(|path| Path::new(path).parent())
        .map(Path::to_owned);
    beside
        .or_else(|| std::env::current_dir().ok())
        .unwrap_or_else(|| PathBuf::from("/"))
}

fn read_folder(path: &Path, extensions: &[String]) -> Folder {
    let mut folder = Folder {
        path: path.to_owned(),
        folders: Vec::new(),
        files: Vec::new(),
        problem: None,
    };
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            folder.problem = Some(format!("Could not read the folder: {error}."));
            return folder;
        }
    };
    let mut files = Vec::new();
    for entry in entries.flatten().take(MAX_ENTRIES) {
        let path = entry.path();
        if name_of(&path).starts_with('.') {
            continue;
        }
        if path.is_dir() {
            folder.folders.push(path);
        } else if fits(&path, extensions) {
            files.push(path);
        }
    }
    folder.folders.sort();
    files.sort();
    folder.files = fold(&files);
    folder
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn text_of(file: &FileChoice) -> String {
    let name = name_of(Path::new(&file.path));
    match (file.first, file.last) {
        (Some(first), Some(last)) => format!("{name} {first}-{last}"),
        _ => name,
    }
}

/// Folds frames of one name into one entry: `plate.1001.exr` and `plate.1002.exr` into `plate.####.exr`.
fn fold(paths: &[PathBuf]) -> Vec<FileChoice> {
    let mut folded: Vec<FileChoice> = Vec::new();
    let mut sequences: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut singles: BTreeMap<String, String> = BTreeMap::new();
    for path in paths {
        let whole = path.to_string_lossy().into_owned();
        match pattern(&whole) {
            Some((pattern, frame)) => {
                singles.insert(pattern.clone(), whole);
                sequences.entry(pattern).or_default().push(frame);
            }
            None => folded.push(FileChoice {
                path: whole,
                ..FileChoice::default()
            }),
        }
    }
    for (pattern, mut frames) in sequences {
        frames.sort_unstable();
        let (Some(first), Some(last)) = (frames.first().copied(), frames.last().copied()) else {
            continue;
        };
        if first == last {
            let path = singles.remove(&pattern).unwrap_or(pattern);
            folded.push(FileChoice {
                path,
                ..FileChoice::default()
            });
            continue;
        }
        let gaps = frames.windows(2).flat_map(|pair| pair[0] + 1..pair[1]);
        folded.push(FileChoice {
            path: pattern,
            first: Some(first),
            last: Some(last),
            missing: gaps.take(1_000).collect(),
        });
    }
    folded.sort_by(|one, other| one.path.cmp(&other.path));
    folded
}

/// Returns a path with its frame number as `#`s, and the number: three digits or more, before the ending.
fn pattern(path: &str) -> Option<(String, u64)> {
    let (stem, ending) = path.rsplit_once('.')?;
    let start = stem
        .trim_end_matches(|letter: char| letter.is_ascii_digit())
        .len();
    let digits = &stem[start..];
    let is_frame = (3..=9).contains(&digits.len()) && stem[..start].ends_with(['.', '_', '-']);
    let frame = digits.parse().ok().filter(|_| is_frame)?;
    Some((
        format!("{}{}.{ending}", &stem[..start], "#".repeat(digits.len())),
        frame,
    ))
}

/// Returns frames as ranges: `3, 7-9`.
fn ranges(frames: &[u64]) -> String {
    let runs = frames.chunk_by(|one, next| one + 1 == *next);
    let texts: Vec<String> = runs
        .filter_map(|run| match (run.first()?, run.last()?) {
            (first, last) if first == last => Some(first.to_string()),
            (first, last) => Some(format!("{first}-{last}")),
        })
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_one_name_are_one_entry() {
        let paths = [
            "/p/a.1001.exr",
            "/p/a.1002.exr",
            "/p/a.1005.exr",
            "/p/still.1001.jpg",
            "/p/cut_v002.mov",
            "/p/b_0001.dpx",
            "/p/b_0002.dpx",
        ];
        let folded = fold(&paths.map(PathBuf::from));
        let texts: Vec<String> = folded.iter().map(text_of).collect();
        assert_eq!(
            texts,
            [
                "a.####.exr 1001-1005",
                "b_####.dpx 1-2",
                "cut_v002.mov",
                "still.1001.jpg"
            ]
        );
        assert_eq!(folded[0].missing, [1003, 1004]);
        assert_eq!(ranges(&[3, 7, 8, 9]), "3, 7-9");
    }
}
