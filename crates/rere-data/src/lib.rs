//! Corpora of relation extraction: read, checked, converted, cleaned, labelled, tokenised, and made into training examples and
//! batches.
//!
//! Use this crate to read a corpus in any of twenty formats and to write it in another, to label text by a knowledge base, and to feed
//! an encoder: it finds the mentions of each entity, marks them on the tokens, and says what it could not use. It
//! knows no tensor library; ids and labels are plain vectors.
//!
//! | step | items |
//! |---|---|
//! | files to sentences | [`Reader`], [`ReadOptions`], [`read`](fn@read), [`read_reporting`], [`Format`] |
//! | the same by a thread of its own, in chunks | [`Chunks`] |
//! | sentences to files, which appear only when they are complete | [`Writer`], [`write`](fn@write), [`UnsupportedCounts`] |
//! | other files, compressed by their names, `-` for standard streams | [`open`](fn@open), [`Output`], [`replace_file`] |
//! | surfaces to places, places to tokens | [`Locator`], [`occurrences`], [`to_tokens`] |
//! | what a corpus should not have | [`Cleaner`] |
//! | sentences that repeat a text | [`Merger`] |
//! | labels removed on purpose | [`TripleDropper`] |
//! | what a corpus holds, and how rare its positive labels are | [`Stats`], [`ClassPriors`] |
//! | texts to triples, by a knowledge base | [`KnowledgeBase`], [`EntityMatcher`], [`Aligner`], [`Overlap`] |
//! | text to tokens, with their places in the text | [`Tokenizer`], [`Tokens`] |
//! | sentences to tokens, with their triples located | [`LocatedCorpus`], [`LocatedReport`] |
//! | located triples to the labels of P1, pair classification | [`pair_mentions`], [`pair_labels`] |
//! | to those of P2, CasRel | [`casrel_subjects`], [`casrel_objects`] |
//! | to those of P3, relations and their pointers | [`relation_labels`], [`pointer_marks`] |
//! | to those of TPLinker | [`handshake_cells`] |
//! | to those of novel tagging | [`tag_labels`], [`tag_count`] |
//! | token ids to what an encoder reads | [`sentence_input`], [`query_input`], [`windows`] |
//! | rows to batches | [`shuffled_batches`], [`shuffled_token_batches`], [`token_batches`], [`pad`] |
//!
//! Types of [`rere_core`] that the signatures of this crate name are exported here too.
//!
//! # Formats
//!
//! [`Format`] lists them, and `docs/formats.md` of the repository shows each. The content tells which one a file has. In memory all
//! become [`Sentence`]s, whose spans are half-open in bytes whatever the file counts. Fields without a meaning here are kept in
//! [`Sentence::extra`] and written back. A sentence without a file is read from and written to JSON of the rere format by serde: see
//! [`rere_core::json`].
//!
//! The feature `parquet` brings that format, and crates of Apache Arrow with it.
//!
//! # StepPriors and checking
//!
//! An error says what is wrong, where, and what to do.
//!
//! ```
//! use rere_data::{ReadOptions, Reader};
//!
//! let corpus = r#"{"text": "Ada was born in London", "triples": [{"subject": {"text": "Ada", "start": 0, "end": 3},
//!     "relation": "born_in", "object": {"text": "London", "start": 16, "end": 23}}]}"#;
//! let options = ReadOptions::default();
//! // From a file, compressed or not, or a folder of brat's: Reader::open(path, &options)?
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
//! Mentions get places for a format that wants them, and what it cannot hold is counted.
//!
//! ```
//! use rere_data::{Occurrence, Folding, Format, Locator, Unsupported, ReadOptions, Reader, Writer, read};
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
//! let lost = writer.finish()?;
//! assert_eq!((locator.report().missing, lost.count(Unsupported::Triple)), (1, 1));
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
//! // With a pretrained encoder: Tokenizer::load("encoder/tokenizer.json")?
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
mod stats;
mod text;
mod tokenize;

pub use rere_core;
#[doc(no_inline)]
pub use rere_core::{
    ByteSpan, ExtractError, ExtractOptions, Extractor, Info, Input, Mention, OffsetUnit, Probability, RelationSet,
    RelationSetError, Sentence, TokenSpan, Triple, UnknownOffsetUnit,
};

pub use align::{
    Aligner, EntityMatcher, EntityMention, KnowledgeBase, KnowledgeBaseReport, Labelling, LabellingCounts,
    MatcherSettings, Overlap,
};
pub use batch::{Padded, pad, shuffled_batches, shuffled_token_batches, token_batches};
pub use chunks::Chunks;
pub use class_priors::{ClassPriors, StepPriors};
pub use clean::{CleanReport, CleanSettings, Cleaner};
pub use drop_triples::{DropBy, DropReport, TripleDropper};
pub use error::DataError;
pub use file::{Output, input_name, is_standard, open, replace_file};
pub use format::{
    Format, ReadOptions, ReadReport, Reader, Unsupported, UnsupportedCounts, Writer, read, read_reporting, write,
};
pub use input::{QUERY_EXTRA, SENTENCE_EXTRA, query_input, sentence_input, windows};
pub use layout::{
    LocatedTriple, TagLabels, casrel_objects, casrel_subjects, handshake_cells, pair_labels, pair_mentions,
    pointer_marks, relation_labels, span_marks, tag_count, tag_labels,
};
pub use locate::{LocateReport, Locator, Occurrence};
pub use located::{LocatedCorpus, LocatedReport, LocatedSentence, OnMissing};
pub use merge::{MergeReport, Merger};
pub use stats::{Lengths, Overlaps, Stats, Summary};
pub use text::{Folding, occurrences};
pub use tokenize::{LocatedMention, Tokenizer, Tokens, to_tokens};
