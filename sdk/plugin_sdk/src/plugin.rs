//! What an author writes.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use callboard_protocol::{Change, Changed, Failure, FailureKind, Launch, Outcome};
use serde::Deserialize;
use serde_json::Value;

use crate::Host;

/// A plugin: carries actions out, one turn at a time.
///
/// The same plugin is a library by [`export_plugin!`](crate::export_plugin) and a program by [`serve`](crate::serve()).
pub trait Plugin: Send {
    /// Does one turn of a job.
    ///
    /// What `launch.action` names is to be done on `launch.context`, with `launch.values`.
    /// Blocking is fine; asking [`Host::cancelled`] now and then makes a cancel quick.
    /// A panic fails the turn and nothing else.
    ///
    /// # Errors
    ///
    /// A failure is shown to the person: one short sentence, and a hint in the imperative.
    fn launch(&mut self, launch: &Launch, host: &Host) -> Result<Outcome, Failure>;

    /// Says what changes in a form that it asked with, now that a person has changed the live field `change.name`.
    ///
    /// The form as it is filled in is in `change.values`.
    /// Somebody waits at it: answer soon, and ask the host for nothing that changes anything, which it refuses.
    /// The default changes nothing.
    ///
    /// # Errors
    ///
    /// A failure is shown beside the form, which stays as it is.
    fn change(&mut self, change: &Change, host: &Host) -> Result<Changed, Failure> {
        let _ = (change, host);
        Ok(Changed::nothing())
    }
}

impl<P: Plugin + ?Sized> Plugin for Box<P> {
    fn launch(&mut self, launch: &Launch, host: &Host) -> Result<Outcome, Failure> {
        (**self).launch(launch, host)
    }

    fn change(&mut self, change: &Change, host: &Host) -> Result<Changed, Failure> {
        (**self).change(change, host)
    }
}

/// A turn as it travels: parameters in, result out, both JSON.
///
/// What passes turns on without being their end, as the runner does, passes on what it does not know.
pub trait Turns: Send {
    /// Does one turn.
    ///
    /// # Errors
    ///
    /// The turn failed.
    fn turn(&mut self, params: Value, host: &Host) -> Result<Value, Failure>;

    /// Answers the change of a live field.
    ///
    /// # Errors
    ///
    /// What answers turns may know no changes.
    fn change(&mut self, params: Value, host: &Host) -> Result<Value, Failure> {
        let _ = (params, host);
        Err(no_changes())
    }
}

/// A plugin as the end of the turns that are sent to it.
pub struct Typed<P>(pub P);

impl<P: Plugin> Turns for Typed<P> {
    fn turn(&mut self, params: Value, host: &Host) -> Result<Value, Failure> {
        let launch = Launch::deserialize(params)
            .map_err(|error| Failure::invalid("could not read the launch").caused_by(&error))?;
        let outcome = match caught(|| self.0.launch(&launch, host)) {
            Err(failure) if failure.kind == FailureKind::Cancelled && host.cancelled() => {
                Outcome::Cancelled
            }
            ended => ended?,
        };
        serde_json::to_value(outcome).map_err(|error| {
            Failure::new(FailureKind::Plugin, "could not write the outcome").caused_by(&error)
        })
    }

    fn change(&mut self, params: Value, host: &Host) -> Result<Value, Failure> {
        let change = Change::deserialize(params)
            .map_err(|error| Failure::invalid("could not read the change").caused_by(&error))?;
        let changed = caught(|| self.0.change(&change, host))?;
        serde_json::to_value(changed).map_err(|error| {
            Failure::new(FailureKind::Plugin, "could not write the patches").caused_by(&error)
        })
    }
}

/// Has a panic of the author's fail a turn, and nothing else.
///
/// A plugin that panicked may be half changed. That hurts only its own jobs, which is what a panic is worth.
fn caught<T>(turn: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(turn))
        .unwrap_or_else(|panic| Err(failure_from_panic(panic.as_ref())))
}

pub(crate) fn no_changes() -> Failure {
    Failure::new(
        FailureKind::Unsupported,
        "the plugin answers no changes of fields",
    )
    .hint("build it with a newer SDK")
}

pub(crate) fn failure_from_panic(panic: &(dyn Any + Send)) -> Failure {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given");
    Failure::new(
        FailureKind::Plugin,
        format!("the plugin panicked: `{said}`"),
    )
    .hint("look into the plugin's log and tell its author")
}
