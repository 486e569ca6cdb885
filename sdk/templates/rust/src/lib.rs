//! Counts the tasks of a shot: a place to begin.

use callboard_plugin_sdk::{Failure, Host, Launch, Outcome, Plugin, quote};

struct MyPlugin;

impl Plugin for MyPlugin {
    fn launch(&mut self, launch: &Launch, host: &Host) -> Result<Outcome, Failure> {
        let [shot] = launch.context.selection.as_slice() else {
            return Err(Failure::invalid("nothing to count").hint("select exactly one shot"));
        };
        let expression = format!("select name from Task where parent_id is {}", quote(&shot.id));
        let tasks = host.query(&expression)?;
        Ok(Outcome::done(match tasks.len() {
            1 => "1 task".to_owned(),
            count => format!("{count} tasks"),
        }))
    }
}

callboard_plugin_sdk::export_plugin!(MyPlugin);
