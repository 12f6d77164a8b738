//! Pairs of gold and predicted sentences.

use std::{borrow::Borrow, collections::HashMap, sync::LazyLock};

use rere_core::Sentence;
use serde::Serialize;

use crate::{EvalError, Side};

/// Whether the two sides must have the same sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Agreement {
    /// The first mismatch is an error.
    #[default]
    Required,
    /// Mismatches are counted if the sentences have ids: see [`Mismatches`].
    Counted,
}

/// Numbers of sentences that do not agree on the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Mismatches {
    /// Gold sentences without a prediction: paired with an empty one, so that their triples lower recall.
    pub missing: usize,
    /// Predicted sentences that are not gold: ignored, because their gold triples are unknown.
    pub unknown: usize,
    /// Gold sentences with the id of an earlier one: ignored.
    pub repeated_gold: usize,
    /// Predicted sentences with the id of an earlier one: ignored.
    pub repeated_predicted: usize,
    /// Sentences with equal ids but different texts: paired nevertheless.
    pub other_text: usize,
}

impl Mismatches {
    /// Returns whether all sentences agree.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Pairs of a gold and a predicted sentence, gold first.
pub type SentencePairs<'a> = Vec<(&'a Sentence, &'a Sentence)>;

/// Pairs each gold sentence with its predicted one, in the order of the gold sentences.
///
/// Sentences with ids are paired by id, in any order. If no sentence of either side has an id, they are paired by
/// order. Both sides must have the same sentences with the same texts; otherwise use [`pair_sentences_counted`]. Pair
/// once, then count with any number of matchers. Use [`SentencePairStream`] for files that do not fit into memory.
///
/// ```
/// use rere_eval::{Sentence, pair_sentences};
///
/// let gold = [Sentence::new("Ada sings .").with_id("1"), Sentence::new("Bob sleeps .").with_id("2")];
/// let predicted = [gold[1].clone(), gold[0].clone()];
/// assert_eq!(pair_sentences(&gold, &predicted)?, [(&gold[0], &predicted[1]), (&gold[1], &predicted[0])]);
/// assert!(pair_sentences(&gold, &predicted[..1]).is_err());
/// # Ok::<(), rere_eval::EvalError>(())
/// ```
///
/// # Errors
/// Returns an error if the sides do not have the same sentences. Each kind of mismatch is an [`EvalError`] of its own.
pub fn pair_sentences<'a>(gold: &'a [Sentence], predicted: &'a [Sentence]) -> Result<SentencePairs<'a>, EvalError> {
    Ok(collect_pairs(gold, predicted, Agreement::Required)?.0)
}

/// Pairs sentences as [`pair_sentences`] does, but counts [`Mismatches`].
///
/// A gold sentence without a prediction is paired with an empty sentence.
///
/// ```
/// use rere_eval::{Sentence, pair_sentences_counted};
///
/// let gold = [Sentence::new("Ada sings .").with_id("1"), Sentence::new("Bob sleeps .").with_id("2")];
/// let (pairs, mismatches) = pair_sentences_counted(&gold, &gold[..1])?;
/// assert_eq!((pairs.len(), mismatches.missing), (2, 1));
/// # Ok::<(), rere_eval::EvalError>(())
/// ```
///
/// # Errors
/// Returns an error if only some sentences have ids. Without ids, returns an error if the numbers of sentences or the
/// texts differ, because it is unknown then which sentences belong together.
pub fn pair_sentences_counted<'a>(
    gold: &'a [Sentence],
    predicted: &'a [Sentence],
) -> Result<(SentencePairs<'a>, Mismatches), EvalError> {
    collect_pairs(gold, predicted, Agreement::Counted)
}

fn collect_pairs<'a>(
    gold: &'a [Sentence],
    predicted: &'a [Sentence],
    agreement: Agreement,
) -> Result<(SentencePairs<'a>, Mismatches), EvalError> {
    static EMPTY: LazyLock<Sentence> = LazyLock::new(|| Sentence::new(""));
    let mut pairs = Vec::with_capacity(gold.len());
    let mut stream = SentencePairStream::new(gold.iter().map(Ok), predicted.iter().map(Ok), agreement);
    for pair in stream.by_ref() {
        let (gold, predicted) = pair?;
        pairs.push((gold, predicted.unwrap_or(&EMPTY)));
    }
    Ok((pairs, stream.mismatches))
}

/// An iterator over the pairs of two streams of sentences, such as readers of files.
///
/// It pairs sentences as [`pair_sentences`] does, in the order of the gold sentences. If both streams have the same
/// order, it drops each sentence once it is paired; memory then grows only by the ids, which it keeps to find
/// duplicates. If the orders differ, it also keeps predicted sentences until their gold sentences come.
///
/// `S` and `T` are [`Sentence`] or `&Sentence`. The predicted sentence of a pair is `None` if there is none; with
/// [`Agreement::Required`] that is an error instead. Errors of the streams are returned as they are. The iterator ends
/// after the first error.
///
/// ```
/// use rere_eval::{Agreement, EvalError, Exact, Score, Sentence, SentencePairStream, Triple, count};
///
/// let with = |id: &str, triples| Sentence::new("Ada was born in London .").with_id(id).with_triples(triples);
/// let born = Triple::of("Ada", "born in", "London");
/// let gold = ["1", "2"].map(|id| Ok::<_, EvalError>(with(id, vec![born.clone()])));
/// let predicted = [Ok(with("2", vec![born.clone()]))];
///
/// let mut pairs = SentencePairStream::new(gold, predicted, Agreement::Counted);
/// let mut counts = Vec::new();
/// for pair in pairs.by_ref() {
///     let (gold, predicted) = pair?;
///     counts.push(count(&gold, predicted.iter().flat_map(|sentence| &sentence.triples), &Exact));
/// }
/// assert_eq!(Score::from_counts(counts.into_iter().sum()).recall, 0.5);
/// assert_eq!(pairs.mismatches().missing, 1);
/// # Ok::<(), EvalError>(())
/// ```
#[derive(Debug)]
pub struct SentencePairStream<G, P, T> {
    gold: Stream<G>,
    predicted: Stream<P>,
    /// Predicted sentences without a gold sentence so far, with their positions.
    early: HashMap<String, (usize, T)>,
    ids: Ids,
    agreement: Agreement,
    mismatches: Mismatches,
    ended: bool,
}

impl<S: Borrow<Sentence>, T: Borrow<Sentence>, E: From<EvalError>, G, P> SentencePairStream<G, P, T>
where
    G: Iterator<Item = Result<S, E>>,
    P: Iterator<Item = Result<T, E>>,
{
    /// Creates an iterator over the pairs of two streams.
    pub fn new(
        gold: impl IntoIterator<IntoIter = G>,
        predicted: impl IntoIterator<IntoIter = P>,
        agreement: Agreement,
    ) -> Self {
        Self {
            gold: Stream::new(gold.into_iter(), Side::Gold),
            predicted: Stream::new(predicted.into_iter(), Side::Predicted),
            early: HashMap::new(),
            ids: Ids::default(),
            agreement,
            mismatches: Mismatches::default(),
            ended: false,
        }
    }

    /// Returns the mismatches counted so far. They are complete when the iterator has ended, and none if agreement is
    /// [required](Agreement::Required).
    pub fn mismatches(&self) -> Mismatches {
        self.mismatches
    }

    fn next_pair(&mut self) -> Result<Option<(S, Option<T>)>, E> {
        let Some((position, gold)) = self.read_gold()? else {
            self.check_rest()?;
            return Ok(None);
        };
        let partner = match &gold.borrow().id {
            Some(id) => self.find_predicted(id)?,
            None => Some(self.next_in_order(position)?),
        };
        let Some((predicted_position, predicted)) = partner else {
            if self.agreement == Agreement::Required {
                let id = gold.borrow().id.clone().unwrap_or_default();
                return Err(EvalError::MissingSentence { id, position }.into());
            }
            self.mismatches.missing += 1;
            return Ok(Some((gold, None)));
        };
        if gold.borrow().text != predicted.borrow().text {
            match (&gold.borrow().id, self.agreement) {
                (None, _) => return Err(EvalError::TextAt { position }.into()),
                (Some(id), Agreement::Required) => {
                    let (id, predicted) = (id.clone(), predicted_position);
                    return Err(EvalError::TextOfId { id, gold: position, predicted }.into());
                }
                (Some(_), Agreement::Counted) => self.mismatches.other_text += 1,
            }
        }
        Ok(Some((gold, Some(predicted))))
    }

    fn read_gold(&mut self) -> Result<Option<(usize, S)>, E> {
        self.gold.next(&mut self.ids, self.agreement, &mut self.mismatches.repeated_gold)
    }

    fn read_predicted(&mut self) -> Result<Option<(usize, T)>, E> {
        self.predicted.next(&mut self.ids, self.agreement, &mut self.mismatches.repeated_predicted)
    }

    /// Finds the prediction of a gold sentence, if there is one, and keeps those before it in `early`.
    fn find_predicted(&mut self, id: &str) -> Result<Option<(usize, T)>, E> {
        if let Some(found) = self.early.remove(id) {
            return Ok(Some(found));
        }
        while let Some((position, predicted)) = self.read_predicted()? {
            match &predicted.borrow().id {
                None => return Err(EvalError::IdsOnOneSide { side: Side::Gold }.into()),
                Some(own) if own == id => return Ok(Some((position, predicted))),
                Some(own) => self.early.insert(own.clone(), (position, predicted)),
            };
        }
        Ok(None)
    }

    /// Reads the next prediction, when sentences are paired by order.
    fn next_in_order(&mut self, position: usize) -> Result<(usize, T), E> {
        match self.read_predicted()? {
            Some((_, predicted)) if predicted.borrow().id.is_some() => {
                Err(EvalError::IdsOnOneSide { side: Side::Predicted }.into())
            }
            Some(found) => Ok(found),
            None => {
                let mut gold = position;
                while self.read_gold()?.is_some() {
                    gold += 1;
                }
                Err(EvalError::SentenceCount { gold, predicted: position - 1 }.into())
            }
        }
    }

    /// Checks or counts the predictions that are left when the gold sentences have ended.
    fn check_rest(&mut self) -> Result<(), E> {
        if self.agreement == Agreement::Required
            && let Some((id, &(position, _))) = self.early.iter().min_by_key(|(_, (position, _))| *position)
        {
            return Err(EvalError::UnknownSentence { id: id.clone(), position }.into());
        }
        self.mismatches.unknown += self.early.len();
        self.early.clear();
        while let Some((position, predicted)) = self.read_predicted()? {
            match (&predicted.borrow().id, self.agreement) {
                (None, _) => {
                    let mut predicted = position;
                    while self.read_predicted()?.is_some() {
                        predicted += 1;
                    }
                    return Err(EvalError::SentenceCount { gold: self.gold.read, predicted }.into());
                }
                (Some(id), Agreement::Required) => {
                    return Err(EvalError::UnknownSentence { id: id.clone(), position }.into());
                }
                (Some(_), Agreement::Counted) => self.mismatches.unknown += 1,
            }
        }
        Ok(())
    }
}

impl<S: Borrow<Sentence>, T: Borrow<Sentence>, E: From<EvalError>, G, P> Iterator for SentencePairStream<G, P, T>
where
    G: Iterator<Item = Result<S, E>>,
    P: Iterator<Item = Result<T, E>>,
{
    type Item = Result<(S, Option<T>), E>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let pair = self.next_pair().transpose();
        self.ended = !matches!(pair, Some(Ok(_)));
        pair
    }
}

/// The sentences of one side.
#[derive(Debug)]
struct Stream<I> {
    sentences: I,
    side: Side,
    /// Number of sentences read.
    read: usize,
    /// Whether the first sentence had an id.
    has_ids: Option<bool>,
}

impl<I> Stream<I> {
    fn new(sentences: I, side: Side) -> Self {
        Self { sentences, side, read: 0, has_ids: None }
    }

    /// Reads the next sentence and its position, from 1. A repeated id is an error, or is counted and skipped.
    fn next<S: Borrow<Sentence>, E: From<EvalError>>(
        &mut self,
        ids: &mut Ids,
        agreement: Agreement,
        repeated: &mut usize,
    ) -> Result<Option<(usize, S)>, E>
    where
        I: Iterator<Item = Result<S, E>>,
    {
        loop {
            let Some(sentence) = self.sentences.next().transpose()? else { return Ok(None) };
            self.read += 1;
            let (side, position, id) = (self.side, self.read, sentence.borrow().id.as_deref());
            let has_id = id.is_some();
            if *self.has_ids.get_or_insert(has_id) != has_id {
                return Err(EvalError::MixedIds { side, position, has_id }.into());
            }
            match id.and_then(|id| ids.first_position(id, side, position).map(|first| (id, first))) {
                None => return Ok(Some((position, sentence))),
                Some(_) if agreement == Agreement::Counted => *repeated += 1,
                Some((id, first)) => {
                    return Err(EvalError::DuplicateId { side, id: id.to_owned(), first, position }.into());
                }
            }
        }
    }
}

/// The first position of each id on the gold and on the predicted side, from 1; 0 if it was not read yet.
#[derive(Debug, Default)]
struct Ids(HashMap<Box<str>, [usize; 2]>);

impl Ids {
    /// Returns the earlier position of the id on this side, or records this position if there is none.
    fn first_position(&mut self, id: &str, side: Side, position: usize) -> Option<usize> {
        let positions = match self.0.get_mut(id) {
            Some(positions) => positions,
            None => self.0.entry(id.into()).or_default(),
        };
        let own = &mut positions[side as usize];
        if *own == 0 {
            *own = position;
            return None;
        }
        Some(*own)
    }
}
