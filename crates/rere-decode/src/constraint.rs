//! Decoders that discard triples which the user knows to be impossible.

use std::fmt;

use rere_core::TokenSpan;
use rustc_hash::FxHashSet;

use crate::{Decoder, TokenTriple};

/// A decoder with limits on its triples. If two triples exclude each other, it keeps the better one.
///
/// ```
/// use rere_core::Probability;
/// use rere_decode::{Constrained, Decoder, Nearest, PointerScores};
///
/// // Two subjects before one object.
/// let scores = [0.9, 0.9, 0.0, 0.0, 0.8, 0.8, 0.0, 0.0, 0.0, 0.0, 0.7, 0.7];
/// let scores = PointerScores::new(&scores, 3)?;
/// let nearest = Nearest::new(Probability::new(0.5)?);
/// let (mut all, mut one_to_one) = (Vec::new(), Vec::new());
/// nearest.decode(scores, &mut Default::default(), &mut all);
/// Constrained::new(nearest).one_to_one(|_relation| true).decode(scores, &mut Default::default(), &mut one_to_one);
/// assert_eq!((all.len(), one_to_one.len()), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Constrained<D, F = fn(usize) -> bool> {
    decoder: D,
    is_one_to_one: F,
    longest: usize,
    most: usize,
}

/// Reusable memory of [`Constrained`].
#[derive(Debug, Default)]
pub struct ConstrainedScratch<S> {
    decoder: S,
    /// Relation and span of the subjects, then of the objects, that already have their one triple.
    taken: [FxHashSet<(usize, TokenSpan)>; 2],
}

impl<D: Decoder> Constrained<D> {
    /// Wraps a decoder, without any constraint yet.
    pub fn new(decoder: D) -> Self {
        Self { decoder, is_one_to_one: |_| false, longest: usize::MAX, most: usize::MAX }
    }
}

impl<D: Decoder, F> Constrained<D, F> {
    /// Gives each subject one object and each object one subject, in the relations for which the function returns
    /// `true`. An example is a country and its capital. The best triple of a sentence is kept first.
    pub fn one_to_one<G: Fn(usize) -> bool + Sync>(self, is_one_to_one: G) -> Constrained<D, G> {
        let Self { decoder, longest, most, .. } = self;
        Constrained { decoder, is_one_to_one, longest, most }
    }

    /// Discards triples with a subject or an object of more than `longest` tokens.
    ///
    /// For pointer scores use [`Nearest::with_longest`](crate::Nearest::with_longest): it limits the spans before they
    /// are paired, so a long span does not displace a shorter one.
    #[must_use]
    pub fn with_longest(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// Keeps the best `most` triples of a sentence; of equal scores the first.
    #[must_use]
    pub fn with_most(self, most: usize) -> Self {
        Self { most, ..self }
    }
}

impl<D: fmt::Debug, F> fmt::Debug for Constrained<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { decoder, longest, most, .. } = self;
        let mut fields = f.debug_struct("Constrained");
        fields.field("decoder", decoder).field("longest", longest).field("most", most).finish_non_exhaustive()
    }
}

impl<D: Decoder, F: Fn(usize) -> bool + Sync> Decoder for Constrained<D, F> {
    type Input<'a> = D::Input<'a>;
    type Scratch = ConstrainedScratch<D::Scratch>;

    fn decode(&self, input: D::Input<'_>, scratch: &mut Self::Scratch, found: &mut Vec<TokenTriple>) {
        let from = found.len();
        self.decoder.decode(input, &mut scratch.decoder, found);
        let [subjects, objects] = &mut scratch.taken;
        subjects.clear();
        objects.clear();
        retain_from(found, from, |triple| {
            let [subject, object] = [triple.subject, triple.object].map(|span| (triple.relation, span));
            if triple.subject.len() > self.longest || triple.object.len() > self.longest {
                return false;
            }
            if !(self.is_one_to_one)(triple.relation) {
                return true;
            }
            let free = !subjects.contains(&subject) && !objects.contains(&object);
            if free {
                subjects.insert(subject);
                objects.insert(object);
            }
            free
        });
        found.truncate(from.saturating_add(self.most));
    }
}

/// A decoder that keeps a triple only if the entity types of its subject and object go together.
///
/// Its input is the input of the wrapped decoder and the known entities of the sentence, each with its span and the
/// number of its type, sorted by span. A span that is not among them may have any type.
///
/// ```
/// use rere_core::{Probability, TokenSpan};
/// use rere_decode::{CandidateScores, Decoder, PairClassification, Scale, TableScores, Typed};
///
/// const PERSON: usize = 0;
/// const CITY: usize = 1;
/// let (ada, london) = (TokenSpan::new(0, 2), TokenSpan::new(5, 6));
/// let pairs = [(ada, london), (london, ada)];
/// let scores = CandidateScores::new(&pairs, TableScores::new(&[0.9, 0.8], 2, 1, Scale::Probability)?)?;
///
/// let born_in = |_relation, subject, object| (subject, object) == (PERSON, CITY);
/// let decoder = Typed::new(PairClassification::new(Probability::new(0.5)?), born_in);
/// let types = [(ada, PERSON), (london, CITY)];
/// let mut found = Vec::new();
/// decoder.decode((scores, &types[..]), &mut Default::default(), &mut found);
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].subject, ada);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Typed<D, F> {
    decoder: D,
    allowed: F,
}

impl<D: Decoder, F: Fn(usize, usize, usize) -> bool + Sync> Typed<D, F> {
    /// Wraps a decoder. `allowed` gets the relation, the subject's type and the object's type.
    pub fn new(decoder: D, allowed: F) -> Self {
        Self { decoder, allowed }
    }
}

impl<D: fmt::Debug, F> fmt::Debug for Typed<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").field("decoder", &self.decoder).finish_non_exhaustive()
    }
}

impl<D: Decoder, F: Fn(usize, usize, usize) -> bool + Sync> Decoder for Typed<D, F> {
    type Input<'a> = (D::Input<'a>, &'a [(TokenSpan, usize)]);
    type Scratch = D::Scratch;

    fn decode(&self, (input, types): Self::Input<'_>, scratch: &mut D::Scratch, found: &mut Vec<TokenTriple>) {
        let from = found.len();
        self.decoder.decode(input, scratch, found);
        let type_of = |span: TokenSpan| types.binary_search_by_key(&span, |entity| entity.0).ok().map(|at| types[at].1);
        retain_from(found, from, |triple| match (type_of(triple.subject), type_of(triple.object)) {
            (Some(subject), Some(object)) => (self.allowed)(triple.relation, subject, object),
            _ => true,
        });
    }
}

/// Does what `Vec::retain` does, from a position on.
fn retain_from(found: &mut Vec<TokenTriple>, from: usize, mut keep: impl FnMut(&TokenTriple) -> bool) {
    let mut position = 0;
    found.retain(|triple| {
        position += 1;
        position <= from || keep(triple)
    });
}
