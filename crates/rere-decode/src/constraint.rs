//! What a user knows of triples beforehand.

use rere_core::TokenSpan;
use rustc_hash::FxHashSet;

use crate::{Decoder, TokenTriple};

/// A decoder whose triples are cut down to what may be: of those that stand in each other's way, the best stays.
///
/// ```
/// use rere_core::Probability;
/// use rere_decode::{Constrained, Decoder, Nearest, PointerScores};
///
/// // Two subjects before one object.
/// let scores = [0.9, 0.9, 0.0, 0.0, 0.8, 0.8, 0.0, 0.0, 0.0, 0.0, 0.7, 0.7];
/// let scores = PointerScores::new(&scores, 3)?;
/// let nearest = Nearest::new(Probability::new(0.5)?);
/// let (mut all, mut one) = (Vec::new(), Vec::new());
/// nearest.decode(scores, &mut Default::default(), &mut all);
/// Constrained::new(nearest).one_to_one(|_relation| true).decode(scores, &mut Default::default(), &mut one);
/// assert_eq!((all.len(), one.len()), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Constrained<D, F = fn(usize) -> bool> {
    decoder: D,
    one_to_one: F,
    longest: usize,
    most: usize,
}

/// Memory of [`Constrained`].
#[derive(Debug, Default)]
pub struct ConstrainedScratch<S> {
    decoder: S,
    /// Relation and span of those that have their one triple: subjects, then objects.
    taken: [FxHashSet<(usize, TokenSpan)>; 2],
}

impl<D: Decoder> Constrained<D> {
    /// The decoder without any constraint.
    pub fn new(decoder: D) -> Self {
        Self { decoder, one_to_one: |_| false, longest: usize::MAX, most: usize::MAX }
    }
}

impl<D: Decoder, F> Constrained<D, F> {
    /// In the relations for which `is` says so, a subject has one object and an object one subject, such as a country
    /// and its capital. The best triple of a sentence is taken first.
    pub fn one_to_one<G: Fn(usize) -> bool + Sync>(self, is: G) -> Constrained<D, G> {
        let Self { decoder, longest, most, .. } = self;
        Constrained { decoder, one_to_one: is, longest, most }
    }

    /// No triple with a subject or an object of more than `longest` tokens. For pointers,
    /// [`Nearest::with_longest`](crate::Nearest::with_longest) is better: there a long span does not keep others away.
    #[must_use]
    pub fn with_longest(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// The best `most` triples of a sentence; of equal scores the first.
    #[must_use]
    pub fn with_most(self, most: usize) -> Self {
        Self { most, ..self }
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
            if !(self.one_to_one)(triple.relation) {
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

/// A decoder whose triples join entities of types that go together, where the types are known.
///
/// The input is that of the decoder with the types of the sentence's entities: span and number of the type, in the order
/// of the spans. A span that is not among them is of any type.
#[derive(Debug, Clone)]
pub struct Typed<D, F> {
    decoder: D,
    allowed: F,
}

impl<D: Decoder, F: Fn(usize, usize, usize) -> bool + Sync> Typed<D, F> {
    /// Triples for which `allowed` says so, of the relation, the subject's type and the object's.
    pub fn new(decoder: D, allowed: F) -> Self {
        Self { decoder, allowed }
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

/// `Vec::retain` from a position on.
fn retain_from(found: &mut Vec<TokenTriple>, from: usize, mut keep: impl FnMut(&TokenTriple) -> bool) {
    let mut position = 0;
    found.retain(|triple| {
        position += 1;
        position <= from || keep(triple)
    });
}
