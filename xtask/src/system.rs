//! What the tests need of the machine, and how to get it.

use anyhow::{Result, bail};

use crate::javascript;
use crate::python;
use crate::tool;

/// One thing that the tests need, and the package that brings it.
struct Need {
    is_met: fn() -> bool,
    debian: &'static str,
    rocky: &'static str,
}

/// A session bus for the tray, a keyring for plugins' secrets, Python for the official client and the Flame tests, `ps` for people who debug,
/// `strace`, which kills the host at every write that reaches the disk, a browser for the sandbox's page, Node for the
/// official JavaScript client, and `ffmpeg`, with which the sandbox encodes and the tests make films;
/// a display without a screen, keys to press on it, and the libraries that windows open at run time.
const NEEDS: [Need; 17] = [
    Need {
        is_met: || tool::find("dbus-daemon").is_some(),
        debian: "dbus",
        rocky: "dbus-daemon",
    },
    Need {
        is_met: || tool::find("gnome-keyring-daemon").is_some(),
        debian: "gnome-keyring",
        rocky: "gnome-keyring",
    },
    Need {
        is_met: || python::interpreter().is_some(),
        debian: "python3-venv",
        // Rocky 8 calls Python 3.6 `python3`, which the official client does not support any more.
        rocky: "python3.11",
    },
    Need {
        is_met: || tool::find("ps").is_some(),
        debian: "procps",
        rocky: "procps-ng",
    },
    Need {
        is_met: || tool::find("strace").is_some(),
        debian: "strace",
        rocky: "strace",
    },
    Need {
        is_met: || {
            tool::find("chromium")
                .or_else(|| tool::find("chromium-browser"))
                .is_some()
        },
        debian: "chromium",
        // From EPEL, as is its driver.
        rocky: "chromium",
    },
    Need {
        is_met: || tool::find("chromedriver").is_some(),
        debian: "chromium-driver",
        rocky: "chromedriver",
    },
    Need {
        is_met: javascript::is_node_suitable,
        debian: "nodejs",
        // A module stream: what Rocky 8 calls `nodejs` is too old. It brings npm.
        rocky: "@nodejs:20/common",
    },
    Need {
        is_met: || tool::find("npm").is_some(),
        debian: "npm",
        rocky: "npm",
    },
    Need {
        is_met: || tool::find("ffmpeg").is_some() && tool::find("ffprobe").is_some(),
        debian: "ffmpeg",
        // From EPEL too; it makes H.264 with another encoder, which the sandbox knows.
        rocky: "ffmpeg-free",
    },
    Need {
        is_met: || tool::find("Xvfb").is_some(),
        debian: "xvfb",
        rocky: "xorg-x11-server-Xvfb",
    },
    Need {
        is_met: || tool::find("xdotool").is_some(),
        debian: "xdotool",
        // From EPEL.
        rocky: "xdotool",
    },
    Need {
        is_met: || library("libGL.so.1"),
        debian: "libgl1",
        rocky: "mesa-libGL",
    },
    Need {
        is_met: || library("libEGL.so.1"),
        debian: "libegl1",
        rocky: "mesa-libEGL",
    },
    Need {
        is_met: || library("libxkbcommon-x11.so.0"),
        debian: "libxkbcommon-x11-0",
        rocky: "libxkbcommon-x11",
    },
    Need {
        is_met: || library("libXcursor.so.1"),
        debian: "libxcursor1",
        rocky: "libXcursor",
    },
    Need {
        is_met: || library("libXi.so.6"),
        debian: "libxi6",
        rocky: "libXi",
    },
];

#[derive(Clone, Copy)]
enum Installer {
    Apt,
    Dnf,
}

/// Installs what the tests need and the machine lacks.
///
/// # Errors
///
/// When something is missing and may not be installed here; the message is the command to type.
pub(crate) fn prepare() -> Result<()> {
    if !cfg!(target_os = "linux") {
        // Elsewhere there is no tray to test over D-Bus, and Python is the person's own.
        return Ok(());
    }
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.is_met)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let debian = packages(&missing, Installer::Apt);
    let Some(installer) = installer() else {
        bail!("this machine has neither apt-get nor dnf; install what Debian calls `{debian}`");
    };
    let Some(prefix) = privileged() else {
        let program = installer.program();
        bail!(
            "the tests need packages that are missing; run `sudo {program} install {}` and try again",
            packages(&missing, installer)
        );
    };
    install(installer, prefix, &missing)?;
    if let Some(need) = missing.iter().find(|need| !(need.is_met)()) {
        bail!(
            "`{}` was installed, and what the tests need of it is still not found",
            packages(&[*need], installer)
        );
    }
    Ok(())
}

/// Tells whether a shared library is where systems keep theirs.
fn library(name: &str) -> bool {
    let below = |folder: &str| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = below("/usr/lib").map(|entry| entry.path());
    let mut folders = folders.chain(["/usr/lib64".into(), "/usr/lib".into()]);
    folders.any(|folder| folder.join(name).exists())
}

fn install(installer: Installer, prefix: &[&str], missing: &[&Need]) -> Result<()> {
    let mut words: Vec<&str> = prefix.to_vec();
    words.push(installer.program());
    let run = |stage: &str, arguments: &[&str]| {
        let mut command = tool::command(words[0]);
        command
            .args(&words[1..])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        tool::run(stage, &mut command)
    };
    let mut arguments = vec!["install", "-y"];
    match installer {
        Installer::Apt => {
            run("package lists", &["update", "-q"])?;
            arguments.push("--no-install-recommends");
        }
        // The browser is not among Rocky's own packages.
        Installer::Dnf => run("package lists", &["install", "-y", "epel-release"])?,
    }
    arguments.extend(missing.iter().map(|need| need.package(installer)));
    run("packages", &arguments)
}

fn installer() -> Option<Installer> {
    [Installer::Apt, Installer::Dnf]
        .into_iter()
        .find(|installer| tool::find(installer.program()).is_some())
}

/// Returns the words that go before a command that needs root, or `None` where there is no way to become it.
fn privileged() -> Option<&'static [&'static str]> {
    let user = tool::output(tool::command("id").arg("-u")).ok()?;
    if user.trim() == "0" {
        return Some(&[]);
    }
    let passwordless = tool::succeeds(tool::command("sudo").args(["-n", "true"]));
    passwordless.then_some(&["sudo", "-n"])
}

fn packages(needs: &[&Need], installer: Installer) -> String {
    let names: Vec<&str> = needs.iter().map(|need| need.package(installer)).collect();
    names.join(" ")
}

impl Need {
    fn package(&self, installer: Installer) -> &'static str {
        match installer {
            Installer::Apt => self.debian,
            Installer::Dnf => self.rocky,
        }
    }
}

impl Installer {
    fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_is_told_its_own_package_names() {
        let needs: Vec<&Need> = NEEDS.iter().collect();
        assert_eq!(
            packages(&needs, Installer::Apt),
            "dbus gnome-keyring python3-venv procps strace chromium chromium-driver nodejs npm ffmpeg xvfb xdotool libgl1 libegl1 libxkbcommon-x11-0 libxcursor1 libxi6"
        );
        assert_eq!(
            packages(&needs, Installer::Dnf),
            "dbus-daemon gnome-keyring python3.11 procps-ng strace chromium chromedriver @nodejs:20/common npm ffmpeg-free xorg-x11-server-Xvfb xdotool mesa-libGL mesa-libEGL libxkbcommon-x11 libXcursor libXi"
        );
    }
}
