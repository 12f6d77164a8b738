//! Tests of each step of the cross product by hand, and of the whole against a naive implementation and against
//! `reference/cross_product.json`, which a Python implementation of the six steps wrote.

use crate::common::{Case, any_case, cases};
use crate::naive::comes_first;
use proptest::prelude::*;
use rere_core::{ByteSpan, CharSpan, Probability};
use rere_decode::{CrossProduct, DecodeError, ScoredPair};
use serde::Deserialize;

fn at(threshold: f32) -> CrossProduct {
    CrossProduct::new(Probability::new(threshold).expect("a probability"))
}

/// Returns the subjects of a case, after adding an object of score 1 at the end of its text.
fn subjects(case: Case) -> Vec<(String, f32)> {
    let mut case = case;
    let start = case.text.len() + 1;
    case.text.push_str(" Ω");
    case.tokens.push(ByteSpan::new(start, case.text.len()));
    case.scores.push([0.0, 0.0, 1.0, 1.0]);
    case.pairs(&at(0.0)).into_iter().map(|(subject, _, score)| (subject.to_owned(), score)).collect()
}

fn found(pairs: &[(&str, f32)]) -> Vec<(String, f32)> {
    pairs.iter().map(|&(subject, score)| (subject.to_owned(), score)).collect()
}

#[test]
fn every_subject_is_paired_with_every_different_object() {
    let mut case = Case::words("a , b , c").subject(0, 0, 0.5, 1.0).subject(2, 2, 1.0, 1.0);
    case = case.object(2, 2, 0.5, 0.5).object(4, 4, 0.75, 1.0);
    // `a , b` (0.5) contains a (0.5) and b (1), which together outweigh it; likewise `b , c`.
    assert_eq!(case.pairs(&at(0.0)), [("b", "c", 0.75), ("a", "c", 0.5), ("a", "b", 0.25)]);
    assert_eq!(case.pairs(&at(0.5)), [("b", "c", 0.75), ("a", "c", 0.5)]);
    assert!(case.pairs(&at(0.76)).is_empty());
}

#[test]
fn boundaries_under_a_tenth_are_discarded() {
    assert_eq!(subjects(Case::words("a b").subject(0, 1, 1.0, 0.1)), found(&[("a b", 0.1)]));
    assert!(subjects(Case::words("a b").subject(0, 1, 1.0, 0.099)).is_empty());
    assert!(subjects(Case::words("a b").subject(0, 1, 0.099, 1.0)).is_empty());
    // So are entities under a tenth: 0.3 × 0.3.
    assert!(subjects(Case::words("a b").subject(0, 1, 0.3, 0.3)).is_empty());
}

#[test]
fn forty_starts_and_forty_ends_are_kept() {
    // Each of 41 words could be an entity; the marks between them exclude longer strings.
    let words: Vec<String> = (0..41).map(|i| format!("w{i:02}")).collect();
    let mut case = Case::words(&words.join(" 》 "));
    for token in (0..=80).step_by(2) {
        case = case.subject(token, token, 0.5, 0.5);
    }
    let surfaces = |case: &Case| subjects(case.clone()).into_iter().map(|found| found.0).collect::<Vec<_>>();
    assert_eq!(surfaces(&case), words[..40]);
    // As the best end, w40 replaces w39; as a start it is still the last of equal ones.
    case.scores[80][1] = 0.75;
    assert_eq!(surfaces(&case), words[..39]);
    case.scores[80][0] = 0.75;
    assert_eq!(surfaces(&case)[0], "w40");
    assert_eq!(surfaces(&case)[1..], words[..39]);
}

#[test]
fn strings_have_at_most_forty_tokens() {
    let words = vec!["w"; 41].join(" ");
    assert_eq!(subjects(Case::words(&words).subject(0, 39, 1.0, 1.0)), found(&[(&words[..79], 1.0)]));
    assert!(subjects(Case::words(&words).subject(0, 40, 1.0, 1.0)).is_empty());
    assert!(subjects(Case::words(&words).subject(1, 0, 1.0, 1.0)).is_empty());
}

#[test]
fn no_string_crosses_the_end_of_a_title() {
    assert!(subjects(Case::characters("《甲》").subject(1, 2, 1.0, 1.0)).is_empty());
    assert_eq!(subjects(Case::characters("《甲》").subject(1, 1, 1.0, 1.0)), found(&[("甲", 1.0)]));
    assert_eq!(subjects(Case::characters("《甲》").subject(0, 1, 1.0, 1.0)), found(&[("《甲", 1.0)]));
}

#[test]
fn lists_are_split() {
    let whole = |text: &str| {
        let case = Case::characters(text);
        let last = case.tokens.len() - 1;
        subjects(case.subject(0, last, 1.0, 0.75))
    };
    assert_eq!(whole("甲、 乙 、丙"), found(&[("甲", 0.25), ("乙", 0.25), ("丙", 0.25)]));
    assert_eq!(whole("甲、乙"), found(&[("甲、乙", 0.75)]));
    assert_eq!(whole("甲、乙、丙，丁"), found(&[("甲、乙、丙，丁", 0.75)]));
    assert_eq!(whole("甲、乙、丙,丁"), found(&[("甲、乙、丙,丁", 0.75)]));
    assert!(whole("甲、乙、丙》").is_empty());
    // An empty part gets its share: here "" has 0.5, is contained in 甲 and outweighs its 0.25, but it is no entity.
    assert!(whole("、甲、").is_empty());
    assert_eq!(whole("甲、、乙、丙"), found(&[("甲", 0.1875), ("乙", 0.1875), ("丙", 0.1875)]));
    // Equal parts add up, and have the span of the first.
    assert_eq!(whole("甲、甲、乙"), found(&[("甲", 0.5), ("乙", 0.25)]));
}

#[test]
fn equal_strings_add_up() {
    let case = Case::words("Ada 》 Ada 》 Ada 》 Bob 》 Bob").object(6, 6, 1.0, 1.0).object(8, 8, 0.5, 1.0);
    let case = case.subject(0, 0, 0.5, 0.5).subject(2, 2, 1.0, 1.0).subject(4, 4, 1.0, 1.0);
    // Ada 0.25 + 1 + 1, with the span of the first of the two best; Bob 1 + 0.5.
    let (ada, bob) = (case.tokens[2], case.tokens[6]);
    assert_eq!(case.decode(&at(1.0)), Ok(vec![ScoredPair { subject: ada, object: bob, score: 1.5 }]));
}

#[test]
fn a_string_is_kept_or_the_strings_in_it() {
    // `a b` 0.6 × 0.9 = 0.54; b alone 0.3 × 0.9 = 0.27 and a alone 0.6 × 0.5 = 0.3: 0.57 × min(1, 3 / 2) > 0.54.
    let mut case = Case::words("a b");
    case.scores = vec![[0.6, 0.5, 0.0, 0.0], [0.3, 0.9, 0.0, 0.0]];
    assert_eq!(subjects(case.clone()), found(&[("a", 0.3), ("b", 0.27)]));
    // a alone 0.6 × 0.4 = 0.24: 0.51 < 0.54.
    case.scores[0][1] = 0.4;
    assert_eq!(subjects(case.clone()), found(&[("a b", 0.54)]));
    // An equal sum does not outweigh: a alone 1 × 0.5, b has no score.
    case.scores = vec![[1.0, 0.5, 0.0, 0.0], [0.0, 0.5, 0.0, 0.0]];
    assert_eq!(subjects(case), found(&[("a b", 0.5)]));
}

#[test]
fn at_most_forty_entities_are_kept() {
    // Each of 14 tokens is a list of three: 42 different parts of score 1/3. Strings of several lists have a comma, so
    // they are not split; the parts in them outweigh them.
    let part = |i: u32| char::from_u32('一' as u32 + i).expect("a character");
    let lists: Vec<String> =
        (0..14).map(|i| format!("{}、{}、{},", part(3 * i), part(3 * i + 1), part(3 * i + 2))).collect();
    let mut case = Case::words(&lists.join(" "));
    for token in &mut case.tokens {
        token.end -= 1;
    }
    case.scores = vec![[1.0, 1.0, 0.0, 0.0]; 14];
    let entities = subjects(case);
    assert_eq!(entities.len(), 40);
    assert!(entities.iter().all(|(surface, score)| surface.chars().count() == 1 && *score == 1.0 / 3.0));
    // Of equal scores the first are kept.
    assert_eq!(entities.last().map(|(surface, _)| surface.clone()), Some(part(39).to_string()));
}

/// Returns the entities of a role by the six steps on owned strings, each step a loop over everything.
fn naive_entities(case: &Case, role: usize) -> Vec<(String, f64, ByteSpan)> {
    let n = case.tokens.len();
    let best = |column: usize| {
        let mut left: Vec<usize> = (0..n).collect();
        let mut taken = Vec::new();
        while taken.len() < 40 && !left.is_empty() {
            let mut top = 0;
            for at in 0..left.len() {
                if case.scores[left[at]][column] > case.scores[left[top]][column] {
                    top = at;
                }
            }
            taken.push(left.remove(top));
        }
        taken.retain(|&token| f64::from(case.scores[token][column]) >= 0.1);
        taken
    };
    // Each string with its occurrences: score and span.
    let mut strings: Vec<(String, Vec<(f64, ByteSpan)>)> = Vec::new();
    for i in best(2 * role) {
        for j in best(2 * role + 1) {
            if j < i || j - i >= 40 {
                continue;
            }
            let start = case.tokens[i].start;
            let raw = &case.text[start..case.tokens[j].end];
            let score = f64::from(case.scores[i][2 * role]) * f64::from(case.scores[j][2 * role + 1]);
            if raw.contains('》') {
                continue;
            }
            let string = raw.trim();
            let marks = string.matches('、').count();
            let pieces: Vec<&str> = if marks >= 2 && !string.contains('，') && !string.contains(',') {
                string.split('、').collect()
            } else {
                vec![string]
            };
            for piece in &pieces {
                let begin = start + (piece.trim_start().as_ptr() as usize - raw.as_ptr() as usize);
                let occurrence = (score / pieces.len() as f64, ByteSpan::new(begin, begin + piece.trim().len()));
                match strings.iter_mut().find(|known| known.0 == piece.trim()) {
                    Some(known) => known.1.push(occurrence),
                    None => strings.push((piece.trim().to_owned(), vec![occurrence])),
                }
            }
        }
    }
    let length = |string: &str| string.chars().count();
    strings.sort_by_key(|string| length(&string.0));
    let score =
        |string: &(String, Vec<(f64, ByteSpan)>)| string.1.iter().fold(0.0, |sum, occurrence| sum + occurrence.0);
    let mut is_kept = vec![true; strings.len()];
    for x in 0..strings.len() {
        let text = &strings[x].0;
        let inside: Vec<usize> = (0..strings.len())
            .filter(|&y| is_kept[y] && length(&strings[y].0) < length(text) && text.contains(&strings[y].0))
            .collect();
        let mut sum = inside.iter().fold(0.0, |sum, &y| sum + score(&strings[y]));
        let total: usize = inside.iter().map(|&y| length(&strings[y].0)).sum();
        if total > 0 && total > length(text) {
            sum *= length(text) as f64 / total as f64;
        }
        if sum > score(&strings[x]) {
            is_kept[x] = false;
        } else {
            inside.iter().for_each(|&y| is_kept[y] = false);
        }
    }
    let mut kept: Vec<_> = (0..strings.len()).filter(|&x| is_kept[x]).map(|x| &strings[x]).collect();
    kept.sort_by(|a, b| score(b).total_cmp(&score(a)));
    kept.truncate(40);
    kept.retain(|string| score(string) >= 0.1 && !string.0.is_empty());
    let span = |string: &(String, Vec<(f64, ByteSpan)>)| {
        let top = string.1.iter().fold(0.0, |top: f64, occurrence| top.max(occurrence.0));
        string.1.iter().filter(|occurrence| occurrence.0 == top).map(|occurrence| occurrence.1).min()
    };
    kept.iter().map(|string| (string.0.clone(), score(string), span(string).expect("an occurrence"))).collect()
}

#[test]
fn at_least_one_takes_one_pair() {
    // Three objects have the same score; the nearest two are equally near, and the first of these is kept.
    let case = Case::words("b 》 c 》 a 》 d").subject(4, 4, 1.0, 1.0);
    let case = case.object(0, 0, 0.5, 0.5).object(2, 2, 0.5, 0.5).object(6, 6, 0.5, 0.5);
    assert_eq!(case.pairs(&at(0.2)).len(), 3);
    assert_eq!(case.pairs(&at(0.5).at_least_one()), [("a", "c", 0.25)]);
    assert_eq!(case.pairs(&at(0.25).at_least_one()), case.pairs(&at(0.25)));
    // Of nested objects with one score, step 5 keeps the longest.
    let mut case = Case::words("Ada joined R & D Labs").subject(0, 0, 1.0, 1.0).object(2, 5, 0.5, 0.5);
    (case.scores[3][2], case.scores[4][2]) = (0.5, 0.5);
    assert_eq!(case.pairs(&at(0.5).at_least_one()), [("Ada", "R & D Labs", 0.25)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(3000) as u32))]

    #[test]
    fn pairs_are_those_of_the_naive_implementation(
        case in any_case(),
        threshold in prop::sample::select(vec![0.0, 0.2, 0.5, 1.0]),
    ) {
        let mut expected = Vec::new();
        for (subject, subject_score, subject_span) in naive_entities(&case, 0) {
            for (object, object_score, object_span) in naive_entities(&case, 1) {
                let score = if subject_score < object_score { subject_score as f32 } else { object_score as f32 };
                if subject != object && score >= threshold {
                    expected.push(ScoredPair { subject: subject_span, object: object_span, score });
                }
            }
        }
        expected.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.subject, a.object).cmp(&(b.subject, b.object))));
        prop_assert_eq!(case.decode(&at(threshold)).expect("good input"), expected);
    }

    #[test]
    fn the_threshold_only_filters(case in any_case(), threshold in 0.0..=1.0f32) {
        let mut all = case.decode(&at(0.0)).expect("good input");
        all.retain(|pair| pair.score >= threshold);
        prop_assert_eq!(&case.decode(&at(threshold)).expect("good input"), &all);
        let best = case.decode(&at(0.0)).expect("good input").first().map_or(0.0, |pair| pair.score);
        let at_least_one = case.decode(&at(threshold).at_least_one()).expect("good input");
        if best >= threshold {
            prop_assert_eq!(at_least_one, all);
        } else {
            prop_assert_eq!(at_least_one.len(), usize::from(best > 0.0));
            let equal = case.decode(&at(0.0)).expect("good input").into_iter().filter(|pair| pair.score == best);
            let ends = |pair: ScoredPair| [pair.subject, pair.object].map(|span| (span.start, span.end));
            let first = equal.reduce(|a, b| if comes_first(ends(a), ends(b)) { a } else { b });
            prop_assert_eq!(at_least_one.first().copied(), first);
        }
    }
}

/// A case of the Python implementation; positions are in code points.
#[derive(Deserialize)]
struct Recorded {
    text: String,
    tokens: Vec<(usize, usize)>,
    scores: Vec<[f32; 4]>,
    threshold: f32,
    /// Position and length of the subject, then of the object, and the score.
    pairs: Vec<(usize, usize, usize, usize, f64)>,
}

#[test]
#[cfg_attr(miri, ignore = "an interpreter takes minutes to read the JSON")]
fn pairs_are_those_of_the_python_implementation() {
    let recorded: Vec<Recorded> = serde_json::from_str(include_str!("../reference/cross_product.json")).expect("cases");
    assert_eq!(recorded.len(), 2000);
    for (number, recorded) in recorded.into_iter().enumerate().take(cases(2000)) {
        let Recorded { text, tokens, scores, threshold, pairs } = recorded;
        let bytes = |start, end| CharSpan::new(start, end).to_bytes(&text).expect("a span of the text");
        let tokens = tokens.iter().map(|&(start, end)| bytes(start, end)).collect();
        let mut expected: Vec<(ByteSpan, ByteSpan, f64)> = Vec::new();
        for (subject, subject_length, object, object_length, score) in pairs {
            expected.push((bytes(subject, subject + subject_length), bytes(object, object + object_length), score));
        }
        expected.sort_by_key(|pair| (pair.0, pair.1));
        let case = Case { text: text.clone(), tokens, scores };
        let found: Result<Vec<ScoredPair>, DecodeError> = case.decode(&at(threshold));
        let mut found = found.expect("good input");
        found.sort_by_key(|pair| (pair.subject, pair.object));
        assert_eq!(found.len(), expected.len(), "case {number}");
        for (pair, (subject, object, score)) in found.iter().zip(expected) {
            assert_eq!((pair.subject, pair.object), (subject, object), "case {number}");
            assert!((f64::from(pair.score) - score).abs() <= 1e-6 * score.max(1.0), "case {number}: {pair:?} {score}");
        }
    }
}
