//! HTML pages: their counts, the sentences that they keep, offsets, and hostile texts. `.ci/pages.py` checks them in a
//! browser.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rere_core::{ByteSpan, Mention, Probability, Sentence, Triple};
use rere_eval::page::{Page, PageEvidence, PageFact};
use rere_eval::{Counts, Exact, Match, count_all, counts_at, pair_sentences, scored};
use serde_json::Value;

use crate::corpora::corpus;

/// Returns the JSON of a page as it stands in the HTML.
fn data_block(html: &str) -> &str {
    let (_, rest) = html.split_once(r#"id="data">"#).expect("data");
    rest.split_once("</script>").expect("the end of the data").0
}

fn data(html: &str) -> Value {
    serde_json::from_str(data_block(html)).expect("JSON")
}

/// Counts as the script of the page does, at a least score in percent.
fn counts(data: &Value, least: u64) -> Counts {
    let mut sum = Counts::default();
    for entry in data["totals"]["counts"].as_array().expect("counts") {
        let (percent, count) = (entry[1].as_u64().expect("percent"), entry[3].as_u64().expect("a count") as usize);
        match entry[2].as_str().expect("a kind") {
            "missing" => sum.gold += count,
            "wrong" if percent >= least => sum.predicted += count,
            "right" if percent >= least => sum += Counts { true_positives: count, predicted: count, gold: count },
            "right" => sum.gold += count,
            kind => assert_eq!(kind, "wrong"),
        }
    }
    sum
}

fn score(value: f32) -> Probability {
    Probability::new(value).expect("a probability")
}

proptest! {
    #[test]
    fn counts_are_those_of_all_sentences((gold, mut predicted) in corpus(), scores in prop::collection::vec(0.0..=1.0_f32, 1..9)) {
        let mut next = scores.iter().cycle().map(|&value| score(value));
        for triple in predicted.iter_mut().flat_map(|sentence| &mut sentence.triples) {
            triple.score = next.next();
        }
        let pairs = pair_sentences(&gold, &predicted).expect("the same sentences");
        for matcher in Match::ALL {
            let mut page = Page::new("page");
            pairs.iter().for_each(|(gold, predicted)| page.add_pair(gold, predicted, &matcher));
            let data = data(&page.finish());
            prop_assert_eq!(counts(&data, 0), count_all(&pairs, &matcher), "{}", matcher);
            let scored = scored(&pairs, &matcher).expect("scores");
            for least in [1_u8, 29, 50, 57, 100] {
                let threshold = score(f32::from(least) / 100.0);
                let expected = counts_at(&scored.items, scored.gold, threshold);
                prop_assert_eq!(counts(&data, least.into()), expected, "{} at {}", matcher, least);
            }
        }
    }
}

/// Slices a text by the offsets of a mention, as JavaScript does.
fn slice(sentence: &Value, mention: &Value) -> String {
    let units: Vec<u16> = sentence["text"].as_str().expect("a text").encode_utf16().collect();
    let Some(index) = mention.as_u64() else { return format!("absent: {}", mention.as_str().expect("a surface")) };
    let offset = |end: usize| sentence["mentions"][index as usize][end].as_u64().expect("an offset") as usize;
    String::from_utf16(&units[offset(0)..offset(1)]).expect("whole characters")
}

#[test]
fn mentions_slice_the_text() {
    let text = "👩‍🚀 Zoë of 𝒜thens met Zoë.";
    let second = text.rfind("Zoë").expect("a second one");
    let at = |start: usize, surface: &str| Mention::of(surface).with_span(ByteSpan::new(start, start + surface.len()));
    for (mention, expected, start) in [
        (Mention::of("𝒜thens"), "𝒜thens", 13),
        // The first occurrence, if there are no offsets.
        (Mention::of(" Zoë "), "Zoë", 6),
        (at(second, "Zoë"), "Zoë", 25),
        (Mention::of("Ada"), "absent: Ada", 0),
        (Mention::of(" "), "absent:  ", 0),
        // Spans of another text: beside it, inside a character, and empty.
        (Mention::of("Zoë").with_span(ByteSpan::new(500, 504)), "Zoë", 6),
        (Mention::of("Ada").with_span(ByteSpan::new(1, 4)), "absent: Ada", 0),
        (Mention::of("Ada").with_span(ByteSpan::new(4, 4)), "absent: Ada", 0),
    ] {
        let mut page = Page::new("page");
        page.add_predicted(&Sentence::new(text).with_triples([Triple::new(mention, "r", Mention::of("met"))]));
        let data = data(&page.finish());
        let sentence = &data["sentences"][0];
        assert_eq!(slice(sentence, &sentence["triples"][0]["subject"]), expected);
        assert_eq!(slice(sentence, &sentence["triples"][0]["object"]), "met");
        if !expected.starts_with("absent") {
            assert_eq!(sentence["mentions"][0][0], start, "{expected}");
        }
    }
}

#[test]
fn markup_stays_in_the_data() {
    let hostile =
        "</script><script>alert(1)</script><!-- <script> ]]> {{script}} {{policy}} <img src=x onerror=alert(2)>";
    let triple = Triple::of(hostile, hostile, hostile).with_score(score(0.5));
    let sentence = Sentence::new(hostile).with_id(hostile).with_triples([triple]);
    let fact = PageFact::new(hostile, hostile, hostile, score(0.5))
        .with_status(hostile)
        .with_conflict(hostile.to_owned())
        .with_evidence([PageEvidence::new(sentence.clone()).with_source(hostile)]);
    let with = |text: &str, facts: Vec<PageFact>| {
        let page = Page::new(text).with_detail(text, text).with_warning(text).with_figure(text, text);
        page.with_facts(facts)
    };
    let mut page = with(hostile, vec![fact]);
    page.add_pair(&sentence, &sentence, &Exact);
    let html = page.finish();
    assert!(!data_block(&html).contains('<'));
    // Nothing outside the data depends on them.
    let plain = with("plain", Vec::new()).finish();
    assert_eq!(html.replace(data_block(&html), ""), plain.replace(data_block(&plain), ""));
    let data = data(&html);
    for text in [&data["title"], &data["facts"][0]["status"], &data["sentences"][0]["text"], &data["figures"][0]["svg"]]
    {
        assert_eq!(text, hostile);
    }
}

#[test]
fn gold_surfaces_are_shown_if_they_differ() {
    let gold = Sentence::new("New York is in the United States .")
        .with_triples([Triple::of("New York", "in", "United States"), Triple::of("United States", "has", "New York")]);
    let predicted =
        gold.clone().with_triples([Triple::of("New", "in", "United"), Triple::of("United States", "has", "New York")]);
    let mut page = Page::new("page");
    page.add_pair(&gold, &predicted, &Match::Partial);
    let data = data(&page.finish());
    let triples = &data["sentences"][0]["triples"];
    assert_eq!(triples[0]["gold"], serde_json::json!(["New York", "United States"]));
    assert_eq!((&triples[1]["kind"], &triples[1]["gold"]), (&Value::from("right"), &Value::Null));
}

/// A corpus with many frequent errors, few of a rare relation, and missing, right and no triples.
fn large() -> Vec<(Sentence, Sentence)> {
    let pair = |number: usize| {
        let text = format!("Ada {number} met Bob");
        let with = |relation: &str| Sentence::new(text.clone()).with_triples([Triple::of("Ada", relation, "Bob")]);
        let scored = |relation: &str| {
            let mut sentence = with(relation);
            // Every score from 0 to 1, in no order.
            sentence.triples[0].score = Some(score((number * 7919 % 20_011) as f32 / 20_011.0));
            sentence
        };
        let empty = Sentence::new(text.clone());
        match number % 10 {
            0 if number.is_multiple_of(1000) => (empty, scored("rare")),
            0..5 => (empty, scored("frequent")),
            5 | 6 => (with("frequent"), empty),
            7 | 8 => (with("frequent"), scored("frequent")),
            _ => (empty.clone(), empty),
        }
    };
    (0..20_000).map(pair).collect()
}

#[test]
fn the_most_telling_sentences_of_each_kind_and_relation_are_kept() {
    let sentences = large();
    let mut page = Page::new("page");
    sentences.iter().for_each(|(gold, predicted)| page.add_pair(gold, predicted, &Exact));
    let data = data(&page.finish());
    let kept = data["sentences"].as_array().expect("sentences");
    assert_eq!((kept.len(), &data["totals"]["sentences"]), (2000, &Value::from(20_000)));
    let mut groups: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for sentence in kept {
        let triple = &sentence["triples"][0];
        let relation = triple["relation"]
            .as_u64()
            .map_or("", |index| data["totals"]["relations"][index as usize].as_str().expect("a name"));
        let number = sentence["number"].as_u64().expect("a number") as usize;
        groups.entry((triple["kind"].as_str().unwrap_or("none"), relation)).or_default().push(number - 1);
    }
    let sizes: BTreeMap<_, _> = groups.iter().map(|(group, numbers)| (*group, numbers.len())).collect();
    // 20 rare ones; of the others 4, 3, 2 and 1 in turn.
    assert_eq!(sizes[&("wrong", "rare")], 20);
    let turns = (2000 - 20) / 10;
    for (group, share) in [("wrong", 4), ("missing", 3), ("right", 2)] {
        assert!(sizes[&(group, "frequent")].abs_diff(share * turns) <= 4, "{sizes:?}");
    }
    assert!(sizes[&("none", "")].abs_diff(turns) <= 4, "{sizes:?}");
    // Of the wrong ones, those with the highest scores.
    let of = |number: usize| sentences[number].1.triples[0].score;
    let frequent = &groups[&("wrong", "frequent")];
    let least = frequent.iter().filter_map(|&number| of(number)).min();
    let higher = (0..20_000).filter(|number| number % 10 < 5 && number % 1000 != 0 && of(*number) > least).count();
    assert!(higher < frequent.len(), "{higher} wrong triples score more than {least:?}, {} are kept", frequent.len());
    // Of the right ones, a sample of the whole corpus.
    let right = &groups[&("right", "frequent")];
    let first_half = right.iter().filter(|&&number| number < 10_000).count();
    assert!(first_half.abs_diff(right.len() / 2) < right.len() / 5, "{first_half} of {}", right.len());
}

#[test]
fn long_texts_have_a_limit() {
    let mut page = Page::new("page");
    for number in 0..5 {
        let text = format!("{number} {}", "word ".repeat(600_000));
        page.add_predicted(&Sentence::new(text).with_triples([Triple::of("word", "r", "word")]));
    }
    let html = page.finish();
    assert_eq!(data(&html)["sentences"].as_array().map(Vec::len), Some(2));
    assert_eq!(data(&html)["totals"]["sentences"], 5);
    // A single text that is too long is kept.
    let mut page = Page::new("page");
    page.add_predicted(&Sentence::new("word ".repeat(2_000_000)));
    assert_eq!(data(&page.finish())["sentences"].as_array().map(Vec::len), Some(1));
}
