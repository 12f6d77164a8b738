//! Corpora of relation extraction: read, checked, tokenised, and made into training examples and batches.
//!
//! Use this crate to read a corpus in any known format, to write one, and to feed an encoder: it finds the mentions of
//! each entity, marks them on the tokens, and says what it could not use. It knows no tensor library; ids and targets
//! are plain vectors.
//!
//! | step | items |
//! |---|---|
//! | files to sentences and back | [`Reader`], [`read`](fn@read), [`write_sentence`], [`write`](fn@write), [`Format`] |
//! | files that are decompressed as they are read | [`open`](fn@open) |
//! | files that appear only when they are complete, compressed by their names | [`Output`], [`replace_file`] |
//! | labels removed on purpose | [`Dropper`] |
//! | text to tokens, with their places in the text | [`Tokenizer`], [`Tokens`] |
//! | surfaces to places, places to tokens | [`occurrences`], [`to_tokens`] |
//! | sentences to examples | [`ExampleBuilder`], [`Examples`], [`EncodeReport`] |
//! | the same inputs for extraction | [`relation_input`], [`entity_input`], [`windows`] |
//! | what a corpus holds, and how rare its positive labels are | [`Stats`], [`ClassPriors`] |
//! | texts to triples, by a knowledge base | [`KnowledgeBase`], [`EntityMatcher`], [`Aligner`], [`Overlap`] |
//! | examples to batches | [`shuffled_batches`], [`token_batches`], [`pad`] |
//!
//! # Formats
//!
//! A file holds one JSON object a line, or one array of objects; that and the format are told by the content. It is
//! UTF-8, with or without a byte order mark; blank lines are passed over. Where its name ends in `.gz` or `.zst` it is
//! compressed by gzip or Zstandard.
//!
//! | format | object |
//! |---|---|
//! | [`Rere`](Format::Rere) | `{"id": "7", "text": "Ada was born in London", "triples": [{"subject": {"text": "Ada", "start": 0, "end": 3}, "relation": "born in", "object": {"text": "London"}, "score": 0.93}]}` |
//! | [`Casrel`](Format::Casrel) | `{"text": "Ada was born in London", "triple_list": [["Ada", "born in", "London"]]}` |
//!
//! Only `text` must be there (in CasRel's format also `triple_list`). `start` and `end` stand together or not at all,
//! are half-open and count Unicode code points; they must slice the text to the mention's own text. `score` is in \[0, 1\].
//! Other fields of the object are kept in [`Sentence::extra`](rere_core::Sentence::extra) and written back; in a triple
//! or a mention they are errors.
//!
//! # Example
//!
//! ```
//! use rere_core::RelationSet;
//! use rere_data::{ExampleBuilder, Missing, Reader, Tokenizer, pad, shuffled_batches};
//!
//! let corpus = r#"
//!     {"text": "Ada was born in London .", "triple_list": [["Ada", "/people/person/place_of_birth", "London"]]}
//!     {"text": "Nothing is said here .", "triple_list": []}
//! "#;
//! let sentences = Reader::new(corpus.as_bytes(), "corpus", None).collect::<Result<Vec<_>, _>>()?;
//!
//! // With a pretrained encoder: Tokenizer::load("encoder/tokenizer.json")?
//! let tokenizer = Tokenizer::train_words(sentences.iter().map(|sentence| sentence.text.as_str()), 1, 30_000)?;
//! let relations = RelationSet::from_names(["/people/person/place_of_birth"])?;
//! let examples = ExampleBuilder::new(&tokenizer, &relations, 128, Missing::Error)?.encode(&sentences)?;
//! println!("{}", examples.report);
//! assert_eq!((examples.report.relation_examples, examples.report.entity_examples), (2, 1));
//!
//! assert_eq!(examples.relation[0].labels, [0]);
//! assert!(examples.relation[1].labels.is_empty());
//! // "Ada" is token 0 of the sentence, "London" token 4.
//! assert_eq!(examples.entity[0].targets, [[0], [0], [4], [4]]);
//!
//! let lengths: Vec<usize> = examples.relation.iter().map(|example| example.ids.len()).collect();
//! for batch in shuffled_batches(&lengths, 32, 7) {
//!     let rows: Vec<&[u32]> = batch.iter().map(|&index| examples.relation[index].ids.as_slice()).collect();
//!     let padded = pad(&rows, tokenizer.pad());
//!     assert_eq!((padded.rows, padded.width), (2, 8));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod align;
mod batch;
mod clean;
mod drop;
mod encode;
mod error;
mod file;
mod fold;
mod format;
mod locate;
mod paradigms;
mod stats;
mod tokenize;

pub use align::{
    Aligner, EntityMatcher, EntityMention, Found, KnowledgeBase, KnowledgeBaseReport, Labelling, MatcherSettings,
    Overlap,
};
pub use batch::{Padded, pad, shuffled_batches, token_batches};
pub use clean::{CleanReport, CleanSettings, Cleaner};
pub use drop::{DropBy, DropReport, Dropper};
pub use encode::{
    EncodeReport, EntityExample, ExampleBuilder, Examples, Missing, RelationExample, entity_input, relation_input,
    windows,
};
pub use error::DataError;
pub use file::{Output, input_name, open, replace_file};
pub use fold::Folding;
pub use format::{Format, Loss, Lost, Reader, Writer, read, write};
pub use locate::{Choice, LocateReport, Located, Locator, occurrences, to_tokens};
pub use paradigms::{ClassPriors, Reading};
pub use stats::{Lengths, Overlaps, Stats, Summary};
pub use tokenize::{Tokenizer, Tokens};
