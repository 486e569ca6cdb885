use axum::body::Body;

use super::*;

const NOW: i64 = 1_700_000_000;

fn upload(checksum: Option<&str>, parts: Option<u64>) -> Upload {
    Upload {
        component_id: "c".to_owned(),
        checksum: checksum.map(str::to_owned),
        parts,
    }
}

fn tag(part: u64, tag: &str) -> PartTag {
    PartTag {
        part,
        tag: tag.to_owned(),
    }
}

async fn send(
    media: &Media,
    id: &str,
    part: Option<u64>,
    text: &str,
) -> Result<String, MediaError> {
    let claim = Claim { part, md5: None };
    let body = Body::from(text.to_owned());
    media.receive(id, claim, body, NOW).await
}

fn stored(media: &Media) -> String {
    std::fs::read_to_string(media.path("c").unwrap()).unwrap()
}

/// Files that are in the way of nobody, and of no use.
fn left_over(media: &Media, id: &str) -> Vec<String> {
    let entries = std::fs::read_dir(media.folder().unwrap().join("incoming").join(id)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "upload.json").collect()
}

#[test]
fn an_id_cannot_lead_out_of_the_folder() {
    for (id, expected) in [
        ("3a372bde-05bc-11e4-8908-20c9d081909b", true),
        ("../secret", false),
        ("a/b", false),
        ("", false),
        ("incoming", false),
        ("work", false),
    ] {
        assert_eq!(check_id(id).is_ok(), expected, "{id}");
    }
}

#[tokio::test]
async fn parts_are_put_together_in_their_order_and_only_when_all_are_there() {
    let media = Media::new(None, Disk::default());
    let id = media.begin(upload(None, Some(2)), NOW).unwrap();
    let second = send(&media, &id, Some(2), "world").await.unwrap();
    let missing = media.complete(&id, &[tag(2, &second)], NOW).unwrap_err();
    assert!(matches!(missing, MediaError::MissingPart { part: 1 }));

    let outdated = send(&media, &id, Some(1), "bye ").await.unwrap();
    let first = send(&media, &id, Some(1), "hello ").await.unwrap();
    assert_eq!(first, "f814893777bcc2295fff05f00e508da6");
    let error = media
        .complete(&id, &[tag(1, &outdated), tag(2, &second)], NOW)
        .unwrap_err();
    assert!(matches!(error, MediaError::MissingPart { part: 1 }));

    let all = [tag(2, &second), tag(1, &first)];
    assert_eq!(media.complete(&id, &all, NOW).unwrap(), "c");
    assert_eq!(stored(&media), "hello world");
    assert_eq!(media.complete(&id, &all, NOW).unwrap(), "c");
    assert!(left_over(&media, &id).is_empty());
    let error = send(&media, &id, Some(1), "late").await.unwrap_err();
    assert!(matches!(error, MediaError::UnknownUpload));
}

#[tokio::test]
async fn a_wrong_checksum_keeps_what_was_there() {
    let media = Media::new(None, Disk::default());
    let id = media.begin(upload(None, None), NOW).unwrap();
    send(&media, &id, None, "first").await.unwrap();
    let wrong = "AAAAAAAAAAAAAAAAAAAAAA==";
    let id = media.begin(upload(Some(wrong), None), NOW).unwrap();
    let error = send(&media, &id, None, "other").await.unwrap_err();
    assert!(matches!(error, MediaError::WrongChecksum));
    let claim = Claim {
        part: None,
        md5: Some("nonsense"),
    };
    let error = media
        .receive(&id, claim, Body::from("other"), NOW)
        .await
        .unwrap_err();
    assert!(matches!(error, MediaError::BadChecksum { .. }));
    assert_eq!(stored(&media), "first");
    assert!(left_over(&media, &id).is_empty());
    media.remove("c").unwrap();
    assert_eq!(media.path("c"), None);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let media = Media::new(None, Disk::default());
    let id = media.begin(upload(None, None), NOW).unwrap();
    let pieces = [Ok("half"), Err(io::Error::from(io::ErrorKind::BrokenPipe))];
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let error = media
        .receive(&id, Claim::default(), body, NOW)
        .await
        .unwrap_err();
    assert!(matches!(error, MediaError::BrokenOff(_)));
    assert_eq!(media.path("c"), None);
    assert!(left_over(&media, &id).is_empty());
}

#[tokio::test]
async fn parts_outlive_the_server_until_they_expire() {
    let folder = tempfile::tempdir().unwrap();
    let media = Media::new(Some(folder.path()), Disk::default());
    let id = media.begin(upload(None, Some(2)), NOW).unwrap();
    let first = send(&media, &id, Some(1), "a").await.unwrap();
    drop(media);

    let media = Media::new(Some(folder.path()), Disk::default());
    let second = send(&media, &id, Some(2), "b").await.unwrap();
    let all = [tag(1, &first), tag(2, &second)];
    let late = NOW + 24 * 3600;
    let error = media.complete(&id, &all, late).unwrap_err();
    assert!(matches!(error, MediaError::Expired));
    media.complete(&id, &all, NOW).unwrap();
    assert_eq!(stored(&media), "ab");

    let forgotten = media.begin(upload(None, None), NOW).unwrap();
    media.remove_expired(late - 1).unwrap();
    let send_late = media.receive(&forgotten, Claim::default(), Body::from("x"), late);
    assert!(matches!(send_late.await, Err(MediaError::Expired)));
    media.remove_expired(late).unwrap();
    let error = send(&media, &forgotten, None, "x").await.unwrap_err();
    assert!(matches!(error, MediaError::UnknownUpload));
    assert_eq!(stored(&media), "ab");
}

#[tokio::test]
async fn a_part_outside_of_the_upload_is_refused() {
    let media = Media::new(None, Disk::default());
    let parted = media.begin(upload(None, Some(2)), NOW).unwrap();
    let whole = media.begin(upload(None, None), NOW).unwrap();
    for (id, part) in [(&parted, 0), (&parted, 3), (&whole, 1)] {
        let error = send(&media, id, Some(part), "x").await.unwrap_err();
        assert!(matches!(error, MediaError::UnknownPart { .. }), "{error}");
    }
    for id in [parted.as_str(), "unknown", "..", "../c"] {
        let error = send(&media, id, None, "x").await.unwrap_err();
        assert!(matches!(error, MediaError::UnknownUpload), "{error}");
    }
}
