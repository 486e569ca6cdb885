//! The search for the one plugin that is at fault, by halves.

use callboard_protocol::{BisectStep, Bisected, Failure, FailureKind, PluginId};
use serde::{Deserialize, Serialize};

/// A search that is going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bisect {
    /// Suspects that are switched on for this round.
    on: Vec<PluginId>,
    /// Suspects that are switched off for this round.
    off: Vec<PluginId>,
}

/// Takes a step: returns the search as it goes on, or none, and how it stands.
///
/// The first round switches every suspect off, so that trouble which no plugin makes is known at once. Then one half of
/// the suspects is on in each round; plugins that are cleared stay on.
///
/// # Errors
///
/// When the step makes no sense just now.
pub(crate) fn step(
    search: Option<Bisect>,
    step: BisectStep,
    in_use: Vec<PluginId>,
) -> Result<(Option<Bisect>, Bisected), Failure> {
    let search = match (step, search) {
        (BisectStep::Unknown, _) => {
            return Err(Failure::new(
                FailureKind::Unsupported,
                "this Callboard does not know that step",
            ));
        }
        (BisectStep::Start, Some(_)) => {
            return Err(
                Failure::new(FailureKind::Conflict, "a search is going on already").hint(
                    "go on with `callboard plugins bisect good` or `bad`, or end it with `reset`",
                ),
            );
        }
        (BisectStep::Start, None) if in_use.is_empty() => {
            return Err(Failure::not_found(
                "no plugin is in use, so none can be at fault",
            ));
        }
        (BisectStep::Start, None) => Bisect {
            on: Vec::new(),
            off: in_use,
        },
        (BisectStep::Reset, _) => {
            return Ok((None, over("Every plugin is as it was before the search.")));
        }
        (BisectStep::Show, None) => return Ok((None, over("No search is going on."))),
        (BisectStep::Show, Some(search)) => search,
        (_, None) => {
            return Err(Failure::new(FailureKind::Conflict, "no search is going on")
                .hint("begin one with `callboard plugins bisect start`"));
        }
        (BisectStep::Bad, Some(search)) if search.on.is_empty() => {
            let message = "The trouble is there without any of these plugins: none of them is at fault. \
                           Every plugin is switched on again.";
            return Ok((None, over(message)));
        }
        (BisectStep::Bad, Some(search)) => match halves(search.on) {
            Ok(search) => search,
            Err(culprit) => return Ok((None, found(culprit))),
        },
        (BisectStep::Good, Some(search)) => match halves(search.off) {
            Ok(search) => search,
            Err(culprit) => return Ok((None, found(culprit))),
        },
        (_, Some(search)) => search,
    };
    let told = search.told();
    Ok((Some(search), told))
}

/// Halves the suspects for the next round; the one that is left is the culprit.
fn halves(mut suspects: Vec<PluginId>) -> Result<Bisect, PluginId> {
    if suspects.len() == 1 {
        return Err(suspects.remove(0));
    }
    let off = suspects.split_off(suspects.len().div_ceil(2));
    Ok(Bisect { on: suspects, off })
}

impl Bisect {
    /// Tells whether a plugin is switched off for this round.
    pub(crate) fn is_off(&self, plugin: &PluginId) -> bool {
        self.off.contains(plugin)
    }

    fn told(&self) -> Bisected {
        let suspects = self.on.len() + self.off.len();
        let of_this_round = if self.on.is_empty() {
            format!("All {suspects} suspects are off.")
        } else {
            format!("{} of {suspects} suspects are on.", self.on.len())
        };
        Bisected {
            running: true,
            on: self.on.clone(),
            off: self.off.clone(),
            rounds: self.rounds(),
            culprit: None,
            message: format!("{of_this_round} Is the trouble still there?"),
        }
    }

    /// Returns how many rounds are left at most, this one included.
    fn rounds(&self) -> u32 {
        let rounds = |suspects: usize| suspects.next_power_of_two().trailing_zeros();
        1 + rounds(self.on.len().max(self.off.len()))
    }
}

fn over(message: &str) -> Bisected {
    Bisected {
        message: message.to_owned(),
        ..Bisected::default()
    }
}

fn found(culprit: PluginId) -> Bisected {
    Bisected {
        message: format!(
            "`{culprit}` is at fault. Every plugin is switched on again; \
             switch it off with `callboard plugins disable {culprit}`."
        ),
        culprit: Some(culprit),
        ..Bisected::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches for `culprit` among plugins named by number; returns what was found and the number of rounds.
    fn search(plugins: usize, culprit: Option<usize>) -> (Option<PluginId>, usize) {
        let id = |number: usize| PluginId::from(format!("p{number}"));
        let all: Vec<PluginId> = (0..plugins).map(id).collect();
        let culprit = culprit.map(id);
        let (mut state, mut told) = step(None, BisectStep::Start, all).unwrap();
        let announced = told.rounds as usize;
        let mut rounds = 0;
        while told.running {
            rounds += 1;
            let trouble = match &culprit {
                Some(culprit) => !told.off.contains(culprit),
                None => true,
            };
            let next = if trouble {
                BisectStep::Bad
            } else {
                BisectStep::Good
            };
            // Between two rounds the host may have been started anew.
            let kept = serde_json::to_string(&state).unwrap();
            (state, told) = step(serde_json::from_str(&kept).unwrap(), next, Vec::new()).unwrap();
        }
        assert!(state.is_none());
        assert!(rounds <= announced, "{rounds} of {announced}");
        (told.culprit, rounds)
    }

    #[test]
    fn any_one_of_any_number_is_found_by_halves() {
        for plugins in 1..=33 {
            for culprit in 0..plugins {
                let (found, _) = search(plugins, Some(culprit));
                assert_eq!(found, Some(PluginId::from(format!("p{culprit}"))));
            }
        }
        assert!(search(100, Some(73)).1 <= 8);
    }

    #[test]
    fn trouble_that_no_plugin_makes_is_known_after_one_round() {
        assert_eq!(search(20, None), (None, 1));
    }

    #[test]
    fn a_step_that_makes_no_sense_is_refused() {
        for (state, next) in [
            (None, BisectStep::Good),
            (None, BisectStep::Bad),
            (None, BisectStep::Start),
            (None, BisectStep::Unknown),
        ] {
            assert!(step(state, next, Vec::new()).is_err(), "{next:?}");
        }
        let one = vec![PluginId::from("a")];
        let (state, _) = step(None, BisectStep::Start, one.clone()).unwrap();
        assert!(step(state, BisectStep::Start, one).is_err());
    }
}
