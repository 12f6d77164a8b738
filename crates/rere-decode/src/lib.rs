//! Decoders for relation extraction: from the scores of a network to spans, pairs and triples.
//!
//! Use this crate after a network of any framework has scored a sentence. It works on plain slices and needs no tensor
//! library. Scores are probabilities or logits ([`Scale`]) in a slice or an `ndarray` view. They are checked once, when
//! the input is made, so decoding cannot fail. A [`Decoder`] returns [`TokenTriple`]s, each with a score, best first.
//!
//! | decoder | scores of a sentence | source |
//! |---|---|---|
//! | [`Nearest`] | [`PointerScores`]: `[tokens, 4]` for one relation | RERE (ACL 2021), Section 4.2 |
//! | [`CasRel`] | `[tokens, 2]` for subjects, [`CasRelScores`]: `[tokens, relations, 2]` for each | CasRel (ACL 2020) |
//! | [`Correspondence`] | [`CorrespondenceScores`]: `[tokens, 4]` for one relation, `[tokens, tokens]` for all | PRGC (ACL 2021) |
//! | [`TpLinker`] | [`HandshakeScores`]: `[tokens (tokens + 1) / 2, 1 + 4 relations]`, or its cells over a floor | TPLinker (COLING 2020) |
//! | [`PairClassification`] | [`CandidateScores`]: `[pairs, relations]` | pair classification (paradigm P1) |
//! | [`Tags`] | [`TagScores`]: `[tokens, 1 + 8 relations]` | novel tagging (ACL 2017) |
//!
//! - [`Batch`] decodes many sentences of any lengths on all threads. It allocates nothing once its memory has grown.
//! - [`Constrained`] and [`Typed`] discard triples that cannot be true: spans that are too long, a second capital of a
//!   country, a person as the birthplace of a person.
//! - [`RelationThresholds`] holds one threshold for all relations or one for each.
//! - [`PointerScores::with_mask`] excludes separators and padding.
//! - [`merge_windows`] merges the triples of overlapping windows of a long text.
//! - [`TokenizedText`] maps tokens to bytes of the text; [`TokenTriple::to_triple`] makes a [`rere_core::Triple`].
//!
//! A [`PairingStrategy`] turns the pointer scores of one relation, with the text, into pairs of spans: [`Nearest`], and [`CrossProduct`], the procedure of the RERE authors' published code, which works on strings. [`Pairing`] names
//! them in settings, and [`AnyPairing`] is the one that the settings name.
//!
//! The types of [`rere_core`] and [`ndarray`] in the signatures of this crate are re-exported.
//!
//! # Example
//!
//! ```
//! use rere_decode::{ByteSpan, Decoder, Nearest, PointerScores, Probability, TokenizedText};
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
//! let scores = PointerScores::new(&scores, tokens.len())?;
//!
//! let mut found = Vec::new();
//! Nearest::new(Probability::new(0.5)?).decode(scores, &mut Default::default(), &mut found);
//! assert_eq!(found.len(), 1);
//! assert_eq!(found[0].score, 0.7);
//!
//! let sentence = TokenizedText::new(text, &tokens)?;
//! let triple = found[0].to_triple(sentence, "/people/person/place_of_birth").ok_or("a blank subject or object")?;
//! assert_eq!((triple.subject.text.as_str(), triple.object.text.as_str()), ("Ada Lovelace", "London"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod casrel;
mod constraint;
mod correspondence;
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

pub use ndarray;
pub use rere_core;
#[doc(no_inline)]
pub use rere_core::{ByteSpan, Probability, SpanError, TokenSpan};

pub use casrel::{CasRel, CasRelScores, CasRelScratch, ScoredSpan};
pub use constraint::{Constrained, ConstrainedScratch, Typed};
pub use correspondence::{Correspondence, CorrespondenceScores, CorrespondenceScratch};
pub use decoder::{Batch, Decoder};
pub use error::{DecodeError, ExpectedColumns};
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
pub use tplinker::{HandshakeCell, HandshakeScores, TpLinker, TpLinkerScratch, handshake_row, handshake_rows};
pub use triple::TokenTriple;
pub use window::merge_windows;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

const _: () = {
    const fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<DecodeError>();
    is_send_and_sync::<(PointerScores<'_>, TableScores<'_>, TokenizedText<'_>)>();
    is_send_and_sync::<(CasRelScores<'_>, HandshakeScores<'_>, CandidateScores<'_>, TagScores<'_>)>();
    is_send_and_sync::<(CasRel, TpLinker, PairClassification, Tags, AnyPairing, Constrained<Nearest>)>();
    is_send_and_sync::<(Correspondence, CorrespondenceScores<'_>, CorrespondenceScratch)>();
    is_send_and_sync::<(CasRelScratch, TpLinkerScratch, PairClassificationScratch, TagsScratch, PairingScratch)>();
    is_send_and_sync::<(Batch<Nearest>, RelationThresholds, TokenTriple, ScoredPair)>();
};
