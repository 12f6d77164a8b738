//! The public types can be sent to and shared between threads.

use std::collections::BTreeMap;

use rere_eval::{
    AnyMentionKey, BestRelationThresholds, Calibration, Comparison, Counts, CurvePoint, EvalError,
    JointScoredPredictions, Match, Mismatches, MissingCounts, NamedScore, PairedBootstrap, ScoreIntervals,
    ScoredPredictions, SeenEntities, SentencePairStream, SentencePairs, SignificanceError, Spread, UnknownMatch,
};

#[test]
fn types_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<(AnyMentionKey<'_>, BestRelationThresholds<'_>, Calibration, Comparison, Counts, CurvePoint, EvalError)>();
    check::<(JointScoredPredictions, Match, Mismatches, MissingCounts, NamedScore, PairedBootstrap, ScoreIntervals)>();
    check::<(ScoredPredictions, SeenEntities<'_>, SentencePairs<'_>, SignificanceError, Spread, UnknownMatch)>();
    check::<(SentencePairStream<(), (), ()>, BTreeMap<&str, ScoredPredictions>)>();
    #[cfg(feature = "page")]
    check::<(rere_eval::page::Page, rere_eval::page::PageFact, rere_eval::page::PageEvidence)>();
    #[cfg(feature = "plot")]
    check::<rere_eval::PlotError>();
}
