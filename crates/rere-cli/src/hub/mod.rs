//! Encoders and models by their folder, or by their name on the Hugging Face hub (feature `hub`).

#[cfg(feature = "hub")]
mod download;

use std::{
    error::Error,
    path::{Path, PathBuf},
};

/// What a name stands for, which decides the files that are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A pretrained encoder.
    Encoder,
    /// A trained model of rere.
    Model,
}

/// Returns the folder of a pretrained encoder: `folder` if it exists or `name` cannot be a name on the hub, else the
/// folder in the hub's cache, to which missing files are downloaded.
pub fn encoder(folder: PathBuf, name: &Path) -> Result<PathBuf, Box<dyn Error>> {
    find(folder, name, Kind::Encoder)
}

/// Returns the folder of a trained model, as [`encoder`] does. A name on the hub has an owner.
pub fn model(name: &Path) -> Result<PathBuf, Box<dyn Error>> {
    find(name.to_owned(), name, Kind::Model)
}

#[cfg(feature = "hub")]
fn find(folder: PathBuf, name: &Path, kind: Kind) -> Result<PathBuf, Box<dyn Error>> {
    let name = name.to_str().and_then(download::Name::parse);
    match name.filter(|name| !folder.exists() && (kind == Kind::Encoder || name.has_owner())) {
        Some(name) => download::folder(&name, kind).map_err(|error| {
            let folder = folder.display();
            format!("{folder} is not found, and as a name on the hub it cannot be used: {error}").into()
        }),
        None => Ok(folder),
    }
}

#[cfg(not(feature = "hub"))]
fn find(folder: PathBuf, _: &Path, _: Kind) -> Result<PathBuf, Box<dyn Error>> {
    Ok(folder)
}
