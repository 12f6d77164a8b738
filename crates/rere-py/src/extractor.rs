//! Trained models and knowledge bases as extractors.

use std::{path::PathBuf, process, sync::Arc};

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
};

/// The most texts per thread between two looks at Ctrl-C: some seconds with a small encoder. With fewer, threads would wait for
/// each other more often.
const CHUNK: usize = 512;

/// Options of a call.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct CallOptions {
    relations: Option<Vec<String>>,
    min_score: Option<f32>,
    /// Language whose sentences the texts are split into; none if each text is one sentence.
    split: Option<String>,
}

/// Extracts from texts on this number of threads, without the interpreter's lock. An input that is `None` has no result.
fn extract(
    py: Python<'_>,
    (extractor, threads): (&(impl Extractor + ?Sized), usize),
    inputs: &[Option<Input<'_>>],
    call: CallOptions,
) -> PyResult<Vec<Option<Vec<Triple>>>> {
    let mut options =
        ExtractOptions::default().with_min_score(call.min_score.map(Probability::new).transpose().or_raise()?);
    options.relations = call.relations;
    options.wanted(&extractor.info().relations).or_raise()?;
    let splitter = call.split.map(SentenceSplitter::new);
    let (at, present): (Vec<usize>, Vec<Input>) =
        inputs.iter().enumerate().filter_map(|(at, input)| Some((at, (*input)?))).unzip();
    let mut found = vec![None; inputs.len()];
    let chunk = CHUNK * threads.max(1);
    for (at, chunk) in at.chunks(chunk).zip(present.chunks(chunk)) {
        let triples = py.detach(|| match &splitter {
            Some(splitter) => extract_split(extractor, splitter, chunk, &options),
            None => extractor.extract(chunk, &options),
        });
        at.iter().zip(triples.or_raise()?).for_each(|(&at, triples)| found[at] = Some(triples));
        py.check_signals()?;
    }
    Ok(found)
}

/// Returns the triples of each text as JSON, `null` for no text.
fn triples_json(inputs: &[Option<Input<'_>>], found: &[Option<Vec<Triple>>]) -> PyResult<String> {
    let rows = inputs.iter().zip(found);
    let in_text = rows.map(|(input, triples)| Some(InText::list(triples.as_deref()?, input.as_ref()?.text)));
    to_json(&in_text.collect::<Vec<_>>())
}

fn extract_texts(
    py: Python<'_>,
    extractor: (&(impl Extractor + ?Sized), usize),
    texts: &[Option<PyBackedStr>],
    call: CallOptions,
) -> PyResult<String> {
    let inputs: Vec<_> = texts.iter().map(|text| text.as_deref().map(Input::new)).collect();
    triples_json(&inputs, &extract(py, extractor, &inputs, call)?)
}

fn extract_arrow(
    py: Python<'_>,
    extractor: (&(impl Extractor + ?Sized), usize),
    data: &Bound<'_, PyAny>,
    columns: &arrow::Columns,
    call: CallOptions,
) -> PyResult<ArrowTable> {
    let table = arrow::Table::read(data, columns)?;
    let texts = table.texts()?;
    let inputs: Vec<_> = texts.iter().map(|text| text.map(Input::new)).collect();
    let found = extract(py, extractor, &inputs, call)?;
    table.with_triples(&texts, &found, extractor.0.info())
}

/// A trained model of any system.
#[pyclass(frozen, module = "rere._rere")]
pub struct Model {
    system: Box<dyn TrainedSystem>,
    threads: usize,
    /// The process that loaded it.
    process: u32,
}

impl Model {
    /// Returns the model and its number of threads, unless this process was forked after it was loaded: the threads that compute are then missing, and a
    /// call would never return.
    fn system(&self) -> PyResult<(&dyn TrainedSystem, usize)> {
        if self.process == process::id() {
            return Ok((&*self.system, self.threads));
        }
        Err(RereError::new_err(
            "the model was loaded before this process was forked: load it in each process, or start processes with \"spawn\"",
        ))
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
        let options = LoadOptions::new(parse_device(device).or_raise()?)
            .with_precision(precision.parse::<Precision>().or_raise()?)
            .with_batch_tokens(batch_tokens)
            .with_threads(threads);
        let system = py.detach(|| load(path, options)).or_raise()?;
        Ok(Self { system, threads: threads.unwrap_or_else(rayon::current_num_threads), process: process::id() })
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
        extract_texts(py, self.system()?, &texts, call)
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
        triples_json(&inputs, &extract(py, self.system()?, &inputs, call)?)
    }

    /// Returns a table with the triples of each text.
    fn extract_arrow(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        columns: arrow::Columns,
        call: CallOptions,
    ) -> PyResult<ArrowTable> {
        extract_arrow(py, self.system()?, data, &columns, call)
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
        let mut sentences: Vec<Sentence> = sentences(json)?;
        py.detach(|| sentences.par_iter_mut().for_each(|sentence| _ = self.aligner.relabel(sentence)));
        to_json(&sentences)
    }

    /// Returns the triples of each text, as JSON.
    fn extract(&self, py: Python<'_>, texts: Vec<Option<PyBackedStr>>, call: CallOptions) -> PyResult<String> {
        extract_texts(py, (&*self.aligner, rayon::current_num_threads()), &texts, call)
    }

    /// Returns a table with the triples of each text.
    fn extract_arrow(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        columns: arrow::Columns,
        call: CallOptions,
    ) -> PyResult<ArrowTable> {
        extract_arrow(py, (&*self.aligner, rayon::current_num_threads()), data, &columns, call)
    }
}
