//! Files of facts: one writer for each format.

mod evidence;
mod iri;
mod json_lines;
mod neo4j;
#[cfg(feature = "parquet")]
mod parquet;
mod rdf;
mod table;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsStr,
    fmt, io,
    path::{Path, PathBuf},
};

use rere_data::{DataError, is_standard};

use crate::{CorpusFact, FactsError};

/// Format of a file of facts.
///
/// ```
/// use std::path::Path;
/// use rere_facts::FactFormat;
///
/// assert_eq!(FactFormat::of(Path::new("facts.tsv"))?, FactFormat::Tsv);
/// assert_eq!(FactFormat::of(Path::new("facts.nt.gz"))?, FactFormat::NTriples);
/// assert!(FactFormat::of(Path::new("facts.docx")).is_err());
/// # Ok::<(), rere_facts::FactsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FactFormat {
    /// Tab-separated values with a header, one row per fact, with the best sentence of evidence.
    Tsv,
    /// Comma-separated values with a header, one row per fact, with the best sentence of evidence.
    Csv,
    /// One JSON object per line, as serde writes [`CorpusFact`], with all evidence.
    JsonLines,
    /// Apache Parquet, one row per fact, with all evidence as a list. Needs the cargo feature `parquet`.
    Parquet,
    /// RDF triples, one per line, with all evidence.
    NTriples,
    /// RDF triples with prefixes, with all evidence.
    Turtle,
    /// A folder with `nodes.csv` and `relationships.csv` for `neo4j-admin database import`, with the best sentence of
    /// evidence.
    Neo4j,
}

/// The endings of names, for messages.
const ENDINGS: &str = ".tsv, .csv, .jsonl, .nt, .ttl (each also with .gz or .zst), .parquet, .neo4j";

impl FactFormat {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Tsv, Self::Csv, Self::JsonLines, Self::Parquet, Self::NTriples, Self::Turtle, Self::Neo4j];

    /// Returns the name, such as `N-Triples`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tsv => "TSV",
            Self::Csv => "CSV",
            Self::JsonLines => "JSON lines",
            Self::Parquet => "Parquet",
            Self::NTriples => "N-Triples",
            Self::Turtle => "Turtle",
            Self::Neo4j => "Neo4j",
        }
    }

    /// Returns the extension of its files, such as `nt`; for [`FactFormat::Neo4j`] that of its folder.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Tsv => "tsv",
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
            Self::NTriples => "nt",
            Self::Turtle => "ttl",
            Self::Neo4j => "neo4j",
        }
    }

    /// Returns the format of a path by its extension, in upper or lower case. Before `.gz` and `.zst` the extension
    /// before counts, and `-` is JSON lines.
    ///
    /// # Errors
    /// Returns [`FactsError::UnknownFormat`] for other names, and for Parquet and Neo4j with `.gz` or `.zst`.
    pub fn of(path: &Path) -> Result<Self, FactsError> {
        if is_standard(path) {
            return Ok(Self::JsonLines);
        }
        let has = |path: &Path, extension: &str| {
            path.extension().and_then(OsStr::to_str).is_some_and(|own| own.eq_ignore_ascii_case(extension))
        };
        let is_compressed = has(path, "gz") || has(path, "zst");
        let bare = if is_compressed { path.with_extension("") } else { path.to_owned() };
        let can_be_compressed = |format: Self| !matches!(format, Self::Parquet | Self::Neo4j);
        let is_right = |format: &Self| has(&bare, format.extension()) && (!is_compressed || can_be_compressed(*format));
        let found = Self::ALL.into_iter().find(is_right);
        found.ok_or_else(|| FactsError::UnknownFormat { path: path.to_owned(), expected: ENDINGS })
    }
}

/// Writes the name.
impl fmt::Display for FactFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Options of a [`FactWriter`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FactWriterOptions {
    /// Beginning of the IRIs of N-Triples, Turtle and Neo4j for names, and for ids that are neither IRIs nor of
    /// Wikidata: an absolute IRI that ends in `/`, `#` or `:`.
    pub base: String,
}

impl Default for FactWriterOptions {
    /// The base `urn:rere:`.
    fn default() -> Self {
        Self { base: "urn:rere:".to_owned() }
    }
}

impl FactWriterOptions {
    /// Sets the beginning of IRIs.
    #[must_use]
    pub fn with_base(self, base: impl Into<String>) -> Self {
        Self { base: base.into(), ..self }
    }
}

/// Writer of facts, one by one, in the format that the name of its file tells.
///
/// A file appears when it is complete: [`FactWriter::finish`] renames it, and if the writer is dropped before, an
/// existing file is unchanged. Names that end in `.gz` or `.zst` are compressed; `-` is standard output. Neo4j needs
/// memory for a digest of each entity, about 40 bytes; the other formats need the same memory for any number of facts.
///
/// ```
/// use rere_core::{Probability, Sentence, Triple};
/// use rere_facts::{CollectSettings, FactWriter, FactWriterOptions, FactsError, collect};
///
/// let folder = tempfile::tempdir()?;
/// let born = Triple::of("Ada", "born in", "London").with_score(Probability::new(0.75)?);
/// let sentences = [Ok::<_, FactsError>(Sentence::new("Ada was born in London.").with_triples([born]))];
///
/// // One writer for each file.
/// let options = FactWriterOptions::default();
/// let paths = ["facts.tsv", "facts.nt"].map(|name| folder.path().join(name));
/// let mut writers = Vec::new();
/// for path in &paths {
///     writers.push(FactWriter::create(path, &options)?);
/// }
/// for fact in collect(sentences, None, &CollectSettings::default())? {
///     let fact = fact?;
///     writers.iter_mut().try_for_each(|writer| writer.write(&fact))?;
/// }
/// writers.into_iter().try_for_each(FactWriter::finish)?;
///
/// let triples = std::fs::read_to_string(&paths[1])?;
/// assert!(triples.starts_with("<urn:rere:name/Ada> <urn:rere:relation/born%20in> <urn:rere:name/London> .\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the file appears when `finish` is called"]
pub struct FactWriter {
    sink: Box<dyn Sink>,
    format: FactFormat,
    path: PathBuf,
}

impl fmt::Debug for FactWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FactWriter").field("format", &self.format).field("path", &self.path).finish_non_exhaustive()
    }
}

/// What a format implements.
trait Sink: Send {
    /// Writes a fact whose evidence is consistent.
    fn write(&mut self, fact: &CorpusFact) -> io::Result<()>;

    /// Completes the file.
    fn finish(self: Box<Self>) -> Result<(), DataError>;
}

impl FactWriter {
    /// Creates a file with a temporary name beside `path`; for Neo4j the folder, unless it exists.
    ///
    /// # Errors
    /// Returns an error if [`FactFormat::of`] does, the folder of the file cannot be written, the base is not an
    /// absolute IRI, or Parquet is not compiled in.
    pub fn create(path: &Path, options: &FactWriterOptions) -> Result<Self, FactsError> {
        let format = FactFormat::of(path)?;
        let sink: Box<dyn Sink> = match format {
            FactFormat::Tsv => Box::new(table::Table::create(path, b'\t')?),
            FactFormat::Csv => Box::new(table::Table::create(path, b',')?),
            FactFormat::JsonLines => Box::new(json_lines::JsonLines::create(path)?),
            #[cfg(feature = "parquet")]
            FactFormat::Parquet => Box::new(parquet::Parquet::create(path)?),
            #[cfg(not(feature = "parquet"))]
            FactFormat::Parquet => {
                return Err(DataError::NotBuilt { path: path.to_owned(), feature: "parquet" }.into());
            }
            FactFormat::NTriples => Box::new(rdf::Rdf::n_triples(path, options)?),
            FactFormat::Turtle => Box::new(rdf::Rdf::turtle(path, options)?),
            FactFormat::Neo4j => Box::new(neo4j::Neo4j::create(path, options)?),
        };
        Ok(Self { sink, format, path: path.to_owned() })
    }

    /// Returns the format of the file.
    pub fn format(&self) -> FactFormat {
        self.format
    }

    /// Writes the next fact.
    ///
    /// # Errors
    /// Returns an error if the disk is full, or if a span of the evidence does not slice its text to the mention.
    pub fn write(&mut self, fact: &CorpusFact) -> Result<(), FactsError> {
        for sentence in &fact.evidence {
            sentence.check().map_err(|problem| DataError::Unwritable {
                sentence: format!("{:?}", sentence.id.as_ref().unwrap_or(&sentence.text)),
                problem: problem.into(),
            })?;
        }
        Ok(self.sink.write(fact).map_err(|source| unwritable(&self.path, source))?)
    }

    /// Completes the file, and renames it to its path.
    ///
    /// # Errors
    /// Returns an error if the disk is full or the file cannot be renamed.
    pub fn finish(self) -> Result<(), FactsError> {
        Ok(self.sink.finish()?)
    }
}

fn unwritable(path: &Path, source: io::Error) -> DataError {
    match is_standard(path) {
        true => DataError::Output(source),
        false => DataError::Write { path: path.to_owned(), source },
    }
}
