//! Windows: a script in the folder that is started at login. Not tried on Windows.
//!
//! A file, as on the other systems, and no key in the registry: the person sees it, and the Task Manager lists it.

use std::path::PathBuf;

use super::{LoginItem, Start};
use crate::settings::Environment;

pub(super) struct StartupFolder;

impl LoginItem for StartupFolder {
    fn path(&self, environment: &Environment, start: &Start) -> PathBuf {
        let programs = "AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup";
        environment
            .home_folder()
            .join(programs)
            .join(format!("{}.cmd", start.file_name("callboard")))
    }

    fn content(&self, start: &Start) -> String {
        let home = start.home.as_ref().map_or_else(String::new, |home| {
            format!("set \"CALLBOARD_HOME={}\"\r\n", escaped(home))
        });
        let program = escaped(&start.program);
        let words = start.words().join(" ");
        format!("@echo off\r\n{home}start \"Callboard\" /b \"{program}\" {words}\r\n")
    }
}

/// A path of Windows has no quotes; the percent sign would begin a variable.
fn escaped(path: &str) -> String {
    path.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_no_variable() {
        let start = Start {
            program: r"C:\100%PATH%\callboard.exe".into(),
            home: None,
            profile: None,
        };
        assert_eq!(
            StartupFolder.content(&start),
            "@echo off\r\nstart \"Callboard\" /b \"C:\\100%%PATH%%\\callboard.exe\" run\r\n"
        );
    }
}
