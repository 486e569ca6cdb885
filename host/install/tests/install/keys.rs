//! Signatures beside OpenSSL: each makes what the other checks.

use std::fs;
use std::path::Path;
use std::process::Command;

use install::{PrivateKey, PublicKey, Signature, Signed, sha256_of_file};

/// Runs the commands that the guide gives.
#[expect(
    clippy::disallowed_methods,
    reason = "the point is that another program agrees"
)]
fn shell(folder: &Path, script: &str) -> (bool, String) {
    let output = Command::new("sh")
        .args(["-ec", script])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn openssl_checks_what_we_sign() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("hello.zip"), "an archive").unwrap();
    let key = PrivateKey::make(&root.join("studio.key")).unwrap();
    let sha256 = sha256_of_file(&root.join("hello.zip")).unwrap();
    let signature = key.sign(Signed::Archive { sha256: &sha256 });
    fs::write(root.join("hello.zip.sig"), signature.to_text()).unwrap();
    let check = "
        printf 'callboard archive sha256:%s\\n' \"$(sha256sum < hello.zip | cut -c 1-64)\" > message
        sed -n 's/^signature = \"\\(.*\\)\"$/\\1/p' hello.zip.sig | base64 -d > signature
        openssl pkeyutl -verify -pubin -inkey studio.key.pub -rawin -in message -sigfile signature";
    let (good, text) = shell(root, check);
    assert!(good && text.contains("Verified Successfully"), "{text}");
    fs::write(root.join("hello.zip"), "another archive").unwrap();
    let (good, text) = shell(root, check);
    assert!(!good, "{text}");
    let (good, text) = shell(
        root,
        "openssl pkey -in studio.key -pubout | cmp - studio.key.pub",
    );
    assert!(good, "{text}");
}

#[test]
fn we_check_what_openssl_signs() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("hello.zip"), "an archive").unwrap();
    let sign = "
        umask 077
        openssl genpkey -algorithm ed25519 -out studio.key
        key=$(openssl pkey -in studio.key -pubout -outform DER | tail -c 32 | base64)
        printf 'callboard archive sha256:%s\\n' \"$(sha256sum < hello.zip | cut -c 1-64)\" > message
        openssl pkeyutl -sign -inkey studio.key -rawin -in message -out signature
        printf 'key = \"ed25519:%s\"\\nsignature = \"%s\"\\n' \"$key\" \"$(base64 -w 0 signature)\" > hello.zip.sig
        printf 'ed25519:%s' \"$key\"";
    let (good, printed) = shell(root, sign);
    assert!(good, "{printed}");
    let trusted: PublicKey = printed.parse().unwrap();
    let path = root.join("hello.zip.sig");
    let signature = Signature::read(&path).unwrap().unwrap();
    let sha256 = sha256_of_file(&root.join("hello.zip")).unwrap();
    let signed = Signed::Archive { sha256: &sha256 };
    assert_eq!(signature.check(signed, &[trusted], &path).unwrap(), trusted);
    // A key of OpenSSL's signs for us, too.
    let key = PrivateKey::read(&root.join("studio.key")).unwrap();
    assert_eq!(key.public(), trusted);
    assert_eq!(key.sign(signed), signature);
}
