//! Downloads from the Hugging Face hub to the cache that its Python library uses too.
//!
//! `HF_HOME` and `HF_HUB_CACHE` set the cache, `HF_ENDPOINT` the hub, `HF_TOKEN` the token, and with `HF_HUB_OFFLINE` only
//! the cache is read.

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use hf_hub::{
    Cache, Repo, RepoType,
    api::sync::{Api, ApiBuilder, ApiError},
};
use indicatif::ProgressBar;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Kind;
use crate::command::log_line;

/// Times that a broken download is continued.
const RETRIES: usize = 3;
const CONFIG: &str = "config.json";

/// A name on the hub: `NAME` or `OWNER/NAME`, and after `@` a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    model: String,
    revision: String,
}

impl Name {
    /// Parses a name; `None` if it has characters that no name has, or too many parts.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (model, revision) = name.split_once('@').unwrap_or((name, "main"));
        let is_part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
        };
        let is_name = model.split('/').all(is_part) && model.split('/').count() <= 2;
        (is_name && revision.split('/').all(is_part))
            .then(|| Self { model: model.to_owned(), revision: revision.to_owned() })
    }

    pub(super) fn has_owner(&self) -> bool {
        self.model.contains('/')
    }

    /// Returns this model at a revision.
    fn at(&self, revision: &str) -> Repo {
        Repo::with_revision(self.model.clone(), RepoType::Model, revision.to_owned())
    }
}

/// Returns the folder of a model in the cache, after its missing files are downloaded.
pub(super) fn folder(name: &Name, kind: Kind) -> Result<PathBuf, Box<dyn Error>> {
    let home = env::var_os("HF_HUB_CACHE").map(|cache| Cache::new(cache.into()));
    let cache = home.unwrap_or_else(Cache::from_env);
    if is_set("HF_HUB_OFFLINE") {
        let missing = || format!("HF_HUB_OFFLINE is set, and the cache {} does not have it", cache.path().display());
        return cached(&cache, name).ok_or_else(|| missing().into());
    }
    // A commit does not change.
    if let Some(folder) = cached(&cache, name).filter(|folder| folder.ends_with(&name.revision)) {
        return Ok(folder);
    }
    let endpoint = env::var("HF_ENDPOINT").unwrap_or_else(|_| "https://huggingface.co".to_owned());
    let token = env::var("HF_TOKEN").ok().filter(|token| !token.is_empty()).or_else(|| cache.token());
    let api = ApiBuilder::from_cache(cache.clone()).with_endpoint(endpoint.clone()).with_token(token);
    let api = api.with_retries(RETRIES).with_user_agent("rere", env!("CARGO_PKG_VERSION")).build()?;
    let info = match api.repo(name.at(&name.revision)).info() {
        Ok(info) => info,
        Err(error) => {
            let problem = describe(&error, &endpoint);
            let found = cached(&cache, name).filter(|_| status(&error).is_none());
            let folder = found.ok_or_else(|| problem.clone())?;
            log_line(format!("note: {problem}; the cached files of {} are used", name.model));
            return Ok(folder);
        }
    };
    let files: Vec<&str> = info.siblings.iter().map(|file| file.rfilename.as_str()).collect();
    let source = Download { name, commit: &info.sha, cache: &cache, api: &api, endpoint: &endpoint };
    for file in needed(&files, kind).ok_or_else(|| format!("{} has no {CONFIG}", name.model))? {
        source.fetch(file)?;
    }
    // After all files, so that a cached model is whole.
    cache.repo(name.at(&name.revision)).create_ref(&info.sha)?;
    Ok(cache.repo(name.at(&info.sha)).pointer_path(&info.sha))
}

/// Returns whether a variable is set to what the hub's Python library takes as true.
fn is_set(variable: &str) -> bool {
    env::var(variable).is_ok_and(|value| ["1", "on", "yes", "true"].contains(&value.to_lowercase().as_str()))
}

/// Returns the folder of a model in the cache, if it is there.
fn cached(cache: &Cache, name: &Name) -> Option<PathBuf> {
    let repo = cache.repo(name.at(&name.revision));
    let config = repo.get(CONFIG).unwrap_or_else(|| repo.pointer_path(&name.revision).join(CONFIG));
    config.exists().then(|| config.parent().map(Path::to_owned)).flatten()
}

/// Returns the files of a model that are needed, the configuration last; `None` if it has none.
fn needed<'a>(files: &[&'a str], kind: Kind) -> Option<Vec<&'a str>> {
    let root = |name: &str| files.iter().copied().find(|file| *file == name);
    let all = |names: &[&str]| names.iter().filter_map(|name| root(name)).collect::<Vec<_>>();
    let matching = |is_wanted: &dyn Fn(&str) -> bool| files.iter().copied().filter(|file| is_wanted(file)).collect();
    let mut needed: Vec<&str> = match kind {
        Kind::Encoder => {
            let weights = match (root("model.safetensors"), root("model.safetensors.index.json")) {
                (Some(whole), _) => vec![whole],
                (None, Some(index)) => {
                    let is_part = |file: &str| file.starts_with("model-") && file.ends_with(".safetensors");
                    let parts: Vec<&str> = matching(&|file| is_part(file) && !file.contains('/'));
                    [vec![index], parts].concat()
                }
                (None, None) => all(&["pytorch_model.bin"]),
            };
            let tokenizer = root("tokenizer.json").map_or_else(
                || {
                    let settings = ["tokenizer_config.json", "added_tokens.json", "special_tokens_map.json"];
                    let vocabularies =
                        ["vocab.txt", "vocab.json", "merges.txt", "spm.model", "sentencepiece.bpe.model"];
                    [all(&settings), all(&vocabularies)].concat()
                },
                |whole| vec![whole],
            );
            [weights, tokenizer].concat()
        }
        Kind::Model => {
            let is_network = |file: &str| {
                let network = file.strip_suffix("/model.safetensors").unwrap_or_default();
                !network.is_empty() && network.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c))
            };
            [all(&["tokenizer.json", "training.json"]), matching(&is_network)].concat()
        }
    };
    needed.push(root(CONFIG)?);
    Some(needed)
}

/// A model that is being downloaded.
struct Download<'a> {
    name: &'a Name,
    commit: &'a str,
    cache: &'a Cache,
    api: &'a Api,
    endpoint: &'a str,
}

impl Download<'_> {
    /// Downloads a file, if the cache does not have it, and checks its digest.
    fn fetch(&self, file: &str) -> Result<(), Box<dyn Error>> {
        let pointer = self.cache.repo(self.name.at(self.commit)).pointer_path(self.commit).join(file);
        let mut waits = false;
        while !pointer.exists() {
            log_line(format!("{}: {file} from {}", self.name.model, self.endpoint));
            match self.api.repo(self.name.at(self.commit)).download_with_progress(file, ProgressBar::new(0)) {
                Ok(path) => check(&path, file)?,
                // Another process downloads it; the library has waited for some seconds.
                Err(ApiError::LockAcquisition(_)) if !waits => {
                    waits = true;
                    log_line(format!("{}: waiting for another process that downloads {file}", self.name.model));
                }
                Err(ApiError::LockAcquisition(_)) => {}
                Err(error) => return Err(format!("{file}: {}", describe(&error, self.endpoint)).into()),
            }
        }
        Ok(())
    }
}

/// Checks the digest of a downloaded file, and removes the file if it is wrong.
///
/// The hub's ETag, which is the name of the file in the cache, is the SHA-256 of a large file, or else git's object name.
fn check(path: &Path, file: &str) -> Result<(), Box<dyn Error>> {
    let blob = fs::canonicalize(path)?;
    let expected = blob.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let found = match expected.len() {
        64 => digest(Sha256::new(), &blob)?,
        40 => digest(Sha1::new_with_prefix(format!("blob {}\0", fs::metadata(&blob)?.len())), &blob)?,
        _ => {
            log_line(format!("note: {file} cannot be checked: its ETag {expected:?} is not a digest"));
            return Ok(());
        }
    };
    if found == expected {
        return Ok(());
    }
    let problem = format!("{file} is damaged: expected the digest {expected}, found {found}; it is removed, try again");
    fs::remove_file(path)?;
    if blob != path {
        fs::remove_file(&blob)?;
    }
    Err(problem.into())
}

/// Returns the digest of what was hashed already and a file, in hexadecimal.
fn digest(mut hash: impl Digest, path: &Path) -> io::Result<String> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    loop {
        let part = file.fill_buf()?;
        if part.is_empty() {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(part);
        let length = part.len();
        file.consume(length);
    }
}

/// Returns the status with which the hub answered, if it did.
fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::RequestError(error) => match **error {
            ureq::Error::StatusCode(status) => Some(status),
            _ => None,
        },
        ApiError::TooManyRetries(error) => status(error),
        _ => None,
    }
}

fn describe(error: &ApiError, endpoint: &str) -> String {
    match status(error) {
        Some(404) => format!("{endpoint} answers that there is no such model or revision (404)"),
        Some(status @ (401 | 403)) => {
            format!(
                "{endpoint} refuses it ({status}): it does not exist, or HF_TOKEN must be set to a token that may read it"
            )
        }
        Some(status) => format!("{endpoint} answers with status {status}"),
        None => format!("{endpoint}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed() {
        let name = |model: &str, revision: &str| Some(Name { model: model.into(), revision: revision.into() });
        assert_eq!(Name::parse("bert-base-uncased"), name("bert-base-uncased", "main"));
        assert_eq!(Name::parse("microsoft/deberta-v3-base@refs/pr/4"), name("microsoft/deberta-v3-base", "refs/pr/4"));
        for other in ["", "a/b/c", "/models/x", "../x", "./x", "a b", "a@", "a@../b", "C:\\x", "a/"] {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }

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
        let chosen = needed(&files, Kind::Encoder).expect("a configuration");
        assert_eq!(chosen, ["pytorch_model.bin", "tokenizer_config.json", "vocab.txt", "config.json"]);
        let files = [&files[..], &["model.safetensors", "tokenizer.json"]].concat();
        assert_eq!(needed(&files, Kind::Encoder).expect("one"), ["model.safetensors", "tokenizer.json", "config.json"]);
        let parts = ["config.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json", "spm.model"];
        let expected = ["model.safetensors.index.json", "model-00001-of-00002.safetensors", "spm.model", "config.json"];
        assert_eq!(needed(&parts, Kind::Encoder).expect("a configuration"), expected);
        let model =
            ["README.md", "config.json", "entity/model.safetensors", "../x/model.safetensors", "tokenizer.json"];
        let expected = ["tokenizer.json", "entity/model.safetensors", "config.json"];
        assert_eq!(needed(&model, Kind::Model).expect("a configuration"), expected);
        assert_eq!(needed(&["README.md"], Kind::Model), None);
    }
}
