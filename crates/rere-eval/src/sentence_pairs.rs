//! Which predicted sentence belongs to which gold sentence.

use std::{borrow::Borrow, collections::HashMap, sync::LazyLock};

use rere_core::Sentence;
use serde::Serialize;

use crate::{EvalError, Side};

/// Whether the two sides must have the same sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Agreement {
    /// The first sentence on which they do not agree is an error.
    #[default]
    Required,
    /// Such sentences are counted, where sentences have ids: see [`Mismatches`].
    Counted,
}

/// Sentences on which two sides do not agree, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Mismatches {
    /// Gold sentences without a prediction: taken as predicted empty, so that their triples lower recall.
    pub missing: usize,
    /// Predicted sentences that are not gold: left out, as nobody knows what is right in them.
    pub unknown: usize,
    /// Gold sentences whose id came before: left out.
    pub repeated_gold: usize,
    /// Predicted sentences whose id came before: left out.
    pub repeated_predicted: usize,
    /// Sentences of one id with two texts: compared as they are.
    pub other_text: usize,
}

impl Mismatches {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Sentences in pairs, gold first.
pub type SentencePairs<'a> = Vec<(&'a Sentence, &'a Sentence)>;

/// Each gold sentence with its predicted one, in the order of the gold sentences.
///
/// By id where the sentences have ids, in any order; by order where no sentence of either side has one. Both sides
/// must have the same sentences with the same texts; where they need not, see [`pair_sentences_counted`]. Do this once, then count
/// with as many matchers as wanted. Files that do not fit into memory are paired by [`SentencePairStream`].
///
/// # Errors
/// Every way in which the sides do not agree is an [`EvalError`] of its own; nothing is left out.
pub fn pair_sentences<'a>(gold: &'a [Sentence], predicted: &'a [Sentence]) -> Result<SentencePairs<'a>, EvalError> {
    Ok(pairs(gold, predicted, Agreement::Required)?.0)
}

/// As [`pair_sentences`], but sentences on which the sides do not agree are counted: see [`Mismatches`]. What has no prediction is
/// beside an empty sentence.
///
/// # Errors
/// Where only some sentences have ids; and, without ids, where numbers of sentences or texts differ: nothing tells then
/// what belongs together.
pub fn pair_sentences_counted<'a>(
    gold: &'a [Sentence],
    predicted: &'a [Sentence],
) -> Result<(SentencePairs<'a>, Mismatches), EvalError> {
    pairs(gold, predicted, Agreement::Counted)
}

fn pairs<'a>(
    gold: &'a [Sentence],
    predicted: &'a [Sentence],
    agreement: Agreement,
) -> Result<(SentencePairs<'a>, Mismatches), EvalError> {
    static NONE: LazyLock<Sentence> = LazyLock::new(|| Sentence::new(""));
    let mut aligned = Vec::with_capacity(gold.len());
    let mut pairs = SentencePairStream::new(gold.iter().map(Ok), predicted.iter().map(Ok), agreement);
    for pair in pairs.by_ref() {
        let (gold, predicted) = pair?;
        aligned.push((gold, predicted.unwrap_or(&NONE)));
    }
    Ok((aligned, pairs.mismatches))
}

/// Sentences of two streams, such as readers of files, in pairs: each gold sentence with its predicted one, as [`pair_sentences`]
/// pairs them, in the order of the gold sentences.
///
/// Where both streams have the same order, a sentence is held no longer than until its partner comes, so that memory
/// grows by an id per sentence; that is kept to see repeated ones. Where the orders differ, predicted sentences that come early wait.
///
/// `S` and `T` are [`Sentence`] or `&Sentence`. The prediction is `None` where there is none, which is an error if
/// agreement is [required](Agreement::Required). The streams' own errors are handed on; after an error nothing follows.
///
/// ```
/// use rere_core::{Sentence, Triple};
/// use rere_eval::{Agreement, EvalError, Exact, SentencePairStream, Score, count};
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
    /// Predicted sentences whose gold ones did not come yet, with their positions.
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
    /// SentencePairStream of what the streams will give.
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

    /// What was counted so far: all of it once the pairs have ended. Nothing where agreement is required.
    pub fn mismatches(&self) -> Mismatches {
        self.mismatches
    }

    fn pair(&mut self) -> Result<Option<(S, Option<T>)>, E> {
        let Some((position, gold)) = self.read_gold()? else {
            self.end()?;
            return Ok(None);
        };
        let partner = match &gold.borrow().id {
            Some(id) => self.with_id(id)?,
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

    /// The prediction of a gold sentence, if there is one; what comes before it waits.
    fn with_id(&mut self, id: &str) -> Result<Option<(usize, T)>, E> {
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

    /// The next prediction, where sentences go by their order.
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

    /// Sees what is left of the predictions once the gold sentences have ended.
    fn end(&mut self) -> Result<(), E> {
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
        let pair = self.pair().transpose();
        self.ended = !matches!(pair, Some(Ok(_)));
        pair
    }
}

/// The sentences of one side, counted.
#[derive(Debug)]
struct Stream<I> {
    sentences: I,
    side: Side,
    /// How many came.
    read: usize,
    /// Whether the first one had an id.
    has_ids: Option<bool>,
}

impl<I> Stream<I> {
    fn new(sentences: I, side: Side) -> Self {
        Self { sentences, side, read: 0, has_ids: None }
    }

    /// The next sentence and its position, from 1. Those whose id came before are an error, or are counted and passed over.
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
            match id.and_then(|id| ids.came_before(id, side, position).map(|first| (id, first))) {
                None => return Ok(Some((position, sentence))),
                Some(_) if agreement == Agreement::Counted => *repeated += 1,
                Some((id, first)) => {
                    return Err(EvalError::DuplicateId { side, id: id.to_owned(), first, position }.into());
                }
            }
        }
    }
}

/// Position of each id on the gold and on the predicted side, from 1; 0 where it did not come yet.
#[derive(Debug, Default)]
struct Ids(HashMap<Box<str>, [usize; 2]>);

impl Ids {
    /// Where the id came before on this side; if it did not, it is here.
    fn came_before(&mut self, id: &str, side: Side, position: usize) -> Option<usize> {
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
