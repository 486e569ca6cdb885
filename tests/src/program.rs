//! Where the built program and the checkout are.

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, ensure};

/// Returns the path of the built `callboard`: `CALLBOARD_TEST_PROGRAM`, else the one beside the test executable.
///
/// # Errors
///
/// When it has not been built.
pub fn program() -> Result<PathBuf> {
    let program = match variable("CALLBOARD_TEST_PROGRAM") {
        Some(path) => PathBuf::from(path),
        None => built()?.join(format!("callboard{}", std::env::consts::EXE_SUFFIX)),
    };
    ensure!(
        program.is_file(),
        "`{}` has not been built; run `cargo build --workspace`",
        program.display()
    );
    Ok(program)
}

/// Returns the path of a built example, such as the `upload` of the ftrack client.
///
/// # Errors
///
/// When it has not been built.
pub fn example(name: &str) -> Result<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let program = built()?.join("examples").join(file);
    ensure!(
        program.is_file(),
        "`{}` has not been built; `cargo xtask bench` does it",
        program.display()
    );
    Ok(program)
}

/// Returns the path of a built example that is a library, such as the runner's `no_symbol`.
///
/// # Errors
///
/// When it has not been built.
pub fn example_library(name: &str) -> Result<PathBuf> {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

    let file = format!("{DLL_PREFIX}{name}{DLL_SUFFIX}");
    let library = built()?.join("examples").join(file);
    ensure!(
        library.is_file(),
        "`{}` has not been built; run `cargo build --workspace --all-targets`",
        library.display()
    );
    Ok(library)
}

/// Returns the folder that `cargo xtask stage` lays the bundled plugins in.
///
/// # Errors
///
/// When they have not been staged.
pub fn staged_plugins() -> Result<PathBuf> {
    let staged = built()?.join("plugins");
    ensure!(
        staged.is_dir(),
        "`{}` is missing; run `cargo xtask stage`",
        staged.display()
    );
    Ok(staged)
}

/// Returns the checkout's folder.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in a folder of the checkout")
}

/// Returns cargo's folder for this profile, or the one laid out like it that `CALLBOARD_TEST_BUILT` names. Test executables lie in `deps` below it, others in itself.
pub(crate) fn built() -> Result<PathBuf> {
    if let Some(folder) = variable("CALLBOARD_TEST_BUILT") {
        return Ok(folder.into());
    }
    let executable = std::env::current_exe().context("could not find the test executable")?;
    let folder = executable.parent().context("an executable has a folder")?;
    let folder = match folder.file_name() {
        Some(name) if name == "deps" => folder.parent().context("`deps` has a folder")?,
        _ => folder,
    };
    Ok(folder.to_path_buf())
}

/// Returns what `cargo xtask test` installs: where the variable `name` says, else `place` in the target folder.
///
/// # Errors
///
/// When it is not there.
pub(crate) fn installed(name: &str, place: &str) -> Result<PathBuf> {
    let path = match variable(name) {
        Some(path) => PathBuf::from(path),
        None => built()?.join("..").join(place),
    };
    ensure!(
        path.exists(),
        "`{}` is missing; run `cargo xtask test`, which makes it",
        path.display()
    );
    Ok(path)
}

/// Returns the number in the environment variable `name`, else `usual`.
///
/// # Errors
///
/// When the variable holds no number.
pub fn number_set<N>(name: &str, usual: N) -> Result<N>
where
    N: FromStr<Err: Error + Send + Sync + 'static>,
{
    let Some(number) = variable(name) else {
        return Ok(usual);
    };
    let number = number.to_string_lossy();
    (number.parse()).with_context(|| format!("`{name}` must be a number, not `{number}`"))
}

/// Returns the environment variable `name`.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests are told where things are by variables, and read them here only"
)]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
