//! From the scores of an entity extractor to pairs of subject and object, on plain slices, with no tensor library.
//!
//! Use this crate after a network of any framework has scored a sentence for one relation: each token has four
//! probabilities, subject start, subject end, object start and object end ([`PointerScores`], Eq. 6 of the RERE paper).
//! A [`PairingStrategy`] turns them into pairs of byte spans of the original text, each with a score.
//!
//! | strategy | from | pairs | score of a pair |
//! |---|---|---|---|
//! | [`Nearest`] | the paper, Section 4.2 | a subject and the objects near it | in \[0, 1\] |
//! | [`CrossProduct`] | the authors' published code | every subject with every object | may exceed 1 |
//!
//! [`Pairing`] names them in settings. The choice of a threshold is a matter of measuring: see [`CrossProduct`] for
//! the sweep that needs one run.
//!
//! # Example
//!
//! ```
//! use rere_core::{ByteSpan, Mention, Probability, Triple};
//! use rere_decode::{CrossProduct, Nearest, PairingStrategy, PointerScores, TokenizedText};
//!
//! let text = "Ada Lovelace was born in London";
//! let tokens = [(0, 3), (4, 12), (13, 16), (17, 21), (22, 24), (25, 31)];
//! let tokens = tokens.map(|(start, end)| ByteSpan::new(start, end));
//! #[rustfmt::skip]
//! let scores = [
//!     // subject start, subject end, object start, object end
//!     0.9, 0.1, 0.0, 0.0, // Ada
//!     0.2, 0.8, 0.0, 0.0, // Lovelace
//!     0.0, 0.0, 0.0, 0.0, // was
//!     0.0, 0.0, 0.0, 0.0, // born
//!     0.0, 0.0, 0.1, 0.0, // in
//!     0.0, 0.1, 0.7, 0.9, // London
//! ];
//! let sentence = TokenizedText::new(text, &tokens)?;
//! let scores = PointerScores::new(&scores, tokens.len())?;
//!
//! let threshold = Probability::new(0.5)?;
//! let pairs = Nearest::new(threshold).pair(scores, sentence)?;
//! assert_eq!(pairs.len(), 1);
//! assert_eq!(pairs[0].score, 0.7);
//! assert_eq!(CrossProduct::new(threshold).pair(scores, sentence)?.len(), 1);
//!
//! let triple = Triple {
//!     subject: Mention::at(text, pairs[0].subject)?,
//!     relation: "/people/person/place_of_birth".to_owned(),
//!     object: Mention::at(text, pairs[0].object)?,
//!     score: Some(Probability::saturating(pairs[0].score)),
//! };
//! assert_eq!((triple.subject.text.as_str(), triple.object.text.as_str()), ("Ada Lovelace", "London"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod casrel;
mod decoder;
mod error;
mod pair;
mod pair_classification;
mod scores;
mod spans;
mod table;
mod text;
mod threshold;
mod tplinker;
mod triple;

pub use casrel::{CasRel, CasRelScores, CasRelScratch, ScoredSpan};
pub use decoder::{Batch, Decoder};
pub use error::DecodeError;
pub use pair::{CrossProduct, Nearest, NearestScratch, Pairing, PairingStrategy, ScoredPair};
pub use pair_classification::{CandidateScores, PairClassification, PairClassificationScratch};
pub use scores::{PointerScores, Role, RoleScores, Scale};
pub use spans::SpanRule;
pub use table::TableScores;
pub use text::TokenizedText;
pub use threshold::Thresholds;
pub use tplinker::{HandshakeScores, TpLinker, TpLinkerScratch, handshake_row, handshake_rows};
pub use triple::TokenTriple;
