//! Precision, recall and F1 of extracted triples.
//!
//! Use this crate to score the predictions of any system against gold triples, as the tables of the field do: micro
//! averages over sets of triples per sentence, and two triples equal under a [`TripleMatcher`].
//!
//! | to | use |
//! |---|---|
//! | pair the sentences of a gold and a predicted file | [`pair_sentences()`]; [`pair_sentences_counted`] where they need not agree; [`SentencePairStream`] for streams, such as files that do not fit into memory |
//! | count right, predicted and gold triples | [`count`] for a sentence, [`count_all`] or [`count_each`] for aligned ones, [`count_each_matcher`] by several matchers at once, [`evaluate()`] to do both; [`evaluate_lists`] for lists of triples without sentences; [`count_by_relation`] |
//! | say when two triples are equal | [`Match`] by name; of strings [`Exact`], [`Partial`], [`LastWord`]; of places [`Begin`], [`Boundaries`], [`Strict`], with [`TripleMatcher::check`]; of entities with several mentions, as DocRED does, [`Entity`] |
//! | count relations or entities alone | [`count_relations`], [`count_entities`] |
//! | score parts of a corpus | [`by_triples`], [`by_overlap`], [`by_length`], [`by_seen_entities`], [`by_seen_pairs`]; [`MacroScore`] for a mean over relations |
//! | turn counts into precision, recall and F1 | [`Score`], [`NamedScore`] |
//! | choose the threshold on a development set | [`best_threshold`]; [`counts_at`] for a threshold that is given; [`best_relation_thresholds`] for one a relation; [`best_joint_thresholds`] for one on relations and one on triples |
//! | see what every threshold does | [`precision_recall_curve`], [`average_precision`], [`calibration`], on what [`scored()`] or [`scored_by_relation`] makes of aligned sentences |
//! | tell a difference from noise | [`compare`], of [`paired_bootstrap`] and [`approximate_randomisation`]; [`bootstrap`] for the intervals of one system; [`Spread`] over seeds |
//! | tell wrong predictions from missing labels | [`missing_labels`], beside a fuller labelling |
//! | draw curves, calibration and F1 as SVG, and as PNG | `plot_precision_recall`, `plot_calibration`, `plot_f1`, `to_png`, with the feature `plot` |
//! | see that a corpus has no relation that the system does not know | [`check_relations`] |
//!
//! Types of [`rere_core`] that the signatures of this crate name are exported here too.
//!
//! # Example
//!
//! ```
//! use rere_eval::{Match, NamedScore, Sentence, Triple, pair_sentences, count_all};
//!
//! let with = |triples| Sentence::new("Ada Lovelace was born in London .").with_triples(triples);
//! let born = "/people/person/place_of_birth";
//! let gold = [with(vec![Triple::of("Ada Lovelace", born, "London")])];
//! let predicted = [with(vec![Triple::of("Ada", born, "London"), Triple::of("London", born, "Ada")])];
//!
//! let aligned = pair_sentences(&gold, &predicted)?;
//! for (matcher, right) in [(Match::Exact, 0), (Match::Partial, 1)] {
//!     let counts = count_all(&aligned, &matcher);
//!     assert_eq!((counts.true_positives, counts.predicted, counts.gold), (right, 2, 1));
//!     println!("{:?}", NamedScore::new(matcher, counts));
//! }
//! # Ok::<(), rere_eval::EvalError>(())
//! ```

mod breakdown;
mod counts;
mod curve;
mod error;
mod evaluate;
mod matcher;
mod missing;
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
    BestRelationThresholds, Calibration, CalibrationBin, CurvePoint, JointScored, JointThresholds, ScoredPredictions,
    average_precision, best_joint_relation_thresholds, best_joint_thresholds, best_relation_thresholds, calibration,
    check_scores, precision_recall_curve, scored, scored_by_relation,
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
