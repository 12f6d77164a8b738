//! Extraction and the choice of thresholds for all systems: windows over long texts, scores, decoding, best triples.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Range,
};

use rayon::prelude::*;
use rere_core::{ByteSpan, Constraints, Mention, Probability, RelationSet, Sentence, TokenSpan, Triple};
use rere_data::{LocatedCorpus, Tokenizer, Tokens, occurrences, to_tokens, windows};
use rere_decode::{RelationThresholds, TokenizedText};
use rere_eval::{
    Counts, Exact, Score, ScoredPredictions, TripleMatcher, best_relation_thresholds, best_threshold, counts_at,
};

use crate::{Decoding, Floor, RereError, SpanTriple, System, Thresholds, Window};

/// The fewest windows that a thread decodes, so that scheduling costs little.
const MIN_DECODE: usize = 32;

/// Tokenised texts.
pub(crate) struct Texts<'a> {
    pub texts: Vec<&'a str>,
    pub tokens: Vec<Cow<'a, Tokens>>,
    /// Token spans of the mentions that subjects and objects of each text are restricted to, if they are.
    mentions: Vec<Option<Vec<TokenSpan>>>,
}

impl<'a> Texts<'a> {
    pub fn tokenize(texts: Vec<&'a str>, tokenizer: &Tokenizer) -> Result<Self, RereError> {
        let tokens = tokenizer.encode_batch(&texts)?.into_iter().map(Cow::Owned).collect();
        Ok(Self { mentions: vec![None; texts.len()], texts, tokens })
    }

    /// Restricts subjects and objects of each text to mentions, if it has any given. Mentions that do not consist of whole
    /// tokens are left out, because no triple can have them.
    pub fn with_mentions<'m>(mut self, mentions: impl Iterator<Item = Option<&'m [Mention]>>) -> Self {
        for (text, given) in mentions.enumerate() {
            self.mentions[text] = given.map(|given| self.token_spans(text, given));
        }
        self
    }

    /// Returns the token spans of mentions, sorted, without repetitions.
    fn token_spans(&self, text: usize, mentions: &[Mention]) -> Vec<TokenSpan> {
        let spans = mentions.iter().flat_map(|mention| match mention.span {
            Some(span) => vec![span],
            None => occurrences(self.texts[text], &mention.text),
        });
        let located = spans.filter_map(|span| to_tokens(span, &self.tokens[text]));
        let aligned = located.filter(|located| located.aligned).map(|located| located.tokens);
        aligned.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Creates texts from a corpus that is already tokenised.
    pub fn located(corpus: &'a LocatedCorpus, sentences: &'a [Sentence]) -> Self {
        Self {
            texts: sentences.iter().map(|sentence| sentence.text.as_str()).collect(),
            tokens: corpus.sentences.iter().map(|sentence| Cow::Borrowed(&sentence.tokens)).collect(),
            mentions: vec![None; sentences.len()],
        }
    }

    /// Returns the windows of each text, of at most `longest` tokens; none for a text without tokens.
    pub fn windows(&self, longest: usize) -> Vec<Window<'_>> {
        let mut found = Vec::with_capacity(self.texts.len());
        for (text, tokens) in self.tokens.iter().enumerate() {
            let ranges = windows(tokens.len(), longest, longest / 4).into_iter();
            found.extend(ranges.map(|range| Window {
                text,
                ids: &tokens.ids[range.clone()],
                mentions: self.mentions[text].as_ref().map(|mentions| within(mentions, &range)),
                tokens: range,
            }));
        }
        found
    }
}

/// Returns the spans that lie within a window, counted from its first token.
fn within(spans: &[TokenSpan], window: &Range<usize>) -> Vec<TokenSpan> {
    spans.iter().filter_map(|span| span.within(window.clone().into())).collect()
}

/// Scores of texts. Triples can be decoded from them at any thresholds.
pub(crate) struct ScoredSentences<'a, S: System> {
    pub texts: &'a Texts<'a>,
    pub windows: Vec<Window<'a>>,
    pub scores: Vec<S::Scores>,
    /// For each relation, whether its triples are wanted.
    pub wanted: Vec<bool>,
}

impl<'a, S: System> ScoredSentences<'a, S> {
    /// Scores texts in windows of at most `longest` tokens.
    pub fn new(system: &S, texts: &'a Texts<'a>, longest: usize, floor: &Floor<'_>) -> Result<Self, RereError> {
        let windows = texts.windows(longest);
        let scores = system.score(&windows, floor)?;
        Ok(Self { texts, windows, scores, wanted: floor.wanted.to_vec() })
    }

    /// Decodes the triples of each text, the best first. `mentions` returns the mentions that subjects and objects of a text are
    /// restricted to, if any.
    ///
    /// If a triple occurs several times in a text, only its best occurrence is kept.
    pub fn decode<'m>(
        &self,
        system: &S,
        relations: &RelationSet,
        thresholds: &Thresholds,
        constraints: &Constraints,
        mentions: impl Fn(usize) -> Option<&'m [Mention]> + Sync,
    ) -> Result<Vec<Vec<Triple>>, RereError> {
        let decoding = Decoding { thresholds, longest: constraints.longest };
        let decode = |(scratch, found): &mut (S::Scratch, Vec<SpanTriple>), (window, scores): (&Window, &S::Scores)| {
            let failed = |source| RereError::Decode { sentence: window.text + 1, source };
            let tokens = &self.texts.tokens[window.text].spans[window.tokens.clone()];
            let text = TokenizedText::new(self.texts.texts[window.text], tokens).map_err(failed)?;
            found.clear();
            system.decode(scores, text, &decoding, scratch, found).map_err(failed)?;
            let is_kept = |triple: &&SpanTriple| {
                let threshold = thresholds.triple.get(triple.relation);
                triple.is_pair()
                    && self.wanted.get(triple.relation) == Some(&true)
                    && threshold.is_some_and(|least| triple.score >= least)
            };
            found
                .iter()
                .filter(is_kept)
                .map(|triple| triple_of(triple, text.text(), relations, window.text))
                .collect::<Result<Vec<_>, _>>()
        };
        let windows = self.windows.par_iter().zip(&self.scores).with_min_len(MIN_DECODE);
        let found: Vec<Result<Vec<Triple>, RereError>> = windows.map_init(Default::default, decode).collect();
        let mut triples = vec![Vec::new(); self.texts.texts.len()];
        for (window, found) in self.windows.iter().zip(found) {
            triples[window.text].extend(found?);
        }
        triples.par_iter_mut().enumerate().with_min_len(MIN_DECODE).for_each(|(text, triples)| {
            triples.sort_by_key(|triple| Reverse(triple.score));
            let spans = &self.texts.tokens[text].spans;
            constraints.retain(triples, mentions(text), |span| tokens_in(span, spans));
        });
        Ok(triples)
    }
}

/// Returns the number of tokens that a span covers.
fn tokens_in(span: ByteSpan, tokens: &[ByteSpan]) -> usize {
    let end = tokens.partition_point(|token| token.start < span.end);
    tokens[..end]
        .iter()
        .rev()
        .take_while(|token| token.end > span.start || token.is_empty())
        .filter(|token| !token.is_empty())
        .count()
}

/// Converts a decoded triple to one with texts. `at` is the position of the text in the call, for errors.
pub(crate) fn triple_of(
    found: &SpanTriple,
    text: &str,
    relations: &RelationSet,
    at: usize,
) -> Result<Triple, RereError> {
    let mention =
        |span: ByteSpan| Mention::at(text, span).map_err(|source| RereError::Span { sentence: at + 1, source });
    Ok(Triple::new(
        mention(found.subject)?,
        relations.get(found.relation).map(|relation| relation.name.clone()).unwrap_or_default(),
        mention(found.object)?,
    )
    .with_score(found.score))
}

/// Chosen thresholds, with their F1 on the sentences that they were chosen on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chosen {
    pub thresholds: Thresholds,
    pub f1: f64,
}

/// Calls `score` with the lower bounds for the choice of thresholds.
pub(crate) fn candidates_floor<T>(relations: usize, score: impl FnOnce(&Floor<'_>) -> T) -> T {
    let (detect, triple, wanted) = (Thresholds::candidates(), Probability::ZERO.into(), vec![true; relations]);
    score(&Floor { detect: &detect, decode: Thresholds::lowest(), triple: &triple, wanted: &wanted })
}

/// Candidate triples of a sentence: relation, score, and whether the triple is gold.
type Judged = Vec<(usize, f32, bool)>;

/// Chooses the thresholds with the best micro F1 (exact) on gold sentences from their scores. Returns `None` if they have no
/// triples.
///
/// All candidates of the system are tried, each with the best threshold of triples, which is found exactly. If several have the
/// same F1, the highest thresholds win. If no gold triple is found, the result is the default thresholds with an F1 of 0. One
/// threshold per relation replaces the one for all if it is better in a five-fold cross-validation over the sentences.
pub(crate) fn choose_thresholds<S: System>(
    system: &S,
    scored: &ScoredSentences<'_, S>,
    gold: &[Sentence],
    relations: &RelationSet,
    constraints: &Constraints,
) -> Result<Option<Chosen>, RereError> {
    let keys: Vec<HashSet<_>> =
        gold.iter().map(|sentence| sentence.triples.iter().map(|triple| Exact.key(triple)).collect()).collect();
    let gold_count = keys.iter().map(HashSet::len).sum();
    if gold_count == 0 {
        return Ok(None);
    }
    let mut best = Chosen { thresholds: Thresholds::default(), f1: 0.0 };
    let mut best_judged = Vec::new();
    for candidate in S::candidates() {
        let at = Thresholds { triple: Probability::ZERO.into(), ..candidate };
        let triples = scored.decode(system, relations, &at, constraints, |_| None)?;
        let judge = |(keys, triples): (&HashSet<_>, Vec<Triple>)| -> Judged {
            let judge_triple = |triple: &Triple| {
                let label = relations.label(&triple.relation).unwrap_or_default();
                (label, triple.score.unwrap_or_default().get(), keys.contains(&Exact.key(triple)))
            };
            triples.iter().map(judge_triple).collect()
        };
        let judged: Vec<Judged> = keys.iter().zip(triples).map(judge).collect();
        let items = judged.iter().flatten().map(|&(_, score, is_gold)| (score, is_gold));
        if let Some((triple, score)) = best_threshold(items, gold_count)
            && score.f1 > 0.0
            && score.f1 >= best.f1
        {
            best = Chosen { thresholds: Thresholds { triple: triple.into(), ..at }, f1: score.f1 };
            best_judged = judged;
        }
    }
    if let Some((triple, f1)) = per_relation(&best_judged, gold, relations) {
        best = Chosen { thresholds: Thresholds { triple, ..best.thresholds }, f1 };
    }
    Ok(Some(best))
}

/// Number of folds of the cross-validation.
const FOLDS: usize = 5;

/// Returns thresholds per relation and their F1, if they are better than one threshold for all on sentences that they were not
/// chosen on.
fn per_relation(judged: &[Judged], gold: &[Sentence], relations: &RelationSet) -> Option<(RelationThresholds, f64)> {
    let names: Vec<&str> = relations.iter().map(|relation| relation.name.as_str()).collect();
    // Returns the candidates of each relation in the selected sentences.
    let candidates = |is_in: &dyn Fn(usize) -> bool| {
        let mut by_relation: BTreeMap<&str, ScoredPredictions> =
            names.iter().map(|&name| (name, ScoredPredictions::default())).collect();
        let sentences = judged.iter().zip(gold).enumerate().filter(|(at, _)| is_in(*at));
        for (judged, sentence) in sentences.map(|(_, sentence)| sentence) {
            for &(relation, score, is_gold) in judged {
                by_relation.entry(names[relation]).or_default().items.push((score, is_gold));
            }
            let distinct: HashSet<_> =
                sentence.triples.iter().map(|triple| (Exact.key(triple), &triple.relation)).collect();
            for (_, relation) in distinct {
                by_relation.entry(relation).or_default().gold += 1;
            }
        }
        by_relation
    };
    let (mut shared, mut separate) = (Counts::default(), Counts::default());
    for fold in 0..FOLDS {
        let (chosen_on, tested) = (candidates(&|at| at % FOLDS != fold), candidates(&|at| at % FOLDS == fold));
        let all = |candidates: &BTreeMap<&str, ScoredPredictions>| {
            let items: Vec<(f32, bool)> = candidates.values().flat_map(|scored| scored.items.iter().copied()).collect();
            (items, candidates.values().map(|scored| scored.gold).sum::<usize>())
        };
        let ((items, number), (tested_items, tested_number)) = (all(&chosen_on), all(&tested));
        shared += match best_threshold(items, number) {
            Some((threshold, _)) => counts_at(&tested_items, tested_number, threshold),
            None => Counts { gold: tested_number, ..Counts::default() },
        };
        let best = best_relation_thresholds(&chosen_on);
        separate += tested
            .iter()
            .map(|(name, scored)| match best.thresholds.get(name) {
                Some(Some(threshold)) => counts_at(&scored.items, scored.gold, *threshold),
                _ => Counts { gold: scored.gold, ..Counts::default() },
            })
            .sum();
    }
    if Score::from_counts(separate).f1 <= Score::from_counts(shared).f1 {
        return None;
    }
    let best = best_relation_thresholds(&candidates(&|_| true));
    // If keeping no triple of a relation is best, only certain triples are kept.
    let threshold = |name: &&str| best.thresholds.get(name).copied().flatten().unwrap_or(Probability::ONE);
    Some((names.iter().map(threshold).collect::<Vec<_>>().into(), best.score.f1))
}
