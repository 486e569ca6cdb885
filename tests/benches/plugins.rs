//! Many plugins: what a start and a menu cost with none, ten and a hundred of them.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use tests::{Home, HostRunner, Ready};

use crate::figures::{Aim, Figures, percentile};
use crate::resident::asked;

const STARTS: usize = 15;
const COUNTS: [usize; 3] = [0, 10, 100];

pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let mut starts = Vec::new();
    for plugins in COUNTS {
        let home = Arc::new(Home::empty()?);
        fill(&home, plugins)?;
        // The first start reads every folder; those that follow know them.
        start(&sandbox.ready, &home)?.finish()?;
        let mut taken = Vec::new();
        for _ in 0..STARTS {
            let began = Instant::now();
            let host = start(&sandbox.ready, &home)?;
            taken.push(began.elapsed().as_secs_f64() * 1e3);
            host.finish()?;
        }
        let median = percentile(&mut taken, 50.0);
        starts.push(median);
        figures.add(
            format!("start to bus ready with {plugins} plugins, p50"),
            median,
            "ms",
        );
        let host = start(&sandbox.ready, &home)?;
        drop(host.connected_bus()?);
        let context = r#"{"context":{"surface":"cli","selection":[]}}"#;
        let mut taken = asked(&host.ready.bus, "actions.discover", context)?;
        figures.add(
            format!("a menu over the bus with {plugins} plugins, p50"),
            percentile(&mut taken, 50.0),
            "µs",
        );
        host.finish()?;
    }
    if let [_, ten, hundred] = starts[..] {
        figures.add_with_aim(
            "start with 100 plugins beside start with 10",
            hundred / ten,
            "times",
            Aim::AtMost(1.2),
        );
    }
    sandbox.finish()
}

fn start(server: &Ready, home: &Arc<Home>) -> Result<HostRunner> {
    HostRunner::resident(server).home(Arc::clone(home)).start()
}

/// Adds plugins of one action each.
fn fill(home: &Home, plugins: usize) -> Result<()> {
    for number in 0..plugins {
        let id = format!("p{number:03}");
        let folder = home.plugins().join(&id);
        fs::create_dir_all(&folder)?;
        let manifest = format!(
            "id = \"{id}\"\nversion = \"1.0.0\"\nrun.program = [\"true\"]\n\
             [[action]]\nid = \"run\"\nlabel = \"Run {number}\"\nwhen = {{ types = [\"Shot\"] }}\n"
        );
        fs::write(folder.join("plugin.toml"), manifest)?;
    }
    Ok(())
}
