//! Entities with several mentions: a document in the style of DocRED by hand, each rule by hand, and the matcher
//! against a second implementation.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rere_core::{ByteSpan, Mention, Probability, Sentence, Triple};
use rere_eval::{
    AnyMentionKey, Counts, Entity, Exact, Match, MissingCounts, Score, ScoredPredictions, SeenEntities, TripleMatcher,
    bootstrap, by_length, by_overlap, by_seen_entities, by_seen_pairs, by_triples, count, count_all, count_by_relation,
    count_each, count_entities, counts_at, evaluate, missing_labels, scored, scored_by_relation,
};

use crate::corpora::{TEXT, corpus, mention};

fn counts(true_positives: usize, predicted: usize, gold: usize) -> Counts {
    Counts { true_positives, predicted, gold }
}

fn triple(subject: Mention, relation: &str, object: Mention) -> Triple {
    Triple::new(subject, relation, object)
}

/// A document as the DocRED reader gives it: each label joins the two nearest mentions of its entities.
fn document() -> Sentence {
    let text = "Ilse Brandt sings . Brandt lives in Oslo . Oslo is in Norway .";
    let at = |start, end, entity: &str| {
        Mention::at(text, ByteSpan::new(start, end)).expect("a span of the text").with_entity(entity)
    };
    let (brandt, oslo, oslo_again, norway) = (at(20, 26, "0"), at(36, 40, "1"), at(43, 47, "1"), at(54, 60, "2"));
    let triples = vec![
        triple(brandt.clone(), "P551", oslo),
        triple(oslo_again, "P17", norway.clone()),
        triple(brandt, "P27", norway),
    ];
    Sentence::new(text).with_id("D").with_triples(triples).with_entities(vec![at(0, 11, "0")])
}

/// The predictions of a system without spans for [`document`].
fn prediction() -> Sentence {
    let triples = [("Ilse Brandt", "P551", "Oslo"), ("Oslo", "P17", "Norway"), ("Ilse Brandt", "P27", "Norway")];
    let triples = triples.map(|(subject, relation, object)| {
        Triple::of(subject, relation, object).with_score(Probability::saturating(0.5))
    });
    document().with_entities(vec![]).with_triples(triples.to_vec())
}

#[test]
fn any_mention_names_its_entity() {
    let (gold, predicted) = (document(), prediction());
    let counted = |matcher| evaluate(std::slice::from_ref(&gold), std::slice::from_ref(&predicted), &matcher);
    assert_eq!(counted(Match::Exact), Ok(counts(1, 3, 3)));
    assert_eq!(counted(Match::Entity), Ok(counts(3, 3, 3)));

    let pairs = [(&gold, &predicted)];
    let one = counts(1, 1, 1);
    assert_eq!(count_by_relation(&pairs, &Entity), BTreeMap::from([("P17", one), ("P27", one), ("P551", one)]));
    // The gold mentions are Ilse Brandt, Brandt, Oslo and Norway: four surfaces, three entities.
    assert_eq!(count_entities(&pairs, &Exact), counts(3, 3, 4));
    assert_eq!(count_entities(&pairs, &Entity), counts(3, 3, 3));
    assert_eq!(by_triples(&pairs, &Entity)[3], ("3".to_owned(), counts(3, 3, 3)));
    assert_eq!(by_seen_pairs(&pairs, &Entity, &SeenEntities::of([&gold]))[0].1, counts(3, 3, 3));
    let intervals = bootstrap(&count_each(&pairs, &Entity), 100, 1, 0.95).expect("intervals");
    assert_eq!((intervals.f1.low, intervals.f1.high), (1.0, 1.0));
    assert_eq!(scored(&pairs, &Entity), Ok(ScoredPredictions { items: vec![(0.5, true); 3], gold: 3 }));
    // Without a gold mention at the span, the surface decides.
    let at = |start, end| Mention::at(&gold.text, ByteSpan::new(start, end)).expect("a span of the text");
    assert_eq!(count(&gold, &[triple(at(35, 40), "P17", at(53, 61))], &Entity), counts(1, 1, 3));
    assert_eq!(count(&gold, &[triple(at(33, 40), "P17", at(54, 60))], &Entity), counts(0, 1, 3));
}

#[test]
fn a_more_complete_labelling_names_the_same_entities() {
    let (full, predicted) = (document(), prediction());
    let mut gold = document();
    // The label is missing, but the entities of the document are kept.
    let missing = gold.triples.remove(0);
    gold.entities.extend([missing.subject, missing.object]);
    let (all, _) = missing_labels([[&gold, &predicted, &full]], &Entity);
    assert_eq!(all, MissingCounts { true_positives: 2, missing: 1, predicted: 3, gold: 2, either: 3 });
    let (all, _) = missing_labels([[&gold, &predicted, &full]], &Exact);
    assert_eq!(all, MissingCounts { true_positives: 1, missing: 0, predicted: 3, gold: 2, either: 3 });
}

/// A mention without a span, with the id of an entity if one is given.
fn named(text: &str, entity: Option<&str>) -> Mention {
    let mut mention = Mention::of(text);
    mention.entity = entity.map(str::to_owned);
    mention
}

#[test]
fn the_gold_sentence_decides_what_a_mention_means() {
    // "a b" at 0 is entity x, and so is "c"; "a b" at 6 is entity y; "d" is in a negative, "b" at 2 has no entity.
    let gold = Sentence::new(TEXT)
        .with_triples(vec![triple(mention(0, 3, "t").with_entity("x"), "r", mention(6, 9, "t").with_entity("y"))])
        .with_negatives(vec![triple(mention(12, 13, "t").with_entity("z"), "none", mention(2, 3, "t"))])
        .with_entities(vec![mention(4, 5, "t").with_entity("x")]);
    let meant = |mention: &Mention| {
        Entity.predicted_mention_key(mention, &gold).map(|key| match key {
            AnyMentionKey::Entity(id) => format!("entity {id}"),
            key => format!("{key:?}"),
        })
    };
    for (predicted, expected) in [
        // By the span, whatever the entity type.
        (mention(6, 9, "u"), "entity y"),
        (mention(0, 3, "t"), "entity x"),
        (mention(12, 13, "t"), "entity z"),
        (mention(2, 3, "t"), "Surface(\"b\")"),
        // No gold mention has the span: by the surface, without surrounding white space.
        (mention(11, 13, "t"), "entity z"),
        (named("c", None), "entity x"),
        (named("\u{3000}d", None), "entity z"),
        // Two entities have the surface: the first one, unless the mention's own id is one of them.
        (named("a b", None), "entity x"),
        (named("a b", Some("y")), "entity y"),
        (named("a b", Some("z")), "entity x"),
        // No gold mention has the span or the surface: an id alone has no meaning.
        (named("e ", None), "Surface(\"e\")"),
        (named("e", Some("x")), "Surface(\"e\")"),
        (named("x", None), "Surface(\"x\")"),
    ] {
        assert_eq!(meant(&predicted).as_deref(), Ok(expected), "{predicted:?}");
    }
}

#[test]
fn an_ambiguous_surface_counts_once() {
    // Two cities called Paris: both have a gold triple with relation s, one has a gold triple with relation r.
    let texan = || named("Paris", Some("1"));
    let gold = Sentence::new("")
        .with_triples(vec![
            triple(texan(), "r", named("Texas", Some("2"))),
            triple(named("Paris", Some("0")), "s", named("Earth", Some("3"))),
            triple(texan(), "s", named("Earth", Some("3"))),
        ])
        .with_entities(vec![named("Paris, Texas", Some("1")), named("Lutetia", Some("0"))]);
    for (predicted, expected) in [
        // Correct by one reading, and one prediction never matches two gold triples.
        (vec![("Paris", "r", "Texas")], counts(1, 1, 3)),
        (vec![("Paris", "s", "Earth")], counts(1, 1, 3)),
        (vec![("Lutetia", "r", "Texas")], counts(0, 1, 3)),
        // Predictions with mentions of the same entity count once.
        (vec![("Paris", "r", "Texas"), ("Paris, Texas", "r", "Texas")], counts(1, 1, 3)),
        (vec![("Paris", "r", "Texas"), ("Lutetia", "r", "Texas")], counts(1, 2, 3)),
        (vec![("Lutetia", "s", "Earth"), ("Paris, Texas", "s", "Earth")], counts(2, 2, 3)),
        (vec![("Paris", "s", "Earth"), ("Lutetia", "s", "Earth")], counts(1, 1, 3)),
        (vec![("Paris", "s", "Earth"), ("Paris, Texas", "s", "Earth")], counts(2, 2, 3)),
        // No reading is gold: one false positive, with the first reading.
        (vec![("Paris", "r", "Earth")], counts(0, 1, 3)),
        (vec![("Paris", "r", "Earth"), ("Lutetia", "r", "Earth")], counts(0, 1, 3)),
        (vec![("Paris", "r", "Paris"), ("Lutetia", "r", "Lutetia")], counts(0, 1, 3)),
    ] {
        let triples: Vec<_> = predicted.iter().map(|&(s, r, o)| Triple::of(s, r, o)).collect();
        assert_eq!(count(&gold, &triples, &Entity), expected, "{predicted:?}");
    }
    // An id chooses between gold readings, and never prefers a wrong one.
    let with = |id, relation, object| triple(named("Paris", Some(id)), relation, Mention::of(object));
    assert_eq!(count(&gold, &[with("0", "s", "Earth"), with("1", "s", "Earth")], &Entity), counts(2, 2, 3));
    assert_eq!(count(&gold, &[with("0", "r", "Texas"), with("7", "r", "Texas")], &Entity), counts(1, 1, 3));
}

/// Gold and predicted sentences, some of whose mentions have an entity and some no span.
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
                for (mention, (id, has_span)) in joined.chain(&mut sentence.entities).zip(&mut marks) {
                    mention.entity = id.map(str::to_owned);
                    mention.span = mention.span.filter(|_| has_span);
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

/// An entity as a string that sorts ids after surfaces.
fn entity(mention: &Mention) -> String {
    mention.entity.as_ref().map_or_else(|| mention.text.trim().to_owned(), |id| format!("~{id}"))
}

/// All entities that a predicted mention can mean.
fn readings(mention: &Mention, gold: &Sentence) -> BTreeSet<String> {
    let mut known: Vec<&Mention> = gold.entities.iter().collect();
    for triple in gold.triples.iter().chain(&gold.negatives) {
        known.extend(triple.mentions());
    }
    let by_span: BTreeSet<_> = known
        .iter()
        .filter(|known| known.span.is_some() && known.span == mention.span)
        .map(|known| entity(known))
        .collect();
    if !by_span.is_empty() {
        return by_span;
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

/// All readings of a predicted triple.
fn triple_readings(triple: &Triple, gold: &Sentence) -> Vec<Fact> {
    let mut readings_of_triple = Vec::new();
    for subject in readings(&triple.subject, gold) {
        for object in readings(&triple.object, gold) {
            readings_of_triple.push((subject.clone(), triple.relation.clone(), object));
        }
    }
    readings_of_triple
}

/// Counts a sentence by the definition, reading by reading.
fn reference(gold: &Sentence, predicted: &[Triple]) -> Counts {
    let facts = facts(gold);
    let mut read = BTreeSet::new();
    for triple in predicted {
        let mut left = triple_readings(triple, gold);
        if left.iter().any(|reading| facts.contains(reading)) {
            left.retain(|reading| facts.contains(reading));
        }
        let agreeing = |reading: &Fact| {
            triple
                .mentions()
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
    fn a_triple_is_correct_if_any_reading_is((gold, predicted) in clustered()) {
        let anonymous = without_ids(&predicted);
        for ((gold, predicted), anonymous) in gold.iter().zip(&predicted).zip(&anonymous) {
            let facts = facts(gold);
            for (triple, without_id) in predicted.triples.iter().zip(&anonymous.triples) {
                let is_correct = triple_readings(triple, gold).iter().any(|reading| facts.contains(reading));
                let expected = counts(is_correct.into(), 1, facts.len());
                prop_assert_eq!(count(gold, [triple], &Entity), expected);
                // Ids of predictions do not change the counts.
                prop_assert_eq!(count(gold, [without_id], &Entity), expected);
            }
        }
    }

    #[test]
    fn without_gold_entities_as_exact((gold, predicted) in clustered(), (train, full) in clustered()) {
        let gold = without_ids(&gold);
        let pairs: Vec<_> = gold.iter().zip(&predicted).collect();
        prop_assert_eq!(count_each(&pairs, &Entity), count_each(&pairs, &Exact));
        prop_assert_eq!(count_by_relation(&pairs, &Entity), count_by_relation(&pairs, &Exact));
        prop_assert_eq!(count_entities(&pairs, &Entity), count_entities(&pairs, &Exact));
        prop_assert_eq!(by_overlap(&pairs, &Entity), by_overlap(&pairs, &Exact));
        let seen = SeenEntities::of(&train);
        prop_assert_eq!(by_seen_entities(&pairs, &Entity, &seen), by_seen_entities(&pairs, &Exact, &seen));
        prop_assert_eq!(scored_by_relation(&pairs, &Entity), scored_by_relation(&pairs, &Exact));
        let sides = || pairs.iter().zip(&full).map(|(&(gold, predicted), full)| [gold, predicted, full]);
        prop_assert_eq!(missing_labels(sides(), &Entity), missing_labels(sides(), &Exact));
    }

    #[test]
    fn gold_against_itself_is_perfect((gold, _) in clustered()) {
        let score = Score::from_counts(evaluate(&gold, &gold, &Entity).expect("the same sentences"));
        let perfect = if score.counts.gold == 0 { 0.0 } else { 1.0 };
        prop_assert_eq!((score.precision, score.recall), (perfect, perfect));
        let pairs: Vec<_> = gold.iter().map(|gold| (gold, gold)).collect();
        let Counts { true_positives, predicted, gold } = count_entities(&pairs, &Entity);
        prop_assert_eq!((true_positives, predicted), (gold, gold));
    }

    #[test]
    fn parts_and_thresholds_agree_with_counts((gold, predicted) in clustered(), (train, _) in clustered()) {
        let pairs: Vec<_> = gold.iter().zip(&predicted).collect();
        let corpus_counts = count_all(&pairs, &Entity);
        let seen = SeenEntities::of(&train);
        for parts in [
            by_triples(&pairs, &Entity),
            by_length(&pairs, &Entity, [14, 18]),
            by_seen_entities(&pairs, &Entity, &seen),
            by_seen_pairs(&pairs, &Entity, &seen),
        ] {
            prop_assert_eq!(parts.into_iter().map(|(_, counts)| counts).sum::<Counts>(), corpus_counts);
        }
        prop_assert_eq!(count_by_relation(&pairs, &Entity).into_values().sum::<Counts>(), corpus_counts);
        let ScoredPredictions { items, gold: number } = scored(&pairs, &Entity).expect("scores");
        for threshold in [0.0, 0.2, 0.4, 1.0].map(Probability::saturating) {
            let mut kept = predicted.clone();
            kept.iter_mut().for_each(|sentence| sentence.triples.retain(|triple| triple.score >= Some(threshold)));
            let kept: Vec<_> = gold.iter().zip(&kept).collect();
            prop_assert_eq!(counts_at(&items, number, threshold), count_all(&kept, &Entity));
        }
    }

    #[test]
    fn the_mention_that_is_named_does_not_matter((gold, predicted) in clustered(), seed: prop::sample::Index) {
        // Each unambiguous predicted mention is replaced by another gold mention of its entity.
        let mut renamed = predicted.clone();
        for (gold, sentence) in gold.iter().zip(&mut renamed) {
            let mut known: Vec<&Mention> = gold.entities.iter().collect();
            known.extend(gold.triples.iter().flat_map(Triple::mentions));
            for mention in sentence.triples.iter_mut().flat_map(|triple| [&mut triple.subject, &mut triple.object]) {
                let meant = readings(mention, gold);
                let same = |other: &&&Mention| meant.len() == 1 && readings(other, gold) == meant;
                let others: Vec<_> = known.iter().filter(same).collect();
                if !others.is_empty() {
                    let entity = mention.entity.take();
                    *mention = (**seed.get(&others)).clone();
                    mention.entity = entity;
                }
            }
        }
        prop_assert_eq!(evaluate(&gold, &predicted, &Entity), evaluate(&gold, &renamed, &Entity));
    }
}
