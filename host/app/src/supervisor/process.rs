//! One process from its start to its end.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;

use callboard_protocol::{
    Failure, FailureKind, HostHello, LogLevel, Message, PluginId, SUPPORTED_VERSIONS,
};
use callboard_wire::{encode, encode_hello};
use connect::Outward;
use engine::{Event, ProcessEnd, ProcessId, Stop, Token};
use runner::{Lifeline, Report};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::process::{Child, ChildStdin};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::examine;
use super::rate::{Bucket, Rate};
use super::reader::{ReadEnd, Reader};
use super::recent::Recent;
use super::spawner::{Spawned, Spawner};
use super::{FIRM, GENTLE, LOG_LINE_BYTES, LOG_RATE, Mail, Shared};
use crate::plugin_log::PluginLog;

/// How many lines may wait for the pipe.
const WAITING_LINES: usize = 256;

/// Runs a process to its end and says how it ended. Everything it said was told to the engine before.
pub(super) async fn run(
    shared: &Arc<Shared>,
    process: ProcessId,
    plugin: &PluginId,
    rate: Rate,
    outward: Option<Outward>,
    spawned: oneshot::Receiver<io::Result<Spawned>>,
    mails: mpsc::Receiver<Mail>,
) -> ProcessEnd {
    let spawned = match spawned.await {
        Ok(Ok(spawned)) => spawned,
        Ok(Err(error)) => {
            let message = format!("could not start the plugin `{plugin}`");
            let failure = Failure::new(FailureKind::Plugin, message).hint("look at its folder");
            return ProcessEnd::NotStarted(failure.caused_by(&error));
        }
        Err(_) => return ProcessEnd::Stopped,
    };
    let pid = spawned.pid;
    shared
        .engine
        .tell(Event::ProcessStarted { process, pid })
        .await;
    let end = Running::new(shared, process, plugin, rate, outward, spawned)
        .run(mails, &shared.spawner)
        .await;
    tracing::debug!(%plugin, pid, ?end, "a plugin's process ended");
    let told = match &end {
        ProcessEnd::Stopped => None,
        ProcessEnd::Exited(how) => Some(format!("its process {pid} ended: {how}")),
        ProcessEnd::Unruly(how) | ProcessEnd::OverLimit(how) => {
            Some(format!("its process {pid} was ended because {how}"))
        }
        ProcessEnd::NotStarted(failure) => Some(failure.message.clone()),
    };
    if let Some(told) = told {
        shared.log.write(plugin, LogLevel::Warning, &told);
    }
    end
}

struct Running {
    child: Child,
    pid: u32,
    lifeline: Option<Lifeline>,
    /// What passed last.
    recent: Recent,
    shared: Arc<Shared>,
    plugin: PluginId,
    report: Report,
    /// Lines on their way to the process; none once its input was closed.
    lines: Option<mpsc::Sender<Vec<u8>>>,
    reading: JoinHandle<ReadEnd>,
    logging: JoinHandle<()>,
    /// When to go from asking to closing the lifeline, and from that to killing.
    deadline: Option<Instant>,
    /// How it ended, where that is known before its exit status is.
    end: Option<ProcessEnd>,
}

/// What a process does next.
enum Next {
    Mail(Option<Mail>),
    Read(ReadEnd),
    Exited(io::Result<ExitStatus>),
    Late,
}

impl Running {
    fn new(
        shared: &Arc<Shared>,
        process: ProcessId,
        plugin: &PluginId,
        rate: Rate,
        outward: Option<Outward>,
        mut spawned: Spawned,
    ) -> Self {
        let (lines, waiting) = mpsc::channel(WAITING_LINES);
        if let Some(input) = spawned.child.stdin.take() {
            tokio::spawn(write(input, waiting));
        }
        let hello = HostHello {
            versions: SUPPORTED_VERSIONS.to_vec(),
            features: Vec::new(),
            plugin: plugin.to_string(),
        };
        // The queue was made just now: there is room.
        drop(lines.try_send(encode_hello(&hello)));
        let output = spawned.child.stdout.take();
        let errors = spawned.child.stderr.take();
        let (engine, plugin) = (shared.engine.clone(), plugin.clone());
        let (log, log_plugin) = (shared.log.clone(), plugin.clone());
        let recent = Recent::default();
        let (heard, printed) = (recent.clone(), recent.clone());
        Self {
            recent,
            shared: Arc::clone(shared),
            plugin: log_plugin.clone(),
            child: spawned.child,
            pid: spawned.pid,
            lifeline: spawned.lifeline,
            report: spawned.report,
            lines: Some(lines),
            reading: tokio::spawn(async move {
                let reader = Reader {
                    engine: &engine,
                    process,
                    plugin: &plugin,
                    rate,
                    recent: &heard,
                    outward: outward.as_ref(),
                };
                match output {
                    Some(output) => reader.run(output).await,
                    None => ReadEnd::Closed,
                }
            }),
            logging: tokio::spawn(async move {
                if let Some(errors) = errors {
                    log_lines(
                        &log,
                        &log_plugin,
                        &printed,
                        BufReader::with_capacity(2048, errors),
                    )
                    .await;
                }
            }),
            deadline: None,
            end: None,
        }
    }

    async fn run(mut self, mut mails: mpsc::Receiver<Mail>, spawner: &Spawner) -> ProcessEnd {
        let mut has_mail = true;
        let mut is_reading = true;
        let mut cut = None;
        let status = loop {
            let next = tokio::select! {
                mail = mails.recv(), if has_mail => Next::Mail(mail),
                read = &mut self.reading, if is_reading => Next::Read(read.unwrap_or(ReadEnd::Closed)),
                status = self.child.wait() => Next::Exited(status),
                () = tokio::time::sleep_until(self.deadline.unwrap_or_else(Instant::now)), if self.deadline.is_some() => Next::Late,
            };
            match next {
                Next::Mail(Some(Mail::Send(message))) => self.send(&message),
                Next::Mail(Some(Mail::Examine(token))) => self.examine(token),
                Next::Mail(Some(Mail::Stop(Stop::Gently))) => self.stop_gently(),
                Next::Mail(Some(Mail::Stop(Stop::Now))) => self.stop_now(ProcessEnd::Stopped),
                Next::Mail(None) => {
                    has_mail = false;
                    self.stop_now(does_not_read());
                }
                Next::Read(end) => {
                    is_reading = false;
                    self.output_ended(end, &mut cut);
                }
                Next::Exited(status) => break status,
                Next::Late => self.late(),
            }
        };
        drop(self.lifeline.take());
        // A runner that was killed left everything behind, and that may keep the pipes open for ever.
        spawner.forget(self.pid);
        spawner.kill_orphans().await;
        // What it said before it ended is heard to the end.
        if is_reading {
            match timeout(FIRM, &mut self.reading).await {
                Ok(Ok(end)) => self.output_ended(end, &mut cut),
                _ => self.reading.abort(),
            }
        }
        if timeout(FIRM, &mut self.logging).await.is_err() {
            self.logging.abort();
        }
        match (self.end.take(), self.report.breach()) {
            (Some(end), _) => end,
            (None, Some(breach)) => ProcessEnd::OverLimit(breach.to_string()),
            (None, None) => exited(status, cut),
        }
    }

    /// Looks what the process is doing, in a task of its own: it goes on being fed and heard meanwhile.
    fn examine(&self, token: Token) {
        let (shared, plugin) = (Arc::clone(&self.shared), self.plugin.clone());
        let (pid, recent) = (self.pid, self.recent.clone());
        tokio::spawn(async move {
            let seen = examine::examine(pid, &recent).await;
            let lines = seen.lines.join("\n");
            shared.log.write(&plugin, LogLevel::Warning, &lines);
            let sentences = seen.sentences;
            shared
                .engine
                .tell(Event::Examined { token, sentences })
                .await;
        });
    }

    fn send(&mut self, message: &Message) {
        self.recent.told(message);
        let Some(lines) = &self.lines else { return };
        // Whatever the host asks is new work, and has its own processor time.
        if let (Message::Request { .. }, Some(lifeline)) = (message, &mut self.lifeline) {
            lifeline.begin_turn();
        }
        match encode(message) {
            Ok(line) => {
                if lines.try_send(line).is_err() && self.end.is_none() {
                    self.stop_now(does_not_read());
                }
            }
            Err(error) => self.answer_too_long(message, &error.to_string()),
        }
    }

    /// An answer that no message can hold becomes a failure that one can.
    fn answer_too_long(&mut self, message: &Message, reason: &str) {
        tracing::warn!(reason, "an answer to a plugin is too long");
        if let Message::Answer { id, .. } = message {
            let failure = Failure::new(FailureKind::Limit, "the answer is too long")
                .hint("ask for less at once")
                .because(reason);
            self.send(&Message::Answer {
                id: *id,
                result: Err(failure),
            });
        } else {
            self.stop_now(ProcessEnd::Unruly(format!("it cannot be told: {reason}")));
        }
    }

    fn stop_gently(&mut self) {
        self.end.get_or_insert(ProcessEnd::Stopped);
        self.lines = None;
        self.deadline.get_or_insert(Instant::now() + GENTLE);
    }

    fn stop_now(&mut self, end: ProcessEnd) {
        self.end.get_or_insert(end);
        self.lines = None;
        if self.lifeline.take().is_some() {
            self.deadline = Some(Instant::now() + FIRM);
        } else {
            self.kill();
        }
    }

    fn late(&mut self) {
        if self.lifeline.is_some() {
            self.stop_now(ProcessEnd::Unruly(
                "it closed its output and went on running".into(),
            ));
        } else {
            self.kill();
        }
    }

    /// Kills the runner itself; what that orphans is found among this process's children.
    fn kill(&mut self) {
        self.deadline = None;
        if let Err(error) = self.child.start_kill() {
            tracing::warn!(%error, "could not kill a plugin's runner");
        }
    }

    fn output_ended(&mut self, end: ReadEnd, cut: &mut Option<String>) {
        match end {
            ReadEnd::Closed => {}
            ReadEnd::Cut(sentence) => *cut = Some(sentence),
            ReadEnd::Broken(end) => return self.stop_now(end),
        }
        // Nothing can come of a process without output; it may only put its things away.
        self.lines = None;
        self.deadline.get_or_insert(Instant::now() + GENTLE);
    }
}

fn does_not_read() -> ProcessEnd {
    ProcessEnd::Unruly("it does not read what it is told".into())
}

/// Says how a process ended by itself. Half a message matters only where nothing else tells what went wrong.
fn exited(status: io::Result<ExitStatus>, cut: Option<String>) -> ProcessEnd {
    match (status, cut) {
        (Ok(status), Some(sentence)) if status.success() => ProcessEnd::Unruly(sentence),
        (Ok(status), _) => ProcessEnd::Exited(status_words(status)),
        (Err(error), _) => ProcessEnd::Exited(format!("unknown: {error}")),
    }
}

fn status_words(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => "an unknown status".into(),
    }
}

async fn write(mut input: ChildStdin, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if input.write_all(&line).await.is_err() {
            // The process is ending; its exit status says why.
            return;
        }
    }
}

/// Puts what a process prints into the log: so many lines, of such a length.
async fn log_lines(
    log: &PluginLog,
    plugin: &PluginId,
    recent: &Recent,
    mut errors: impl AsyncBufRead + Unpin,
) {
    let mut bucket = Bucket::new(LOG_RATE, std::time::Instant::now());
    let mut dropped: u64 = 0;
    let tell = |dropped: u64| {
        let said = format!("{dropped} lines were dropped, there were too many");
        log.write(plugin, LogLevel::Warning, &said);
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut errors)
            .take(LOG_LINE_BYTES as u64)
            .read_until(b'\n', &mut line)
            .await;
        if !matches!(read, Ok(1..)) {
            break;
        }
        if !bucket.take(std::time::Instant::now()) {
            dropped += 1;
            continue;
        }
        if dropped > 0 {
            tell(dropped);
            dropped = 0;
        }
        let text = String::from_utf8_lossy(&line);
        recent.printed(text.trim_end());
        log.write(plugin, LogLevel::Info, text.trim_end());
    }
    if dropped > 0 {
        tell(dropped);
    }
}
