//! Encoding: jobs that make films and stills playable in a browser, and small pictures on demand.
//!
//! One thread of its own starts every program and follows them all, a few at a time. A job is a row like any other:
//! it waits there until its turn comes, and a server that was killed goes on with it after its next start.

mod job;
mod make;
mod probe;
mod recipe;
mod tool;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, OnceCell, mpsc, oneshot, watch};

use crate::media::Media;
use crate::server::{Server, became_true};
use job::Job;
use make::MakeError;
use tool::Tools;

pub(crate) use job::request;

/// How many files are encoded at a time; each takes every core it gets.
const JOBS_AT_ONCE: usize = 2;

/// How many small pictures are made at a time, and how many may wait for their turn.
const PICTURES_AT_ONCE: usize = 4;
const WAITING_PICTURES: usize = 256;

/// How long somebody waits for a small picture.
const PICTURE_WITHIN: Duration = Duration::from_secs(60);

/// What requests see of the thread.
#[derive(Debug)]
pub(crate) struct Encoder {
    wake: Arc<Notify>,
    pictures: mpsc::Sender<PictureOrder>,
}

/// What the thread takes its work from.
#[derive(Debug)]
pub(crate) struct Orders {
    wake: Arc<Notify>,
    pictures: mpsc::Receiver<PictureOrder>,
}

#[derive(Debug)]
struct PictureOrder {
    media_folder: tempfile::TempDir,
    source: PathBuf,
    size: u32,
    place: PathBuf,
    answer: oneshot::Sender<bool>,
}

/// A file that a browser shows.
#[derive(Debug)]
pub(crate) struct SmallPicture {
    pub(crate) path: PathBuf,
    pub(crate) name: &'static str,
}

impl Encoder {
    pub(crate) fn new() -> (Self, Orders) {
        let wake = Arc::new(Notify::new());
        let (sender, receiver) = mpsc::channel(WAITING_PICTURES);
        let encoder = Self {
            wake: wake.clone(),
            pictures: sender,
        };
        let orders = Orders {
            wake,
            pictures: receiver,
        };
        (encoder, orders)
    }

    /// Says that there is a new job.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Returns a component's picture, at most `size` by `size`; `None` when the file has none.
    pub(crate) async fn thumbnail(
        &self,
        media: &Media,
        component_id: &str,
        size: u32,
    ) -> Option<SmallPicture> {
        let source = media.path(component_id)?;
        let place = media.thumbnail_path(component_id, size).ok()?;
        let small = SmallPicture {
            path: place.clone(),
            name: "thumbnail.jpg",
        };
        if place.is_file() {
            return Some(small);
        }
        let (answer, answered) = oneshot::channel();
        let order = PictureOrder {
            media_folder: media.work_folder().ok()?,
            source: source.clone(),
            size,
            place,
            answer,
        };
        let made = async {
            self.pictures.send(order).await.ok()?;
            answered.await.ok()
        };
        match tokio::time::timeout(PICTURE_WITHIN, made).await {
            Ok(Some(true)) => Some(small),
            // Without a program that scales it, a picture is shown as it is.
            Ok(Some(false)) => as_it_is(source),
            Ok(None) | Err(_) => None,
        }
    }
}

/// A picture that every browser shows, told by its first bytes.
fn as_it_is(path: PathBuf) -> Option<SmallPicture> {
    let mut first = [0; 12];
    io::Read::read_exact(&mut std::fs::File::open(&path).ok()?, &mut first).ok()?;
    let name = match &first {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "thumbnail.png",
        [0xff, 0xd8, 0xff, ..] => "thumbnail.jpg",
        [b'G', b'I', b'F', b'8', ..] => "thumbnail.gif",
        [b'R', b'I', b'F', b'F', .., b'W', b'E', b'B', b'P'] => "thumbnail.webp",
        _ => return None,
    };
    Some(SmallPicture { path, name })
}

/// Starts the thread. It ends when the server stops, and with it every program it has started.
pub(crate) fn start(
    server: &Arc<Server>,
    orders: Orders,
    stopped: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    let server = Arc::downgrade(server);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("encoder".to_owned())
        .spawn(move || runtime.block_on(work_until_stopped(&server, orders, stopped)))
}

async fn work_until_stopped(
    server: &Weak<Server>,
    mut orders: Orders,
    mut stopped: watch::Receiver<bool>,
) {
    let tools = OnceCell::new();
    let mut jobs = FuturesUnordered::new();
    let mut pictures = FuturesUnordered::new();
    let mut begun: HashSet<Arc<str>> = HashSet::new();
    loop {
        // A job that runs without us was left so by a killed server, or by a disk that took no row when it ended.
        if let Some(server) = server.upgrade() {
            job::resume(&server, &begun);
        }
        while jobs.len() < JOBS_AT_ONCE
            && let Some(job) = server.upgrade().and_then(|server| job::claim(&server))
        {
            begun.insert(job.id.clone());
            jobs.push(encode(server, &tools, job));
        }
        tokio::select! {
            () = became_true(&mut stopped) => return,
            () = orders.wake.notified() => {}
            Some(id) = jobs.next() => {
                begun.remove(&id);
            }
            Some(()) = pictures.next() => {}
            Some(order) = orders.pictures.recv(), if pictures.len() < PICTURES_AT_ONCE => {
                pictures.push(shrink(&tools, order));
            }
        }
    }
}

/// The programs of this machine, looked for when they are first needed.
async fn tools(found: &OnceCell<Option<Tools>>) -> Option<&Tools> {
    found
        .get_or_init(async || {
            let found = Tools::find().await;
            if found.is_none() {
                tracing::warn!("there is no ffmpeg here, so media is passed through as it is");
            }
            found
        })
        .await
        .as_ref()
}

/// Does a job and returns its id.
async fn encode(server: &Weak<Server>, found: &OnceCell<Option<Tools>>, job: Job) -> Arc<str> {
    let made = match (&job.source, tools(found).await) {
        (Err(reason), _) => Err(reason.clone()),
        (Ok(source), Some(tools)) => {
            let making = make::outputs(tools, source.folder.path(), &source.name);
            match tokio::time::timeout(make::ENCODE_WITHIN, making).await {
                Ok(made) => made.map_err(|error| chain(&error)),
                Err(_) => Err(format!(
                    "it took longer than {} s",
                    make::ENCODE_WITHIN.as_secs()
                )),
            }
        }
        (Ok(source), None) => {
            make::passed_through(source.folder.path(), &source.name).map_err(|error| chain(&error))
        }
    };
    let is_passed_through = made.is_ok() && tools(found).await.is_none();
    if let Some(server) = server.upgrade() {
        job::finish(&server, &job, made, is_passed_through);
    }
    job.id
}

/// What went wrong, and why.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

async fn shrink(found: &OnceCell<Option<Tools>>, order: PictureOrder) {
    let is_made = match tools(found).await {
        Some(tools) => match small_picture(tools, &order).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "no thumbnail");
                false
            }
        },
        None => false,
    };
    if order.answer.send(is_made).is_err() {
        tracing::debug!("nobody waits for the thumbnail any more");
    }
}

async fn small_picture(tools: &Tools, order: &PictureOrder) -> Result<(), MakeError> {
    let folder = order.media_folder.path();
    let name = link(&order.source, folder, "")?;
    make::small_picture(tools, folder, &name, order.size, "small.jpg").await?;
    std::fs::rename(folder.join("small.jpg"), &order.place)?;
    Ok(())
}

/// Puts a source into a work folder, under a name whose ending helps to tell what it is, and returns the name.
fn link(source: &Path, folder: &Path, file_type: &str) -> io::Result<String> {
    let ending: String = file_type
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(8)
        .collect();
    let name = match ending.as_str() {
        "" => "source".to_owned(),
        ending => format!("source.{}", ending.to_ascii_lowercase()),
    };
    link_file(source, &folder.join(&name))?;
    Ok(name)
}

/// Gives a file a second name, or a copy where the file system knows of no second names.
fn link_file(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::hard_link(from, to).or_else(|_| std::fs::copy(from, to).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_shows_is_told_by_its_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n and more"[..], Some("thumbnail.png")),
            (b"\xff\xd8\xff\xe0 and more", Some("thumbnail.jpg")),
            (b"GIF89a and more", Some("thumbnail.gif")),
            (b"RIFF\x00\x00\x00\x00WEBPVP8 ", Some("thumbnail.webp")),
            (b"RIFF\x00\x00\x00\x00AVI LIST", None),
            (b"plain text, no picture", None),
            (b"short", None),
        ] {
            let path = folder.path().join("file");
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(as_it_is(path).map(|picture| picture.name), expected);
        }
    }
}
