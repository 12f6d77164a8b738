//! Precision, recall and F1 of extracted triples.
//!
//! Use this crate to score the predictions of any system against gold triples, as the tables of the field do: micro
//! averages over sets of triples per sentence, and two triples equal under a [`TripleMatcher`].
//!
//! | to | use |
//! |---|---|
//! | pair the sentences of a gold and a predicted file | [`align()`] |
//! | count right, predicted and gold triples | [`count`] for a sentence, [`count_all`] for aligned ones, [`evaluate`] to do both; [`count_by_relation`] |
//! | turn counts into precision, recall and F1 | [`Score`], [`NamedScore`] |
//! | choose the threshold on a development set | [`best_threshold`]; [`counts_at`] for a threshold that is given |
//! | see that a corpus has no relation that the system does not know | [`check_relations`] |
//!
//! # Example
//!
//! ```
//! use rere_core::{Sentence, Triple};
//! use rere_eval::{Match, NamedScore, align, count_all};
//!
//! let with = |triples| Sentence { triples, ..Sentence::new("Ada Lovelace was born in London .") };
//! let born = "/people/person/place_of_birth";
//! let gold = [with(vec![Triple::of("Ada Lovelace", born, "London")])];
//! let predicted = [with(vec![Triple::of("Ada", born, "London"), Triple::of("London", born, "Ada")])];
//!
//! let aligned = align(&gold, &predicted)?;
//! for (matcher, right) in [(Match::Exact, 0), (Match::Partial, 1)] {
//!     let counts = count_all(&aligned, &matcher);
//!     assert_eq!((counts.right, counts.predicted, counts.gold), (right, 2, 1));
//!     println!("{:?}", NamedScore::new(matcher, counts));
//! }
//! # Ok::<(), rere_eval::EvalError>(())
//! ```

mod align;
mod error;
mod evaluate;
mod matcher;
mod score;
mod threshold;

pub use align::align;
pub use error::{EvalError, Side};
pub use evaluate::{check_relations, count, count_all, count_by_relation, evaluate};
pub use matcher::{Exact, Match, Partial, TripleMatcher, UnknownMatch};
pub use score::{Counts, NamedScore, Score};
pub use threshold::{best_threshold, counts_at};
