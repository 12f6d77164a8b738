//! Export of trained models as ONNX.
//!
//! ```text
//! DIR/ decoding.json          what a reader needs besides the networks
//!      tokenizer.json
//!      relation.onnx          the relations of a text
//!      entity.onnx            subjects and objects of a relation
//! ```

use std::{fs, io::ErrorKind, path::Path};

use rere_core::{Constraints, Extractor, Probability};
use rere_model::{ModelError, OnnxModel, parse_device};
use serde::Serialize;
use serde_json::Value;

use crate::{
    FolderProblem, LoadOptions, Prgc, Rere, RereError, Source, System, Trained, TrainedSystem,
    files::{io, write_json},
    folder::{CONFIG, TOKENIZER},
};

/// Version of the layout of an exported folder.
const FORMAT: u32 = 1;

const DECODING: &str = "decoding.json";
const RELATION: &str = "relation.onnx";
const ENTITY: &str = "entity.onnx";

/// A system whose networks have ONNX graphs.
pub(crate) trait OnnxSystem: System {
    /// Converts the network of relations and that of subjects and objects. `max_tokens` is the longest input.
    fn to_onnx(&self, max_tokens: usize) -> Result<[OnnxModel; 2], ModelError>;

    /// Returns the tokens of a relation's query; none if the system has no queries.
    fn query(&self, relation: usize) -> Option<&[u32]>;

    /// Returns what only this system's decoder needs.
    fn decoder(&self) -> Value;
}

/// The file `decoding.json`.
#[derive(Serialize)]
struct Decoding<'a> {
    format: u32,
    system: &'a str,
    rere_version: &'a str,
    /// Digest of the model, as in the output of `rere extract`.
    digest: Option<&'a str>,
    /// The most tokens of a text, beside special tokens and the longest query.
    max_text_tokens: usize,
    /// Ids of the special tokens.
    cls: u32,
    sep: u32,
    pad: u32,
    /// Least probability of a relation.
    detect: Probability,
    /// Least probability of the start and the end of a subject or object, and of a correspondence.
    decode: Probability,
    /// In the order of the logits.
    relations: Vec<Relation<'a>>,
    constraints: &'a Constraints,
    #[serde(flatten)]
    decoder: Value,
}

#[derive(Serialize)]
struct Relation<'a> {
    name: &'a str,
    /// Least score of a triple; `null` if the relation is never found.
    threshold: Option<Probability>,
    /// Ids of the query's tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a [u32]>,
}

/// Writes a trained model of the system `rere` or `prgc` as a folder of ONNX models, with the tokenizer and the settings
/// of decoding. The folder appears when it is complete. `docs/formats.md` describes its files.
///
/// # Errors
/// Returns an error if the model is of another system or cannot be loaded, if its encoder does not have BERT's layers, if
/// a network is too large for a file of ONNX, or if the folder is not empty or cannot be written.
pub fn export_onnx(model: impl Into<Source>, folder: &Path) -> Result<(), RereError> {
    let source = model.into();
    let config = source.config()?;
    let options = LoadOptions::new(parse_device("flex")?).without_cast();
    match config.system.as_str() {
        Rere::NAME => export(&Trained::<Rere>::with_config(config, &source, &options)?, folder),
        Prgc::NAME => export(&Trained::<Prgc>::with_config(config, &source, &options)?, folder),
        _ => Err(FolderProblem::NotExported { found: config.system }.at(source.path().join(CONFIG))),
    }
}

fn export<S: OnnxSystem>(model: &Trained<S>, folder: &Path) -> Result<(), RereError> {
    let config = model.config();
    let thresholds = model.thresholds();
    let relations = config.relations.iter().enumerate().map(|(label, relation)| Relation {
        name: &relation.name,
        threshold: thresholds.triple.get(label),
        query: model.system().query(label),
    });
    let tokenizer = model.tokenizer();
    let decoding = Decoding {
        format: FORMAT,
        system: S::NAME,
        rere_version: env!("CARGO_PKG_VERSION"),
        digest: model.info().digest.as_deref(),
        max_text_tokens: model.window_tokens(),
        cls: tokenizer.cls(),
        sep: tokenizer.sep(),
        pad: tokenizer.pad(),
        detect: thresholds.detect,
        decode: thresholds.decode,
        relations: relations.collect(),
        constraints: &config.decode,
        decoder: model.system().decoder(),
    };
    let [relation, entity] = model.system().to_onnx(config.max_tokens)?;
    new_folder(folder, |folder| {
        relation.save(&folder.join(RELATION))?;
        entity.save(&folder.join(ENTITY))?;
        tokenizer.save(folder.join(TOKENIZER))?;
        write_json(&folder.join(DECODING), &decoding)
    })
}

/// Makes a folder with a temporary name, which is renamed when `write` has filled it.
fn new_folder(folder: &Path, write: impl FnOnce(&Path) -> Result<(), RereError>) -> Result<(), RereError> {
    let is_taken = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(io(folder)(error)),
    };
    if is_taken {
        return Err(FolderProblem::NotEmpty.at(folder));
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(io(parent))?;
    let temporary = tempfile::Builder::new().prefix(".rere-").tempdir_in(parent).map_err(io(parent))?;
    write(temporary.path())?;
    if folder.exists() {
        // Not every system replaces an empty folder.
        fs::remove_dir(folder).map_err(io(folder))?;
    }
    fs::rename(temporary.path(), folder).map_err(io(folder))
}
