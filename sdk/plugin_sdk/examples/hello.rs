//! Says what is selected: the plugin of the same name, as a program.

use callboard_plugin_sdk::{Failure, Host, Launch, Outcome, Plugin, serve};

struct Hello;

impl Plugin for Hello {
    fn launch(&mut self, launch: &Launch, _: &Host) -> Result<Outcome, Failure> {
        let [only] = launch.context.selection.as_slice() else {
            return Err(Failure::invalid("nothing to greet").hint("select exactly one shot"));
        };
        Ok(Outcome::done(format!("Hello, {} {}", only.kind, only.id)))
    }
}

fn main() {
    serve(Hello)
}
