//! macOS: a launch agent of the person's. Not tried on a Mac.
//!
//! <https://developer.apple.com/library/archive/documentation/MacOSX/Conceptual/BPSystemStartup/Chapters/CreatingLaunchdJobs.html>

use std::path::PathBuf;

use super::{LoginItem, Start};
use crate::settings::Environment;

/// What the agent is called.
const LABEL: &str = "dev.callboard.callboard";

pub(super) struct LaunchAgent;

impl LoginItem for LaunchAgent {
    fn path(&self, environment: &Environment, start: &Start) -> PathBuf {
        let agents = environment.home_folder().join("Library/LaunchAgents");
        agents.join(format!("{}.plist", start.file_name(LABEL)))
    }

    fn content(&self, start: &Start) -> String {
        let home = start.home.as_ref().map_or_else(String::new, |home| {
            format!(
                "  <key>EnvironmentVariables</key>\n  <dict>\n    <key>CALLBOARD_HOME</key>\n    \
                 <string>{}</string>\n  </dict>\n",
                escaped(home)
            )
        });
        let label = start.file_name(LABEL);
        let words: String = start
            .words()
            .iter()
            .map(|word| format!("    <string>{word}</string>\n"))
            .collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
             <plist version=\"1.0\">\n<dict>\n  <key>Label</key>\n  <string>{label}</string>\n  \
             <key>ProgramArguments</key>\n  <array>\n    <string>{}</string>\n{words}  </array>\n\
             {home}  <key>RunAtLoad</key>\n  <true/>\n</dict>\n</plist>\n",
            escaped(&start.program)
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_within_its_element() {
        let start = Start {
            program: "/A & B/</string>".into(),
            home: Some("/h".into()),
            profile: None,
        };
        let content = LaunchAgent.content(&start);
        let program = "<string>/A &amp; B/&lt;/string&gt;</string>\n    <string>run</string>";
        assert!(content.contains(program), "{content}");
        assert!(content.contains("<key>CALLBOARD_HOME</key>"), "{content}");
    }
}
