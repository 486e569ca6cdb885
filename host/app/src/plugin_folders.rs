//! Which plugins there are: found in their places, remembered, chosen among versions, switched on and off.
//!
//! A start reads what was found last and asks no place; each place is looked into behind, on a thread of its own, for
//! one of them may be a share that hangs. Threads and timers exist only while something is looked into or watched.

mod bisect;
mod cache;
mod choice;
mod choose;
mod connect;
mod found;
mod kept_file;
mod manifest;
mod place;
mod scan;
mod version;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callboard_protocol::{
    BisectStep, Bisected, Failure, FailureKind, Manifest, PluginId, PluginSource, PluginsReloaded,
};
use engine::{Ask, Catalogued, Event, Reply, Standing};
use semver::Version;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::engine_thread::EngineHandle;
use crate::supervisor::{Startable, Supervisor};
use choice::{Choice, Kept};
use choose::Chooser;
use found::Scanned;
use scan::Reading;

pub(crate) use kept_file::{Durable, read as read_kept, write as write_kept};
pub(crate) use place::{Place, program_folder};

/// How long a start waits for a place of which nothing is known yet.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// How long a place may take before it is named as one that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a watched place is looked into.
const WATCH: Duration = Duration::from_secs(1);

/// Where plugins are looked for and what is kept of them.
pub(crate) struct PluginFolderOptions {
    /// The places, in the order in which they count.
    pub(crate) places: Vec<Place>,
    /// The folder of what is kept: this machine's and this person's own.
    pub(crate) folder: PathBuf,
    /// Why only bundled plugins are used, where that is so.
    pub(crate) safe: Option<String>,
}

/// The plugins of this host.
#[derive(Clone)]
pub(crate) struct PluginFolders {
    shared: Arc<Shared>,
}

struct Shared {
    places: Vec<Place>,
    cache: PathBuf,
    state: Mutex<State>,
    /// Held while the engine is told, so that it hears of things in their order.
    telling: tokio::sync::Mutex<Option<Told>>,
}

/// Whom to tell of plugins, once they run.
struct Told {
    engine: EngineHandle,
    supervisor: Supervisor,
    last: Vec<Catalogued>,
}

struct State {
    choice: Choice,
    /// What is known of each place, by its number.
    known: Vec<Known>,
}

#[derive(Default)]
struct Known {
    /// What was found last; none before anything was.
    scanned: Option<Scanned>,
    /// Whether a thread looks into it just now.
    is_looked_into: bool,
    /// Whether it did not answer in time.
    is_late: bool,
}

/// A plugin's folder, and its manifest or why there is none.
pub(crate) type Looked = (PathBuf, Result<Manifest, Failure>);

/// Returns the plugins in a folder that somebody names, or that it is itself, each with its manifest.
///
/// # Errors
///
/// When the folder cannot be read.
pub(crate) fn look(folder: &Path) -> Result<Vec<Looked>, Failure> {
    let place = Place::named(folder.to_owned(), PluginSource::Argument);
    let scanned = scan::scan(&place, &Scanned::default(), Reading::All);
    match scanned.problem {
        Some(problem) => Err(problem),
        None => {
            let found = scanned.found.into_iter();
            Ok(found.map(|found| (found.path, found.manifest)).collect())
        }
    }
}

impl PluginFolders {
    /// Learns what is known of the places, and looks into those of which nothing is.
    pub(crate) async fn open(options: PluginFolderOptions) -> Self {
        let PluginFolderOptions {
            places,
            folder,
            safe,
        } = options;
        let cache = folder.join("plugin_cache.json");
        let mut kept = cache::read(&cache);
        let known = places.iter().map(|place| Known {
            scanned: kept.remove(&place.path),
            ..Known::default()
        });
        let state = State {
            choice: Choice::read(folder.join("plugin_choice.json"), safe),
            known: known.collect(),
        };
        let folders = Self {
            shared: Arc::new(Shared {
                cache,
                state: Mutex::new(state),
                telling: tokio::sync::Mutex::new(None),
                places,
            }),
        };
        let unknown = folders.numbers(|known| known.scanned.is_none());
        let looks: Vec<_> = unknown
            .into_iter()
            .map(|number| folders.look_into(number, Reading::All, FIRST_LOOK))
            .collect();
        for look in looks {
            look.await;
        }
        folders
    }

    /// Tells the engine and the supervisor of the plugins, from now on, and looks into every place behind.
    pub(crate) async fn run(&self, engine: EngineHandle, supervisor: Supervisor) {
        *self.shared.telling.lock().await = Some(Told {
            engine,
            supervisor,
            last: Vec::new(),
        });
        self.tell().await;
        self.check_behind();
    }

    /// Looks into every place, without anybody waiting for it, and from then on into those that are watched.
    fn check_behind(&self) {
        for number in self.numbers(|_| true) {
            let folders = self.clone();
            tokio::spawn(async move {
                if folders.look_into(number, Reading::Changed, PATIENCE).await {
                    folders.tell().await;
                }
                if folders.shared.places[number].is_watched {
                    folders.watch(number).await;
                }
            });
        }
    }

    async fn watch(&self, number: usize) {
        let place = self.shared.places[number].path.clone();
        let on_network = tokio::task::spawn_blocking(move || crate::ledger::is_on_network(&place));
        if !matches!(on_network.await, Ok(false)) {
            tracing::info!(
                place = %self.shared.places[number].path.display(),
                "not watched, for it is on a network file system; say `callboard plugins reload`"
            );
            return;
        }
        let mut ticks = interval(WATCH);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.look_into(number, Reading::Changed, PATIENCE).await {
                self.tell().await;
            }
        }
    }

    /// Reads everything anew, and returns what that changed once every place has answered or is late.
    pub(crate) async fn reload(&self) -> PluginsReloaded {
        let before = self.choose().0;
        let looks: Vec<_> = self
            .numbers(|_| true)
            .into_iter()
            .map(|number| self.look_into(number, Reading::All, PATIENCE))
            .collect();
        for look in looks {
            look.await;
        }
        self.tell().await;
        PluginsReloaded {
            changed: changed(&before, &self.choose().0),
            problems: self.problems(),
        }
    }

    /// Tells whether a folder with this id was found.
    pub(crate) fn has(&self, plugin: &PluginId) -> bool {
        let (catalogued, _) = self.choose();
        catalogued.iter().any(|folder| folder.id() == *plugin)
    }

    /// Switches a plugin on or off, durably.
    ///
    /// # Errors
    ///
    /// When there is no such plugin, or the choice cannot be written.
    pub(crate) async fn set_enabled(&self, plugin: PluginId, enabled: bool) -> Result<(), Failure> {
        let is_known = self.has(&plugin);
        self.change(move |choice| {
            let mut kept = choice.kept.clone();
            // One that has gone can be forgotten, but not newly disabled.
            if enabled {
                if !kept.disabled.remove(&plugin) && !is_known {
                    return Err(no_such_plugin(&plugin));
                }
            } else if is_known {
                kept.disabled.insert(plugin);
            } else {
                return Err(no_such_plugin(&plugin));
            }
            choice.keep(kept)
        })
        .await
    }

    /// Takes a step of the search for a culprit, durably.
    ///
    /// # Errors
    ///
    /// When the step makes no sense, or cannot be written.
    pub(crate) async fn bisect(&self, step: BisectStep) -> Result<Bisected, Failure> {
        let in_use = self.choose().0.into_iter().filter_map(|folder| {
            let is_used = folder.standing == Standing::Used && folder.manifest.is_ok();
            is_used.then(|| folder.id())
        });
        let in_use: Vec<PluginId> = in_use.collect();
        self.change(move |choice| {
            let search = choice.kept.bisect.clone();
            let (next, told) = bisect::step(search, step, in_use)?;
            if next != choice.kept.bisect {
                let kept = Kept {
                    bisect: next,
                    ..choice.kept.clone()
                };
                choice.keep(kept)?;
            }
            Ok(told)
        })
        .await
    }

    /// Changes the choice where files may be written, and tells of what follows.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Choice) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let shared = Arc::clone(&self.shared);
        let changed = tokio::task::spawn_blocking(move || change(&mut shared.state().choice)).await;
        let result = changed.unwrap_or_else(|_| {
            Err(Failure::new(FailureKind::Internal, "the change panicked").hint("report this"))
        });
        if result.is_ok() {
            self.tell().await;
        }
        result
    }

    /// Returns what is wrong with places, and what else a person should know.
    pub(crate) fn problems(&self) -> Vec<Failure> {
        let (_, mut problems) = self.choose();
        let state = self.shared.state();
        for (place, known) in self.shared.places.iter().zip(&state.known) {
            let shown = place.path.display();
            if known.is_late {
                let message =
                    format!("`{shown}` does not answer; its plugins are used as they were");
                problems.push(
                    Failure::new(FailureKind::TimedOut, message)
                        .hint("look whether the share is up, then say `callboard plugins reload`"),
                );
            }
            problems.extend(
                known
                    .scanned
                    .iter()
                    .filter_map(|scanned| scanned.problem.clone()),
            );
        }
        if let Some(why) = &state.choice.safe {
            problems.push(
                Failure::new(FailureKind::Plugin, "safe mode: only bundled plugins run")
                    .because(why.clone())
                    .hint("disable the plugin at fault, then start with `callboard run --normal`"),
            );
        }
        if state.choice.kept.bisect.is_some() {
            problems.push(
                Failure::new(FailureKind::Plugin, "a search for the plugin at fault is going on, so some are off")
                    .hint("see `callboard plugins bisect`, or end it with `callboard plugins bisect reset`"),
            );
        }
        problems
    }

    fn numbers(&self, wanted: impl Fn(&Known) -> bool) -> Vec<usize> {
        let state = self.shared.state();
        let known = state.known.iter().enumerate();
        known
            .filter(|(_, known)| wanted(known))
            .map(|(number, _)| number)
            .collect()
    }

    /// Looks into a place on a thread of its own; returns whether something else is known of it than before.
    ///
    /// One that takes longer than `patience` is left to its thread, and what it finds counts when it comes.
    fn look_into(
        &self,
        number: usize,
        reading: Reading,
        patience: Duration,
    ) -> impl Future<Output = bool> + use<> {
        let looking = self.begin_look(number, reading);
        let folders = self.clone();
        async move {
            let Some(mut looking) = looking else {
                return false;
            };
            match timeout(patience, &mut looking).await {
                Ok(changed) => changed.unwrap_or(false),
                Err(_) => {
                    folders.shared.state().known[number].is_late = true;
                    tracing::warn!(
                        place = %folders.shared.places[number].path.display(),
                        "a place of plugins does not answer"
                    );
                    tokio::spawn(async move {
                        if looking.await.unwrap_or(false) {
                            folders.tell().await;
                        }
                    });
                    false
                }
            }
        }
    }

    /// Starts the thread, unless one that was started earlier still waits for the place.
    fn begin_look(&self, number: usize, reading: Reading) -> Option<oneshot::Receiver<bool>> {
        let mut state = self.shared.state();
        let known = &mut state.known[number];
        if std::mem::replace(&mut known.is_looked_into, true) {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let before = known.scanned.clone().unwrap_or_default();
        let thread = std::thread::Builder::new()
            .name("plugin place".into())
            .stack_size(1 << 20)
            .spawn(move || {
                let scanned = scan::scan(&shared.places[number], &before, reading);
                let changed = shared.learn(number, scanned);
                // Whoever waited may have gone with the host.
                sender.send(changed).ok();
            });
        if let Err(error) = thread {
            tracing::warn!(%error, "there is no thread to look for plugins");
            known.is_looked_into = false;
            return None;
        }
        Some(receiver)
    }

    /// Returns every folder with whether it is used, and what is wrong with the choice.
    fn choose(&self) -> (Vec<Catalogued>, Vec<Failure>) {
        let state = self.shared.state();
        let off = |plugin: &PluginId, source: PluginSource| state.choice.off(plugin, source);
        let chooser = Chooser {
            host: host_version(),
            off: &off,
        };
        let nothing = Scanned::default();
        let known = state
            .known
            .iter()
            .map(|known| known.scanned.as_ref().unwrap_or(&nothing));
        chooser.choose(self.shared.places.iter().zip(known))
    }

    /// Tells the engine and the supervisor of the plugins as they are now, where that is news.
    async fn tell(&self) {
        let mut telling = self.shared.telling.lock().await;
        let Some(told) = telling.as_mut() else {
            return;
        };
        let (catalogued, _) = self.choose();
        if told.last == catalogued {
            return;
        }
        told.last.clone_from(&catalogued);
        // The supervisor first: whatever the engine starts then is started where it lies now.
        told.supervisor.set_plugins(startable_by_id(&catalogued));
        told.engine.tell(Event::Catalogued(catalogued)).await;
        let shared = Arc::clone(&self.shared);
        drop(tokio::task::spawn_blocking(move || shared.keep()).await);
    }

    /// Lets a plugin that crashed too often be started again.
    pub(crate) async fn forgive(&self, plugin: PluginId) {
        let engine = self
            .shared
            .telling
            .lock()
            .await
            .as_ref()
            .map(|told| told.engine.clone());
        if let Some(engine) = engine
            && let Reply::Failed(failure) = engine.ask(Ask::Forgive(plugin)).await
        {
            tracing::debug!(%failure, "a plugin could not be forgiven");
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was found in a place; returns whether it is news.
    fn learn(&self, number: usize, scanned: Scanned) -> bool {
        let mut state = self.state();
        let known = &mut state.known[number];
        known.is_looked_into = false;
        known.is_late = false;
        // A share that is away for once does not take its plugins along; a folder that was removed does.
        let is_away = scanned
            .problem
            .as_ref()
            .is_some_and(|problem| problem.kind == FailureKind::Unavailable);
        if is_away && let Some(before) = &mut known.scanned {
            let is_news = before.problem != scanned.problem;
            before.problem = scanned.problem;
            return is_news;
        }
        let is_news = known.scanned.as_ref() != Some(&scanned);
        known.scanned = Some(scanned);
        is_news
    }

    /// Keeps what is known for the next start.
    fn keep(&self) {
        let known: BTreeMap<PathBuf, Scanned> = {
            let state = self.state();
            let known = self.places.iter().zip(&state.known);
            known
                .filter_map(|(place, known)| Some((place.path.clone(), known.scanned.clone()?)))
                .collect()
        };
        cache::write(&self.cache, known);
    }
}

fn startable_by_id(catalogued: &[Catalogued]) -> HashMap<PluginId, Startable> {
    let usable = catalogued.iter().filter_map(|folder| {
        let manifest = folder.manifest.as_ref().ok()?;
        let is_used = matches!(folder.standing, Standing::Used | Standing::Off(_));
        is_used.then(|| {
            let startable = Startable {
                folder: PathBuf::from(&folder.path),
                limits: manifest.limits.clone(),
                connect: None,
            };
            (manifest.id.clone(), startable)
        })
    });
    usable.collect()
}

/// Returns the plugins of which something else is used than before.
fn changed(before: &[Catalogued], after: &[Catalogued]) -> Vec<PluginId> {
    let listed = |folders: &[Catalogued]| -> Vec<(PluginId, Catalogued)> {
        folders
            .iter()
            .filter(|folder| folder.standing != Standing::NotUsed || folder.manifest.is_err())
            .map(|folder| (folder.id(), folder.clone()))
            .collect()
    };
    let (before, after) = (listed(before), listed(after));
    let news = after.iter().filter(|folder| !before.contains(folder));
    let gone = before.iter().filter(|folder| !after.contains(folder));
    let ids: BTreeSet<PluginId> = news.chain(gone).map(|(id, _)| id.clone()).collect();
    ids.into_iter().collect()
}

/// Says that nobody knows a plugin.
pub(crate) fn no_such_plugin(plugin: &PluginId) -> Failure {
    Failure::not_found(format!("there is no plugin `{plugin}`"))
        .hint("list the plugins with `callboard plugins list`")
}

fn host_version() -> Version {
    Version::parse(env!("CARGO_PKG_VERSION")).expect("cargo gives every package a version")
}
