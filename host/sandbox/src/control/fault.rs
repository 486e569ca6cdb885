//! What a test can have go wrong, which requests it befalls, and when.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A fault and the requests that it is for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct FaultRule {
    #[serde(flatten)]
    pattern: Pattern,
    #[serde(flatten)]
    turn: Turn,
    #[serde(flatten)]
    fault: Fault,
}

/// Which requests a rule is for: those that fit all that is given.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Pattern {
    /// A part of the address or of the body.
    #[serde(default, rename = "match")]
    matches: String,
    /// What the path begins with.
    #[serde(default)]
    path: String,
    method: Option<String>,
    user: Option<String>,
    /// The action of an operation, and the entity type of the same one.
    action: Option<String>,
    entity_type: Option<String>,
}

/// Which of the requests that fit a pattern are hit.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Turn {
    /// The first one, counted from 1.
    #[serde(default = "one")]
    nth: u64,
    /// From there on every so manieth.
    #[serde(default = "one")]
    every: u64,
    /// How many are hit; `null` sets no limit.
    #[serde(default = "once")]
    count: Option<u64>,
    /// How likely each of them is hit.
    probability: Option<f64>,
    /// Where the dice begin.
    #[serde(default)]
    seed: u64,
}

fn one() -> u64 {
    1
}

fn once() -> Option<u64> {
    Some(1)
}

fn ok() -> u16 {
    200
}

/// What happens to a request.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub(crate) enum Fault {
    /// An answer with this status and a short text, and nothing done unless `is_done` says so.
    Status {
        status: u16,
        retry_after_secs: Option<u64>,
        #[serde(default)]
        is_done: bool,
    },
    /// A web page instead of an answer, and nothing done.
    Html {
        #[serde(default = "ok")]
        status: u16,
    },
    /// An error of the API in words of the test's own, and nothing done.
    Error { exception: String, content: String },
    /// The answer of a server that is too old to know the action, and nothing done.
    OldServer,
    /// The answer of a server that does not know who asks any more, and nothing done.
    LostSession,
    /// Everything comes later, by up to `jitter_milliseconds` more.
    Delay {
        milliseconds: u64,
        #[serde(default)]
        jitter_milliseconds: u64,
    },
    /// Everything is done, and the text of the answer ends after so many bytes.
    Truncate { bytes: u64 },
    /// Everything is done, and the answer is no JSON.
    InvalidJson,
    /// The connection is closed; nothing was done.
    CloseBefore,
    /// The connection is closed after everything was done.
    CloseAfter,
    /// The connection is closed after so many bytes of the request's body; nothing was done.
    CloseRequest { bytes: u64 },
    /// The connection is closed after so many bytes of the answer's body.
    CloseAnswer { bytes: u64 },
    /// The request's body is read no faster than this.
    SlowRequest { bytes_per_second: u64 },
    /// The answer's body is written no faster than this.
    SlowAnswer { bytes_per_second: u64 },
    /// An upload is kept and answered with the `ETag` of something else.
    WrongEtag,
    /// An upload is refused as though what arrived was not what was sent.
    WrongMd5,
    /// A download has one byte that is another.
    WrongByte { at: u64 },
    /// The event hub refuses the handshake.
    RefuseHub,
    /// The event hub accepts the socket and says nothing.
    SilentHub,
    /// The event hub closes the socket after so many packets of its own.
    CloseHub { packets: u64 },
    /// From this request on the disk has only so many bytes left.
    FullDisk {
        #[serde(default)]
        bytes: u64,
    },
    /// From this request on nothing can be written.
    ReadOnlyDisk,
}

/// When a fault is decided upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before the body is read, which is what these faults disturb.
    Head,
    /// With the body at hand.
    Whole,
}

/// A request as patterns see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) address: &'a str,
    pub(crate) user: &'a str,
    pub(crate) body: &'a str,
    pub(crate) operations: &'a [Json],
}

/// A rule that a test gave cannot be one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RuleError {
    #[error("a fault has no such form: {0}")]
    Form(#[from] serde_json::Error),
    #[error("`{0}` is no part of this fault")]
    Unknown(String),
    #[error("`{0}` must be at least 1")]
    Zero(&'static str),
    #[error("`probability` must lie between 0 and 1")]
    Probability,
    #[error(
        "`{0}` strikes before the body is read, so it cannot be chosen by action or entity type"
    )]
    Early(&'static str),
    #[error("`{0}` is no status of an answer")]
    Status(u16),
    #[error("there are too many faults already")]
    TooMany,
}

impl FaultRule {
    /// Reads a rule and refuses what would be forgotten without a word, such as a key with a typing error.
    pub(crate) fn read(given: &Json) -> Result<Self, RuleError> {
        let rule = Self::deserialize(given)?;
        let known = serde_json::to_value(&rule)?;
        if let Some(key) = given
            .as_object()
            .and_then(|given| given.keys().find(|key| known.get(key).is_none()))
        {
            return Err(RuleError::Unknown(key.clone()));
        }
        for (name, number) in [("nth", rule.turn.nth), ("every", rule.turn.every)] {
            if number == 0 {
                return Err(RuleError::Zero(name));
            }
        }
        if rule
            .turn
            .probability
            .is_some_and(|probability| !(0.0..=1.0).contains(&probability))
        {
            return Err(RuleError::Probability);
        }
        rule.fault.check()?;
        let chooses_operations =
            rule.pattern.action.is_some() || rule.pattern.entity_type.is_some();
        if chooses_operations && rule.fault.stage() == Stage::Head {
            return Err(RuleError::Early(rule.fault.name()));
        }
        Ok(rule)
    }
}

impl Fault {
    /// What it is called in rules and in the record of requests.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Html { .. } => "html",
            Self::Error { .. } => "error",
            Self::OldServer => "old_server",
            Self::LostSession => "lost_session",
            Self::Delay { .. } => "delay",
            Self::Truncate { .. } => "truncate",
            Self::InvalidJson => "invalid_json",
            Self::CloseBefore => "close_before",
            Self::CloseAfter => "close_after",
            Self::CloseRequest { .. } => "close_request",
            Self::CloseAnswer { .. } => "close_answer",
            Self::SlowRequest { .. } => "slow_request",
            Self::SlowAnswer { .. } => "slow_answer",
            Self::WrongEtag => "wrong_etag",
            Self::WrongMd5 => "wrong_md5",
            Self::WrongByte { .. } => "wrong_byte",
            Self::RefuseHub => "refuse_hub",
            Self::SilentHub => "silent_hub",
            Self::CloseHub { .. } => "close_hub",
            Self::FullDisk { .. } => "full_disk",
            Self::ReadOnlyDisk => "read_only_disk",
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::CloseRequest { .. } | Self::SlowRequest { .. } => Stage::Head,
            _ => Stage::Whole,
        }
    }

    fn check(&self) -> Result<(), RuleError> {
        match self {
            Self::Status { status, .. } | Self::Html { status }
                if !(200..=599).contains(status) =>
            {
                Err(RuleError::Status(*status))
            }
            Self::SlowRequest {
                bytes_per_second: 0,
            }
            | Self::SlowAnswer {
                bytes_per_second: 0,
            } => Err(RuleError::Zero("bytes_per_second")),
            _ => Ok(()),
        }
    }

    /// Some faults make sense for some requests only.
    fn is_for(&self, path: &str) -> bool {
        let is_socket = path.starts_with("/socket.io/1/websocket/");
        match self {
            Self::WrongEtag | Self::WrongMd5 => path.starts_with("/upload/"),
            Self::WrongByte { .. } => path.starts_with("/media/"),
            Self::RefuseHub => path.starts_with("/socket.io/1") && !is_socket,
            Self::SilentHub | Self::CloseHub { .. } => is_socket,
            _ => true,
        }
    }

    /// Those that only slow down or change the surroundings leave room for another one.
    fn leaves_room(&self) -> bool {
        matches!(
            self,
            Self::Delay { .. }
                | Self::SlowRequest { .. }
                | Self::SlowAnswer { .. }
                | Self::FullDisk { .. }
                | Self::ReadOnlyDisk
        )
    }
}

impl Pattern {
    fn fits(&self, asked: &Asked<'_>) -> bool {
        let path = asked.address.split('?').next().unwrap_or_default();
        let is = |wanted: &Option<String>, given: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(given))
        };
        if !path.starts_with(&self.path)
            || !is(&self.method, asked.method)
            || !is(&self.user, asked.user)
        {
            return false;
        }
        if !self.matches.is_empty()
            && !asked.address.contains(&self.matches)
            && !asked.body.contains(&self.matches)
        {
            return false;
        }
        if self.action.is_none() && self.entity_type.is_none() {
            return true;
        }
        asked.operations.iter().any(|operation| {
            let holds = |wanted: &Option<String>, key: &str| {
                wanted
                    .as_ref()
                    .is_none_or(|wanted| operation[key] == wanted.as_str())
            };
            holds(&self.action, "action") && holds(&self.entity_type, "entity_type")
        })
    }
}

/// The rules that stand.
#[derive(Debug, Default)]
pub(super) struct Faults {
    standing: Vec<Standing>,
    last_id: u64,
}

/// A rule, and what has become of it.
#[derive(Debug, Serialize)]
pub(super) struct Standing {
    id: u64,
    #[serde(flatten)]
    rule: FaultRule,
    /// Requests that fitted the pattern.
    fitted: u64,
    /// Those of them that were hit.
    hit: u64,
    #[serde(skip)]
    dice: Dice,
}

/// More than any test needs.
const MOST_RULES: usize = 1000;

impl Faults {
    pub(super) fn add(&mut self, rule: FaultRule) -> Result<u64, RuleError> {
        if self.standing.len() >= MOST_RULES {
            return Err(RuleError::TooMany);
        }
        self.last_id += 1;
        self.standing.push(Standing {
            id: self.last_id,
            dice: Dice(rule.turn.seed),
            rule,
            fitted: 0,
            hit: 0,
        });
        Ok(self.last_id)
    }

    pub(super) fn remove(&mut self, id: u64) -> bool {
        let before = self.standing.len();
        self.standing.retain(|standing| standing.id != id);
        self.standing.len() < before
    }

    pub(super) fn clear(&mut self) {
        self.standing.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.standing.is_empty()
    }

    pub(super) fn standing(&self) -> &[Standing] {
        &self.standing
    }

    /// The faults that befall a request at this stage: any number that leave room, and one that does not.
    pub(super) fn take(&mut self, stage: Stage, asked: &Asked<'_>) -> Vec<Fault> {
        let path = asked.address.split('?').next().unwrap_or_default();
        let mut taken = Vec::new();
        let mut is_taken = false;
        for standing in &mut self.standing {
            let fault = &standing.rule.fault;
            if fault.stage() != stage
                || !fault.is_for(path)
                || is_taken && !fault.leaves_room()
                || !standing.rule.pattern.fits(asked)
                || !standing.strikes()
            {
                continue;
            }
            is_taken |= !standing.rule.fault.leaves_room();
            taken.push(standing.rolled());
        }
        self.standing.retain(|standing| !standing.is_used_up());
        taken
    }
}

impl Standing {
    /// Counts a request that fits, and tells whether it is hit.
    fn strikes(&mut self) -> bool {
        let turn = &self.rule.turn;
        self.fitted += 1;
        if self.fitted < turn.nth || !(self.fitted - turn.nth).is_multiple_of(turn.every) {
            return false;
        }
        if turn
            .probability
            .is_some_and(|probability| self.dice.roll() >= probability)
        {
            return false;
        }
        self.hit += 1;
        true
    }

    fn is_used_up(&self) -> bool {
        self.rule.turn.count.is_some_and(|count| self.hit >= count)
    }

    /// The fault with whatever it leaves to chance decided.
    fn rolled(&mut self) -> Fault {
        match self.rule.fault {
            Fault::Delay {
                milliseconds,
                jitter_milliseconds,
            } if jitter_milliseconds > 0 => Fault::Delay {
                milliseconds: milliseconds + self.dice.next() % (jitter_milliseconds + 1),
                jitter_milliseconds: 0,
            },
            _ => self.rule.fault.clone(),
        }
    }
}

/// Numbers that look random and are the same for the same seed (the generator is `SplitMix64`).
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// At least 0 and less than 1.
    fn roll(&mut self) -> f64 {
        f64::from((self.next() >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
