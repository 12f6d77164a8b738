//! Facts of a corpus.

use std::{path::PathBuf, sync::Arc};

use pyo3::prelude::*;
use rere_core::Probability;
use rere_facts::{CollectSettings, CorpusFact, FactWriter, FactWriterOptions, FactsError, collect};

use crate::{
    corpus::{sentences, to_json},
    error::OrRaise,
    extractor::Aligner,
    process,
};

/// Joins the triples of sentences to facts, writes them to files, and returns them as JSON.
#[pyfunction]
pub fn facts(
    py: Python<'_>,
    json: &str,
    knowledge_base: Option<&Bound<'_, Aligner>>,
    evidence: usize,
    functional: Vec<String>,
    min_score: f32,
    outputs: Vec<PathBuf>,
) -> PyResult<String> {
    process::enter()?;
    let min_score = f64::from(Probability::new(min_score).or_raise()?.get());
    let knowledge_base = knowledge_base.map(|aligner| Arc::clone(&aligner.get().aligner));
    let settings =
        CollectSettings::default().with_evidence(evidence).with_functional(functional).with_min_score(min_score);
    py.detach(|| {
        let sentences = sentences(json)?.into_iter().map(Ok::<_, FactsError>);
        let facts = collect(sentences, knowledge_base.as_deref(), &settings).or_raise()?;
        let options = FactWriterOptions::default();
        let mut writers =
            outputs.iter().map(|path| FactWriter::create(path, &options)).collect::<Result<Vec<_>, _>>().or_raise()?;
        let facts = facts.collect::<Result<Vec<CorpusFact>, _>>().or_raise()?;
        for fact in &facts {
            writers.iter_mut().try_for_each(|writer| writer.write(fact)).or_raise()?;
        }
        writers.into_iter().try_for_each(FactWriter::finish).or_raise()?;
        to_json(&facts)
    })
}
