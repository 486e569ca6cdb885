//! Signatures: who vouches for an archive or a folder.
//!
//! A signature is a text file with two lines, the key and the signature. What is signed is not the bytes themselves but
//! one line that names their SHA-256, so that no tool has to hold an archive in memory. Keys are what
//! `openssl genpkey -algorithm ed25519` makes, and `openssl pkeyutl` makes and checks the same signatures.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

/// What stands before a key in settings and signatures.
const KEY_PREFIX: &str = "ed25519:";

/// What an Ed25519 key begins with in PKCS#8, before its 32 bytes.
const PRIVATE_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// What an Ed25519 key begins with in the form that others are given, before its 32 bytes.
const PUBLIC_HEAD: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A key that signatures are checked with: `ed25519:` and its 32 bytes in Base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

/// A key that makes signatures. It is not shown.
pub struct PrivateKey(Ed25519KeyPair);

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed<'a> {
    /// An archive, by the SHA-256 of the file in hexadecimal digits.
    Archive {
        /// The digits.
        sha256: &'a str,
    },
    /// A folder, by the [hash of its files](crate::FileList::hash).
    Folder {
        /// The hash, with `sha256:`.
        hash: &'a str,
    },
}

/// A signature and the key that it is to be checked with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    key: String,
    signature: String,
}

/// Why a signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// There is none, and there has to be one.
    #[error("`{}` is not signed", path.display())]
    Missing {
        /// What should be signed.
        path: PathBuf,
    },
    /// The file cannot be read, or is no signature.
    #[error("could not read the signature `{}`: {detail}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// The key is nobody's whom the settings trust.
    #[error("the signature is by a key that is not trusted: `{key}`")]
    Untrusted {
        /// The key.
        key: PublicKey,
    },
    /// What was signed is something else.
    #[error("the signature does not match: this is not what the owner of `{key}` signed")]
    Wrong {
        /// The key.
        key: PublicKey,
    },
}

/// Why a key cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is not written as keys are.
    #[error("`{text}` is no key")]
    NotAKey {
        /// The text.
        text: String,
    },
    /// The file is no private key.
    #[error("`{}` is no private Ed25519 key", path.display())]
    NotAPrivateKey {
        /// The file.
        path: PathBuf,
    },
    /// Others may read it.
    #[error("others can read the key `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("could not read or write `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system gives no random bytes.
    #[error("the system gave no random numbers")]
    NoRandomness,
}

impl SignatureError {
    /// Returns what can be done.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { .. } => {
                "ask its maker for the signature, and lay it beside it as `NAME.sig`".to_owned()
            }
            Self::Unreadable { .. } => "make it anew with `callboard plugins sign`".to_owned(),
            Self::Untrusted { key } => {
                format!("if you trust its owner, add `{key}` to `plugins.trusted_keys`")
            }
            Self::Wrong { .. } => {
                "do not install it; fetch it and its signature once more".to_owned()
            }
        }
    }
}

impl KeyError {
    /// Returns what can be done.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotAKey { .. } => "write `ed25519:` and what `callboard plugins keygen` printed",
            Self::NotAPrivateKey { .. } => "make one with `callboard plugins keygen FILE`",
            Self::Open { .. } => "close it to others with `chmod 600`",
            Self::File { .. } => "check the path; a key is never written over another file",
            Self::NoRandomness => "try again",
        }
    }
}

impl Signed<'_> {
    /// Returns the line that is signed.
    pub fn message(self) -> String {
        match self {
            Self::Archive { sha256 } => format!("callboard archive sha256:{sha256}\n"),
            Self::Folder { hash } => format!("callboard folder {hash}\n"),
        }
    }
}

impl Signature {
    /// Reads a signature's file; none when it is not there.
    ///
    /// # Errors
    ///
    /// When it is there and is no signature.
    pub fn read(path: &Path) -> Result<Option<Self>, SignatureError> {
        let unreadable = |detail: String| SignatureError::Unreadable {
            path: path.to_owned(),
            detail,
        };
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map(Some).map_err(unreadable),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(error.to_string())),
        }
    }

    /// Reads a signature's text.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    /// Checks that one of `trusted` signed this.
    ///
    /// # Errors
    ///
    /// When the key is another one, or signed something else.
    pub fn check(
        &self,
        signed: Signed<'_>,
        trusted: &[PublicKey],
        path: &Path,
    ) -> Result<PublicKey, SignatureError> {
        let unreadable = |detail: &str| SignatureError::Unreadable {
            path: path.to_owned(),
            detail: detail.to_owned(),
        };
        let key: PublicKey = (self.key.parse()).map_err(|_| unreadable("its key is no key"))?;
        if !trusted.contains(&key) {
            return Err(SignatureError::Untrusted { key });
        }
        let signature = BASE64
            .decode(&self.signature)
            .map_err(|_| unreadable("it is not Base64"))?;
        UnparsedPublicKey::new(&ED25519, key.0)
            .verify(signed.message().as_bytes(), &signature)
            .map_err(|_| SignatureError::Wrong { key })?;
        Ok(key)
    }

    /// Returns the signature as its file holds it.
    pub fn to_text(&self) -> String {
        format!(
            "key = \"{}\"\nsignature = \"{}\"\n",
            self.key, self.signature
        )
    }
}

impl PrivateKey {
    /// Makes a key and writes it to `path`, closed to others, and its public part to `path` with `.pub`.
    ///
    /// # Errors
    ///
    /// When there is such a file already, or it cannot be written.
    pub fn make(path: &Path) -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        SystemRandom::new()
            .fill(&mut seed)
            .map_err(|_| KeyError::NoRandomness)?;
        let der = [&PRIVATE_HEAD[..], &seed].concat();
        let key = Self::from_der(&der).ok_or(KeyError::NoRandomness)?;
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| KeyError::File { path, source }
        };
        write_new(path, &pem("PRIVATE KEY", &der)).map_err(failed(path))?;
        let public = path.with_added_extension("pub");
        write_new(&public, &key.public().to_pem()).map_err(failed(&public))?;
        Ok(key)
    }

    /// Reads a key, as this program or OpenSSL wrote it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is open to others or is no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            source,
        };
        let text = fs::read_to_string(path).map_err(failed)?;
        if is_open(path).map_err(failed)? {
            return Err(KeyError::Open {
                path: path.to_owned(),
            });
        }
        let lines = text.lines().map(str::trim);
        let lines = lines.skip_while(|line| *line != "-----BEGIN PRIVATE KEY-----");
        let content: String = lines
            .skip(1)
            .take_while(|line| !line.starts_with("-----"))
            .collect();
        let der = BASE64.decode(content).unwrap_or_default();
        Self::from_der(&der).ok_or_else(|| KeyError::NotAPrivateKey {
            path: path.to_owned(),
        })
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .ok()
            .map(Self)
    }

    /// Returns the key that its signatures are checked with.
    ///
    /// # Panics
    ///
    /// Never: the public part of such a key has 32 bytes.
    pub fn public(&self) -> PublicKey {
        let bytes = self.0.public_key().as_ref();
        PublicKey(bytes.try_into().expect("an Ed25519 key has 32 bytes"))
    }

    /// Signs.
    pub fn sign(&self, signed: Signed<'_>) -> Signature {
        Signature {
            key: self.public().to_string(),
            signature: BASE64.encode(self.0.sign(signed.message().as_bytes())),
        }
    }
}

impl PublicKey {
    /// Returns the key as OpenSSL reads it.
    fn to_pem(self) -> String {
        pem("PUBLIC KEY", &[&PUBLIC_HEAD[..], &self.0].concat())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{KEY_PREFIX}{}", BASE64.encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = text.trim().strip_prefix(KEY_PREFIX);
        let bytes = bytes.and_then(|bytes| BASE64.decode(bytes).ok());
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| KeyError::NotAKey {
            text: text.to_owned(),
        })
    }
}

fn pem(what: &str, der: &[u8]) -> String {
    // Either key fits on one line of 64 characters.
    let content = BASE64.encode(der);
    format!("-----BEGIN {what}-----\n{content}\n-----END {what}-----\n")
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn is_open(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(fs::metadata(path)?.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: Signed<'_> = Signed::Archive { sha256: "00" };

    fn key(folder: &Path) -> PrivateKey {
        PrivateKey::make(&folder.join("studio.key")).unwrap()
    }

    #[test]
    fn a_signature_counts_for_what_was_signed_by_whom_one_trusts() {
        let folder = tempfile::tempdir().unwrap();
        let key = key(folder.path());
        let read = PrivateKey::read(&folder.path().join("studio.key")).unwrap();
        assert_eq!(read.public(), key.public());
        let text = key.sign(SIGNED).to_text();
        let signature = Signature::parse(&text).unwrap();
        let path = Path::new("a.sig");
        let trusted: PublicKey = key.public().to_string().parse().unwrap();
        assert_eq!(signature.check(SIGNED, &[trusted], path).unwrap(), trusted);

        let untrusted = signature.check(SIGNED, &[], path).unwrap_err();
        assert!(matches!(untrusted, SignatureError::Untrusted { .. }));
        for other in [
            Signed::Archive { sha256: "01" },
            Signed::Folder { hash: "sha256:00" },
        ] {
            let wrong = signature.check(other, &[trusted], path).unwrap_err();
            assert!(matches!(wrong, SignatureError::Wrong { .. }), "{wrong}");
        }
        for bad in [
            "",
            "key = \"x\"",
            "signature = 1",
            "key = 'a'\nsignature = ''\nmore = 1",
        ] {
            assert!(Signature::parse(bad).is_err(), "{bad}");
        }
        let mut damaged = signature;
        damaged.signature = "?".to_owned();
        let error = damaged.check(SIGNED, &[trusted], path).unwrap_err();
        assert!(matches!(error, SignatureError::Unreadable { .. }));
    }

    #[test]
    fn a_key_is_private_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("studio.key");
        let first = PrivateKey::make(&path).unwrap();
        assert!(matches!(
            PrivateKey::make(&path),
            Err(KeyError::File { .. })
        ));
        assert_eq!(PrivateKey::read(&path).unwrap().public(), first.public());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(
                PrivateKey::read(&path),
                Err(KeyError::Open { .. })
            ));
        }
        let public = path.with_added_extension("pub");
        let mistaken = PrivateKey::read(&public);
        assert!(matches!(mistaken, Err(KeyError::NotAPrivateKey { .. })));
        for text in ["", "ed25519:", "ed25519:AAAA", "rsa:AAAA"] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
        }
    }
}
