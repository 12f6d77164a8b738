//! The cache of the Hugging Face hub's Python library, which other programs read and write too.
//!
//! ```text
//! hub/ models--OWNER--NAME/ blobs/DIGEST                   the files
//!                           snapshots/COMMIT/FILE          links to them
//!                           refs/REVISION                  the commit of a branch or tag
//!      .locks/models--OWNER--NAME/DIGEST.lock
//! ```

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    Kind,
    name::{Name, is_commit},
};

/// Returns the value of a variable, unless it is empty.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The files of one model in the cache.
#[derive(Debug)]
pub(super) struct Cache {
    hub: PathBuf,
    folder: String,
}

impl Cache {
    /// Returns the cache of a model in the folder that the environment names; `None` if there is no home folder.
    pub(super) fn new(name: &Name) -> Option<Self> {
        let hub = variable("HF_HUB_CACHE").map(PathBuf::from).or_else(|| Some(home()?.join("hub")))?;
        Some(Self { hub, folder: format!("models--{}", name.model.replace('/', "--")) })
    }

    pub(super) fn blob(&self, digest: &str) -> PathBuf {
        self.hub.join(&self.folder).join("blobs").join(digest)
    }

    pub(super) fn lock(&self, digest: &str) -> PathBuf {
        self.hub.join(".locks").join(&self.folder).join(format!("{digest}.lock"))
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.hub.join(&self.folder).join("snapshots").join(commit)
    }

    fn reference(&self, revision: &str) -> PathBuf {
        self.hub.join(&self.folder).join("refs").join(revision)
    }

    /// Notes the commit of a revision.
    pub(super) fn refer(&self, revision: &str, commit: &str) -> Result<(), String> {
        let path = self.reference(revision);
        if revision == commit || fs::read_to_string(&path).is_ok_and(|known| known.trim() == commit) {
            return Ok(());
        }
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(&path, commit)
        };
        write().map_err(|error: io::Error| format!("{}: {error}", path.display()))
    }

    /// Returns the snapshot of a revision if it has all files.
    ///
    /// # Errors
    /// Returns an error that says what the cache lacks.
    pub(super) fn find(&self, name: &Name, kind: Kind) -> Result<PathBuf, String> {
        let known = fs::read_to_string(self.reference(&name.revision)).map(|commit| commit.trim().to_owned());
        let commit = known.unwrap_or_else(|_| name.revision.clone());
        if !is_commit(&commit) {
            return Err(format!("the cache {} does not have it", self.hub.display()));
        }
        let snapshot = self.snapshot(&commit);
        let files = files(&snapshot);
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let problem = |problem| format!("in the cache, {} {problem}", snapshot.display());
        let needed = needed(&files, kind).map_err(problem)?;
        let parts = if needed.contains(&INDEX) { parts(&snapshot)? } else { Vec::new() };
        match parts.iter().find(|part| !snapshot.join(part).exists()) {
            Some(missing) => Err(problem(format!("lacks {missing}"))),
            None => Ok(snapshot),
        }
    }
}

/// Returns the folder of the hub's tools.
pub(super) fn home() -> Option<PathBuf> {
    let cache = || variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cache")));
    variable("HF_HOME").map(PathBuf::from).or_else(|| Some(cache()?.join("huggingface")))
}

/// Returns the names of the files in a folder and in the folders in it.
fn files(folder: &Path) -> Vec<String> {
    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    };
    let inside = |name: String| {
        let path = folder.join(&name);
        if path.is_dir() {
            return names(&path).into_iter().map(|file| format!("{name}/{file}")).collect();
        }
        if path.exists() { vec![name] } else { Vec::new() }
    };
    names(folder).into_iter().flat_map(inside).collect()
}

pub(super) const CONFIG: &str = "config.json";
pub(super) const INDEX: &str = "model.safetensors.index.json";
const VOCABULARIES: [&str; 5] = ["vocab.txt", "vocab.json", "merges.txt", "spm.model", "sentencepiece.bpe.model"];

/// Returns the files of a model that are needed, without the parts that an index of weights names.
///
/// # Errors
/// Returns an error that says what is missing.
pub(super) fn needed<'a>(files: &[&'a str], kind: Kind) -> Result<Vec<&'a str>, String> {
    let root = |name: &str| files.iter().copied().find(|file| *file == name);
    let all = |names: &[&str]| names.iter().filter_map(|name| root(name)).collect::<Vec<_>>();
    let mut needed = vec![root(CONFIG).ok_or("lacks config.json")?];
    match kind {
        Kind::Encoder => {
            let weights = ["model.safetensors", INDEX, "pytorch_model.bin"];
            let lacks = || format!("lacks weights: one of {}", weights.join(", "));
            needed.push(weights.into_iter().find_map(root).ok_or_else(lacks)?);
            needed.extend(all(&["tokenizer_config.json", "added_tokens.json", "special_tokens_map.json"]));
            let tokenizer = root("tokenizer.json").map_or_else(|| all(&VOCABULARIES), |whole| vec![whole]);
            if tokenizer.is_empty() {
                return Err(format!("lacks a tokenizer: one of tokenizer.json, {}", VOCABULARIES.join(", ")));
            }
            needed.extend(tokenizer);
        }
        Kind::Model => {
            needed.push(root("tokenizer.json").ok_or("lacks tokenizer.json: it is not a model of rere")?);
            needed.extend(all(&["training.json"]));
            let is_network = |file: &&&str| {
                let network = file.strip_suffix("/model.safetensors").unwrap_or_default();
                !network.is_empty() && network.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c))
            };
            let networks: Vec<&str> = files.iter().filter(is_network).copied().collect();
            if networks.is_empty() {
                return Err("lacks NETWORK/model.safetensors: it is not a model of rere".to_owned());
            }
            needed.extend(networks);
        }
    }
    Ok(needed)
}

/// Returns the files that the index of weights in a snapshot names.
pub(super) fn parts(snapshot: &Path) -> Result<Vec<String>, String> {
    let path = snapshot.join(INDEX);
    let read = || -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let index: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let map = index["weight_map"].as_object().ok_or("it has no weight_map")?;
        let mut names: Vec<String> = map.values().filter_map(|name| name.as_str().map(str::to_owned)).collect();
        names.sort_unstable();
        names.dedup();
        match names.iter().find(|name| !super::name::is_part(name)) {
            Some(name) => Err(format!("{name:?} is not the name of a file").into()),
            None => Ok(names),
        }
    };
    read().map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_needed_files_are_chosen() {
        let files = [
            ".gitattributes",
            "config.json",
            "onnx/model.onnx",
            "pytorch_model.bin",
            "tf_model.h5",
            "tokenizer_config.json",
            "vocab.txt",
        ];
        let chosen = needed(&files, Kind::Encoder).expect("whole");
        assert_eq!(chosen, ["config.json", "pytorch_model.bin", "tokenizer_config.json", "vocab.txt"]);
        let more = [&files[..], &["model.safetensors", "tokenizer.json"]].concat();
        let expected = ["config.json", "model.safetensors", "tokenizer_config.json", "tokenizer.json"];
        assert_eq!(needed(&more, Kind::Encoder).expect("whole"), expected);
        assert!(needed(&files[..3], Kind::Encoder).expect_err("no weights").contains("lacks weights"));
        assert!(needed(&files[..5], Kind::Encoder).expect_err("no tokenizer").contains("lacks a tokenizer"));
        let model =
            ["README.md", "config.json", "entity/model.safetensors", "../x/model.safetensors", "tokenizer.json"];
        let expected = ["config.json", "tokenizer.json", "entity/model.safetensors"];
        assert_eq!(needed(&model, Kind::Model).expect("whole"), expected);
        assert!(needed(&["README.md"], Kind::Model).is_err());
    }
}
