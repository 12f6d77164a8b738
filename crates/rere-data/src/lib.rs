//! Corpora of relation extraction: reading, writing, cleaning, labelling, tokenisation, training labels and batches.
//!
//! Use this crate to read a corpus in any of twenty formats and to write it in another, to label text with a knowledge
//! base, and to prepare training data for an encoder. It finds the mentions of each entity, locates them in the tokens,
//! and reports what it could not use. It depends on no tensor library; ids and labels are plain vectors.
//!
//! | task | items |
//! |---|---|
//! | read files | [`Reader`], [`ReadOptions`], [`read`](fn@read), [`read_reporting`], [`Format`] |
//! | read in the background, in chunks | [`Chunks`] |
//! | write files, which replace others only when they are complete | [`Writer`], [`write`](fn@write), [`UnsupportedCounts`] |
//! | other files, compressed by name, `-` for standard streams | [`open`](fn@open), [`Output`], [`replace_file`] |
//! | locate surfaces in texts, and spans in tokens | [`Locator`], [`occurrences`], [`on_word_borders`], [`to_tokens`] |
//! | split texts into sentences | [`SentenceSplitter`]; [`Split`] of a reader; [`document`] of a sentence |
//! | clean a corpus | [`Cleaner`] |
//! | merge sentences with the same text | [`Merger`] |
//! | divide a corpus into training, development and test sets | [`Partition`] |
//! | remove labels at random | [`TripleDropper`] |
//! | compute statistics and class priors | [`Stats`], [`ClassPriors`] |
//! | label texts with a knowledge base | [`KnowledgeBase`], [`EntityMatcher`], [`Aligner`], [`Overlap`] |
//! | tokenise texts | [`Tokenizer`], [`Tokens`] |
//! | tokenise sentences and locate their triples | [`LocatedCorpus`], [`LocatedReport`] |
//! | training labels of P1, pair classification | [`pair_mentions`], [`pair_labels`] |
//! | training labels of P2, CasRel | [`casrel_subjects`], [`casrel_objects`] |
//! | training labels of P3, relations and pointers | [`relation_labels`], [`pointer_marks`] |
//! | training labels of TPLinker | [`handshake_cells`] |
//! | training labels of novel tagging | [`tag_labels`], [`tag_count`] |
//! | inputs of an encoder | [`sentence_input`], [`query_input`], [`windows`] |
//! | batches | [`shuffled_batches`], [`shuffled_token_batches`], [`token_batches`], [`pad`] |
//!
//! The types of [`rere_core`] in the signatures of this crate are re-exported.
//!
//! # Formats
//!
//! [`Format`] lists the formats; the format of a file is detected from its content. In memory, a corpus consists of
//! [`Sentence`]s, whose spans count bytes, whatever the file counts. Unrecognised fields are kept in [`Sentence::extra`]
//! and written back. Without files, sentences are converted to and from JSON of the rere format with serde: see
//! [`rere_core::json`].
//!
//! The feature `parquet` adds the Parquet format, which needs crates of Apache Arrow.
//!
//! # Reading and checking
//!
//! An error describes the problem, its location and the remedy.
//!
//! ```
//! use rere_data::{ReadOptions, Reader};
//!
//! let corpus = r#"{"text": "Ada was born in London", "triples": [{"subject": {"text": "Ada", "start": 0, "end": 3},
//!     "relation": "born_in", "object": {"text": "London", "start": 16, "end": 23}}]}"#;
//! let options = ReadOptions::default();
//! // From a file, compressed or not, or a brat folder: Reader::open(path, &options)?
//! let mut reader = Reader::new(std::io::Cursor::new(format!("[{corpus}]")), "corpus.json", &options)?;
//! let error = reader.next().expect("a sentence").expect_err("London ends at 22");
//! assert_eq!(
//!     error.to_string(),
//!     "corpus.json, line 1: the mention \"London\" has offsets 16..23, but the text ends at 22; offsets are half-open and \
//!      count Unicode code points from 0"
//! );
//! # Ok::<(), rere_data::DataError>(())
//! ```
//!
//! # Converting
//!
//! Mentions need offsets for some formats, and content that a format cannot hold is counted.
//!
//! ```
//! use rere_data::{Folding, Format, Locator, Occurrence, ReadOptions, Reader, Unsupported, Writer, read};
//!
//! let corpus = r#"{"text": "Ada was born in London .", "triple_list": [["Ada", "born_in", "London"], ["Ada", "met", "Charles"]]}"#;
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("corpus.json");
//! let mut locator = Locator::new(Occurrence::Nearest, Folding::default());
//! let mut writer = Writer::create(&path, Format::Spert)?;
//! for sentence in Reader::new(corpus.as_bytes(), "corpus", &ReadOptions::default())? {
//!     let mut sentence = sentence?;
//!     locator.locate(&mut sentence);
//!     writer.write(&sentence)?;
//! }
//! let unsupported = writer.finish()?;
//! assert_eq!((locator.report().missing, unsupported.count(Unsupported::Triple)), (1, 1));
//! assert_eq!(read(&path)?[0].triples[0].object.text, "London");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Tokens and labels
//!
//! ```
//! use rere_data::{
//!     LocatedCorpus, OnMissing, ReadOptions, Reader, RelationSet, Tokenizer, pad, pointer_marks, sentence_input,
//!     shuffled_token_batches,
//! };
//!
//! let corpus = r#"
//!     {"text": "Ada was born in London .", "triple_list": [["Ada", "/people/person/place_of_birth", "London"]]}
//!     {"text": "Nothing is said here .", "triple_list": []}
//! "#;
//! let sentences = Reader::new(corpus.as_bytes(), "corpus", &ReadOptions::default())?.collect::<Result<Vec<_>, _>>()?;
//!
//! // With a pretrained encoder: Tokenizer::load("encoder")?
//! let tokenizer = Tokenizer::train_words(sentences.iter().map(|sentence| sentence.text.as_str()), 1, 30_000)?;
//! let relations = RelationSet::from_names(["/people/person/place_of_birth"])?;
//! let corpus = LocatedCorpus::new(&sentences, &tokenizer, &relations, OnMissing::Error)?;
//! println!("{}", corpus.report);
//! // "Ada" is token 0 of the sentence, "London" token 4.
//! assert_eq!(pointer_marks(&corpus.sentences[0].triples), [[0], [0], [4], [4]]);
//!
//! let rows: Vec<Vec<u32>> =
//!     corpus.sentences.iter().map(|sentence| sentence_input(&tokenizer, &sentence.tokens.ids)).collect();
//! let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
//! for batch in shuffled_token_batches(&lengths, 4096, 7) {
//!     let rows: Vec<&[u32]> = batch.iter().map(|&index| rows[index].as_slice()).collect();
//!     let padded = pad(&rows, tokenizer.pad());
//!     assert_eq!((padded.rows, padded.width), (2, 8));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod align;
mod batch;
mod chunks;
mod class_priors;
mod clean;
mod drop_triples;
mod error;
mod file;
mod format;
mod input;
mod layout;
mod locate;
mod located;
mod mention;
mod merge;
mod partition;
mod stats;
mod text;
mod tokenize;

pub use rere_core;
#[doc(no_inline)]
pub use rere_core::{
    ByteSpan, ExtractError, ExtractOptions, Extractor, Info, Input, Mention, OffsetError, OffsetUnit, Probability,
    RelationSet, RelationSetError, Sentence, TokenSpan, Triple, UnknownOffsetUnit,
};

pub use align::{
    Aligner, AmbiguousNames, EntityMatcher, EntityMention, Fact, KnowledgeBase, KnowledgeBaseOptions,
    KnowledgeBaseReport, Labelling, LabellingCounts, MatcherSettings, Overlap, UnknownAmbiguousNames,
};
pub use batch::{Padded, pad, shuffled_batches, shuffled_token_batches, token_batches};
pub use chunks::Chunks;
pub use class_priors::{ClassPriors, StepPriors};
pub use clean::{CleanReport, CleanSettings, Cleaner};
pub use drop_triples::{DropBy, DropReport, TripleDropper, UnknownDropBy};
pub use error::{DataError, ParseErrorKind, SentenceProblem, StreamAlternative, TokenizerProblem};
pub use file::{Output, input_name, is_standard, open, read_parts, remove_leftovers, replace_file, sha256_of_file};
#[cfg(feature = "parquet")]
pub use format::triple_type;
pub use format::{
    Format, ReadOptions, ReadReport, Reader, Unsupported, UnsupportedCounts, Writer, read, read_reporting, write,
};
pub use input::{QUERY_EXTRA, SENTENCE_EXTRA, query_input, sentence_input, windows};
pub use layout::{
    LocatedTriple, TagLabels, casrel_objects, casrel_subjects, correspondences, handshake_cells, pair_labels,
    pair_mentions, pointer_marks, relation_labels, span_marks, tag_count, tag_labels,
};
pub use locate::{LocateReport, Locator, Occurrence, UnknownOccurrence};
pub use located::{LocatedCorpus, LocatedReport, LocatedSentence, OnMissing};
pub use merge::{MergeReport, Merger};
pub use partition::{Partition, PartitionReport};
pub use stats::{Lengths, Overlaps, Stats, Summary};
pub use text::{Folding, SentenceSplitter, Split, UnknownSplit, document, document_name, occurrences, on_word_borders};
pub use tokenize::{LocatedMention, Tokenizer, Tokens, to_tokens};

const _: () = {
    const fn assert_send<T: Send>() {}
    const fn assert_send_sync<T: Send + Sync>() {}
    assert_send::<Reader>();
    assert_send::<Writer>();
    assert_send::<Chunks<Reader>>();
    assert_send_sync::<Aligner>();
    assert_send_sync::<Cleaner>();
    assert_send_sync::<DataError>();
    assert_send_sync::<EntityMatcher>();
    assert_send_sync::<KnowledgeBase>();
    assert_send_sync::<LocatedCorpus>();
    assert_send_sync::<Locator>();
    assert_send_sync::<Merger>();
    assert_send_sync::<ReadOptions>();
    assert_send_sync::<Stats>();
    assert_send_sync::<Tokenizer>();
    assert_send_sync::<TripleDropper>();
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
