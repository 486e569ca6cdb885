//! Files that go up, against the sandbox.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ftrack::{
    BegunAnew, FileError, LedgerError, NewComponent, Progress, RequestKind, Session, Upload,
    UploadError, UploadLedger, UploadOptions, UploadRecord, UploadState, Uploaded, file_md5,
    new_id,
};
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::files::{KIB, Shelf, content, fetched, hex_md5, small_parts};
use crate::studio::{Studio, busy};

/// Keeps records, and refuses to after so many.
#[derive(Default)]
struct Ledger {
    records: Mutex<Vec<UploadRecord>>,
    full_after: Option<usize>,
}

impl UploadLedger for Ledger {
    fn keep<'a>(&'a self, record: &'a UploadRecord) -> BoxFuture<'a, Result<(), LedgerError>> {
        Box::pin(async move {
            let mut records = self.records.lock().unwrap();
            if self.full_after == Some(records.len()) {
                return Err("the ledger is full".into());
            }
            // As a caller's ledger does it: what is kept is text.
            let kept = serde_json::to_string(record)?;
            records.push(serde_json::from_str(&kept)?);
            Ok(())
        })
    }
}

impl Ledger {
    fn full_after(records: usize) -> Self {
        Self {
            full_after: Some(records),
            ..Self::default()
        }
    }

    fn state(&self) -> Option<UploadState> {
        UploadState::from_records(self.records.lock().unwrap().clone())
    }
}

#[tokio::test]
async fn files_of_all_sizes_go_up_and_come_down_as_they_were() {
    let studio = Studio::demo().await;
    for (size, parts) in [
        (0, 1),
        (1, 1),
        (128 * KIB, 1),
        (128 * KIB + 1, 3),
        (1000 * KIB, 16),
    ] {
        let shelf = Shelf::with(size);
        let component = NewComponent::of_file(&shelf.path, "movie", size as u64);
        let progress = Arc::<Progress>::default();
        let upload = Upload::new(&component.id, "movie.mov", &shelf.path)
            .options(small_parts())
            .progress(Arc::clone(&progress));
        let uploaded = studio.session.upload(upload).await.unwrap();
        let md5 = (parts == 1).then(|| hex_md5(&shelf.bytes));
        let expected = Uploaded {
            size_bytes: size as u64,
            md5,
            parts,
            begun_anew: None,
        };
        assert_eq!(uploaded, expected);
        let counted = (
            progress.total_bytes(),
            progress.done_bytes(),
            progress.moved_bytes(),
        );
        assert_eq!(counted, (size as u64, size as u64, size as u64));
        studio.session.call(&component.operations()).await.unwrap();
        assert_eq!(file_md5(&shelf.path).await.unwrap(), hex_md5(&shelf.bytes));
        let stored = studio.session.stored_size(&component.id).await.unwrap();
        assert_eq!(stored, Some(size as u64));
        let back = fetched(&studio.session, &component.id, &shelf.other("back.mov")).await;
        assert!(back == shelf.bytes, "{size}");
    }
    let metrics = &studio.session.metrics()[&RequestKind::Upload];
    assert_eq!((metrics.requests, metrics.failures.len()), (22, 0));
}

#[tokio::test]
async fn parts_that_fail_are_sent_again_and_nothing_else_is() {
    let studio = Studio::demo().await;
    let shelf = Shelf::with(640 * KIB);
    // The third and the last part meet a busy storage, one of them twice, and one closed connection.
    for path in ["/3", "/3", "/10"] {
        studio.fault(busy(path, 503, 0)).await;
    }
    studio
        .fault(json!({"match": "/7", "fault": "close_before"}))
        .await;
    let id = new_id();
    let progress = Arc::<Progress>::default();
    let upload = Upload::new(&id, "movie.mov", &shelf.path)
        .options(small_parts())
        .progress(Arc::clone(&progress));
    let uploaded = studio.session.upload(upload).await.unwrap();
    assert_eq!(uploaded.parts, 10);
    assert_eq!(progress.done_bytes(), 640 * KIB as u64);
    assert!(progress.moved_bytes() <= (640 + 4 * 64) * KIB as u64);
    let back = fetched(&studio.session, &id, &shelf.other("back.mov")).await;
    assert!(back == shelf.bytes);
    let metrics = &studio.session.metrics()[&RequestKind::Upload];
    assert_eq!(metrics.requests, 14);
    assert_eq!(metrics.failures["server_busy"], 3);
}

#[tokio::test]
async fn an_upload_that_broke_off_goes_on_where_its_ledger_ends() {
    let studio = Studio::demo().await;
    let shelf = Shelf::with(640 * KIB);
    let id = new_id();
    let ledger = Ledger::full_after(6);
    let upload = Upload::new(&id, "movie.mov", &shelf.path).options(small_parts());
    let error = studio
        .session
        .upload(upload.ledger(&ledger))
        .await
        .unwrap_err();
    assert!(matches!(error, UploadError::Ledger(_)), "{error:?}");
    let state = ledger.state().unwrap();
    assert_eq!(state.sent.len(), 5);

    let session = Session::connect(studio.config()).await.unwrap();
    let progress = Arc::<Progress>::default();
    let rest = Ledger::default();
    let upload = Upload::new(&id, "movie.mov", &shelf.path)
        .options(small_parts())
        .resume(Some(state))
        .ledger(&rest)
        .progress(Arc::clone(&progress));
    let uploaded = session.upload(upload).await.unwrap();
    assert_eq!((uploaded.parts, uploaded.begun_anew), (10, None));
    assert_eq!(progress.moved_bytes(), 5 * 64 * KIB as u64);
    assert_eq!(progress.done_bytes(), 640 * KIB as u64);
    assert_eq!(
        rest.records.lock().unwrap().last(),
        Some(&UploadRecord::Completed)
    );
    let back = fetched(&session, &id, &shelf.other("back.mov")).await;
    assert!(back == shelf.bytes);
}

#[tokio::test]
async fn an_upload_whose_completion_was_not_answered_is_found_complete() {
    let studio = Studio::demo().await;
    let shelf = Shelf::with(256 * KIB);
    let id = new_id();
    let ledger = Ledger::default();
    studio
        .fault(json!({"match": "complete_multipart_upload", "fault": "close_after"}))
        .await;
    let upload = Upload::new(&id, "movie.mov", &shelf.path).options(small_parts());
    let uploaded = studio.session.upload(upload.ledger(&ledger)).await.unwrap();
    assert_eq!((uploaded.parts, uploaded.begun_anew), (4, None));
    // A crash before the record of it was kept: the parts are there, and the upload is over.
    let mut records = ledger.records.lock().unwrap().clone();
    assert_eq!(records.pop(), Some(UploadRecord::Completed));
    let progress = Arc::<Progress>::default();
    let upload = Upload::new(&id, "movie.mov", &shelf.path)
        .options(small_parts())
        .resume(UploadState::from_records(records))
        .progress(Arc::clone(&progress));
    studio.session.upload(upload).await.unwrap();
    assert_eq!(progress.moved_bytes(), 0);
}

#[tokio::test]
async fn a_file_that_changed_since_begins_anew_and_says_so() {
    let studio = Studio::demo().await;
    let shelf = Shelf::with(320 * KIB);
    let id = new_id();
    let ledger = Ledger::full_after(3);
    let upload = Upload::new(&id, "movie.mov", &shelf.path).options(small_parts());
    studio
        .session
        .upload(upload.ledger(&ledger))
        .await
        .unwrap_err();
    let changed = content(400 * KIB);
    std::fs::write(&shelf.path, &changed).unwrap();
    let upload = Upload::new(&id, "movie.mov", &shelf.path)
        .options(small_parts())
        .resume(ledger.state());
    let uploaded = studio.session.upload(upload).await.unwrap();
    assert_eq!(uploaded.begun_anew, Some(BegunAnew::FileChanged));
    let back = fetched(&studio.session, &id, &shelf.other("back.mov")).await;
    assert!(back == changed);
}

/// A ledger under which the file changes, or goes, after the first part.
struct Meddler {
    path: PathBuf,
    meddle: fn(&Path),
}

impl UploadLedger for Meddler {
    fn keep<'a>(&'a self, record: &'a UploadRecord) -> BoxFuture<'a, Result<(), LedgerError>> {
        Box::pin(async move {
            if matches!(record, UploadRecord::Sent(part) if part.part_number == 1) {
                (self.meddle)(&self.path);
            }
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_file_that_changes_or_goes_while_it_is_sent_does_not_arrive() {
    let studio = Studio::demo().await;
    type Meddle = fn(&Path);
    let meddlers: [(Meddle, &str); 3] = [
        (
            |path| std::fs::write(path, content(320 * KIB)).unwrap(),
            "changed while it was sent",
        ),
        (
            |path| std::fs::write(path, "short").unwrap(),
            "changed while it was sent",
        ),
        (|path| std::fs::remove_file(path).unwrap(), "is not there"),
    ];
    for (meddle, said) in meddlers {
        let shelf = Shelf::with(640 * KIB);
        let id = new_id();
        let meddler = Meddler {
            path: shelf.path.clone(),
            meddle,
        };
        let options = UploadOptions {
            parallel: 1,
            ..small_parts()
        };
        let upload = Upload::new(&id, "movie.mov", &shelf.path).options(options);
        let error = studio
            .session
            .upload(upload.ledger(&meddler))
            .await
            .unwrap_err();
        assert!(matches!(error, UploadError::File(_)), "{error:?}");
        assert!(error.sentence().contains(said), "{}", error.sentence());
        assert_eq!(studio.session.stored_size(&id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_is_no_file_is_said_before_the_server_is_asked() {
    let studio = Studio::demo().await;
    let shelf = Shelf::with(1);
    let before = studio.session.metrics();
    let missing = shelf.other("missing.mov");
    let error = studio
        .session
        .upload(Upload::new("c", "a", &missing))
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        UploadError::File(FileError::Missing { .. })
    ));
    let error = studio
        .session
        .upload(Upload::new("c", "a", shelf.folder.path()))
        .await;
    assert!(matches!(
        error.unwrap_err(),
        UploadError::File(FileError::NotAFile { .. })
    ));
    assert_eq!(studio.session.metrics(), before);
}

#[tokio::test]
async fn a_file_is_encoded_from_where_it_is_and_its_job_is_found_again() {
    let studio = Studio::demo().await;
    let shelf = Shelf::with(10);
    let component = NewComponent::of_file(&shelf.path, "movie", 10);
    let upload = Upload::new(&component.id, "movie.mov", &shelf.path);
    studio.session.upload(upload).await.unwrap();
    studio.session.call(&component.operations()).await.unwrap();
    let keep = ftrack::EncodeSource::Keep;
    let job = studio
        .session
        .encode_media(&component.id, None, keep)
        .await
        .unwrap();
    let jobs = studio.session.encode_jobs(&component.id).await.unwrap();
    assert_eq!(
        jobs.iter().map(|job| job.id().unwrap()).collect::<Vec<_>>(),
        [job]
    );
    assert_eq!(studio.session.encode_jobs(&new_id()).await.unwrap(), []);
    let sent = studio.session.metrics()[&RequestKind::Upload].bytes_sent;
    assert_eq!(sent, 10);
}
