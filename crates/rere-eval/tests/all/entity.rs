//! Entities with several mentions: a document of DocRED's by hand, each rule by hand, and the whole against a plain
//! second writing of it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rere_core::{ByteSpan, Mention, Probability, Sentence, Triple};
use rere_eval::{
    AnyMentionKey, Counts, Entity, Exact, Match, MissingCounts, Score, ScoredPredictions, SeenEntities, TripleMatcher,
    bootstrap, by_length, by_overlap, by_seen_entities, by_seen_pairs, by_triples, count, count_all, count_by_relation,
    count_each, count_entities, counts_at, evaluate, missing_labels, scored, scored_by_relation,
};

use crate::corpora::{TEXT, corpus, mention};

fn counts(right: usize, predicted: usize, gold: usize) -> Counts {
    Counts { true_positives: right, predicted, gold }
}

fn triple(subject: Mention, relation: &str, object: Mention) -> Triple {
    Triple::new(subject, relation, object)
}

/// A document as the DocRED reader gives it: each label joins the two nearest mentions of its entities.
fn document() -> Sentence {
    let text = "Ilse Brandt sings . Brandt lives in Oslo . Oslo is in Norway .";
    let at = |start, end, entity: &str| {
        let place = Mention::at(text, ByteSpan::new(start, end)).expect("a span of the text");
        place.with_entity(entity)
    };
    let (brandt, oslo, oslo_again, norway) = (at(20, 26, "0"), at(36, 40, "1"), at(43, 47, "1"), at(54, 60, "2"));
    let triples = vec![
        triple(brandt.clone(), "P551", oslo),
        triple(oslo_again, "P17", norway.clone()),
        triple(brandt, "P27", norway),
    ];
    Sentence::new(text).with_id("D").with_triples(triples).with_entities(vec![at(0, 11, "0")])
}

/// What a system without spans finds in it.
fn found() -> Sentence {
    let triples = [("Ilse Brandt", "P551", "Oslo"), ("Oslo", "P17", "Norway"), ("Ilse Brandt", "P27", "Norway")];
    let triples = triples.map(|(subject, relation, object)| {
        Triple::of(subject, relation, object).with_score(Probability::saturating(0.5))
    });
    document().with_entities(vec![]).with_triples(triples.to_vec())
}

#[test]
fn an_entity_is_right_by_any_of_its_mentions() {
    let (gold, predicted) = (document(), found());
    let whole = |matcher| evaluate(std::slice::from_ref(&gold), std::slice::from_ref(&predicted), &matcher);
    assert_eq!(whole(Match::Exact), Ok(counts(1, 3, 3)));
    assert_eq!(whole(Match::Entity), Ok(counts(3, 3, 3)));

    let aligned = [(&gold, &predicted)];
    let one = counts(1, 1, 1);
    assert_eq!(count_by_relation(&aligned, &Entity), BTreeMap::from([("P17", one), ("P27", one), ("P551", one)]));
    // Gold mentions are Ilse Brandt, Brandt, Oslo and Norway: four surfaces, three entities.
    assert_eq!(count_entities(&aligned, &Exact), counts(3, 3, 4));
    assert_eq!(count_entities(&aligned, &Entity), counts(3, 3, 3));
    assert_eq!(by_triples(&aligned, &Entity)[3], ("3".to_owned(), counts(3, 3, 3)));
    assert_eq!(by_seen_pairs(&aligned, &Entity, &SeenEntities::of([&gold]))[0].1, counts(3, 3, 3));
    let intervals = bootstrap(&count_each(&aligned, &Entity), 100, 1, 0.95).expect("intervals");
    assert_eq!((intervals.f1.low, intervals.f1.high), (1.0, 1.0));
    assert_eq!(scored(&aligned, &Entity), Ok(ScoredPredictions { items: vec![(0.5, true); 3], gold: 3 }));
    // Spans that are not gold ones: by the surface.
    let place = |start, end| Mention::at(&gold.text, ByteSpan::new(start, end)).expect("a span of the text");
    assert_eq!(count(&gold, &[triple(place(35, 40), "P17", place(53, 61))], &Entity), counts(1, 1, 3));
    assert_eq!(count(&gold, &[triple(place(33, 40), "P17", place(54, 60))], &Entity), counts(0, 1, 3));
}

#[test]
fn a_fuller_labelling_means_the_same_entities() {
    let (full, predicted) = (document(), found());
    let mut gold = document();
    // The label is missing, the entities of the document stay.
    let missing = gold.triples.remove(0);
    gold.entities.extend([missing.subject, missing.object]);
    let (all, _) = missing_labels([[&gold, &predicted, &full]], &Entity);
    assert_eq!(all, MissingCounts { true_positives: 2, missing: 1, predicted: 3, gold: 2, either: 3 });
    let (all, _) = missing_labels([[&gold, &predicted, &full]], &Exact);
    assert_eq!(all, MissingCounts { true_positives: 1, missing: 0, predicted: 3, gold: 2, either: 3 });
}

/// A mention without a span, of an entity if one is given.
fn named(text: &str, entity: Option<&str>) -> Mention {
    {
        let mut mention = Mention::of(text);
        mention.entity = entity.map(str::to_owned);
        mention
    }
}

#[test]
fn the_gold_sentence_says_what_a_mention_means() {
    let of = |mention: Mention, entity: &str| mention.with_entity(entity);
    // "a b" at 0 is entity x, and so is "c"; "a b" at 6 is entity y; "d" is in a negative, "b" at 2 has no entity.
    let gold = Sentence::new(TEXT)
        .with_triples(vec![triple(of(mention(0, 3, "t"), "x"), "r", of(mention(6, 9, "t"), "y"))])
        .with_negatives(vec![triple(of(mention(12, 13, "t"), "z"), "none", mention(2, 3, "t"))])
        .with_entities(vec![of(mention(4, 5, "t"), "x")]);
    let meant = |mention: &Mention| {
        Entity.predicted_mention_key(mention, &gold).map(|part| match part {
            AnyMentionKey::Entity(id) => format!("entity {id}"),
            part => format!("{part:?}"),
        })
    };
    for (predicted, expected) in [
        // By the span, whatever the type.
        (mention(6, 9, "u"), "entity y"),
        (mention(0, 3, "t"), "entity x"),
        (mention(12, 13, "t"), "entity z"),
        (mention(2, 3, "t"), "Surface(\"b\")"),
        // No gold mention stands there: by the surface, without white space around it.
        (mention(11, 13, "t"), "entity z"),
        (named("c", None), "entity x"),
        (named("\u{3000}d", None), "entity z"),
        // Two entities have the surface: the least, unless its own id is one of them.
        (named("a b", None), "entity x"),
        (named("a b", Some("y")), "entity y"),
        (named("a b", Some("z")), "entity x"),
        // Neither: an id by itself means nothing.
        (named("e ", None), "Surface(\"e\")"),
        (named("e", Some("x")), "Surface(\"e\")"),
        (named("x", None), "Surface(\"x\")"),
    ] {
        assert_eq!(meant(&predicted).as_deref(), Ok(expected), "{predicted:?}");
    }
}

#[test]
fn an_ambiguous_surface_counts_once() {
    // Two cities called Paris, both in the gold triples of relation s, one in that of r.
    let texan = || named("Paris", Some("1"));
    let gold = Sentence::new("")
        .with_triples(vec![
            triple(texan(), "r", named("Texas", Some("2"))),
            triple(named("Paris", Some("0")), "s", named("Earth", Some("3"))),
            triple(texan(), "s", named("Earth", Some("3"))),
        ])
        .with_entities(vec![named("Paris, Texas", Some("1")), named("Lutetia", Some("0"))]);
    for (predicted, expected) in [
        // Right by one reading, and never two gold triples by one prediction.
        (vec![("Paris", "r", "Texas")], counts(1, 1, 3)),
        (vec![("Paris", "s", "Earth")], counts(1, 1, 3)),
        (vec![("Lutetia", "r", "Texas")], counts(0, 1, 3)),
        // Mentions of one entity are one prediction.
        (vec![("Paris", "r", "Texas"), ("Paris, Texas", "r", "Texas")], counts(1, 1, 3)),
        (vec![("Paris", "r", "Texas"), ("Lutetia", "r", "Texas")], counts(1, 2, 3)),
        (vec![("Lutetia", "s", "Earth"), ("Paris, Texas", "s", "Earth")], counts(2, 2, 3)),
        (vec![("Paris", "s", "Earth"), ("Lutetia", "s", "Earth")], counts(1, 1, 3)),
        (vec![("Paris", "s", "Earth"), ("Paris, Texas", "s", "Earth")], counts(2, 2, 3)),
        // No reading is gold: one wrong prediction, that of the least reading.
        (vec![("Paris", "r", "Earth")], counts(0, 1, 3)),
        (vec![("Paris", "r", "Earth"), ("Lutetia", "r", "Earth")], counts(0, 1, 3)),
        (vec![("Paris", "r", "Paris"), ("Lutetia", "r", "Lutetia")], counts(0, 1, 3)),
    ] {
        let triples: Vec<_> = predicted.iter().map(|&(s, r, o)| Triple::of(s, r, o)).collect();
        assert_eq!(count(&gold, &triples, &Entity), expected, "{predicted:?}");
    }
    // An id chooses between readings that are gold, and not against one.
    let with = |id, relation, object| triple(named("Paris", Some(id)), relation, Mention::of(object));
    assert_eq!(count(&gold, &[with("0", "s", "Earth"), with("1", "s", "Earth")], &Entity), counts(2, 2, 3));
    assert_eq!(count(&gold, &[with("0", "r", "Texas"), with("7", "r", "Texas")], &Entity), counts(1, 1, 3));
}

/// Gold and predicted sentences whose mentions may be of an entity and may have no span.
fn clustered() -> impl Strategy<Value = (Vec<Sentence>, Vec<Sentence>)> {
    let id = prop::sample::select(vec![None, Some("1"), Some("2"), Some("a")]);
    let marks = prop::collection::vec((id, prop::bool::weighted(0.6)), 200);
    (corpus(), marks.clone(), marks).prop_map(|((mut gold, mut predicted), of_gold, of_predicted)| {
        for (side, marks) in [(&mut gold, of_gold), (&mut predicted, of_predicted)] {
            let mut marks = marks.into_iter().cycle();
            for sentence in side.iter_mut() {
                // The last triples of the gold side are negatives.
                let negatives = sentence.triples.split_off(sentence.triples.len() * 2 / 3);
                sentence.negatives = negatives;
                let triples = sentence.triples.iter_mut().chain(&mut sentence.negatives);
                let joined = triples.flat_map(|triple| [&mut triple.subject, &mut triple.object]);
                for (mention, (id, placed)) in joined.chain(&mut sentence.entities).zip(&mut marks) {
                    mention.entity = id.map(str::to_owned);
                    mention.span = mention.span.filter(|_| placed);
                }
                for (at, triple) in sentence.triples.iter_mut().enumerate() {
                    triple.score = Some(Probability::saturating(at as f32 / 8.0));
                }
            }
        }
        (gold, predicted)
    })
}

fn without_ids(sentences: &[Sentence]) -> Vec<Sentence> {
    let mut sentences = sentences.to_vec();
    for sentence in &mut sentences {
        let triples = sentence.triples.iter_mut().chain(&mut sentence.negatives);
        let joined = triples.flat_map(|triple| [&mut triple.subject, &mut triple.object]);
        joined.chain(&mut sentence.entities).for_each(|mention| mention.entity = None);
    }
    sentences
}

type Fact = (String, String, String);

/// An entity as a string: ids come after surfaces.
fn entity(mention: &Mention) -> String {
    mention.entity.as_ref().map_or_else(|| mention.text.trim().to_owned(), |id| format!("~{id}"))
}

/// Everything that a predicted mention may mean.
fn readings(mention: &Mention, gold: &Sentence) -> BTreeSet<String> {
    let mut known: Vec<&Mention> = gold.entities.iter().collect();
    for triple in gold.triples.iter().chain(&gold.negatives) {
        known.extend([&triple.subject, &triple.object]);
    }
    let in_place: BTreeSet<_> = known
        .iter()
        .filter(|known| known.span.is_some() && known.span == mention.span)
        .map(|known| entity(known))
        .collect();
    if !in_place.is_empty() {
        return in_place;
    }
    let by_name: BTreeSet<_> =
        known.iter().filter(|known| known.text.trim() == mention.text.trim()).map(|known| entity(known)).collect();
    if !by_name.is_empty() {
        return by_name;
    }
    BTreeSet::from([mention.text.trim().to_owned()])
}

fn facts(gold: &Sentence) -> BTreeSet<Fact> {
    let triples = gold.triples.iter();
    triples.map(|triple| (entity(&triple.subject), triple.relation.clone(), entity(&triple.object))).collect()
}

/// Every reading of a predicted triple.
fn every(triple: &Triple, gold: &Sentence) -> Vec<Fact> {
    let mut every = Vec::new();
    for subject in readings(&triple.subject, gold) {
        for object in readings(&triple.object, gold) {
            every.push((subject.clone(), triple.relation.clone(), object));
        }
    }
    every
}

/// The counts of a sentence by the definition, reading by reading.
fn reference(gold: &Sentence, predicted: &[Triple]) -> Counts {
    let facts = facts(gold);
    let mut read = BTreeSet::new();
    for triple in predicted {
        let mut left = every(triple, gold);
        if left.iter().any(|reading| facts.contains(reading)) {
            left.retain(|reading| facts.contains(reading));
        }
        let agreeing = |reading: &Fact| {
            [&triple.subject, &triple.object]
                .into_iter()
                .zip([&reading.0, &reading.2])
                .filter(|(own, other)| entity(own) == **other)
                .count()
        };
        let most = left.iter().map(agreeing).max().expect("a reading");
        left.retain(|reading| agreeing(reading) == most);
        read.insert(left.into_iter().min().expect("a reading"));
    }
    counts(read.intersection(&facts).count(), read.len(), facts.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn as_the_reference((gold, predicted) in clustered()) {
        let expected: Counts = gold.iter().zip(&predicted).map(|(gold, found)| reference(gold, &found.triples)).sum();
        for counted in [evaluate(&gold, &predicted, &Entity), evaluate(&gold, &predicted, &Match::Entity)] {
            prop_assert_eq!(counted, Ok(expected));
        }
    }

    #[test]
    fn a_triple_is_right_if_any_reading_is((gold, predicted) in clustered()) {
        let anonymous = without_ids(&predicted);
        for ((gold, predicted), anonymous) in gold.iter().zip(&predicted).zip(&anonymous) {
            let facts = facts(gold);
            for (triple, without_id) in predicted.triples.iter().zip(&anonymous.triples) {
                let right = every(triple, gold).iter().any(|reading| facts.contains(reading));
                let expected = counts(right.into(), 1, facts.len());
                prop_assert_eq!(count(gold, [triple], &Entity), expected);
                // Ids of predictions change nothing about it.
                prop_assert_eq!(count(gold, [without_id], &Entity), expected);
            }
        }
    }

    #[test]
    fn without_gold_entities_as_exact((gold, predicted) in clustered(), (train, full) in clustered()) {
        let gold = without_ids(&gold);
        let aligned: Vec<_> = gold.iter().zip(&predicted).collect();
        prop_assert_eq!(count_each(&aligned, &Entity), count_each(&aligned, &Exact));
        prop_assert_eq!(count_by_relation(&aligned, &Entity), count_by_relation(&aligned, &Exact));
        prop_assert_eq!(count_entities(&aligned, &Entity), count_entities(&aligned, &Exact));
        prop_assert_eq!(by_overlap(&aligned, &Entity), by_overlap(&aligned, &Exact));
        let seen = SeenEntities::of(&train);
        prop_assert_eq!(by_seen_entities(&aligned, &Entity, &seen), by_seen_entities(&aligned, &Exact, &seen));
        prop_assert_eq!(scored_by_relation(&aligned, &Entity), scored_by_relation(&aligned, &Exact));
        let sides = || aligned.iter().zip(&full).map(|(&(gold, predicted), full)| [gold, predicted, full]);
        prop_assert_eq!(missing_labels(sides(), &Entity), missing_labels(sides(), &Exact));
    }

    #[test]
    fn gold_against_itself_is_perfect((gold, _) in clustered()) {
        let score = Score::from_counts(evaluate(&gold, &gold, &Entity).expect("the same sentences"));
        let perfect = if score.counts.gold == 0 { 0.0 } else { 1.0 };
        prop_assert_eq!((score.precision, score.recall), (perfect, perfect));
        let aligned: Vec<_> = gold.iter().map(|gold| (gold, gold)).collect();
        let Counts { true_positives: right, predicted, gold } = count_entities(&aligned, &Entity);
        prop_assert_eq!((right, predicted), (gold, gold));
    }

    #[test]
    fn parts_and_thresholds_agree_with_counts((gold, predicted) in clustered(), (train, _) in clustered()) {
        let aligned: Vec<_> = gold.iter().zip(&predicted).collect();
        let whole = count_all(&aligned, &Entity);
        let seen = SeenEntities::of(&train);
        for parts in [
            by_triples(&aligned, &Entity),
            by_length(&aligned, &Entity, [14, 18]),
            by_seen_entities(&aligned, &Entity, &seen),
            by_seen_pairs(&aligned, &Entity, &seen),
        ] {
            prop_assert_eq!(parts.into_iter().map(|(_, counts)| counts).sum::<Counts>(), whole);
        }
        prop_assert_eq!(count_by_relation(&aligned, &Entity).into_values().sum::<Counts>(), whole);
        let ScoredPredictions { items, gold: number } = scored(&aligned, &Entity).expect("scores");
        for threshold in [0.0, 0.2, 0.4, 1.0].map(Probability::saturating) {
            let mut kept = predicted.clone();
            kept.iter_mut().for_each(|sentence| sentence.triples.retain(|triple| triple.score >= Some(threshold)));
            let kept: Vec<_> = gold.iter().zip(&kept).collect();
            prop_assert_eq!(counts_at(&items, number, threshold), count_all(&kept, &Entity));
        }
    }

    #[test]
    fn the_mention_that_is_named_does_not_matter((gold, predicted) in clustered(), seed: prop::sample::Index) {
        // Every predicted mention that means one entity is replaced by another gold mention of that entity.
        let mut renamed = predicted.clone();
        for (gold, sentence) in gold.iter().zip(&mut renamed) {
            let mut known: Vec<&Mention> = gold.entities.iter().collect();
            known.extend(gold.triples.iter().flat_map(|triple| [&triple.subject, &triple.object]));
            for mention in sentence.triples.iter_mut().flat_map(|triple| [&mut triple.subject, &mut triple.object]) {
                let meant = readings(mention, gold);
                let same = |other: &&&Mention| meant.len() == 1 && readings(other, gold) == meant;
                let others: Vec<_> = known.iter().filter(same).collect();
                if !others.is_empty() {
                    let other: Mention = (**seed.get(&others)).clone();
                    *mention = { let mut made = other; made.entity = mention.entity.clone(); made };
                }
            }
        }
        prop_assert_eq!(evaluate(&gold, &predicted, &Entity), evaluate(&gold, &renamed, &Entity));
    }
}
