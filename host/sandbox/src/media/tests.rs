use std::collections::HashMap;

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
    let claim = Claim {
        part,
        md5: None,
        length: Some(text.len() as u64),
    };
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

/// Sends parts in this order, the last of a number counts; returns what is stored, and what lay in the folder before.
async fn put_together(parts: u64, sent: &[(u64, &str)]) -> (String, Vec<String>) {
    let media = Media::new(None, Disk::default());
    let id = media.begin(upload(None, Some(parts)), NOW).unwrap();
    let mut tags = HashMap::new();
    for (part, text) in sent {
        let tag = send(&media, &id, Some(*part), text).await.unwrap();
        tags.insert(*part, tag);
    }
    let tags: Vec<_> = tags.iter().map(|(part, text)| tag(*part, text)).collect();
    let mut lay: Vec<_> = left_over(&media, &id)
        .iter()
        .map(|name| name.split('-').take(2).collect::<Vec<_>>().join("-"))
        .collect();
    lay.sort_unstable();
    media.complete(&id, &tags, NOW).unwrap();
    assert!(left_over(&media, &id).is_empty());
    (stored(&media), lay)
}

#[tokio::test]
async fn parts_of_one_size_are_written_to_their_places_and_others_are_copied() {
    let check = async |parts, sent: &[(u64, &str)], expected: &str, lay: &[&str]| {
        let (stored, found) = put_together(parts, sent).await;
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!((stored.as_str(), &*found), (expected, lay), "{sent:?}");
    };
    let in_place = ["placed-1", "placed-2", "placed-3", "whole"];
    check(3, &[(1, "ab"), (2, "cd"), (3, "e")], "abcde", &in_place).await;
    check(
        3,
        &[(2, "cd"), (3, "efgh"), (1, "ab")],
        "abcdefgh",
        &in_place,
    )
    .await;
    check(1, &[(1, "all")], "all", &["placed-1", "whole"]).await;
    // The last came first, where its place was not known.
    let lay = ["part-3", "placed-1", "placed-2", "whole"];
    check(3, &[(3, "e"), (1, "ab"), (2, "cd")], "abcde", &lay).await;
    // Once more and different: what was acknowledged first is not written over.
    let lay = ["part-1", "placed-2", "placed-3", "whole"];
    check(
        3,
        &[(1, "ab"), (2, "cd"), (3, "e"), (1, "xy")],
        "xycde",
        &lay,
    )
    .await;
    // And a third time, where the place is free again.
    let thrice = [(1, "ab"), (2, "cd"), (3, "e"), (1, "xy"), (1, "vw")];
    check(3, &thrice, "vwcde", &in_place).await;
    // Parts of other sizes.
    let lay = ["part-2", "placed-1", "placed-3", "whole"];
    check(3, &[(1, "ab"), (2, "c"), (3, "d")], "abcd", &lay).await;
    // A last part that is shorter than the one it takes the place of.
    let shorter = [(1, "ab"), (2, "cdef"), (2, "x"), (2, "y")];
    check(2, &shorter, "aby", &["placed-1", "placed-2", "whole"]).await;
}

#[tokio::test]
async fn a_part_that_breaks_off_or_is_longer_than_its_place_hurts_no_other() {
    let media = Media::new(None, Disk::default());
    let id = media.begin(upload(None, Some(3)), NOW).unwrap();
    let first = send(&media, &id, Some(1), "ab").await.unwrap();
    let third = send(&media, &id, Some(3), "ef").await.unwrap();
    let announced = |part| Claim {
        part: Some(part),
        md5: None,
        length: Some(2),
    };
    for text in ["cdXXXX", "c", ""] {
        let sent = media
            .receive(&id, announced(2), Body::from(text), NOW)
            .await;
        assert!(matches!(sent, Err(MediaError::File(_))), "{text}");
    }
    let pieces = [Ok("c"), Err(io::Error::from(io::ErrorKind::BrokenPipe))];
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let error = media.receive(&id, announced(2), body, NOW).await;
    assert!(matches!(error, Err(MediaError::BrokenOff(_))));
    let all = |second: &str| [tag(1, &first), tag(2, second), tag(3, &third)];
    let missing = media.complete(&id, &all(""), NOW).unwrap_err();
    assert!(matches!(missing, MediaError::MissingPart { part: 2 }));
    let second = send(&media, &id, Some(2), "cd").await.unwrap();
    media.complete(&id, &all(&second), NOW).unwrap();
    assert_eq!(stored(&media), "abcdef");
}

#[tokio::test]
async fn a_server_that_was_killed_before_it_noted_that_all_is_together_says_so_when_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let media = Media::new(Some(folder.path()), Disk::default());
    let id = media.begin(upload(None, Some(2)), NOW).unwrap();
    let first = send(&media, &id, Some(1), "a").await.unwrap();
    let second = send(&media, &id, Some(2), "b").await.unwrap();
    let incoming = folder.path().join("files/incoming").join(&id);
    std::fs::rename(incoming.join("whole"), folder.path().join("files/c")).unwrap();
    let all = [tag(1, &first), tag(2, &second)];
    assert_eq!(media.complete(&id, &all, NOW).unwrap(), "c");
    assert_eq!(stored(&media), "ab");
    assert!(left_over(&media, &id).is_empty());
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
        length: None,
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
