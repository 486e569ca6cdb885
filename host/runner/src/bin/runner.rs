//! The runner without the rest of Callboard. Takes the same arguments, `runner` first.

use std::process::ExitCode;

fn main() -> ExitCode {
    runner::main(std::env::args_os().skip(2))
}
