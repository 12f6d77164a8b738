//! Types of relation extraction: sentences, triples, spans, relations and the [`Extractor`] trait.
//!
//! Use this crate to write a reader, a decoder, a metric or a whole extraction system that works with the other `rere`
//! crates. It depends on no tensor library and no tokenizer, and reads no files.
//!
//! | term | type |
//! |---|---|
//! | text with its triples | [`Sentence`] |
//! | subject, relation and object; predictions have a score | [`Triple`] |
//! | surface and span of a subject or an object | [`Mention`] |
//! | half-open ranges of bytes, Unicode code points and tokens | [`ByteSpan`], [`CharSpan`], [`TokenSpan`] |
//! | conversion of many offsets in code points or UTF-16 | [`TextOffsets`], [`OffsetUnit`] |
//! | relations of a task, each with its query text | [`RelationSet`], [`Relation`] |
//! | number from 0 to 1 | [`Probability`] |
//! | system that finds triples, its input, its options and its description | [`Extractor`], [`Input`], [`ExtractOptions`], [`Info`] |
//! | constraints on the triples of a text | [`Constraints`] |
//! | JSON of the rere format | [`Sentence`] with serde; [`InText`] for triples without a sentence; [`json`] |
//!
//! # JSON
//!
//! ```
//! use rere_core::{ByteSpan, InText, Sentence};
//!
//! let line = concat!(
//!     r#"{"text":"Zoë lives in 北京","triples":[{"subject":{"text":"Zoë","start":0,"end":3},"relation":"lives in","#,
//!     r#""object":{"text":"北京","start":13,"end":15},"score":0.5}],"page":3}"#
//! );
//! let sentence: Sentence = serde_json::from_str(line)?;
//! // Memory counts bytes, JSON counts code points.
//! assert_eq!(sentence.triples[0].object.span, Some(ByteSpan::new(14, 20)));
//! assert_eq!(sentence.extra.get("page")?, Some(3));
//! assert_eq!(serde_json::to_string(&sentence)?, line);
//!
//! // The triples alone, as an extractor returns them.
//! let (triples, text) = (&sentence.triples, &sentence.text);
//! assert!(line.contains(&serde_json::to_string(&InText::list(triples, text))?));
//!
//! let error = serde_json::from_str::<Sentence>(&line.replace("15", "16")).expect_err("the text has 15 characters");
//! assert_eq!(
//!     error.to_string().split(" at line").next(),
//!     Some(
//!         "the mention \"北京\" has offsets 13..16, but the text ends at 15; \
//!          offsets are half-open and count Unicode code points from 0"
//!     )
//! );
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # An extractor
//!
//! This extractor predicts that the first word of each text was born in the last one.
//!
//! ```
//! use rere_core::{
//!     ByteSpan, ExtractError, ExtractOptions, Extractor, Info, Input, Mention, Probability, RelationSet, Triple,
//! };
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
//!             let relation = &self.0.relations.get(0).expect("one relation").name;
//!             let mention = |start, end| Mention::at(text, ByteSpan::new(start, end)).expect("word boundaries");
//!             let triple = Triple::new(mention(0, first), relation, mention(last + 1, text.len()));
//!             let mut triples = vec![triple.with_score(Probability::saturating(0.5))];
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
//! let system = FirstAndLast(Info::new("first-and-last", "1", relations));
//! let triples = system.extract(&["Ada was born in London".into()], &ExtractOptions::default())?;
//! assert_eq!(triples[0][0].object.text, "London");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod constraints;
mod extra;
mod extractor;
pub mod json;
mod offsets;
mod probability;
mod relation;
mod sentence;
mod span;
mod triple;

pub use constraints::{ConstraintError, Constraints};
pub use extra::Extra;
pub use extractor::{ExtractError, ExtractOptions, Extractor, Info, Input};
pub use json::InText;
pub use offsets::{OffsetError, OffsetUnit, TextOffsets, UnknownOffsetUnit};
pub use probability::{ParseProbabilityError, Probability, ProbabilityError};
pub use relation::{QueryStyle, Relation, RelationSet, RelationSetError};
pub use sentence::Sentence;
/// The version of `serde_json` whose types this crate's signatures have, such as those of [`Extra`].
pub use serde_json;
pub use span::{ByteSpan, CharSpan, SpanError, TokenSpan};
pub use triple::{Mention, Triple};

const _: () = {
    const fn assert_send_sync<T: Send + Sync>() {}
    assert_send_sync::<Sentence>();
    assert_send_sync::<RelationSet>();
    assert_send_sync::<Constraints>();
    assert_send_sync::<ExtractOptions>();
    assert_send_sync::<Info>();
    assert_send_sync::<Input<'_>>();
    assert_send_sync::<InText<'_, Triple>>();
    assert_send_sync::<ExtractError>();
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
