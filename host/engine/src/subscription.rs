//! Subscriptions that plugins declare: events that launch an action, one job at a time.

use std::collections::VecDeque;

use callboard_protocol::{
    ActionId, Context, EventInput, EventPlace, JobId, JobState, Log, LogLevel, PluginId, Surface,
};
use serde_json::Value;

use crate::Engine;
use crate::event::{AskLaunch, Effect, Reply};
use crate::own_request::{OwnLaunch, OwnRequest};
use crate::waiting::Waiting;

/// How many bytes of events may wait for one subscription: they travel in one message.
const MAX_QUEUED_BYTES: usize = 2 * 1024 * 1024;

/// How long after a job that failed the next one is launched, in milliseconds; doubled with each further one.
const FAILED_PAUSE_MS: u64 = 1_000;

/// The longest such pause.
const LONGEST_PAUSE_MS: u64 = 60_000;

/// The events that wait for one subscription.
#[derive(Debug)]
pub(crate) struct Gathered {
    events: VecDeque<(Value, usize)>,
    bytes: usize,
    dropped: u64,
    missed: bool,
    /// Whether its job is being made.
    launching: bool,
    /// Whether a timer will launch it.
    timed: bool,
    /// How many of its jobs failed in a row.
    failures: u32,
}

impl Gathered {
    /// Nothing yet. What ftrack said while the host was not there was missed.
    pub(crate) fn new(on: EventPlace) -> Self {
        Self {
            events: VecDeque::new(),
            bytes: 0,
            dropped: 0,
            missed: on == EventPlace::Hub,
            launching: false,
            timed: false,
            failures: 0,
        }
    }

    fn take(&mut self, event: Value, bytes: usize, most: u32) {
        let has_room = self.events.len() < most as usize
            && self.bytes.saturating_add(bytes) <= MAX_QUEUED_BYTES;
        if has_room {
            self.bytes += bytes;
            self.events.push_back((event, bytes));
        } else {
            self.dropped += 1;
        }
    }
}

impl Engine {
    /// A subscription hears an event.
    pub(crate) fn gather(&mut self, plugin: &PluginId, id: &str, event: Value, bytes: usize) {
        let Some(declared) = self.subscription(plugin, id) else {
            return;
        };
        let (most, coalesce_ms) = (declared.queue, declared.coalesce_ms);
        let key = (plugin.clone(), id.to_owned());
        let Some(gathered) = self.gathered.get_mut(&key) else {
            return;
        };
        gathered.take(event, bytes, most);
        if coalesce_ms == 0 {
            self.launch_gathered(plugin, id);
        } else {
            self.launch_gathered_in(plugin, id, coalesce_ms);
        }
    }

    fn subscription(
        &self,
        plugin: &PluginId,
        id: &str,
    ) -> Option<&callboard_protocol::Subscription> {
        let entry = self
            .catalog
            .plugin(plugin)
            .filter(|entry| entry.is_offered())?;
        let mut declared = entry.manifest.subscriptions.iter();
        declared.find(|subscription| subscription.id == id)
    }

    fn launch_gathered_in(&mut self, plugin: &PluginId, id: &str, after_ms: u64) {
        let line = (plugin.clone(), id.to_owned());
        let Some(gathered) = self.gathered.get_mut(&line) else {
            return;
        };
        if !gathered.timed {
            gathered.timed = true;
            self.set_timer(after_ms, Waiting::GatheringOver(line));
        }
    }

    pub(crate) fn gathering_is_over(&mut self, subscription: &(PluginId, String)) {
        if let Some(gathered) = self.gathered.get_mut(subscription) {
            gathered.timed = false;
            self.launch_gathered(&subscription.0, &subscription.1);
        }
    }

    /// Launches what waits, unless a job of the subscription is under way or a timer will do it.
    fn launch_gathered(&mut self, plugin: &PluginId, id: &str) {
        let Some(declared) = self.subscription(plugin, id) else {
            return;
        };
        let (action, on) = (ActionId::new(plugin, &declared.action), declared.on);
        if self.has_job_of(plugin, id) {
            return;
        }
        let user = self.identity.as_ref().map(|identity| identity.user.clone());
        let Some(gathered) = self.gathered.get_mut(&(plugin.clone(), id.to_owned())) else {
            return;
        };
        if gathered.launching || gathered.timed || gathered.events.is_empty() {
            return;
        }
        gathered.launching = true;
        gathered.bytes = 0;
        let events = std::mem::take(&mut gathered.events);
        let input = EventInput {
            subscription: id.to_owned(),
            on,
            events: events.into_iter().map(|(event, _)| event).collect(),
            dropped: std::mem::take(&mut gathered.dropped),
            missed: std::mem::take(&mut gathered.missed),
        };
        if input.dropped > 0 {
            let message = format!(
                "{} events for the subscription `{id}` were dropped: too many came at once",
                input.dropped
            );
            self.warn_plugin(plugin, message);
        }
        let launch = AskLaunch {
            action,
            context: Context {
                surface: Surface::Event,
                user: user.unwrap_or_default(),
                ..Context::default()
            },
            event: Some(input),
            ..AskLaunch::default()
        };
        let request = OwnRequest::Subscription {
            plugin: plugin.clone(),
            id: id.to_owned(),
        };
        self.launch_own(OwnLaunch { launch, request });
    }

    fn has_job_of(&self, plugin: &PluginId, id: &str) -> bool {
        self.jobs.values().any(|job| {
            let event = job.launch.event.as_ref();
            !job.summary.state.has_ended()
                && event.is_some_and(|event| event.subscription == id)
                && job.summary.action.plugin() == *plugin
        })
    }

    /// A job of a subscription is on disk, or was refused.
    pub(crate) fn events_launched(&mut self, plugin: &PluginId, id: &str, reply: Reply) {
        if let Some(gathered) = self.gathered.get_mut(&(plugin.clone(), id.to_owned())) {
            gathered.launching = false;
        }
        if let Reply::Failed(failure) = reply {
            let message = format!(
                "the events of the subscription `{id}` launched nothing: {}",
                failure.message
            );
            self.warn_plugin(plugin, message);
        }
    }

    /// A job came to rest: what came meanwhile for its subscription is launched.
    pub(crate) fn events_may_go_on(&mut self, job: &JobId) {
        let Some(job) = self.jobs.get(job) else {
            return;
        };
        let Some(event) = &job.launch.event else {
            return;
        };
        if !job.summary.state.has_ended() {
            return;
        }
        let failed = job.summary.state == JobState::Failed;
        let (plugin, id) = (job.summary.action.plugin(), event.subscription.clone());
        let coalesce_ms = self
            .subscription(&plugin, &id)
            .map_or(0, |declared| declared.coalesce_ms);
        let Some(gathered) = self.gathered.get_mut(&(plugin.clone(), id.clone())) else {
            return;
        };
        gathered.failures = if failed { gathered.failures + 1 } else { 0 };
        let pause_ms = match gathered.failures {
            0 => coalesce_ms,
            failures => (FAILED_PAUSE_MS << (failures - 1).min(10)).min(LONGEST_PAUSE_MS),
        };
        if gathered.events.is_empty() && !failed {
            return;
        }
        if pause_ms == 0 {
            self.launch_gathered(&plugin, &id);
        } else {
            self.launch_gathered_in(&plugin, &id, pause_ms);
        }
    }

    /// The hub is back after it was away: what was said meanwhile is lost, and the plugins are told.
    pub(crate) fn events_were_missed(&mut self) {
        let mut missed = Vec::new();
        for ((plugin, id), gathered) in &mut self.gathered {
            let entry = self.catalog.plugin(plugin);
            let mut declared = entry
                .into_iter()
                .flat_map(|one| &one.manifest.subscriptions);
            if declared.any(|one| one.id == *id && one.on == EventPlace::Hub) {
                gathered.missed = true;
                missed.push((plugin.clone(), id.clone()));
            }
        }
        for (plugin, id) in missed {
            let message = format!(
                "the event hub was away: what it said meanwhile did not reach the subscription `{id}`"
            );
            self.warn_plugin(&plugin, message);
        }
    }

    fn warn_plugin(&mut self, plugin: &PluginId, message: String) {
        self.out.push(Effect::Log {
            plugin: plugin.clone(),
            log: Log {
                level: LogLevel::Warning,
                message,
            },
        });
    }
}
