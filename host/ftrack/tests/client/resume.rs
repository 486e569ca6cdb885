//! A process that is killed in the middle of an upload, and the next one that goes on.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::files::{KIB, Shelf, fetched, hex_md5};
use crate::studio::Studio;

const PART: usize = 1024 * KIB;
const PARTS: usize = 64;
const PARALLEL: usize = 4;

/// The program of `examples/upload.rs`, as a process. It ends with the test.
struct Uploader(Child);

impl Drop for Uploader {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed, which is fine.
        let _killed = self.0.kill();
        self.0.wait().unwrap();
    }
}

impl Uploader {
    fn start(studio: &Studio, file: &Path) -> (Self, Lines<BufReader<ChildStdout>>) {
        #[expect(clippy::disallowed_methods, reason = "the test kills a process")]
        let mut command = Command::new(program());
        let mut child = command
            .arg(file)
            .args([
                "--part-bytes",
                &PART.to_string(),
                "--parallel",
                &PARALLEL.to_string(),
            ])
            .env("FTRACK_SERVER", studio.sandbox.server_url())
            .env("FTRACK_API_USER", studio.sandbox.user())
            .env("FTRACK_API_KEY", studio.sandbox.api_key())
            .env("NO_PROXY", "127.0.0.1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (Self(child), lines)
    }
}

/// Examples lie beside the tests: `target/debug/examples/upload`.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    folder
        .join("examples")
        .join(format!("upload{}", std::env::consts::EXE_SUFFIX))
}

fn value(line: std::io::Result<String>) -> Value {
    serde_json::from_str(&line.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploader_that_is_killed_at_half_sends_no_more_again_than_was_under_way() {
    let studio = Studio::demo().await;
    let shelf = Shelf::with(PARTS * PART);
    let total = (PARTS * PART) as u64;

    let (mut uploader, lines) = Uploader::start(&studio, &shelf.path);
    let is_half = |line: &Value| line["done"].as_u64().is_some_and(|done| done >= total / 2);
    let half = lines.map(value).find(is_half);
    assert!(half.is_some(), "it told nothing at half");
    // SIGKILL: nothing of it runs after this.
    uploader.0.kill().unwrap();
    drop(uploader);
    let ledger = std::fs::read_to_string(shelf.other("clip.mov.upload")).unwrap();
    let kept = ledger.matches("\"sent\"").count();
    assert!(kept > 0 && kept < PARTS, "{kept}");

    let (uploader, lines) = Uploader::start(&studio, &shelf.path);
    let end = lines.map(value).last().unwrap();
    drop(uploader);
    assert_eq!(end["bytes"], total);
    let sent = end["sent_bytes"].as_u64().unwrap();
    assert_eq!(sent, ((PARTS - kept) * PART) as u64, "{end}");

    // What the storage was sent, part by part: none more than twice, and twice only what was under way.
    let requests = studio.requests("/upload/").await;
    let puts = |part: usize| {
        let own = format!("/{part}");
        let paths = requests.iter().filter_map(|one| one["path"].as_str());
        paths.filter(|path| path.ends_with(&own)).count()
    };
    let counts: Vec<_> = (1..=PARTS).map(puts).collect();
    assert!(
        counts.iter().all(|count| (1..=2).contains(count)),
        "{counts:?}"
    );
    let again = counts.iter().filter(|count| **count == 2).count();
    assert!(again <= PARALLEL, "{again} parts were sent again");
    let arrived: u64 = requests
        .iter()
        .filter_map(|one| one["bytes_in"].as_u64())
        .sum();
    assert!(
        arrived <= total + (PARALLEL * PART) as u64,
        "{arrived} of {total} bytes"
    );

    let component = end["component"].as_str().unwrap();
    let back = fetched(&studio.session, component, &shelf.other("back.mov")).await;
    assert_eq!(hex_md5(&back), hex_md5(&shelf.bytes));
    let row = studio
        .row(&format!(
            "select size from FileComponent where id is \"{component}\""
        ))
        .await;
    assert_eq!(row["size"], total);
}
