//! Encoders and models by their folder, or by their name on the Hugging Face hub (feature `hub`).

#[cfg(feature = "hub")]
mod cache;
#[cfg(feature = "hub")]
mod download;
#[cfg(feature = "hub")]
mod name;

use std::{
    error::Error,
    path::{Path, PathBuf},
};

#[cfg(feature = "hub")]
use self::name::Name;

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
    let name = name.to_str().and_then(Name::parse);
    match name.filter(|name| !folder.exists() && (kind == Kind::Encoder || name.has_owner())) {
        Some(name) => on_hub(&name, kind).map_err(|problem| {
            let folder = folder.display();
            format!("{folder} is not found, and as a name on the hub it cannot be used: {problem}").into()
        }),
        None => Ok(folder),
    }
}

#[cfg(not(feature = "hub"))]
fn find(folder: PathBuf, _: &Path, _: Kind) -> Result<PathBuf, Box<dyn Error>> {
    Ok(folder)
}

/// Returns the folder of a model in the cache, after its missing files are downloaded.
#[cfg(feature = "hub")]
fn on_hub(name: &Name, kind: Kind) -> Result<PathBuf, String> {
    let cache = cache::Cache::new(name).ok_or("there is no home folder: set HF_HOME")?;
    let cached = cache.find(name, kind);
    let offline = cache::variable("HF_HUB_OFFLINE").unwrap_or_default().to_lowercase();
    // The words that the hub's Python library takes as true.
    if ["1", "on", "yes", "true"].contains(&offline.as_str()) {
        return cached.map_err(|problem| format!("HF_HUB_OFFLINE is set, and {problem}"));
    }
    if let Some(folder) = cached.as_ref().ok().filter(|_| name::is_commit(&name.revision)) {
        return Ok(folder.clone());
    }
    match (download::Hub::from_env().download(name, kind, &cache), cached) {
        (Ok(commit), _) => Ok(cache.snapshot(&commit)),
        (Err(failure), Ok(folder)) if failure.is_temporary => {
            let problem = failure.message;
            crate::command::log_line(format!("note: {problem}; the cached files of {} are used", name.model));
            Ok(folder)
        }
        (Err(failure), _) => Err(failure.message),
    }
}
