//! Signed plugins: made with our own tool, and required where the studio says so.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::machine::{Machine, check_failed, pack};

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Makes a key and returns its file and its public part.
fn key(machine: &Machine, name: &str) -> Result<(String, String)> {
    let file = text(&machine.path().join(name));
    let made = machine.done(&["plugins", "keygen", &file])?;
    let public = made["public_key"].as_str().context("a key")?.to_owned();
    Ok((file, public))
}

#[test]
fn only_signed_plugins_are_installed_where_the_studio_says_so() -> Result<()> {
    let machine = Machine::new()?;
    let (studio, public) = key(&machine, "studio.key")?;
    let (stranger, strangers) = key(&machine, "stranger.key")?;
    let archive = pack(machine.path(), "hello", "1.0.0", "zip")?;
    let settings = machine.path().join("studio.toml");
    fs::write(
        &settings,
        format!("[plugins]\nrequire_signature = true\ntrusted_keys = [\"{public}\"]\n"),
    )?;
    let file = format!("[studio]\nfile = \"{}\"\n", settings.display());
    machine.settings(&file)?;
    let install = ["plugins", "install", &archive, "--yes", "--json"];

    let unsigned = check_failed(&machine.callboard(&install)?, 1, "denied")?;
    ensure!(
        unsigned["message"]
            .as_str()
            .is_some_and(|text| text.ends_with("is not signed")),
        "{unsigned}"
    );
    machine.done(&["plugins", "sign", &archive, "--key", &stranger])?;
    let untrusted = check_failed(&machine.callboard(&install)?, 1, "denied")?;
    ensure!(
        untrusted["message"]
            .as_str()
            .is_some_and(|text| text.contains(&strangers)),
        "{untrusted}"
    );
    machine.done(&["plugins", "sign", &archive, "--key", &studio])?;
    let signature = fs::read(format!("{archive}.sig"))?;

    // Somebody changes the archive on its way.
    let other = pack(machine.path(), "hello", "1.1.0", "zip")?;
    fs::write(format!("{other}.sig"), &signature)?;
    let wrong = machine.callboard(&["plugins", "install", &other, "--yes", "--json"])?;
    let wrong = check_failed(&wrong, 1, "denied")?;
    ensure!(
        wrong["message"]
            .as_str()
            .is_some_and(|text| text.contains("does not match")),
        "{wrong}"
    );

    // A person's settings cannot let in what the studio's keep out.
    for weaker in [
        "[plugins]\nrequire_signature = false\n".to_owned(),
        format!("[plugins]\ntrusted_keys = [\"{public}\", \"{strangers}\"]\n"),
    ] {
        machine.settings(&format!("{file}\n{weaker}"))?;
        let refused = machine.callboard(&["plugins", "install", &other, "--yes", "--json"])?;
        let error = check_failed(&refused, 1, "denied")?;
        ensure!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.contains("the studio's settings")),
            "{error}"
        );
    }
    machine.settings(&file)?;
    let installed = machine.done(&install[..4])?;
    ensure!(installed["signed_by"] == public.as_str(), "{installed}");
    Ok(())
}

#[test]
fn a_plugin_may_bring_its_signature_along() -> Result<()> {
    let machine = Machine::new()?;
    let (studio, public) = key(&machine, "studio.key")?;
    machine.settings(&format!(
        "[plugins]\nrequire_signature = true\ntrusted_keys = [\"{public}\"]\n"
    ))?;
    pack(machine.path(), "hello", "1.0.0", "zip")?;
    let folder = text(&machine.path().join("hello-1.0.0"));
    machine.done(&["plugins", "sign", &folder, "--key", &studio])?;
    // Packed once more, the signature is in it; the folder itself may be installed as well.
    let archive = pack(machine.path(), "hello", "1.0.0", "tar.gz")?;
    let installed = machine.done(&["plugins", "install", &archive, "--yes"])?;
    ensure!(installed["signed_by"] == public.as_str(), "{installed}");
    let again = machine.done(&["plugins", "install", &folder, "--yes"])?;
    ensure!(again["change"] == "none", "{again}");
    ensure!(machine.is_good()?, "the signature counts as drift");

    fs::write(machine.path().join("hello-1.0.0/hello.py"), "evil")?;
    let changed = machine.callboard(&[
        "plugins",
        "install",
        &folder,
        "--yes",
        "--replace",
        "--json",
    ])?;
    let error = check_failed(&changed, 1, "denied")?;
    ensure!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("does not match")),
        "{error}"
    );
    Ok(())
}
