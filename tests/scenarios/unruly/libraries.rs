//! Libraries that cannot be plugins.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;

use anyhow::Result;
use tests::{Home, example_library};

use super::{Expected, check_in};

/// Launches a plugin that is this library.
fn check(name: &str, expected: &Expected) -> Result<()> {
    let home = Home::empty()?;
    let manifest = format!(
        "id = \"{name}\"\nversion = \"1.0.0\"\nrun.library = \"{name}\"\nlimits = {{ hello_secs = 5 }}\n\n[[action]]\nid = \"run\"\nlabel = \"Run\"\n"
    );
    let folder = home.add_plugin(name, &[("plugin.toml", &manifest)])?;
    let file = folder.join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"));
    fs::copy(example_library(name)?, file)?;
    check_in(home, name, expected)
}

#[test]
fn a_library_without_the_symbol_is_told_apart() -> Result<()> {
    check(
        "no_symbol",
        &Expected {
            kind: "plugin",
            message: "is no plugin: it has no symbol `callboard_plugin_v1`",
            problem: "it has no symbol `callboard_plugin_v1`",
        },
    )
}

#[test]
fn a_library_with_another_abi_is_told_apart() -> Result<()> {
    check(
        "wrong_abi",
        &Expected {
            kind: "unsupported",
            message: "was built for another Callboard",
            problem: "was built for another Callboard",
        },
    )
}

#[test]
fn a_library_that_never_finishes_loading_is_stopped() -> Result<()> {
    check(
        "blocking_constructor",
        &Expected {
            kind: "plugin",
            message: "did not say hello in time",
            problem: "did not say hello in time",
        },
    )
}
