//! `callboard plugins keygen` and `callboard plugins sign`: for whoever vouches for plugins.

use std::fs;
use std::path::{Path, PathBuf};

use callboard_protocol::{Failure, FailureKind};
use clap::Args;
use install::{FOLDER_SIGNATURE, FileList, KeyError, PrivateKey, Signed, sha256_of_file};
use serde_json::json;

use super::super::Session;
use super::super::problem::{Code, Problem};
use super::install::failure;

#[derive(Args, Debug)]
pub(super) struct KeygenArguments {
    /// The file for the private key; the public one goes beside it, with `.pub`.
    file: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct SignArguments {
    /// An archive, whose signature goes beside it, or a plugin's folder, whose signature goes into it.
    #[arg(value_name = "FILE|FOLDER")]
    path: PathBuf,
    /// The private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub(super) fn keygen(session: &Session, arguments: &KeygenArguments) -> Result<Code, Problem> {
    let key = PrivateKey::make(&arguments.file).map_err(|error| failure_from_key(&error))?;
    let public = key.public().to_string();
    let file = arguments.file.display();
    let human = format!(
        "The private key is in {file}; keep it where only you can read it.\n\
         Whoever is to trust it writes into the settings:\n\n[plugins]\ntrusted_keys = [\"{public}\"]"
    );
    let value = json!({ "file": file.to_string(), "public_key": public });
    session.output.result(&value, &human)?;
    Ok(Code::Done)
}

pub(super) fn sign(session: &Session, arguments: &SignArguments) -> Result<Code, Problem> {
    let key = PrivateKey::read(&arguments.key).map_err(|error| failure_from_key(&error))?;
    let path = &arguments.path;
    let unreadable = |error: &dyn std::error::Error| {
        failure(
            FailureKind::NotFound,
            error,
            "check the path, and that you may read it",
        )
    };
    let (signature, file) = if path.is_dir() {
        let files = FileList::of_folder(path).map_err(|error| unreadable(&error))?;
        let hash = files.hash();
        let signature = key.sign(Signed::Folder { hash: &hash });
        (signature, path.join(FOLDER_SIGNATURE))
    } else {
        let sha256 = sha256_of_file(path).map_err(|error| {
            Failure::not_found(format!("could not read `{}`", path.display()))
                .caused_by(&error)
                .hint("check the path, and that you may read it")
        })?;
        let signature = key.sign(Signed::Archive { sha256: &sha256 });
        (signature, beside(path))
    };
    fs::write(&file, signature.to_text()).map_err(|error| {
        Failure::new(
            FailureKind::Unavailable,
            format!("could not write `{}`", file.display()),
        )
        .caused_by(&error)
        .hint("make the folder writable")
    })?;
    let public = key.public().to_string();
    let human = format!("Signed; the signature is in {}.", file.display());
    let value = json!({ "signature": file.display().to_string(), "public_key": public });
    session.output.result(&value, &human)?;
    Ok(Code::Done)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

fn failure_from_key(error: &KeyError) -> Failure {
    failure(FailureKind::Invalid, error, error.hint())
}
