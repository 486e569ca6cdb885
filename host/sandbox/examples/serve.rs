//! Runs a sandbox by hand and prints one JSON line when it is ready.
//!
//! `cargo run -p sandbox --example serve -- [--listen ADDRESS] [--data FOLDER] [--shots N] [--empty]`

use std::io::Write;
use std::path::PathBuf;

use sandbox::{Options, Seed, start};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("`{argument}` needs a value"))
        };
        match argument.as_str() {
            "--listen" => options.listen = value()?.parse()?,
            "--data" => options.data = Some(PathBuf::from(value()?)),
            "--shots" => options.scale.shots = value()?.parse()?,
            "--empty" => options.seed = Seed::Empty,
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let sandbox = start(options).await?;
    let ready = json!({
        "server": sandbox.server_url(),
        "page": sandbox.page_url(),
        "user": sandbox.user(),
        "api_key": sandbox.api_key(),
        "control_token": sandbox.control_token(),
        "pid": std::process::id(),
    });
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{ready}")?;
    stdout.flush()?;
    drop(stdout);
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(())
}
