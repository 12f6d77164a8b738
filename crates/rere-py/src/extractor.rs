//! Trained models and knowledge bases as extractors.

use std::{path::PathBuf, sync::Arc};

use pyo3::{prelude::*, pybacked::PyBackedStr};
use rayon::prelude::*;
use rere::{
    ExtractOptions, Extractor, Input, LoadOptions, Precision, Probability, Sentence, TrainedSystem, Triple,
    core::InText, extract_split, load, parse_device,
};
use rere_data::{
    AmbiguousNames, Folding, KnowledgeBase, KnowledgeBaseOptions, MatcherSettings, SentenceSplitter, input_name,
};

use crate::{
    arrow::{self, ArrowTable},
    corpus::{sentences, to_json},
    error::{OrRaise, RereError},
    process,
};

/// The most characters and texts per thread between two looks at Ctrl-C: some seconds with a small encoder. With fewer, threads
/// would wait for each other more often.
const CHUNK_CHARACTERS: usize = 100_000;
const CHUNK_TEXTS: usize = 512;

/// Options of a call.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct CallOptions {
    relations: Option<Vec<String>>,
    min_score: Option<f32>,
    /// Language whose sentences the texts are split into; none if each text is one sentence.
    split: Option<String>,
}

/// An extractor with its number of threads.
struct Finder<'a, E: ?Sized> {
    extractor: &'a E,
    threads: usize,
}

impl<E: Extractor + ?Sized> Finder<'_, E> {
    /// Extracts from texts without the interpreter's lock. An input that is `None` has no result.
    fn extract(
        &self,
        py: Python<'_>,
        inputs: &[Option<Input<'_>>],
        call: CallOptions,
    ) -> PyResult<Vec<Option<Vec<Triple>>>> {
        process::enter()?;
        let mut options =
            ExtractOptions::default().with_min_score(call.min_score.map(Probability::new).transpose().or_raise()?);
        options.relations = call.relations;
        options.wanted(&self.extractor.info().relations).or_raise()?;
        let splitter = call.split.map(SentenceSplitter::new);
        let present: Vec<Input> = inputs.iter().copied().flatten().collect();
        let mut triples = Vec::with_capacity(present.len());
        let mut rest = present.as_slice();
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at(self.chunk(rest));
            let found = py.detach(|| match &splitter {
                Some(splitter) => extract_split(self.extractor, splitter, chunk, &options),
                None => self.extractor.extract(chunk, &options),
            });
            triples.extend(found.or_raise()?);
            py.check_signals()?;
            rest = later;
        }
        let mut triples = triples.into_iter();
        Ok(inputs.iter().map(|input| input.and_then(|_| triples.next())).collect())
    }

    /// Returns the number of inputs of the next chunk: at least one.
    fn chunk(&self, inputs: &[Input<'_>]) -> usize {
        let mut characters = 0;
        let fit = inputs.iter().take(CHUNK_TEXTS * self.threads).take_while(|input| {
            characters += input.text.len();
            characters <= CHUNK_CHARACTERS * self.threads
        });
        fit.count().max(1)
    }

    fn extract_texts(&self, py: Python<'_>, texts: &[Option<PyBackedStr>], call: CallOptions) -> PyResult<String> {
        let inputs: Vec<_> = texts.iter().map(|text| text.as_deref().map(Input::new)).collect();
        triples_json(&inputs, &self.extract(py, &inputs, call)?)
    }

    fn extract_arrow(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        columns: &arrow::Columns,
        call: CallOptions,
    ) -> PyResult<ArrowTable> {
        let table = arrow::Table::read(data, columns)?;
        let texts = table.texts()?;
        let inputs: Vec<_> = texts.iter().map(|text| text.map(Input::new)).collect();
        let found = self.extract(py, &inputs, call)?;
        table.with_triples(&texts, &found, self.extractor.info())
    }
}

/// Returns the triples of each text as JSON, `null` for no text.
fn triples_json(inputs: &[Option<Input<'_>>], found: &[Option<Vec<Triple>>]) -> PyResult<String> {
    let rows = inputs.iter().zip(found);
    let in_text = rows.map(|(input, triples)| Some(InText::list(triples.as_deref()?, input.as_ref()?.text)));
    to_json(&in_text.collect::<Vec<_>>())
}

/// The most threads of a model.
const MAX_THREADS: usize = 1024;

/// A trained model of any system.
#[pyclass(frozen, module = "rere._rere")]
pub struct Model {
    system: Box<dyn TrainedSystem>,
    threads: usize,
}

impl Model {
    fn finder(&self) -> Finder<'_, dyn TrainedSystem> {
        Finder { extractor: &*self.system, threads: self.threads }
    }
}

#[pymethods]
impl Model {
    #[new]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        device: &str,
        precision: &str,
        threads: Option<usize>,
        batch_tokens: usize,
    ) -> PyResult<Self> {
        process::enter()?;
        if threads.is_some_and(|threads| !(1..=MAX_THREADS).contains(&threads)) {
            return Err(RereError::new_err(format!("expected from 1 to {MAX_THREADS} threads, or None for all cores")));
        }
        if batch_tokens == 0 {
            return Err(RereError::new_err("expected batch_tokens of at least 1, found 0"));
        }
        let options = LoadOptions::new(parse_device(device).or_raise()?)
            .with_precision(match precision {
                "auto" => None,
                name => Some(name.parse::<Precision>().or_raise()?),
            })
            .with_batch_tokens(batch_tokens)
            .with_threads(threads);
        let system = py.detach(|| load(path, options)).or_raise()?;
        Ok(Self { system, threads: threads.unwrap_or_else(rayon::current_num_threads) })
    }

    #[getter]
    fn system_name(&self) -> &str {
        &self.system.info().system
    }

    #[getter]
    fn digest(&self) -> Option<&str> {
        self.system.info().digest.as_deref()
    }

    #[getter]
    fn relations(&self) -> Vec<&str> {
        self.system.info().relations.iter().map(|relation| relation.name.as_str()).collect()
    }

    /// Returns the triples of each text, as JSON.
    fn extract(&self, py: Python<'_>, texts: Vec<Option<PyBackedStr>>, call: CallOptions) -> PyResult<String> {
        self.finder().extract_texts(py, &texts, call)
    }

    /// Returns the triples of each sentence, as JSON; on request only those between mentions of the sentence.
    fn extract_sentences(
        &self,
        py: Python<'_>,
        json: &str,
        from_mentions: bool,
        call: CallOptions,
    ) -> PyResult<String> {
        let sentences = sentences(json)?;
        let mentions: Vec<_> = sentences.iter().map(|sentence| from_mentions.then(|| sentence.mentions())).collect();
        let input = |(sentence, mentions)| {
            let input = Input::from(sentence);
            Some(Option::as_deref(mentions).map_or(input, |mentions| input.with_mentions(mentions)))
        };
        let inputs: Vec<_> = sentences.iter().zip(&mentions).map(input).collect();
        triples_json(&inputs, &self.finder().extract(py, &inputs, call)?)
    }

    /// Returns a table with the triples of each text.
    fn extract_arrow(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        columns: arrow::Columns,
        call: CallOptions,
    ) -> PyResult<ArrowTable> {
        self.finder().extract_arrow(py, data, &columns, call)
    }
}

/// A knowledge base that labels texts.
#[pyclass(frozen, module = "rere._rere")]
pub struct Aligner {
    pub aligner: Arc<rere_data::Aligner>,
    /// What was read.
    #[pyo3(get)]
    report: String,
}

impl Aligner {
    fn finder(&self) -> Finder<'_, rere_data::Aligner> {
        Finder { extractor: &*self.aligner, threads: rayon::current_num_threads() }
    }
}

#[pymethods]
impl Aligner {
    #[new]
    #[allow(clippy::too_many_arguments, reason = "they are the keyword arguments of the Python class")]
    fn new(
        py: Python<'_>,
        knowledge_base: PathBuf,
        entities: Option<PathBuf>,
        relation_map: Option<PathBuf>,
        language: &str,
        ambiguous: &str,
        min_name: Option<usize>,
        fold: bool,
        hide: f32,
        hide_seed: u64,
    ) -> PyResult<Self> {
        process::enter()?;
        let ambiguous: AmbiguousNames = ambiguous.parse().or_raise()?;
        let hide = Probability::new(hide).or_raise()?;
        let mut options = KnowledgeBaseOptions::default().with_language(language);
        (options.entities, options.map) = (entities, relation_map);
        let mut settings = MatcherSettings::default().with_folding(if fold { Folding::ALL } else { Folding::NONE });
        settings.min_characters = min_name.unwrap_or(settings.min_characters);
        py.detach(|| {
            let facts = KnowledgeBase::read(&knowledge_base, &options)?.hide(hide, hide_seed);
            let aligner = rere_data::Aligner::new(facts, settings)?.with_ambiguous_names(ambiguous);
            let report = format!("{}: {}", input_name(&knowledge_base).display(), aligner.kb().report());
            Ok::<_, rere_data::DataError>(Self { aligner: Arc::new(aligner), report })
        })
        .or_raise()
    }

    #[getter]
    fn relations(&self) -> Vec<&str> {
        self.aligner.info().relations.iter().map(|relation| relation.name.as_str()).collect()
    }

    /// Replaces the triples of sentences, given and returned as JSON.
    fn align_sentences(&self, py: Python<'_>, json: &str) -> PyResult<String> {
        process::enter()?;
        let mut sentences: Vec<Sentence> = sentences(json)?;
        py.detach(|| sentences.par_iter_mut().for_each(|sentence| _ = self.aligner.relabel(sentence)));
        to_json(&sentences)
    }

    /// Returns the triples of each text, as JSON.
    fn extract(&self, py: Python<'_>, texts: Vec<Option<PyBackedStr>>, call: CallOptions) -> PyResult<String> {
        self.finder().extract_texts(py, &texts, call)
    }

    /// Returns a table with the triples of each text.
    fn extract_arrow(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        columns: arrow::Columns,
        call: CallOptions,
    ) -> PyResult<ArrowTable> {
        self.finder().extract_arrow(py, data, &columns, call)
    }
}
