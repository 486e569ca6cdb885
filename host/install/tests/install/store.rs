//! Swapping versions: what is there, what is kept, and what a kill leaves.

use std::fs;
use std::path::Path;
use std::time::Duration;

use install::{Difference, FileList, Installed, Lock, Locked, Store, StoreError};
use proptest::prelude::*;

const SOON: Duration = Duration::from_secs(20);

/// Installs a version whose one file holds `content`.
fn install(store: &Store, id: &str, version: &str, content: &str) -> Result<Locked, StoreError> {
    let mut changing = store.change(SOON)?;
    let incoming = changing.incoming()?;
    let root = incoming.path();
    fs::write(root.join("plugin.toml"), content).unwrap();
    let files = FileList::of_folder(&root).unwrap();
    let installed = Installed {
        id,
        version,
        source: "/archive.zip",
        name: &format!("{id}-{version}"),
    };
    changing.commit(incoming, &root, &files, installed)
}

/// Returns what a plugin's meant version holds.
fn content(store: &Store, id: &str) -> Option<String> {
    let lock = Lock::read(&store.lock_file()).unwrap();
    let folder = store.path(&lock.get(id)?.content);
    Some(fs::read_to_string(folder.join("plugin.toml")).unwrap())
}

/// Returns the names of everything that lies in the store's folder and is not hidden.
fn visible(store: &Store) -> Vec<String> {
    let entries = fs::read_dir(store.folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn hidden(store: &Store) -> Vec<String> {
    let entries = fs::read_dir(store.folder().join(".install")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn a_version_is_swapped_in_kept_and_gone_back_to() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(&folder.path().join("plugins"));
    for (version, text) in [("1.0.0", "one"), ("1.1.0", "two"), ("1.2.0", "three")] {
        install(&store, "a", version, text).unwrap();
        assert_eq!(content(&store, "a").unwrap(), text);
    }
    assert_eq!(visible(&store), ["a-1.1.0", "a-1.2.0", "callboard.lock"]);
    assert_eq!(hidden(&store), ["files", "guard"]);

    let back = store.change(SOON).unwrap().roll_back("a").unwrap();
    assert_eq!(back.content.version, "1.1.0");
    assert_eq!(content(&store, "a").unwrap(), "two");
    let again = store.change(SOON).unwrap().roll_back("a").unwrap();
    assert_eq!(again.content.version, "1.2.0");

    // The same version with other content lies beside its former self.
    let replaced = install(&store, "a", "1.2.0", "other").unwrap();
    assert_eq!(replaced.folder, "a-1.2.0+2");
    assert_eq!(content(&store, "a").unwrap(), "other");
    store.change(SOON).unwrap().roll_back("a").unwrap();
    assert_eq!(content(&store, "a").unwrap(), "three");

    let removed = store.change(SOON).unwrap().remove("a").unwrap();
    assert_eq!(removed.content.version, "1.2.0");
    assert_eq!(visible(&store), ["callboard.lock"]);
    assert!(
        fs::read_dir(folder.path().join("plugins/.install/files"))
            .unwrap()
            .next()
            .is_none()
    );
    let gone = store.change(SOON).unwrap().remove("a").unwrap_err();
    assert!(matches!(gone, StoreError::NotInstalled { .. }), "{gone}");
    let gone = store.change(SOON).unwrap().roll_back("a").unwrap_err();
    assert!(matches!(gone, StoreError::NotInstalled { .. }), "{gone}");
}

#[test]
fn the_same_once_more_mends_what_was_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    let none =
        install(&store, "a", "1.0.0", "one").map(|_| store.change(SOON).unwrap().roll_back("a"));
    assert!(
        matches!(none, Ok(Err(StoreError::NoPrevious { .. }))),
        "{none:?}"
    );
    install(&store, "a", "1.1.0", "two").unwrap();
    let lock = Lock::read(&store.lock_file()).unwrap();
    let damaged = lock.get("a").unwrap().content.clone();
    assert!(store.is_intact(&damaged));
    fs::write(store.path(&damaged).join("plugin.toml"), "changed").unwrap();
    fs::write(store.path(&damaged).join("new"), "").unwrap();
    assert!(!store.is_intact(&damaged));
    let files = store.installed_files(&damaged).unwrap();
    let found = FileList::of_folder(&store.path(&damaged)).unwrap();
    assert_eq!(
        files.differences(&found),
        [
            Difference::Changed("plugin.toml".into()),
            Difference::Extra("new".into())
        ]
    );

    let mended = install(&store, "a", "1.1.0", "two").unwrap();
    assert!(store.is_intact(&mended));
    assert_eq!(visible(&store), ["a-1.0.0", "a-1.1.0+2", "callboard.lock"]);
    // The version before is still the one to go back to, as long as it is what it was.
    fs::remove_file(folder.path().join("a-1.0.0/plugin.toml")).unwrap();
    let damaged = store.change(SOON).unwrap().roll_back("a").unwrap_err();
    assert!(
        matches!(damaged, StoreError::PreviousDamaged { .. }),
        "{damaged}"
    );
}

#[test]
fn what_others_put_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    fs::create_dir(folder.path().join("a-1.0.0")).unwrap();
    fs::write(folder.path().join("a-1.0.0/plugin.toml"), "mine").unwrap();
    let taken = install(&store, "a", "1.0.0", "one").unwrap_err();
    assert!(matches!(taken, StoreError::Taken { .. }), "{taken}");
    assert_eq!(visible(&store), ["a-1.0.0"]);

    // A list that a killed command left does not speak for a folder that somebody else has made since.
    install(&store, "b", "1.0.0", "one").unwrap();
    fs::remove_file(store.lock_file()).unwrap();
    fs::write(folder.path().join("b-1.0.0/plugin.toml"), "mine").unwrap();
    drop(store.change(SOON).unwrap());
    assert_eq!(visible(&store), ["a-1.0.0", "b-1.0.0"]);
}

#[test]
fn what_a_killed_command_left_is_tidied_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    install(&store, "a", "1.0.0", "one").unwrap();
    let lock = fs::read(store.lock_file()).unwrap();
    // Killed while it unpacked.
    let half = folder.path().join(".install/incoming-x/content");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("half"), "").unwrap();
    // Killed while it deleted.
    fs::create_dir_all(folder.path().join(".install/outgoing-x/content")).unwrap();
    // Killed after the new version's rename and before the lock's.
    install(&store, "a", "1.1.0", "two").unwrap();
    fs::write(store.lock_file(), &lock).unwrap();
    fs::create_dir_all(folder.path().join(".install/incoming-y")).unwrap();

    drop(store.change(SOON).unwrap());
    assert_eq!(visible(&store), ["a-1.0.0", "callboard.lock"]);
    assert_eq!(hidden(&store), ["files", "guard"]);
    assert_eq!(content(&store, "a").unwrap(), "one");
}

#[test]
fn one_command_at_a_time_changes_plugins() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    let first = store.change(SOON).unwrap();
    let busy = store.change(Duration::from_millis(100)).unwrap_err();
    assert!(matches!(busy, StoreError::Busy { .. }), "{busy}");
    let waiting = {
        let store = store.clone();
        std::thread::Builder::new()
            .name("waiting".into())
            .spawn(move || store.change(SOON).map(drop))
            .unwrap()
    };
    drop(first);
    waiting.join().unwrap().unwrap();
}

/// What the commands are to have the same effect as.
#[derive(Default)]
struct Model {
    meant: Option<(u8, u8)>,
    previous: Option<(u8, u8)>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25))]

    /// After any row of commands the lock says what was installed, what it says is there file by file, and nothing else is.
    #[test]
    fn any_row_of_commands_leaves_what_the_lock_says(commands in proptest::collection::vec((0..6_u8, 0..3_u8, 0..2_u8), 1..12)) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let mut model = Model::default();
        for (command, version, content) in commands {
            match command {
                0..4 => {
                    install(&store, "a", &format!("1.{version}.0"), &format!("{version} {content}")).unwrap();
                    let new = Some((version, content));
                    if model.meant != new {
                        model.previous = model.meant;
                    }
                    model.meant = new;
                }
                4 => {
                    let rolled_back = store.change(SOON).unwrap().roll_back("a").is_ok();
                    prop_assert_eq!(rolled_back, model.previous.is_some());
                    if rolled_back {
                        std::mem::swap(&mut model.meant, &mut model.previous);
                    }
                }
                _ => {
                    let removed = store.change(SOON).unwrap().remove("a").is_ok();
                    prop_assert_eq!(removed, model.meant.is_some());
                    model = Model::default();
                }
            }
            check_model(&store, &model)?;
        }
    }
}

fn check_model(store: &Store, model: &Model) -> Result<(), TestCaseError> {
    let lock = Lock::read(&store.lock_file()).unwrap();
    let expected = model
        .meant
        .map(|(version, content)| format!("{version} {content}"));
    prop_assert_eq!(content(store, "a"), expected);
    let mut folders: Vec<String> = Vec::new();
    if let Some(plugin) = lock.get("a") {
        for content in [Some(&plugin.content), plugin.previous.as_ref()]
            .into_iter()
            .flatten()
        {
            prop_assert!(store.is_intact(content));
            prop_assert!(store.installed_files(content).is_some());
            folders.push(content.folder.clone());
        }
    }
    if Path::exists(&store.lock_file()) {
        folders.push("callboard.lock".into());
    }
    folders.sort();
    prop_assert_eq!(visible(store), folders);
    Ok(())
}
