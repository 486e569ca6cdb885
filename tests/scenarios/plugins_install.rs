//! Plugins are installed, updated, gone back from, shared and removed, as a person or a studio's script would.

mod kills;
mod machine;
mod running;
mod sharing;
mod signing;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{SOON, command, run};

use machine::{Machine, PERMISSIONS, check_failed, items, pack};

#[test]
fn a_plugin_is_installed_updated_gone_back_from_and_removed() -> Result<()> {
    let machine = Machine::new()?;
    let first = pack(machine.path(), "hello", "1.0.0", "zip")?;
    let second = pack(machine.path(), "hello", "1.1.0", "tar.gz")?;

    let installed = machine.callboard(&["plugins", "install", &first, "--yes"])?;
    ensure!(installed.code == Some(0), "{installed:?}");
    ensure!(
        installed.stdout == "Installed hello 1.0.0.\n",
        "{installed:?}"
    );
    let again = machine.done(&["plugins", "install", &first])?;
    ensure!(again["change"] == "none", "{again}");
    let updated = machine.done(&["plugins", "install", &second, "--yes"])?;
    ensure!(
        updated["change"] == "updated" && updated["from"] == "1.0.0",
        "{updated}"
    );
    ensure!(machine.runs("hello")? == "1.1.0", "{updated}");
    ensure!(machine.is_good()?, "{updated}");

    let older = machine.callboard(&["plugins", "install", &first, "--yes", "--json"])?;
    let error = check_failed(&older, 1, "conflict")?;
    ensure!(
        error["hint"] == "say `--downgrade` if that is what you want",
        "{error}"
    );
    ensure!(
        machine.runs("hello")? == "1.1.0",
        "an older version was installed"
    );
    let back = machine.done(&["plugins", "rollback", "hello"])?;
    ensure!(
        back["from"] == "1.1.0" && back["version"] == "1.0.0",
        "{back}"
    );
    ensure!(
        machine.runs("hello")? == "1.0.0" && machine.is_good()?,
        "{back}"
    );
    machine.done(&["plugins", "install", &second, "--yes"])?;
    let older = machine.done(&["plugins", "install", &first, "--yes", "--downgrade"])?;
    ensure!(older["change"] == "downgraded", "{older}");

    let other = machine.other_content("hello", "1.0.0")?;
    let replaced = machine.callboard(&["plugins", "install", &other, "--yes", "--json"])?;
    check_failed(&replaced, 1, "conflict")?;
    let replaced = machine.done(&["plugins", "install", &other, "--yes", "--replace"])?;
    ensure!(
        replaced["change"] == "replaced" && machine.is_good()?,
        "{replaced}"
    );

    let removed = machine.done(&["plugins", "remove", "hello"])?;
    ensure!(removed["version"] == "1.0.0", "{removed}");
    ensure!(
        items(&machine.verify()?.json()?)?.is_empty(),
        "something is left"
    );
    for gone in ["remove", "rollback"] {
        let gone = machine.callboard(&["plugins", gone, "hello", "--json"])?;
        check_failed(&gone, 1, "not_found")?;
    }
    Ok(())
}

#[test]
fn permissions_are_shown_and_have_to_be_agreed_to() -> Result<()> {
    let machine = Machine::new()?;
    let archive = pack(machine.path(), "hello", "1.0.0", "zip")?;
    let asked = machine.callboard(&["plugins", "install", &archive, "--json"])?;
    let error = check_failed(&asked, 2, "denied")?;
    ensure!(
        error["causes"]
            == json!([
                "it may `ftrack.create.Shot`, which is new",
                "it may `ftrack.read`, which is new"
            ]),
        "{error}"
    );
    ensure!(
        items(&machine.verify()?.json()?)?.is_empty(),
        "it was installed"
    );

    // On a terminal there is a person to ask.
    let on_a_terminal = |answer: &str, archive: &str| -> Result<String> {
        let line = format!(
            "printf '{answer}\\n' | script -qec \"'{}' plugins install '{archive}'\" /dev/null",
            tests::program()?.display()
        );
        let finished = run(machine.prepared(command("sh").args(["-c", &line])), SOON)?;
        Ok(finished.stdout)
    };
    let shown = on_a_terminal("n", &archive)?;
    ensure!(
        shown.contains("hello 1.0.0, not signed by anybody you trust.")
            && shown.contains("ftrack.create.Shot  (new)")
            && shown.contains("nothing was installed"),
        "{shown}"
    );
    let shown = on_a_terminal("y", &archive)?;
    ensure!(shown.contains("Installed hello 1.0.0."), "{shown}");

    let more = format!("{PERMISSIONS}, \"store\"");
    let update = machine::pack_with(machine.path(), "hello", "1.1.0", "zip", &more)?;
    let asked = machine.callboard(&["plugins", "install", &update, "--json"])?;
    let error = check_failed(&asked, 2, "denied")?;
    ensure!(
        error["causes"]
            == json!([
                "it may `ftrack.create.Shot`",
                "it may `ftrack.read`",
                "it may `store`, which is new"
            ]),
        "{error}"
    );
    Ok(())
}

#[test]
fn what_is_no_plugin_is_refused_with_a_sentence() -> Result<()> {
    let machine = Machine::new()?;
    let folder = machine.path().join("bad");
    let script = "mkdir -p bad/p link && cd bad && echo x > p/x && zip -qr empty.zip p &&
        printf 'id = \"p\"\\nversion = ' > p/plugin.toml && zip -qr damaged.zip p &&
        printf 'id = \"p\"\\nversion = \"1\"\\nrun.program = [\"x\"]\\nplatforms = [\"windows\", \"macos\"]' > p/plugin.toml &&
        tar -czf elsewhere.tar.gz p && ln -s /etc/passwd p/secret && tar -czf link.tar.gz p &&
        echo no archive > noise.zip";
    let made = run(
        command("sh")
            .args(["-ec", script])
            .current_dir(machine.path()),
        SOON,
    )?;
    ensure!(made.status.success(), "{made:?}");
    for (name, kind, expected) in [
        ("empty.zip", "invalid", "there is no plugin in"),
        ("damaged.zip", "invalid", "plugin.toml"),
        ("elsewhere.tar.gz", "unsupported", "windows, macos"),
        (
            "link.tar.gz",
            "invalid",
            "`p/secret` is refused: it is a symbolic link",
        ),
        ("noise.zip", "invalid", "the archive is damaged"),
        ("nowhere.zip", "not_found", "could not find"),
    ] {
        let path = folder.join(name).display().to_string();
        let refused = machine.callboard(&["plugins", "install", &path, "--yes", "--json"])?;
        let error = check_failed(&refused, 1, kind)?;
        let message = error["message"].as_str().unwrap_or_default();
        ensure!(message.contains(expected), "{name}: {error}");
    }
    let archive = pack(machine.path(), "hello", "1.0.0", "zip")?;
    let wrong = "0".repeat(64);
    let refused = machine.callboard(&[
        "plugins", "install", &archive, "--sha256", &wrong, "--yes", "--json",
    ])?;
    let error = check_failed(&refused, 1, "denied")?;
    let message = error["message"].as_str().unwrap_or_default();
    let right = message.rsplit('`').nth(1).unwrap_or_default();
    machine.done(&["plugins", "install", &archive, "--sha256", right, "--yes"])?;
    ensure!(
        machine.hidden()? == ["files", "guard"],
        "{:?}",
        machine.hidden()?
    );
    Ok(())
}

#[test]
fn commands_at_the_same_time_wait_for_each_other() -> Result<()> {
    let machine = Machine::new()?;
    let names = ["a", "b", "c", "d"];
    let mut line = "for name in a b c d; do".to_owned();
    for name in names {
        pack(machine.path(), name, "1.0.0", "zip")?;
    }
    line.push_str(" \"$0\" plugins install \"$1/$name-1.0.0.zip\" --yes --json & done; wait");
    let mut shell = command("sh");
    let shell = shell
        .args(["-c", &line])
        .arg(tests::program()?)
        .arg(machine.path());
    let finished = run(machine.prepared(shell), SOON * 3)?;
    ensure!(finished.stdout.lines().count() == 4, "{finished:?}");
    let verified = machine.verify()?.done()?;
    let ids: Vec<_> = items(&verified)?
        .iter()
        .map(|item| item["id"].clone())
        .collect();
    ensure!(ids == names, "{verified}");
    Ok(())
}
