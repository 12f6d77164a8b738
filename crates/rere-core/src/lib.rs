//! The words of relation extraction, shared by every crate of the `rere` workspace.
//!
//! Use this crate to write a reader, a decoder, a metric or a whole extraction system that works with the others.
//! It knows no tensor library, no tokenizer and no file.
//!
//! | word | type |
//! |---|---|
//! | a text with its triples | [`Sentence`] |
//! | subject, relation, object, and a score on predictions | [`Triple`] |
//! | the surface of a subject or object, and where it stands | [`Mention`] |
//! | half-open ranges in bytes, Unicode code points and tokens | [`ByteSpan`], [`CharSpan`], [`TokenSpan`] |
//! | the relations of a task, each with the query text that asks for it | [`RelationSet`], [`Relation`] |
//! | a number in \[0, 1\] | [`Probability`] |
//! | a system that finds triples | [`Extractor`] |
//!
//! # Example
//!
//! An extractor of one's own: it says that the first word of a sentence was born in the last one.
//!
//! ```
//! use rere_core::{ByteSpan, ExtractError, Extractor, Mention, Probability, RelationSet, Sentence, Triple};
//!
//! struct FirstAndLast(RelationSet);
//!
//! impl Extractor for FirstAndLast {
//!     fn relations(&self) -> &RelationSet {
//!         &self.0
//!     }
//!
//!     fn extract(&self, sentences: &[Sentence]) -> Result<Vec<Vec<Triple>>, ExtractError> {
//!         Ok(sentences
//!             .iter()
//!             .map(|sentence| {
//!                 let text = &sentence.text;
//!                 let (Some(first), Some(last)) = (text.find(' '), text.rfind(' ')) else { return vec![] };
//!                 vec![Triple {
//!                     subject: Mention::at(text, ByteSpan::new(0, first)).expect("a border of words"),
//!                     relation: self.0.iter().next().expect("one relation").name.clone(),
//!                     object: Mention::at(text, ByteSpan::new(last + 1, text.len())).expect("a border of words"),
//!                     score: Some(Probability::new(0.5).expect("in [0, 1]")),
//!                 }]
//!             })
//!             .collect())
//!     }
//! }
//!
//! let system = FirstAndLast(RelationSet::from_names(["/people/person/place_of_birth"])?);
//! let triples = system.extract(&[Sentence::new("Ada was born in London")])?;
//! assert_eq!(triples[0][0].object.text, "London");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod extra;
mod extractor;
mod probability;
mod relation;
mod sentence;
mod span;
mod triple;

pub use extra::Extra;
pub use extractor::{ExtractError, Extractor};
pub use probability::{Probability, ProbabilityError};
pub use relation::{QueryStyle, Relation, RelationSet, RelationSetError};
pub use sentence::Sentence;
pub use span::{ByteSpan, CharSpan, SpanError, TokenSpan};
pub use triple::{Mention, Triple};
