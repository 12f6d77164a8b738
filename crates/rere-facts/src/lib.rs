//! Facts of a corpus: the triples of many sentences, joined to one row per fact.
//!
//! Use this crate on the output of any extraction system whose triples have scores. [`collect`] joins the triples of a
//! corpus to facts, each with a combined score, counts of sentences and documents, and the best sentences as evidence.
//! With a knowledge base it joins the names of an entity, and says which facts are known. The facts become a table, a
//! knowledge graph in RDF or Neo4j, or a sample to judge. Triples are sorted on the disk and facts are written one by
//! one, so a corpus of any size needs the same memory.
//!
//! # Examples
//!
//! Collect the triples of a few sentences, and write their facts as a table:
//!
//! ```
//! use rere_core::{Probability, Sentence, Triple};
//! use rere_facts::{CollectSettings, FactWriter, FactWriterOptions, FactsError, collect};
//!
//! // Sentences with predicted triples, such as the output of `rere extract`.
//! let predicted = |text: &str, subject: &str, score: f32| {
//!     let born = Triple::of(subject, "born in", "London").with_score(Probability::saturating(score));
//!     Ok::<_, FactsError>(Sentence::new(text).with_triples([born]))
//! };
//! let sentences = [
//!     predicted("Ada was born in London.", "Ada", 0.75),
//!     predicted("London is where Ada was born.", "Ada", 0.5),
//!     predicted("Alan was born in London.", "Alan", 0.5),
//! ];
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("facts.tsv");
//! let mut writer = FactWriter::create(&path, &FactWriterOptions::default())?;
//! for fact in collect(sentences, None, &CollectSettings::default())? {
//!     writer.write(&fact?)?;
//! }
//! writer.finish()?;
//!
//! let table = std::fs::read_to_string(&path)?;
//! let rows: Vec<&str> = table.lines().collect();
//! assert!(rows[0].starts_with("subject\tsubject_ids\trelation\tobject\tobject_ids\tscore\tbest\tsentences\t"));
//! // Two sentences state the first fact: 1 - (1 - 0.75)(1 - 0.5) = 0.875.
//! assert!(rows[1].starts_with("Ada\t\tborn in\tLondon\t\t0.875\t0.75\t2\t"));
//! assert!(rows[2].starts_with("Alan\t\tborn in\tLondon\t\t0.5\t0.5\t1\t"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Overview
//!
//! | to | use |
//! |---|---|
//! | join the triples of a corpus to facts | [`collect`] with [`CollectSettings`]; its result iterates over each [`CorpusFact`] by decreasing score, and has a [`CollectReport`] |
//! | write facts to files | [`FactWriter`], one for each file; [`FactFormat`] lists the formats, [`FactWriterOptions`] sets the beginning of IRIs |
//! | join names of an entity, and find known facts and conflicts | [`collect`] with an [`Aligner`](rere_data::Aligner) of a knowledge base: [`FactEntity`], [`FactStatus`], [`CorpusFact::conflicts`] |
//! | evaluate against hidden facts of the knowledge base | [`HeldOut`], which gives a [`HeldOutResult`] |
//! | judge a sample by hand | [`Sample`] draws it, [`Judgements`] reads the verdicts |
//!
//! # Files
//!
//! The name of a file tells its format. All texts survive a standard reader of the format, with tabs, quotation marks
//! and line ends. Offsets are half-open and count Unicode code points.
//!
//! **Tables** (`.tsv`, `.csv`) have a header, and the columns `subject`, `subject_ids`, `relation`, `object`,
//! `object_ids`, `score`, `best`, `sentences`, `documents`, `status`, `conflicts`; then those of the best sentence:
//! `text`, `subject_surface`, `subject_start`, `subject_end`, `object_surface`, `object_start`, `object_end`,
//! `sentence_id`, `document`, `start`. Cells are quoted as in RFC 4180, in TSV too. Items of lists are joined by `|`;
//! in items `|` is written as `\|`, and `\` as `\\`.
//!
//! **JSON lines** (`.jsonl`) have the fields of [`CorpusFact`], with the evidence as sentences of the rere format. This
//! is the only format with all that a fact holds.
//!
//! **Parquet** (`.parquet`, cargo feature `parquet`) has the columns of tables up to `conflicts`, with lists of
//! strings, and the column `evidence`, a list of structures with the other columns and the sentence's `score`.
//!
//! **N-Triples and Turtle** (`.nt`, `.ttl`) have each fact as a triple, labels of its entities and its relation, and an
//! `rdf:Statement` with scores and evidence in PROV-O, Dublin Core and terms under `urn:rere:vocab/`. An id that is an
//! absolute IRI is used as it is, ids of Wikidata such as Q42 become IRIs of Wikidata, and other ids and names are
//! percent-encoded under [`FactWriterOptions::base`]. An entity with several ids has the IRI of its name.
//!
//! **Neo4j** (`NAME.neo4j`) is a folder with `nodes.csv` and `relationships.csv`. Import them into an empty database:
//!
//! ```sh
//! neo4j-admin database import full neo4j --multiline-fields=true \
//!     --nodes=facts.neo4j/nodes.csv --relationships=facts.neo4j/relationships.csv
//! ```
//!
//! Without `--multiline-fields` a text with a line end is an error. Ids of nodes are the IRIs of RDF. In items of
//! arrays `;` is written as `%3B`, because the import splits arrays there.
//!
//! In all formats but JSON lines, `start` is left out if it is not a number, and a `document` that is not a string is
//! written as JSON.
//!
//! # Cargo features
//!
//! - `parquet`: writes Parquet.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod collect;
mod error;
mod fact;
mod held_out;
mod judge;
mod write;

pub use collect::{CollectReport, CollectSettings, CorpusFacts, collect};
pub use error::FactsError;
pub use fact::{CorpusFact, FactEntity, FactStatus};
pub use held_out::{HeldOut, HeldOutResult, PrecisionAt};
pub use judge::{Judgements, Sample};
pub use write::{FactFormat, FactWriter, FactWriterOptions};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
