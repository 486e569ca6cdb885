//! Sends a file to ftrack as a component, and goes on where it was when it is run again.
//!
//! `cargo run -p ftrack --example upload -- FILE [--ledger FILE] [--component ID] [--part-bytes N] [--parallel N]`
//!
//! The server and the user are those of `FTRACK_SERVER`, `FTRACK_API_USER` and `FTRACK_API_KEY`. It prints one JSON
//! line for each step of the way, and one at the end. Kill it and run it again: only the parts that were under way are
//! sent twice.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ftrack::{
    Config, LedgerError, NewComponent, Progress, Session, Upload, UploadLedger, UploadOptions,
    UploadRecord, UploadState,
};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

/// How often it tells how far it is.
const TELL: Duration = Duration::from_millis(20);

struct Arguments {
    file: PathBuf,
    ledger: PathBuf,
    component: Option<String>,
    options: UploadOptions,
}

/// A ledger of one upload: a JSON line for each record.
struct Lines(Mutex<File>);

impl UploadLedger for Lines {
    fn keep<'a>(&'a self, record: &'a UploadRecord) -> BoxFuture<'a, Result<(), LedgerError>> {
        Box::pin(async move {
            let mut line = serde_json::to_vec(record)?;
            line.push(b'\n');
            let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&line)?;
            Ok(file.sync_data()?)
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "there is a TLS provider already")?;
    let config = Config::new(
        variable("FTRACK_SERVER")?,
        variable("FTRACK_API_USER")?,
        variable("FTRACK_API_KEY")?,
    );
    let session = Session::connect(config).await?;

    let size = std::fs::metadata(&arguments.file)?.len();
    let mut component = NewComponent::of_file(&arguments.file, "main", size);
    let state = kept(&arguments.ledger)?;
    if let Some(id) = arguments.component {
        component.id = id;
    } else if let Some(state) = &state {
        component.id.clone_from(&state.plan.component_id);
    }
    let open = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&arguments.ledger)?;
    let ledger = Lines(Mutex::new(open));
    let progress = Arc::<Progress>::default();
    let file_name = component.file_name();
    let upload = Upload::new(&component.id, &file_name, &arguments.file)
        .options(arguments.options)
        .resume(state)
        .ledger(&ledger)
        .progress(Arc::clone(&progress));

    let began = Instant::now();
    let mut uploading = std::pin::pin!(session.upload(upload));
    let uploaded = loop {
        match tokio::time::timeout(TELL, uploading.as_mut()).await {
            Ok(uploaded) => break uploaded?,
            Err(_) => {
                print(&json!({"done": progress.done_bytes(), "total": progress.total_bytes()}))?
            }
        }
    };
    session.call(&component.operations()).await?;
    print(&json!({
        "component": component.id,
        "bytes": uploaded.size_bytes,
        "parts": uploaded.parts,
        "md5": uploaded.md5,
        "sent_bytes": progress.moved_bytes(),
        "secs": began.elapsed().as_secs_f64(),
    }))?;
    Ok(())
}

/// Reads what earlier runs kept. A last line that was cut off by a crash is as if it had not been written.
fn kept(ledger: &Path) -> Result<Option<UploadState>, Box<dyn Error>> {
    let mut records = Vec::new();
    if ledger.exists() {
        for line in BufReader::new(File::open(ledger)?).lines() {
            match serde_json::from_str(&line?) {
                Ok(record) => records.push(record),
                Err(_) => break,
            }
        }
    }
    Ok(UploadState::from_records(records))
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut file = None;
    let mut ledger = None;
    let mut component = None;
    let mut options = UploadOptions::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
        match word.as_str() {
            "--ledger" => ledger = Some(PathBuf::from(value()?)),
            "--component" => component = Some(value()?),
            "--part-bytes" => options.part_bytes = Some(value()?.parse()?),
            "--parallel" => options.parallel = value()?.parse()?,
            _ => file = Some(PathBuf::from(word)),
        }
    }
    let file = file.ok_or("name the file to send")?;
    let beside = file.with_added_extension("upload");
    Ok(Arguments {
        ledger: ledger.unwrap_or(beside),
        file,
        component,
        options,
    })
}

#[expect(clippy::disallowed_methods, reason = "an example has no settings")]
fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("`{name}` is not set"))
}

fn print(line: &Value) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
