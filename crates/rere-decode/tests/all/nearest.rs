//! Tests of each rule of nearest pairing by hand, and of the whole against a naive implementation.

use crate::common::{Case, any_case, cases};
use crate::naive::{self, Setting};
use proptest::prelude::*;
use rere_core::{ByteSpan, Probability, TokenSpan};
use rere_decode::{Nearest, SpanRule};

fn at(threshold: f32) -> Nearest {
    Nearest::new(Probability::new(threshold).expect("a probability"))
}

/// Returns the pairs of subjects and objects of one character: `S`, `O`, `B` (both) and `.` (neither).
fn paired(pattern: &str) -> Vec<(usize, usize)> {
    let mut case = Case::characters(pattern);
    for (token, c) in pattern.chars().enumerate() {
        case = if "SB".contains(c) { case.subject(token, token, 1.0, 1.0) } else { case };
        case = if "OB".contains(c) { case.object(token, token, 1.0, 1.0) } else { case };
    }
    let pairs = case.decode(&at(0.5)).expect("good input");
    pairs.iter().map(|pair| (pair.subject.start, pair.object.start)).collect()
}

#[test]
fn objects_up_to_the_next_subject_go_to_the_subject_before() {
    assert_eq!(paired("S.O"), [(0, 2)]);
    assert_eq!(paired("SOO.O"), [(0, 1), (0, 2), (0, 4)]);
    assert_eq!(paired("SO.O..SO"), [(0, 1), (0, 3), (6, 7)]);
}

#[test]
fn a_subject_takes_the_nearest_object() {
    assert_eq!(paired("OS"), [(1, 0)]);
    assert_eq!(paired("O..S"), [(3, 0)]);
    // The nearest object may be before the subject, and may belong to the previous subject as well.
    assert_eq!(paired("S..OS..O"), [(0, 3), (4, 3), (4, 7)]);
}

#[test]
fn at_equal_distance_the_object_after_the_subject_is_preferred() {
    assert_eq!(paired("S.O.S.O"), [(0, 2), (4, 6)]);
    // Objects that start at one token are one object, so only objects that overlap the subject tie on one side.
    let case = Case::words("a b c d").subject(0, 3, 1.0, 1.0).object(1, 1, 1.0, 1.0).object(2, 2, 1.0, 1.0);
    assert_eq!(case.pairs(&at(0.5)), [("a b c d", "b", 1.0), ("a b c d", "c", 1.0)]);
    let case = Case::words("a b c").object(0, 2, 1.0, 1.0).object(1, 2, 1.0, 1.0).subject(2, 2, 1.0, 1.0);
    assert_eq!(case.pairs(&at(0.5)), [("c", "a b c", 1.0)]);
}

#[test]
fn an_object_before_the_first_subject_is_paired_only_if_nearest() {
    assert_eq!(paired("OO.S"), [(3, 1)]);
    assert_eq!(paired("O.S.O"), [(2, 4)]);
    assert_eq!(paired("OS.O"), [(1, 0), (1, 3)]);
}

#[test]
fn several_subjects_before_one_object_all_get_it() {
    assert_eq!(paired("SS.S.O"), [(0, 5), (1, 5), (3, 5)]);
}

#[test]
fn one_role_alone_makes_no_pairs() {
    assert!(paired("S.SS").is_empty());
    assert!(paired("O.OO").is_empty());
    assert!(paired("...").is_empty());
}

#[test]
fn a_span_is_not_paired_with_itself() {
    assert!(paired("B").is_empty());
    assert_eq!(paired("B.B"), [(0, 2), (2, 0)]);
    assert_eq!(paired("B..O"), [(0, 3)]);
    assert_eq!(paired("BO"), [(0, 1)]);
    assert_eq!(paired("S.B"), [(0, 2)]);
}

#[test]
fn a_start_takes_the_nearest_end_at_or_after_it() {
    let case = Case::words("a b c d e f").object(5, 5, 1.0, 1.0);
    // Two starts share an end; the first end has no start, and the last start has no end.
    let mut case = case.subject(1, 3, 0.9, 0.6).subject(2, 0, 0.7, 0.8).subject(4, 3, 0.5, 0.6);
    assert_eq!(case.pairs(&at(0.5)), [("b c d", "f", 0.6), ("c d", "f", 0.6)]);
    case.scores[4][1] = 0.55;
    assert_eq!(case.pairs(&at(0.5)), [("b c d", "f", 0.6), ("c d", "f", 0.6), ("e", "f", 0.5)]);
    // A nearer end shortens both.
    case.scores[2][1] = 0.5;
    assert_eq!(case.pairs(&at(0.5)), [("b c", "f", 0.5), ("c", "f", 0.5), ("e", "f", 0.5)]);
}

#[test]
fn scores_at_the_threshold_count() {
    let case = Case::words("a b").subject(0, 0, 0.5, 0.75).object(1, 1, 0.25, 1.0);
    assert_eq!(case.pairs(&at(0.25)), [("a", "b", 0.25)]);
    assert!(case.pairs(&at(0.250_001)).is_empty());
}

#[test]
fn at_least_one_lowers_the_threshold_until_there_is_a_pair() {
    let case = Case::words("a b c").subject(0, 0, 0.4, 0.75).object(1, 1, 0.25, 1.0).object(2, 2, 0.2, 0.2);
    assert!(case.pairs(&at(0.5)).is_empty());
    assert_eq!(case.pairs(&at(0.5).at_least_one()), [("a", "b", 0.25)]);
    assert_eq!(case.pairs(&at(0.2).at_least_one()), case.pairs(&at(0.2)));
    // One span in both roles is no pair at any threshold, and no pair has the score 0.
    assert!(Case::words("a").subject(0, 0, 0.4, 0.4).object(0, 0, 0.4, 0.4).pairs(&at(0.5).at_least_one()).is_empty());
    assert!(
        Case::words("a b").subject(0, 0, 0.4, 0.4).object(1, 1, 0.4, 0.0).pairs(&at(0.5).at_least_one()).is_empty()
    );
}

#[test]
fn at_least_one_takes_the_whole_of_nested_names() {
    // Three starts and one end: three objects with the score of the end.
    let names = |case: Case| {
        let mut case = case.object(3, 5, 0.4, 0.3).object(2, 5, 0.5, 0.3);
        case.scores[4][2] = 0.6;
        case
    };
    let after = names(Case::words("Ada joined R & D Labs")).subject(0, 0, 0.9, 0.9);
    assert_eq!(after.pairs(&at(0.3)).len(), 3);
    assert_eq!(after.pairs(&at(0.5).at_least_one()), [("Ada", "R & D Labs", 0.3)]);
    let before = names(Case::words("of the R & D Labs hired Ada")).subject(7, 7, 0.9, 0.9);
    assert_eq!(before.pairs(&at(0.5).at_least_one()), [("Ada", "R & D Labs", 0.3)]);
    // Nested subjects.
    let mut subjects = Case::words("Ilse Brandt left Oslo").subject(0, 1, 0.3, 0.2).object(3, 3, 0.9, 0.9);
    subjects.scores[1][0] = 0.4;
    assert_eq!(subjects.pairs(&at(0.5).at_least_one()), [("Ilse Brandt", "Oslo", 0.2)]);
}

#[test]
fn at_least_one_takes_the_nearest_of_equal_pairs() {
    // One object for three subjects.
    let case = Case::words("Ada Bob Cy met in Oslo").object(5, 5, 0.2, 0.4);
    let case = case.subject(0, 0, 0.4, 0.4).subject(1, 1, 0.3, 0.3).subject(2, 2, 0.2, 0.2);
    assert_eq!(case.pairs(&at(0.2)).len(), 3);
    assert_eq!(case.pairs(&at(0.5).at_least_one()), [("Cy", "Oslo", 0.2)]);
    // Equally near on both sides: the first subject.
    let case = Case::words("Ada Oslo Bob").object(1, 1, 0.2, 0.2).subject(0, 0, 0.3, 0.3).subject(2, 2, 0.3, 0.3);
    assert_eq!(case.pairs(&at(0.5).at_least_one()), [("Ada", "Oslo", 0.2)]);
}

#[test]
fn at_least_one_skips_pairs_of_the_same_bytes() {
    // The subject and object with the best score share a character of the text.
    let mut case = Case::characters("🚀x");
    case.tokens = [(0, 4), (0, 4), (4, 5)].map(|(start, end)| ByteSpan::new(start, end)).to_vec();
    case.scores = vec![[0.4, 0.4, 0.0, 0.0], [0.0, 0.0, 0.4, 0.4], [0.0, 0.0, 0.2, 0.3]];
    assert_eq!(case.pairs(&at(0.5).at_least_one()), [("🚀", "x", 0.2)]);
}

#[test]
fn tokens_that_share_a_character_make_one_pair() {
    let mut case = Case::characters("🚀x");
    case.tokens = [(0, 4), (0, 4), (4, 5)].map(|(start, end)| ByteSpan::new(start, end)).to_vec();
    case.scores = vec![[0.9, 0.0, 0.0, 0.0], [0.8, 0.7, 0.9, 0.9], [0.0, 0.0, 0.9, 0.9]];
    assert_eq!(case.pairs(&at(0.5)), [("🚀", "x", 0.7)]);
}

#[test]
fn spans_are_trimmed() {
    let case = Case::characters(" a b").subject(0, 2, 1.0, 1.0).object(2, 3, 1.0, 1.0);
    assert_eq!(case.pairs(&at(0.5)), [("a", "b", 1.0)]);
}

/// The pairs of the naive implementation, in bytes.
fn reference(case: &Case, threshold: f32) -> Vec<(ByteSpan, ByteSpan, f32)> {
    let setting = Setting { threshold, rule: SpanRule::NearestEnd, longest: usize::MAX, at_least_one: false };
    let bytes = |span: TokenSpan| {
        let (start, end) = (case.tokens[span.start].start, case.tokens[span.end - 1].end);
        let raw = &case.text[start..end];
        let begin = start + raw.find(|c: char| !c.is_whitespace()).unwrap_or(0);
        ByteSpan::new(begin, begin + raw.trim().len())
    };
    let mut pairs: Vec<(ByteSpan, ByteSpan, f32)> = Vec::new();
    for triple in naive::nearest(&case.scores, None, &setting) {
        let (subject, object) = (bytes(triple.subject), bytes(triple.object));
        // Of pairs with the same bytes, the best comes first.
        let new = !pairs.iter().any(|pair| (pair.0, pair.1) == (subject, object));
        if new && subject != object && !subject.is_empty() && !object.is_empty() {
            pairs.push((subject, object, triple.score));
        }
    }
    pairs.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(4000) as u32))]

    #[test]
    fn at_least_one_adds_one_pair_if_there_is_none(case in any_case(), threshold in 0.0..=1.0f32) {
        let found = case.decode(&at(threshold)).expect("good input");
        let one = case.decode(&at(threshold).at_least_one()).expect("good input");
        if found.is_empty() {
            // Every threshold over 0 at which pairs change.
            let mut levels: Vec<f32> = case.scores.as_flattened().to_vec();
            levels.retain(|&score| 0.0 < score && score < threshold);
            levels.sort_by(|a, b| b.total_cmp(a));
            let lower = levels.iter().map(|&level| case.decode(&at(level)).expect("good input"));
            let highest = lower.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
            prop_assert_eq!(one.len(), usize::from(!highest.is_empty()));
            prop_assert!(one.iter().all(|pair| highest.contains(pair) && pair.score == highest[0].score));
        } else {
            prop_assert_eq!(one, found);
        }
    }

    #[test]
    fn pairs_are_those_of_the_naive_implementation(
        case in any_case(),
        threshold in prop::sample::select(vec![0.0, 0.1, 0.25, 0.5, 0.7, 1.0]),
    ) {
        let pairs = case.decode(&at(threshold)).expect("good input");
        let pairs: Vec<_> = pairs.iter().map(|pair| (pair.subject, pair.object, pair.score)).collect();
        prop_assert_eq!(&pairs, &reference(&case, threshold));
        for (subject, object, score) in pairs {
            prop_assert!(score >= threshold && score <= 1.0);
            prop_assert_ne!(subject, object);
            for span in [subject, object] {
                let surface = span.slice(&case.text).expect("a span of the text");
                prop_assert_eq!(surface.trim(), surface);
                prop_assert!(!surface.is_empty());
            }
        }
    }
}
