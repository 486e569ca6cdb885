//! Making what a browser can play of what a client has sent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::link_file;
use super::probe::{self, Picture, ProbeError};
use super::recipe::{self, FILM_RUNGS, STILL_RUNGS, Strip};
use super::tool::{ToolError, Tools};
use crate::media::media_type;

/// How long one file may take.
pub(super) const ENCODE_WITHIN: Duration = Duration::from_secs(1800);

/// How long a small picture may take.
const PICTURE_WITHIN: Duration = Duration::from_secs(30);

/// The name of the component with pictures of a film side by side. Assumed.
pub(super) const FILMSTRIP: &str = "filmstrip";

/// A component to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Output {
    pub(super) name: &'static str,
    pub(super) file: PathBuf,
    /// With the dot, as clients write it.
    pub(super) file_type: String,
    /// The metadata `ftr_meta`, if it is known.
    pub(super) meta: Option<Json>,
}

impl Output {
    pub(super) fn format(&self) -> &'static str {
        media_type(&self.file_type)
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum MakeError {
    #[error(transparent)]
    Probe(#[from] ProbeError),
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("there is no ffmpeg on this server, and a browser cannot show `{file_type}`")]
    NoTool { file_type: String },
    #[error("ffmpeg wrote no picture")]
    NoPicture,
    #[error("the file could not be read")]
    File(#[from] std::io::Error),
}

/// Makes everything of the file `name` in `folder`, where what is made also goes.
pub(super) async fn outputs(
    tools: &Tools,
    folder: &Path,
    name: &str,
) -> Result<Vec<Output>, MakeError> {
    let picture = probe::probe(tools, folder, name).await?;
    if picture.is_still {
        still(tools, folder, name, &picture).await
    } else {
        film(tools, folder, name, &picture).await
    }
}

async fn film(
    tools: &Tools,
    folder: &Path,
    name: &str,
    picture: &Picture,
) -> Result<Vec<Output>, MakeError> {
    let rungs: Vec<(&str, u32)> = recipe::rungs(&FILM_RUNGS, picture.height).collect();
    let files: Vec<(String, u32)> = rungs
        .iter()
        .map(|(name, height)| (format!("{name}.mp4"), *height))
        .collect();
    let arguments = recipe::film(tools.film_encoder, picture, name, &files);
    tools
        .run("ffmpeg", arguments, folder, ENCODE_WITHIN)
        .await?;
    let mut outputs = Vec::new();
    let mut frames = 0;
    for ((rung, _), (file, _)) in rungs.into_iter().zip(&files) {
        let made = probe::probe(tools, folder, file).await?;
        frames = made.frames.unwrap_or_default();
        let meta = json!({
            "frameIn": 0,
            "frameOut": frames.saturating_sub(1),
            "frameRate": picture.rate.to_json(),
            "height": made.height,
            "width": made.width,
        });
        outputs.push(output(folder, rung, file, Some(meta)));
    }
    let (film, _) = &files[0];
    #[expect(clippy::cast_precision_loss, reason = "no film has that many frames")]
    let duration_secs = frames as f64 / picture.rate.per_second();
    let strip = Strip::of(frames);
    let arguments =
        recipe::film_pictures(film, duration_secs, strip, "thumbnail.jpg", "filmstrip.jpg");
    tools
        .run("ffmpeg", arguments, folder, ENCODE_WITHIN)
        .await?;
    outputs.push(image(folder, "thumbnail")?);
    let mut made = image(folder, FILMSTRIP)?;
    if let Some(meta) = &mut made.meta {
        meta["frames"] = json!(strip.pictures);
    }
    outputs.push(made);
    Ok(outputs)
}

async fn still(
    tools: &Tools,
    folder: &Path,
    name: &str,
    picture: &Picture,
) -> Result<Vec<Output>, MakeError> {
    let rungs: Vec<(&str, u32)> = recipe::rungs(&STILL_RUNGS, picture.height).collect();
    let files: Vec<(String, u32)> = rungs
        .iter()
        .map(|(name, height)| (format!("{name}.jpg"), *height))
        .collect();
    let arguments = recipe::still(picture, name, &files, "thumbnail.jpg");
    tools
        .run("ffmpeg", arguments, folder, ENCODE_WITHIN)
        .await?;
    let mut outputs = Vec::new();
    for (name, _) in rungs {
        outputs.push(image(folder, name)?);
    }
    outputs.push(image(folder, "thumbnail")?);
    Ok(outputs)
}

fn output(folder: &Path, name: &'static str, file: &str, meta: Option<Json>) -> Output {
    let ending = file.rsplit('.').next().unwrap_or_default();
    Output {
        name,
        file: folder.join(file),
        file_type: format!(".{ending}"),
        meta,
    }
}

fn image(folder: &Path, name: &'static str) -> Result<Output, MakeError> {
    let file = format!("{name}.jpg");
    let size = probe::jpeg_size(&std::fs::read(folder.join(&file))?);
    let (width, height) = size.ok_or(MakeError::NoPicture)?;
    let meta = json!({"format": "image", "height": height, "width": width});
    Ok(output(folder, name, &file, Some(meta)))
}

/// Passes on what a browser can show as it is, where there is nothing to encode with.
pub(super) fn passed_through(folder: &Path, name: &str) -> Result<Vec<Output>, MakeError> {
    let file_type = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase())
        .unwrap_or_default();
    let image = Some(json!({"format": "image"}));
    let outputs: &[(&'static str, Option<Json>)] = match file_type.as_str() {
        "mp4" | "m4v" | "mov" => &[("ftrackreview-mp4", None)],
        "webm" => &[("ftrackreview-webm", None)],
        "gif" | "jpeg" | "jpg" | "png" | "webp" => {
            &[("ftrackreview-image", image.clone()), ("thumbnail", image)]
        }
        _ => return Err(MakeError::NoTool { file_type }),
    };
    let mut made = Vec::new();
    for (output_name, meta) in outputs {
        let file = format!("{output_name}.{file_type}");
        link_file(&folder.join(name), &folder.join(&file))?;
        made.push(output(folder, output_name, &file, meta.clone()));
    }
    Ok(made)
}

/// Makes a small picture of the file `name` in `folder`, under the name `file`.
pub(super) async fn small_picture(
    tools: &Tools,
    folder: &Path,
    name: &str,
    size: u32,
    file: &str,
) -> Result<(), MakeError> {
    let picture = probe::probe(tools, folder, name).await?;
    let arguments = recipe::small_picture(&picture, name, size, file);
    tools
        .run("ffmpeg", arguments, folder, PICTURE_WITHIN)
        .await?;
    Ok(())
}
