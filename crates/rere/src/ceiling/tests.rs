//! Tests that each label layout is the inverse of its decoder: decoding perfect scores of the gold triples gives the gold triples,
//! except for those that the paradigm cannot express. The tests derive the exceptions from the definitions, independently of the
//! code.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use rere_core::{RelationSet, Sentence, TokenSpan, Triple};
use rere_data::{LocatedCorpus, LocatedTriple, OnMissing, Tokenizer, read, tag_labels};

use super::*;

const RELATIONS: usize = 3;

/// The number of random sentences: `PROPTEST_CASES`, or as many as take a few seconds.
fn config() -> ProptestConfig {
    let given = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = given.unwrap_or(if cfg!(debug_assertions) { 1_000 } else { 10_000 });
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// The triples of a sentence and its number of tokens.
#[derive(Debug, Clone)]
struct Gold {
    tokens: usize,
    triples: Vec<LocatedTriple>,
}

impl Gold {
    /// Each occurrence of a subject with each occurrence of its object, except itself.
    fn pairs(&self) -> SpanTriples {
        let mut pairs = SpanTriples::new();
        for triple in &self.triples {
            for &subject in &triple.subjects {
                let objects = triple.objects.iter().filter(|&&object| object != subject);
                pairs.extend(objects.map(|&object| (triple.relation, subject, object)));
            }
        }
        pairs
    }

    fn of_relation(&self, relation: usize) -> impl Iterator<Item = &LocatedTriple> {
        self.triples.iter().filter(move |triple| triple.relation == relation)
    }

    fn subjects<'a>(triples: impl Iterator<Item = &'a LocatedTriple>) -> BTreeSet<TokenSpan> {
        triples.flat_map(|triple| triple.subjects.iter().copied()).collect()
    }

    fn objects<'a>(triples: impl Iterator<Item = &'a LocatedTriple>) -> BTreeSet<TokenSpan> {
        triples.flat_map(|triple| triple.objects.iter().copied()).collect()
    }
}

/// Sentences whose triples share few spans, which are nested, crossing or adjacent, in any roles. `occurrences` is the largest number of
/// occurrences of a subject or an object.
fn sentences(occurrences: usize) -> impl Strategy<Value = Gold> {
    let spans = (2usize..=20).prop_flat_map(|tokens| {
        let length = prop::sample::select(vec![1, 1, 1, 2, 2, 3, 4, 8]);
        let span = (0..tokens, length).prop_map(move |(start, length)| (start, (start + length).min(tokens)));
        (Just(tokens), prop::collection::btree_set(span, 2..=6))
    });
    spans.prop_flat_map(move |(tokens, spans)| {
        let spans: Vec<TokenSpan> = spans.into_iter().map(|(start, end)| TokenSpan::new(start, end)).collect();
        let entity = prop::collection::btree_set(prop::sample::select(spans), 1..=occurrences);
        let triple = (0..RELATIONS, entity.clone(), entity).prop_map(|(relation, subjects, objects)| LocatedTriple {
            relation,
            subjects: subjects.into_iter().collect(),
            objects: objects.into_iter().collect(),
        });
        prop::collection::vec(triple, 0..=6).prop_map(move |triples| {
            // A corpus has each triple once, and no triple has the same subject and object.
            let mut known: Vec<LocatedTriple> = Vec::new();
            for triple in triples {
                if triple.subjects != triple.objects && !known.contains(&triple) {
                    known.push(triple);
                }
            }
            Gold { tokens, triples: known }
        })
    })
}

/// Mostly sentences with one occurrence per mention, because only these have relations with a single triple.
fn any_gold() -> impl Strategy<Value = Gold> {
    prop_oneof![3 => sentences(1), 1 => sentences(3)]
}

/// The span as decoded: it ends at the first last token at or after its start.
fn shortened(span: TokenSpan, others: &BTreeSet<TokenSpan>) -> TokenSpan {
    let end = others.iter().map(|other| other.end).filter(|&end| end > span.start).min();
    TokenSpan::new(span.start, end.unwrap_or(span.end))
}

/// The number of tokens from the end of one span to the start of the other; 0 if they overlap.
fn distance(a: TokenSpan, b: TokenSpan) -> usize {
    (b.start + 1).saturating_sub(a.end).max((a.start + 1).saturating_sub(b.end))
}

proptest! {
    #![proptest_config(config())]

    /// Pair classification loses a triple if and only if another mention ends inside its subject or its object, and finds no
    /// other.
    #[test]
    fn pairs_lose_what_another_mention_ends_inside_of(gold in any_gold()) {
        let mentions: BTreeSet<TokenSpan> = pair_mentions(&gold.triples).into_iter().collect();
        let is_whole = |span: TokenSpan| shortened(span, &mentions) == span;
        let expected: SpanTriples =
            gold.pairs().into_iter().filter(|&(_, subject, object)| is_whole(subject) && is_whole(object)).collect();
        prop_assert_eq!(recover_pairs(&gold.triples, gold.tokens, RELATIONS), expected);
    }

    /// CasRel loses a triple if and only if another subject ends inside its subject, or another object of this subject and
    /// relation ends inside its object. Such an object becomes shorter.
    #[test]
    fn the_cascade_loses_what_another_ends_inside_of(gold in any_gold()) {
        let found = recover_cascade(&gold.triples, gold.tokens, RELATIONS);
        let (pairs, subjects) = (gold.pairs(), Gold::subjects(gold.triples.iter()));
        let objects = |relation, subject| -> BTreeSet<TokenSpan> {
            pairs.iter().filter(|pair| (pair.0, pair.1) == (relation, subject)).map(|pair| pair.2).collect()
        };
        let whole_subject = |pair: &&(_, TokenSpan, _)| shortened(pair.1, &subjects) == pair.1;
        let expected: SpanTriples = pairs
            .iter()
            .filter(whole_subject)
            .map(|&(relation, subject, object)| {
                (relation, subject, shortened(object, &objects(relation, subject)))
            })
            // An object can be shortened to the subject itself.
            .filter(|(_, subject, object)| subject != object)
            .collect();
        prop_assert_eq!(&found, &expected);

        let inexpressible: SpanTriples = pairs
            .iter()
            .copied()
            .filter(|pair| {
                let &(relation, subject, object) = pair;
                let ends_inside = |span: TokenSpan, other: &TokenSpan| (span.start + 1..span.end).contains(&other.end);
                subjects.iter().any(|other| ends_inside(subject, other))
                    || objects(relation, subject).iter().any(|other| ends_inside(object, other))
            })
            .collect();
        let kept: SpanTriples = found.intersection(&pairs).copied().collect();
        // An object that is shortened to another gold object is lost, but the other one is found.
        prop_assert_eq!(pairs.difference(&kept).copied().collect::<SpanTriples>(), inexpressible.clone());
        if inexpressible.is_empty() {
            prop_assert_eq!(found, pairs);
        }
    }

    /// Pointers find the shortened spans of each relation, paired by the two rules of the paper.
    #[test]
    fn pointers_are_paired_with_the_nearest(gold in any_gold()) {
        let found = recover_pointers(&gold.triples, gold.tokens, RELATIONS);
        let pairs = gold.pairs();
        let mut expected = SpanTriples::new();
        for relation in 0..RELATIONS {
            let (subjects, objects) =
                (Gold::subjects(gold.of_relation(relation)), Gold::objects(gold.of_relation(relation)));
            let of_role = |spans: &BTreeSet<TokenSpan>| -> BTreeSet<TokenSpan> {
                spans.iter().map(|&span| shortened(span, spans)).collect()
            };
            let (subjects, objects) = (of_role(&subjects), of_role(&objects));
            for &subject in &subjects {
                let others = objects.iter().copied().filter(|&object| object != subject);
                let nearest = others.min_by_key(|object| (distance(subject, *object), object.start < subject.start));
                expected.extend(nearest.map(|object| (relation, subject, object)));
            }
            for &object in &objects {
                let before = subjects.iter().copied().filter(|subject| subject.start < object.start).max();
                expected.extend(before.map(|subject| (relation, subject, object)));
            }
            // The only triple of a relation is found even if one span lies inside the other.
            let of_relation = |triples: &SpanTriples| -> SpanTriples {
                triples.iter().copied().filter(|triple| triple.0 == relation).collect()
            };
            let only: Vec<_> = gold.of_relation(relation).collect();
            if let [LocatedTriple { subjects, objects, .. }] = only[..]
                && (subjects.len(), objects.len()) == (1, 1)
            {
                prop_assert_eq!(of_relation(&found), of_relation(&pairs));
            }
        }
        prop_assert_eq!(found, expected);
    }

    /// PRGC finds the shortened spans of each relation, and joins those whose first tokens any triple joins.
    #[test]
    fn correspondences_join_first_tokens(gold in any_gold()) {
        let joined: BTreeSet<(usize, usize)> =
            gold.pairs().iter().map(|(_, subject, object)| (subject.start, object.start)).collect();
        let mut expected = SpanTriples::new();
        for relation in 0..RELATIONS {
            let (subjects, objects) =
                (Gold::subjects(gold.of_relation(relation)), Gold::objects(gold.of_relation(relation)));
            for subject in &subjects {
                for object in objects.iter().filter(|object| joined.contains(&(subject.start, object.start))) {
                    let pair = (shortened(*subject, &subjects), shortened(*object, &objects));
                    if pair.0 != pair.1 {
                        expected.insert((relation, pair.0, pair.1));
                    }
                }
            }
        }
        prop_assert_eq!(recover_correspondences(&gold.triples, gold.tokens, RELATIONS), expected);
    }

    /// TPLinker loses nothing. It also finds the pairs of entities whose first tokens one triple links and whose last tokens another.
    #[test]
    fn handshakes_lose_nothing(gold in any_gold()) {
        let found = recover_handshakes(&gold.triples, gold.tokens, RELATIONS);
        let pairs = gold.pairs();
        prop_assert!(found.is_superset(&pairs));

        let entities: BTreeSet<TokenSpan> =
            Gold::subjects(gold.triples.iter()).union(&Gold::objects(gold.triples.iter())).copied().collect();
        let mut expected = SpanTriples::new();
        for relation in 0..RELATIONS {
            let of_relation = || pairs.iter().filter(|pair| pair.0 == relation);
            for &subject in &entities {
                for &object in entities.iter().filter(|&&object| object != subject) {
                    let heads = of_relation().any(|pair| (pair.1.start, pair.2.start) == (subject.start, object.start));
                    let tails = of_relation().any(|pair| (pair.1.end, pair.2.end) == (subject.end, object.end));
                    if heads && tails {
                        expected.insert((relation, subject, object));
                    }
                }
            }
        }
        prop_assert_eq!(&found, &expected);
        // Nothing can be mixed up if no two entities share a first token, or no two share a last token.
        let different = |borders: BTreeSet<usize>| borders.len() == entities.len();
        if different(entities.iter().map(|span| span.start).collect())
            || different(entities.iter().map(|span| span.end).collect())
        {
            prop_assert_eq!(found, pairs);
        }
    }

    /// Tagging loses the triples that have no tags of their own, and, in a relation with several triples, those whose subject and
    /// object are not nearest to each other.
    #[test]
    fn tags_are_joined_with_the_nearest(gold in any_gold()) {
        let found = recover_tags(&gold.triples, gold.tokens, RELATIONS);
        let labels = tag_labels(&gold.triples, gold.tokens);
        // The nearest occurrences that do not overlap; each token belongs to one entity of one relation and role.
        let mut owners: BTreeMap<usize, (usize, bool, TokenSpan)> = BTreeMap::new();
        let (mut kept, mut left_out) = (Vec::new(), Vec::new());
        for (position, triple) in gold.triples.iter().enumerate() {
            let mut best: Option<(TokenSpan, TokenSpan)> = None;
            for &subject in &triple.subjects {
                for &object in triple.objects.iter().filter(|object| !object.overlaps(subject)) {
                    if best.is_none_or(|(s, o)| distance(subject, object) < distance(s, o)) {
                        best = Some((subject, object));
                    }
                }
            }
            let roles = best.map(|(subject, object)| {
                [(triple.relation, true, subject), (triple.relation, false, object)]
            });
            let tokens = |span: TokenSpan| span.start..span.end;
            let fits = |roles: &[(usize, bool, TokenSpan); 2]| {
                roles.iter().all(|role| tokens(role.2).all(|token| owners.get(&token).is_none_or(|owner| owner == role)))
            };
            match roles.filter(fits) {
                Some(roles) => {
                    for role in roles {
                        owners.extend(tokens(role.2).map(|token| (token, role)));
                    }
                    kept.push((triple.relation, roles[0].2, roles[1].2));
                }
                None => left_out.push(position),
            }
        }
        prop_assert_eq!(labels.left_out, left_out);

        let mut expected = SpanTriples::new();
        for relation in 0..RELATIONS {
            let of_relation: Vec<_> = kept.iter().copied().filter(|triple| triple.0 == relation).collect();
            // A tie: the subject comes first.
            let nearness = |triple: &(usize, TokenSpan, TokenSpan)| (distance(triple.1, triple.2), triple.1 > triple.2);
            for &(_, subject, object) in &of_relation {
                let objects = of_relation.iter().map(|triple| (relation, subject, triple.2));
                expected.extend(objects.min_by_key(nearness));
                let subjects = of_relation.iter().map(|triple| (relation, triple.1, object));
                expected.extend(subjects.min_by_key(nearness));
            }
            if let [only] = of_relation[..] {
                prop_assert!(found.contains(&only), "{:?} {:?}", only, found);
            }
        }
        prop_assert_eq!(found, expected);
    }
}

/// The first token of a span and the token after its last.
type Borders = (usize, usize);

fn gold(tokens: usize, triples: &[(usize, Borders, Borders)]) -> Gold {
    let occurrences = |(start, end): Borders| vec![TokenSpan::new(start, end)];
    let triples = triples.iter().map(|&(relation, subject, object)| LocatedTriple {
        relation,
        subjects: occurrences(subject),
        objects: occurrences(object),
    });
    Gold { tokens, triples: triples.collect() }
}

/// The number of gold triples and of other triples that each paradigm finds.
fn recovered(gold: &Gold) -> [(usize, usize); 6] {
    PARADIGMS.map(|(_, recover)| {
        let (found, pairs) = (recover(&gold.triples, gold.tokens, RELATIONS), gold.pairs());
        (found.intersection(&pairs).count(), found.difference(&pairs).count())
    })
}

/// One sentence for each case that a paradigm cannot express. Order of results: pairs, CasRel, pointers, PRGC,
/// TPLinker, tags.
#[test]
fn what_cannot_be_expressed() {
    // A single triple: every paradigm finds it.
    assert_eq!(recovered(&gold(9, &[(0, (0, 2), (5, 6))])), [(1, 0); 6]);
    // An object inside its subject: pair classification ends the subject too early, tags have one role for a token.
    assert_eq!(recovered(&gold(9, &[(0, (0, 3), (1, 2))])), [(0, 0), (1, 0), (1, 0), (1, 0), (1, 0), (0, 0)]);
    // A shared entity in two relations: tags have one relation for a token.
    let shared = gold(9, &[(0, (0, 2), (5, 6)), (1, (0, 2), (7, 8))]);
    assert_eq!(recovered(&shared), [(2, 0), (2, 0), (2, 0), (2, 0), (2, 0), (1, 0)]);
    // A subject that is a prefix of another: pair classification and CasRel end the longer one too early, pointers pair the shorter
    // one with both objects, and so do correspondences.
    let nested = gold(9, &[(0, (0, 1), (5, 6)), (0, (0, 3), (7, 8))]);
    assert_eq!(recovered(&nested), [(1, 0), (1, 0), (1, 1), (1, 1), (2, 0), (1, 0)]);
    // Two crossing triples of one relation: nearest pairing pairs the wrong ones.
    let crossing = gold(9, &[(0, (0, 1), (6, 7)), (0, (2, 3), (4, 5))]);
    assert_eq!(recovered(&crossing), [(2, 0), (2, 0), (1, 2), (2, 0), (2, 0), (1, 2)]);
    // Subjects that share a first token and objects that share a last token: the links also join them crosswise.
    let mixed = gold(9, &[(0, (0, 1), (4, 6)), (0, (0, 2), (5, 6))]);
    assert_eq!(recovered(&mixed)[4], (2, 2));
}

/// The random sentences contain enough cases that each paradigm cannot express.
#[test]
fn random_sentences_meet_every_case() {
    let mut runner = TestRunner::deterministic();
    let (mut lossy, mut wrong, mut whole) = ([0; 6], [0; 6], [0; 6]);
    for _ in 0..1000 {
        let gold = any_gold().new_tree(&mut runner).expect("a sentence").current();
        let pairs = gold.pairs().len();
        for (paradigm, (right, others)) in recovered(&gold).into_iter().enumerate() {
            lossy[paradigm] += usize::from(right < pairs);
            wrong[paradigm] += usize::from(others > 0);
            whole[paradigm] += usize::from(pairs > 0 && right == pairs && others == 0);
        }
    }
    println!("of 1000 sentences with losses: {lossy:?}, with wrong triples: {wrong:?}, as they were: {whole:?}");
    assert_eq!((wrong[0], lossy[4]), (0, 0));
    assert!([0, 1, 2, 3, 5].iter().all(|&paradigm| lossy[paradigm] > 100));
    assert!([1, 2, 3, 4, 5].iter().all(|&paradigm| wrong[paradigm] > 10 && whole[paradigm] > 50));
}

#[test]
fn a_ceiling_compares_strings() {
    let text = "Rome lies in Italy , and Rome is old .";
    let tokenizer = Tokenizer::train_words([text], 1, 100).expect("a tokenizer");
    let relations = RelationSet::from_names(["holds", "lies_in", "never"]).expect("relations");
    let triples = vec![
        Triple::of("Rome", "lies_in", " Italy"),
        Triple::of("Rome", "lies_in", "Italy"), // equal after trimming
        Triple::of("Italy", "holds", "Rome"),
        Triple::of("Ital", "holds", "Rome"), // ends inside a token
    ];
    let sentences = [Sentence::new(text).with_triples(triples), Sentence::new("Nothing .")];
    let corpus = LocatedCorpus::new(&sentences, &tokenizer, &relations, OnMissing::Error).expect("located");
    let all = ceilings(&corpus, &sentences, &relations);
    let found: Vec<_> = all.iter().map(|ceiling| (ceiling.gold, ceiling.recovered, ceiling.predicted)).collect();
    assert_eq!(found, [(3, 2, 2), (3, 2, 2), (3, 2, 2), (3, 2, 2), (3, 2, 2), (3, 1, 1)]);
    assert_eq!(all[0].to_string(), "pair classification    66.67 % of 3 triples, 1 lost, 0 wrong");
    let none = Ceiling { paradigm: "x", gold: 0, recovered: 0, predicted: 0 };
    assert_eq!((none.recall(), none.lost()), (1.0, 0));
}

/// Public corpora with a pretrained tokenizer; needs the variables `RERE_DATA` and `RERE_ENCODERS`.
#[test]
fn ceilings_of_corpora() {
    let folder = |variable: &str| {
        let folder = std::env::var_os(variable).map(PathBuf::from);
        if folder.is_none() {
            println!("skipped: {variable} is not set");
        }
        folder
    };
    let (Some(data), Some(encoders)) = (folder("RERE_DATA"), folder("RERE_ENCODERS")) else { return };
    let tokenizer = Tokenizer::load(encoders.join("minilm/tokenizer.json")).expect("a tokenizer");
    for file in ["nyt11-hrl/test.json", "nyt10-hrl/dev.json", "webnlg/dev.json"] {
        let sentences = read(&data.join(file)).expect(file);
        let names: BTreeSet<&str> =
            sentences.iter().flat_map(|sentence| &sentence.triples).map(|triple| triple.relation.as_str()).collect();
        let relations = RelationSet::from_names(names).expect("relations");
        let corpus = LocatedCorpus::new(&sentences, &tokenizer, &relations, OnMissing::Error).expect(file);
        println!("{file}: {}", corpus.report);
        let all = ceilings(&corpus, &sentences, &relations);
        all.iter().for_each(|ceiling| println!("  {ceiling}"));
        let [pairs, cascade, pointers, prgc, handshakes, tags] = all[..] else { panic!("six paradigms") };
        for ceiling in &all {
            assert!(ceiling.recovered <= ceiling.gold && ceiling.recovered <= ceiling.predicted, "{ceiling}");
            assert!(ceiling.recovered <= handshakes.recovered, "{ceiling}");
        }
        // TPLinker loses only triples that do not match the tokens.
        assert!(handshakes.recall() > 0.95, "{handshakes}");
        assert!(
            pairs.recall() > 0.9
                && cascade.recall() > 0.9
                && pointers.recall() > 0.6
                && prgc.recall() > 0.9
                && tags.recall() > 0.4
        );
    }
}
