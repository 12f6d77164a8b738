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
//! | a system that finds triples, what it is given and asked for | [`Extractor`], [`Input`], [`ExtractOptions`], [`Info`] |
//! | what a user knows of triples beforehand | [`Constraints`] |
//!
//! # Example
//!
//! An extractor of one's own: it says that the first word of a text was born in the last one.
//!
//! ```
//! use rere_core::{ByteSpan, ExtractError, ExtractOptions, Extractor, Info, Input, Mention, Probability, RelationSet, Triple};
//!
//! struct FirstAndLast(Info);
//!
//! impl Extractor for FirstAndLast {
//!     fn info(&self) -> &Info {
//!         &self.0
//!     }
//!
//!     fn cost(&self, text: &str) -> usize {
//!         text.split(' ').count()
//!     }
//!
//!     fn extract(&self, inputs: &[Input], options: &ExtractOptions) -> Result<Vec<Vec<Triple>>, ExtractError> {
//!         let is_wanted = options.wanted(&self.0.relations)?[0];
//!         let find = |input: &Input| {
//!             let text = input.text;
//!             let (Some(first), Some(last)) = (text.find(' '), text.rfind(' ')) else { return vec![] };
//!             let mut triples = vec![Triple {
//!                 subject: Mention::at(text, ByteSpan::new(0, first)).expect("a border of words"),
//!                 object: Mention::at(text, ByteSpan::new(last + 1, text.len())).expect("a border of words"),
//!                 score: Some(Probability::saturating(0.5)),
//!                 ..Triple::of("", &self.0.relations.get(0).expect("one relation").name, "")
//!             }];
//!             triples.retain(|triple| is_wanted && triple.score >= options.min_score);
//!             let constraints = options.constraints.clone().unwrap_or_default();
//!             constraints.retain(&mut triples, input.mentions, |span| self.cost(&text[span.start..span.end]));
//!             triples
//!         };
//!         Ok(inputs.iter().map(find).collect())
//!     }
//! }
//!
//! let relations = RelationSet::from_names(["/people/person/place_of_birth"])?;
//! let info = Info { system: "first-and-last".into(), version: "1".into(), digest: None, relations };
//! let system = FirstAndLast(info);
//! let triples = system.extract(&["Ada was born in London".into()], &ExtractOptions::default())?;
//! assert_eq!(triples[0][0].object.text, "London");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod constraints;
mod extra;
mod extractor;
mod probability;
mod relation;
mod sentence;
mod span;
mod triple;

pub use constraints::{ConstraintError, Constraints};
pub use extra::Extra;
pub use extractor::{ExtractError, ExtractOptions, Extractor, Info, Input};
pub use probability::{Probability, ProbabilityError};
pub use relation::{QueryStyle, Relation, RelationSet, RelationSetError};
pub use sentence::Sentence;
pub use span::{ByteSpan, CharSpan, SpanError, TokenSpan};
pub use triple::{Mention, Triple};
