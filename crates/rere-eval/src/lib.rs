//! Precision, recall and F1 of extracted triples.
//!
//! Use this crate to score the triples of any extraction system against gold triples. It computes what the tables of
//! the field report: micro averages over the set of triples of each sentence. A [`TripleMatcher`] decides when two
//! triples are equal. The crate also chooses thresholds, draws curves, and tests whether a difference between two
//! systems is more than noise. It needs neither a model nor a GPU.
//!
//! # Examples
//!
//! Score plain lists of triples, one list per text:
//!
//! ```
//! use rere_eval::{Exact, Score, Triple, evaluate_lists};
//!
//! let born = Triple::of("Ada Lovelace", "born in", "London");
//! let gold = [vec![born.clone()], vec![Triple::of("London", "capital of", "England")]];
//! let predicted = [vec![born], vec![]];
//!
//! let score = Score::from_counts(evaluate_lists(&gold, &predicted, &Exact)?);
//! assert_eq!((score.precision, score.recall), (1.0, 0.5));
//! assert_eq!(
//!     score.to_string(),
//!     "precision 1.0000, recall 0.5000, F1 0.6667 (1 true positive, 1 predicted, 2 gold)"
//! );
//! # Ok::<(), rere_eval::EvalError>(())
//! ```
//!
//! Pair the sentences of two files once, then count with several matchers:
//!
//! ```
//! use rere_eval::{Match, NamedScore, Sentence, Triple, count_all, pair_sentences};
//!
//! let with = |triples| Sentence::new("Ada Lovelace was born in London .").with_triples(triples);
//! let born = "/people/person/place_of_birth";
//! let gold = [with(vec![Triple::of("Ada Lovelace", born, "London")])];
//! let predicted = [with(vec![Triple::of("Ada", born, "London"), Triple::of("London", born, "Ada")])];
//!
//! let pairs = pair_sentences(&gold, &predicted)?;
//! for (matcher, true_positives) in [(Match::Exact, 0), (Match::Partial, 1)] {
//!     let counts = count_all(&pairs, &matcher);
//!     assert_eq!((counts.true_positives, counts.predicted, counts.gold), (true_positives, 2, 1));
//!     println!("{}", NamedScore::new(matcher, counts));
//! }
//! # Ok::<(), rere_eval::EvalError>(())
//! ```
//!
//! # Overview
//!
//! | to | use |
//! |---|---|
//! | score lists of triples, without sentences | [`evaluate_lists`] |
//! | score sentences | [`evaluate()`]: it pairs the sentences, checks them and counts |
//! | pair the sentences of a gold and a predicted file | [`pair_sentences()`]; [`pair_sentences_counted`] if the files may disagree; [`SentencePairStream`] for streams, such as files that do not fit into memory |
//! | count true positives, predicted and gold triples | [`count`] for one sentence; [`count_all`], [`count_each`] or [`count_each_matcher`] for pairs of sentences; [`count_by_relation`] |
//! | choose when two triples are equal | [`Match`] by name; by strings [`Exact`], [`Partial`], [`LastWord`]; by offsets [`Begin`], [`Boundaries`], [`Strict`], with [`TripleMatcher::check`]; [`Entity`] for entities with several mentions, as in DocRED |
//! | count relations or entities alone | [`count_relations`], [`count_entities`] |
//! | score parts of a corpus | [`by_triples`], [`by_overlap`], [`by_length`], [`by_seen_entities`], [`by_seen_pairs`]; [`MacroScore`] for a mean over relations |
//! | turn counts into precision, recall and F1 | [`Score`], [`NamedScore`] |
//! | choose a threshold on a development set | [`best_threshold`]; [`best_relation_thresholds`] for one per relation; [`best_joint_thresholds`] for one on relations and one on triples; [`counts_at`] for the counts at a given threshold |
//! | see what each threshold does | [`precision_recall_curve`], [`average_precision`] and [`calibration`], on the output of [`scored()`] or [`scored_by_relation`] |
//! | turn scores into probabilities | [`ScoreCalibration`] |
//! | tell a difference from noise | [`compare`], which uses [`paired_bootstrap`] and [`approximate_randomisation`]; [`bootstrap`] for intervals of one system; [`Spread`] over seeds |
//! | tell false positives from missing labels | [`missing_labels`], with a more complete labelling |
//! | draw curves, calibration and F1 as SVG or PNG | `plot_precision_recall`, `plot_calibration`, `plot_f1` and `to_png`, with the feature `plot` |
//! | see predictions in their texts, right, wrong and missing, in a browser | `page::Page`, with the feature `page` |
//! | check that a system knows each relation of a corpus | [`check_relations`] |
//!
//! The types of [`rere_core`] in the signatures of this crate are re-exported.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_debug_implementations)]

mod breakdown;
mod counts;
mod curve;
mod error;
mod evaluate;
mod matcher;
mod missing;
#[cfg(feature = "page")]
pub mod page;
#[cfg(feature = "plot")]
mod plot;
mod score;
mod sentence_pairs;
mod significance;
mod threshold;

pub use rere_core;
#[doc(no_inline)]
pub use rere_core::{ByteSpan, Mention, Probability, RelationSet, Sentence, Triple};

pub use breakdown::{
    Breakdown, LENGTHS, SeenEntities, by_length, by_overlap, by_seen_entities, by_seen_pairs, by_triples,
};
pub use counts::Counts;
pub use curve::{
    BestRelationThresholds, Calibration, CalibrationBin, CurvePoint, JointScoredPredictions, JointThresholds,
    ScoreCalibration, ScoredPredictions, average_precision, best_joint_relation_thresholds, best_joint_thresholds,
    best_relation_thresholds, calibration, check_scores, precision_recall_curve, scored, scored_by_relation,
};
pub use error::{EvalError, MissingField, Side};
pub use evaluate::{
    check_relations, count, count_all, count_by_relation, count_each, count_each_matcher, count_entities,
    count_relations, evaluate, evaluate_lists,
};
pub use matcher::{
    AnyMentionKey, Begin, Boundaries, Entity, Exact, LastWord, Match, Partial, Strict, TripleMatcher, UnknownMatch,
};
pub use missing::{MissingCounts, missing_labels};
#[cfg(feature = "plot")]
pub use plot::{PlotError, plot_calibration, plot_f1, plot_precision_recall, to_png};
pub use score::{MacroScore, NamedScore, Score};
pub use sentence_pairs::{
    Agreement, Mismatches, SentencePairStream, SentencePairs, pair_sentences, pair_sentences_counted,
};
pub use significance::{
    Comparison, Interval, PairedBootstrap, ScoreIntervals, SignificanceError, Spread, Verdict,
    approximate_randomisation, bootstrap, compare, paired_bootstrap,
};
pub use threshold::{best_threshold, counts_at};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
