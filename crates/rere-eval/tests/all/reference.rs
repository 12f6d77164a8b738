//! Counts against those of `tests/reference/matchers.py`, written from the definitions.

use rere_core::{ByteSpan, Mention, Sentence, Triple};
use rere_eval::{Counts, Match, evaluate};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    matchers: Vec<Match>,
    mentions: Vec<(String, usize, usize, String, Option<String>)>,
    corpora: Vec<Vec<[String; 2]>>,
    counts: Vec<Vec<[usize; 3]>>,
}

impl Reference {
    fn mention(&self, letter: char) -> Mention {
        let (text, start, end, entity_type, entity) = &self.mentions[letter as usize - 'A' as usize];
        let span = Some(ByteSpan::new(*start, *end));
        let mut mention = Mention::of(text.clone()).with_span(span).with_entity_type(entity_type.clone());
        mention.entity = entity.clone();
        mention
    }

    fn sentence(&self, packed: &str) -> Sentence {
        let letters: Vec<char> = packed.chars().collect();
        let triple = |letters: &[char]| Triple::new(self.mention(letters[0]), letters[1], self.mention(letters[2]));
        Sentence::new("one for all").with_triples(letters.chunks(3).map(triple))
    }
}

#[test]
fn counts_are_those_of_the_definitions() {
    let reference: Reference =
        serde_json::from_str(include_str!("../reference/matchers.json")).expect("what matchers.py writes");
    assert_eq!((reference.corpora.len(), reference.counts.len()), (1000, 1000));
    assert!(Match::ALL.iter().all(|matcher| reference.matchers.contains(matcher)));
    for (number, (corpus, counts)) in reference.corpora.iter().zip(&reference.counts).enumerate() {
        let side = |at: usize| -> Vec<_> { corpus.iter().map(|sides| reference.sentence(&sides[at])).collect() };
        let (gold, predicted) = (side(0), side(1));
        assert_eq!(counts.len(), reference.matchers.len());
        for (matcher, &[true_positives, predicted_count, gold_count]) in reference.matchers.iter().zip(counts) {
            let expected = Counts { true_positives, predicted: predicted_count, gold: gold_count };
            assert_eq!(evaluate(&gold, &predicted, matcher), Ok(expected), "corpus {number}, {matcher}: {corpus:?}");
        }
    }
}
