//! Random corpora of triples that often agree in strings, words, offsets or types.

use proptest::prelude::*;
use rere_core::{ByteSpan, Mention, Sentence, Triple};
use rere_eval::{Counts, TripleMatcher};

/// The text of each sentence.
pub const TEXT: &str = "a b c a b a d";

/// A mention in [`TEXT`] by its byte offsets.
pub fn mention(start: usize, end: usize, entity_type: &str) -> Mention {
    Mention::at(TEXT, ByteSpan::new(start, end)).expect("a span of the text").with_entity_type(entity_type)
}

/// A triple of [`TEXT`] by the byte offsets of its subject and object, both of type `t`.
pub fn triple(subject: [usize; 2], relation: &str, object: [usize; 2]) -> Triple {
    let [subject, object] = [subject, object].map(|[start, end]| mention(start, end, "t"));
    Triple::new(subject, relation, object)
}

fn any_mention() -> impl Strategy<Value = Mention> {
    // "a", "a b", " a b", "b", "b a" and "c", some of them at several offsets.
    let spans = vec![(0, 1), (0, 3), (5, 9), (6, 9), (2, 3), (8, 9), (8, 11), (4, 5), (6, 7)];
    (prop::sample::select(spans), prop::sample::select(vec!["t", "t", "u"]))
        .prop_map(|((start, end), entity_type)| mention(start, end, entity_type))
}

/// Triples of one sentence.
pub fn triples() -> impl Strategy<Value = Vec<Triple>> {
    let triple = (any_mention(), prop::sample::select(vec!["r", "s"]), any_mention());
    let triple = triple.prop_map(|(subject, relation, object)| {
        let relation = relation.to_owned();
        Triple::new(subject, relation, object)
    });
    prop::collection::vec(triple, 0..8)
}

/// Gold and predicted sentences.
pub fn corpus() -> impl Strategy<Value = (Vec<Sentence>, Vec<Sentence>)> {
    let side = || (triples(), prop::collection::vec(any_mention(), 0..3));
    prop::collection::vec((side(), side()), 0..6).prop_map(|sentences| {
        let with = |(at, (triples, entities))| {
            // Sentences of different lengths.
            let text = format!("{TEXT}{}", " e".repeat(at));
            Sentence::new(text).with_id(format!("{at}")).with_triples(triples).with_entities(entities)
        };
        let (gold, predicted): (Vec<_>, Vec<_>) = sentences.into_iter().unzip();
        (gold.into_iter().enumerate().map(with).collect(), predicted.into_iter().enumerate().map(with).collect())
    })
}

/// Calls [`count`](rere_eval::count()) with a gold sentence that has only these triples.
pub fn count<'a>(
    gold: impl IntoIterator<Item = &'a Triple>,
    predicted: impl IntoIterator<Item = &'a Triple>,
    matcher: &impl TripleMatcher,
) -> Counts {
    let gold = Sentence::new(TEXT).with_triples(gold.into_iter().cloned());
    let predicted: Vec<Triple> = predicted.into_iter().cloned().collect();
    rere_eval::count(&gold, &predicted, matcher)
}
