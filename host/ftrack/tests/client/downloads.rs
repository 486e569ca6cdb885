//! Files that come down, from servers that behave and servers that do not.

use std::sync::Arc;

use ftrack::{Download, DownloadError, Retries, Session, StorageError, new_id};

use crate::files::{Shelf, content, fetched, hex_md5, quick};
use crate::studio::Studio;
use crate::support::{Reply, Server, raw, sign_in};

/// A server with one file. Each answer is cut after `cut` bytes.
async fn with_file(bytes: Vec<u8>, cut: usize, knows_ranges: bool) -> Server {
    Server::start(move |request| {
        let Some(query) = request.target.strip_prefix("/component/get?") else {
            return sign_in(request).unwrap_or(Reply::Close);
        };
        assert!(query.contains("username=ada&apiKey=key-of-ada"), "{query}");
        let size = bytes.len();
        let range = request.header("range").filter(|_| knows_ranges);
        let from = range.map(|range| range.trim_start_matches("bytes=").trim_end_matches('-'));
        let from: usize = from.map_or(0, |from| from.parse().unwrap());
        let head = match range {
            Some(_) => format!(
                "206 Partial Content\r\nContent-Range: bytes {from}-{}/{size}",
                size - 1
            ),
            None => "200 OK".to_owned(),
        };
        let until = (from + cut).min(size);
        let body = String::from_utf8(bytes[from..until].to_vec()).unwrap();
        let length = size - from;
        Reply::Raw(format!(
            "HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    })
    .await
}

fn letters(size: usize) -> Vec<u8> {
    content(size)
        .into_iter()
        .map(|byte| b'a' + byte % 26)
        .collect()
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke() {
    let bytes = letters(1000);
    let server = with_file(bytes.clone(), 300, true).await;
    let session = Session::connect(server.config()).await.unwrap();
    let shelf = Shelf::with(0);
    let to = shelf.other("fetched.txt");
    let mut download = Download::new("c", &to);
    download.retries = Retries {
        attempts: 2,
        ..quick()
    };
    let progress = Arc::clone(&download.progress);
    let downloaded = session.download(download).await.unwrap();
    assert_eq!((downloaded.size_bytes, downloaded.resumed_bytes), (1000, 0));
    assert_eq!(downloaded.md5, hex_md5(&bytes));
    assert_eq!(std::fs::read(&to).unwrap(), bytes);
    assert_eq!(
        (progress.total_bytes(), progress.moved_bytes()),
        (1000, 1000)
    );
    let ranges: Vec<_> = server
        .requests()
        .iter()
        .filter_map(|one| one.header("range").map(str::to_owned))
        .collect();
    assert_eq!(ranges, ["bytes=300-", "bytes=600-", "bytes=900-"]);
    let left: Vec<_> = std::fs::read_dir(shelf.folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[tokio::test]
async fn what_an_earlier_run_left_is_taken_over_unless_it_is_of_another_file() {
    let bytes = letters(1000);
    let server = with_file(bytes.clone(), 1000, true).await;
    let session = Session::connect(server.config()).await.unwrap();
    for (left, resumed) in [
        (&bytes[..400], 400),
        (b"something else" as &[u8], 0),
        (&bytes[..], 1000),
    ] {
        let shelf = Shelf::with(0);
        let to = shelf.other("fetched.txt");
        std::fs::write(shelf.other("fetched.txt.c.part"), left).unwrap();
        let mut download = Download::new("c", &to);
        let md5 = hex_md5(&bytes);
        download.md5 = Some(&md5);
        download.size_bytes = Some(1000);
        let downloaded = session.download(download).await;
        // The whole file is there already: the storage has nothing to add.
        if resumed == 1000 {
            continue;
        }
        assert_eq!(downloaded.unwrap().resumed_bytes, resumed);
        assert_eq!(std::fs::read(&to).unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_server_without_ranges_is_asked_for_all_of_it() {
    let bytes = letters(1000);
    let server = with_file(bytes.clone(), 1000, false).await;
    let session = Session::connect(server.config()).await.unwrap();
    let shelf = Shelf::with(0);
    let to = shelf.other("fetched.txt");
    std::fs::write(shelf.other("fetched.txt.c.part"), &bytes[..10]).unwrap();
    session.download(Download::new("c", &to)).await.unwrap();
    assert_eq!(std::fs::read(&to).unwrap(), bytes);
}

#[tokio::test]
async fn a_file_of_another_size_or_sum_is_refused_and_what_was_there_stays() {
    let server = with_file(letters(1000), 1000, true).await;
    let session = Session::connect(server.config()).await.unwrap();
    let shelf = Shelf::with(0);
    let to = shelf.other("fetched.txt");
    std::fs::write(&to, "old").unwrap();
    let mut download = Download::new("c", &to);
    download.size_bytes = Some(999);
    let error = session.download(download).await.unwrap_err();
    assert!(matches!(error, DownloadError::Other { .. }), "{error:?}");
    let mut download = Download::new("c", &to);
    download.md5 = Some("00000000000000000000000000000000");
    let error = session.download(download).await.unwrap_err();
    assert!(
        error.to_string().starts_with("the file has the MD5 "),
        "{error}"
    );
    assert_eq!(std::fs::read(&to).unwrap(), b"old");
    let studio = Studio::demo().await;
    let error = studio
        .session
        .download(Download::new(&new_id(), &to))
        .await
        .unwrap_err();
    assert_eq!(
        error.sentence(),
        "ftrack has no such file, or not for this user."
    );
}

#[tokio::test]
async fn a_redirect_to_a_storage_is_followed_without_the_key() {
    let elsewhere = Server::start(|_| raw("200 OK", &[], "the file")).await;
    let location = format!(
        "Location: http://{}/bucket/c?signature=1",
        elsewhere.address
    );
    let server = Server::start(move |request| {
        sign_in(request).unwrap_or_else(|| raw("302 Found", &[&location], ""))
    })
    .await;
    let session = Session::connect(server.config()).await.unwrap();
    let shelf = Shelf::with(0);
    assert_eq!(fetched(&session, "c", &shelf.other("a")).await, b"the file");
    let [request] = elsewhere.requests().try_into().unwrap();
    assert_eq!(request.target, "/bucket/c?signature=1");
    assert!(
        request
            .headers
            .iter()
            .all(|(_, value)| !value.contains("key-of-ada"))
    );

    let around = Server::start(|request| {
        sign_in(request).unwrap_or_else(|| raw("302 Found", &["Location: /again"], ""))
    })
    .await;
    let session = Session::connect(around.config()).await.unwrap();
    let error = session
        .download(Download::new("c", &shelf.other("b")))
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        DownloadError::Storage(StorageError::Refused { status: 302, .. })
    ));
}
