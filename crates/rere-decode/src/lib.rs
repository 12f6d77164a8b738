//! From the scores of a network to triples: spans, pairs and triples of tokens, on plain slices, with no tensor library.
//!
//! Use this crate after a network of any framework has scored a sentence. Scores are probabilities or logits ([`Scale`]) in
//! a slice or an `ndarray` view; they are checked once, where the input is made, and decoding cannot fail. A [`Decoder`]
//! makes [`TokenTriple`]s of them, each with a score, best first.
//!
//! | decoder | scores of a sentence | from |
//! |---|---|---|
//! | [`Nearest`] | `[tokens, 4]` pointers for one relation, [`PointerScores`] | RERE (ACL 2021), Section 4.2 |
//! | [`CasRel`] | `[tokens, 2]` for subjects, then `[tokens, relations, 2]` for each, [`CasRelScores`] | CasRel (ACL 2020) |
//! | [`TpLinker`] | `[tokens (tokens + 1) / 2, 1 + 4 relations]`, [`HandshakeScores`] | TPLinker (COLING 2020) |
//! | [`PairClassification`] | `[pairs, relations]`, [`CandidateScores`] | the paradigm P1 |
//! | [`Tags`] | `[tokens, 1 + 8 relations]`, [`TagScores`] | novel tagging (ACL 2017) |
//!
//! - [`Batch`] decodes many sentences of any lengths, on all threads, without allocating once its memory has grown.
//! - [`Constrained`] and [`Typed`] leave out what cannot be: long spans, a second capital of a country, a person in a
//!   country's place; [`RelationThresholds`] has a threshold for each relation, [`PointerScores::with_mask`] leaves out
//!   separators and padding.
//! - [`merge_windows`] joins what was found in overlapping windows of a long text.
//! - [`TokenizedText`] makes bytes of a text of the tokens.
//!
//! A [`PairingStrategy`] goes from pointers to bytes at once: [`Nearest`], and [`CrossProduct`], the procedure of the RERE
//! authors' published code, which works on strings; [`Pairing`] names both in settings, [`AnyPairing`] is either.
//!
//! Types of [`rere_core`] that the signatures of this crate name are exported here too.
//!
//! # Example
//!
//! ```
//! use rere_decode::rere_core::{Mention, Triple};
//! use rere_decode::{ByteSpan, CrossProduct, Nearest, PairingStrategy, PointerScores, Probability, TokenizedText};
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
//! let [subject, object] = [pairs[0].subject, pairs[0].object].map(|span| Mention::at(text, span));
//! let triple = Triple::new(subject?, "/people/person/place_of_birth", object?)
//!     .with_score(Probability::saturating(pairs[0].score));
//! assert_eq!((triple.subject.text.as_str(), triple.object.text.as_str()), ("Ada Lovelace", "London"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod casrel;
mod constraint;
mod decoder;
mod error;
mod pair;
mod pair_classification;
mod scores;
mod spans;
mod table;
mod tags;
mod text;
mod threshold;
mod tplinker;
mod triple;
mod window;

pub use rere_core;
#[doc(no_inline)]
pub use rere_core::{ByteSpan, Probability, SpanError, TokenSpan};

pub use casrel::{CasRel, CasRelScores, CasRelScratch, ScoredSpan};
pub use constraint::{Constrained, ConstrainedScratch, Typed};
pub use decoder::{Batch, Decoder};
pub use error::DecodeError;
pub use pair::{
    AnyPairing, CrossProduct, CrossProductScratch, Nearest, NearestScratch, Pairing, PairingScratch, PairingStrategy,
    ScoredPair,
};
pub use pair_classification::{CandidateScores, PairClassification, PairClassificationScratch};
pub use scores::{PointerScores, Role, Scale};
pub use spans::SpanRule;
pub use table::TableScores;
pub use tags::{TagScores, Tags, TagsScratch};
pub use text::TokenizedText;
pub use threshold::RelationThresholds;
pub use tplinker::{HandshakeScores, TpLinker, TpLinkerScratch, handshake_row, handshake_rows};
pub use triple::TokenTriple;
pub use window::merge_windows;
