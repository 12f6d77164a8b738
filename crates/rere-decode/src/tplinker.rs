//! TPLinker: spans and links in one table of token pairs.

use rere_core::{Probability, TokenSpan};

use crate::{
    DecodeError, Decoder, ExpectedColumns, RelationThresholds, Scale, TableScores, TokenTriple, triple::best_first,
};

/// The decoder of TPLinker (Wang et al. 2020, Section 3.1), with a score for each label, as in the authors' later
/// multi-label form.
///
/// The scores ([`HandshakeScores`]) are a table with one row for each pair of tokens `i <= j`, or only its cells over a
/// floor. The table has these columns:
///
/// | column | label | meaning of 1 |
/// |---|---|---|
/// | 0 | EH-ET | an entity has its first token at `i` and its last at `j` |
/// | 1 + 4r | SH-OH | relation `r` has a subject with first token `i` and an object with first token `j` |
/// | 2 + 4r | OH-SH | relation `r` has an object with first token `i` and a subject with first token `j` |
/// | 3 + 4r | ST-OT | relation `r` has a subject with last token `i` and an object with last token `j` |
/// | 4 + 4r | OT-ST | relation `r` has an object with last token `i` and a subject with last token `j` |
///
/// If subject and object have the same first (or last) token, `i = j`, SH-OH and OH-SH (or ST-OT and OT-ST) mean the
/// same. Targets set the former, and decoding takes the higher score.
///
/// **Rows** are in the order of `i`, then of `j`: (0, 0), (0, 1), …, (0, N-1), (1, 1), (1, 2), …, (N-1, N-1). See
/// [`handshake_row`].
///
/// **Decoding.** A cell counts if its score is at or over the threshold: that of entities for column 0, that of the
/// relation for the others. A link of heads joins all spans that start there, and a pair of them is a triple if their
/// last tokens are linked too. Spans may overlap; a span is not joined with itself. The score of a triple is the lowest
/// of four cells: those of its two spans, of its heads and of its tails.
///
/// **Time** is proportional to the number of given cells. For those over the thresholds, each link of heads adds its
/// subjects, and for each subject the number of its objects or of the links of its tail, whichever is smaller.
///
/// ```
/// use rere_core::{Probability, TokenSpan};
/// use rere_decode::{Decoder, HandshakeScores, Scale, TableScores, TpLinker, handshake_row, handshake_rows};
///
/// // Tokens: Ockham 0, home 1, of 2, Ada 3, Lovelace 4. Subject: tokens 3 and 4. Object: token 0.
/// let (tokens, columns) = (5, 1 + 4);
/// let mut targets = vec![0.0; handshake_rows(tokens).ok_or("too long")? * columns];
/// for (i, j, column) in [
///     (3, 4, 0), // an entity
///     (0, 0, 0), // an entity
///     (0, 3, 2), // object head, subject head
///     (0, 4, 4), // object tail, subject tail
/// ] {
///     targets[handshake_row(i, j, tokens).ok_or("no such pair")? * columns + column] = 1.0;
/// }
///
/// let table = TableScores::new(&targets, targets.len() / columns, columns, Scale::Probability)?;
/// let half = Probability::new(0.5)?;
/// let mut found = Vec::new();
/// TpLinker::new(half, half).decode(HandshakeScores::new(table, tokens)?, &mut Default::default(), &mut found);
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].subject, found[0].object), (TokenSpan::new(3, 5), TokenSpan::new(0, 1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TpLinker {
    entities: Probability,
    links: RelationThresholds,
}

/// Returns the number of rows for a number of tokens, N(N+1)/2, or `None` if it exceeds a `usize`.
///
/// ```
/// assert_eq!(rere_decode::handshake_rows(3), Some(6));
/// assert_eq!(rere_decode::handshake_rows(usize::MAX), None);
/// ```
pub fn handshake_rows(tokens: usize) -> Option<usize> {
    // One of two successive numbers is even.
    let (half, other) = if tokens.is_multiple_of(2) { (tokens / 2, tokens + 1) } else { (tokens / 2 + 1, tokens) };
    half.checked_mul(other)
}

/// Returns the row of the tokens `i` and `j` of a sentence, `i * tokens - i * (i + 1) / 2 + j`, or `None` if not
/// `i <= j < tokens` or if the number of rows exceeds a `usize`.
///
/// ```
/// let rows = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)].map(|(i, j)| rere_decode::handshake_row(i, j, 3));
/// assert_eq!(rows, [0, 1, 2, 3, 4, 5].map(Some));
/// ```
pub fn handshake_row(i: usize, j: usize, tokens: usize) -> Option<usize> {
    if i > j || j >= tokens {
        return None;
    }
    // All rows minus those from token i on.
    Some(handshake_rows(tokens)? - handshake_rows(tokens - i)? + (j - i))
}

/// A score of a handshaking table.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HandshakeCell {
    /// First token of the pair.
    pub i: u32,
    /// Second token of the pair, at or after the first.
    pub j: u32,
    /// Column of the table: see [`TpLinker`].
    pub column: u32,
    /// The score.
    pub score: f32,
}

/// Checked scores of the token pairs of a sentence, for [`TpLinker`].
#[derive(Debug, Clone, Copy)]
pub struct HandshakeScores<'a> {
    cells: Cells<'a>,
    tokens: usize,
    relations: usize,
}

#[derive(Debug, Clone, Copy)]
enum Cells<'a> {
    All(TableScores<'a>),
    Some(&'a [HandshakeCell], Scale),
}

impl<'a> HandshakeScores<'a> {
    /// Checks the scores of a sentence of `tokens` tokens, `[tokens * (tokens + 1) / 2, 1 + 4 * relations]`. See
    /// [`TpLinker`] for rows and columns.
    ///
    /// # Errors
    /// Returns [`DecodeError::TableColumns`] if the number of columns is not 1 more than a multiple of 4, and
    /// [`DecodeError::HandshakeRows`] if the number of rows does not fit the number of tokens.
    pub fn new(table: TableScores<'a>, tokens: usize) -> Result<Self, DecodeError> {
        if table.columns() % 4 != 1 {
            let expected = ExpectedColumns::Handshakes;
            return Err(DecodeError::TableColumns { columns: table.columns(), expected });
        }
        if handshake_rows(tokens) != Some(table.rows()) {
            return Err(DecodeError::HandshakeRows { rows: table.rows(), tokens });
        }
        Ok(Self { cells: Cells::All(table), tokens, relations: table.columns() / 4 })
    }

    /// Checks some cells of the table of a sentence, sorted by row and column; all others are under the thresholds.
    ///
    /// A table of 128 tokens and 211 relations has 7 million cells, of which few matter: keep those over the lowest
    /// threshold.
    ///
    /// ```
    /// use rere_decode::{Decoder, HandshakeCell, HandshakeScores, Probability, Scale, TpLinker};
    ///
    /// // Two entities of one token, and the links of relation 1.
    /// let cells = [(0, 0, 0), (0, 2, 5), (0, 2, 7), (2, 2, 0)];
    /// let cells = cells.map(|(i, j, column)| HandshakeCell { i, j, column, score: 0.8 });
    /// let scores = HandshakeScores::sparse(&cells, Scale::Probability, 3, 2)?; // 3 tokens, 2 relations
    /// let half = Probability::saturating(0.5);
    /// let mut found = Vec::new();
    /// TpLinker::new(half, half).decode(scores, &mut Default::default(), &mut found);
    /// assert_eq!((found[0].relation, found[0].subject.start, found[0].object.start), (1, 0, 2));
    /// # Ok::<(), rere_decode::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`DecodeError::HandshakeCell`] for the first cell that is not in the table, not after the previous cell,
    /// or whose score is NaN or a probability outside \[0, 1\].
    pub fn sparse(
        cells: &'a [HandshakeCell],
        scale: Scale,
        tokens: usize,
        relations: usize,
    ) -> Result<Self, DecodeError> {
        let key = |cell: &HandshakeCell| (cell.i, cell.j, cell.column);
        for (number, cell) in cells.iter().enumerate() {
            let is_in_table = cell.i <= cell.j && (cell.j as usize) < tokens && cell.column as usize <= 4 * relations;
            let is_sorted = number.checked_sub(1).is_none_or(|previous| key(&cells[previous]) < key(cell));
            if !is_in_table || !is_sorted || scale.first_invalid(&[cell.score]).is_some() {
                return Err(DecodeError::HandshakeCell { number, cell: *cell, scale, tokens, relations });
            }
        }
        Ok(Self { cells: Cells::Some(cells, scale), tokens, relations })
    }

    /// Returns the number of tokens.
    pub const fn tokens(self) -> usize {
        self.tokens
    }

    /// Returns the scale of the scores.
    pub const fn scale(self) -> Scale {
        match self.cells {
            Cells::All(table) => table.scale(),
            Cells::Some(_, scale) => scale,
        }
    }

    /// Calls `hit` with tokens, column and score of each score at or over `threshold`, sorted by row and column. The
    /// threshold is on the scale of the scores.
    fn scan(self, threshold: f32, mut hit: impl FnMut(usize, usize, usize, f32)) {
        match self.cells {
            Cells::All(table) => {
                // First token of the pair, and the row of its pair with itself.
                let (mut i, mut first) = (0, 0);
                table.scan(threshold, |row, column, score| {
                    while row - first >= self.tokens - i {
                        first += self.tokens - i;
                        i += 1;
                    }
                    hit(i, i + (row - first), column, score);
                });
            }
            Cells::Some(cells, _) => {
                for cell in cells.iter().filter(|cell| cell.score >= threshold) {
                    hit(cell.i as usize, cell.j as usize, cell.column as usize, cell.score);
                }
            }
        }
    }
}

/// A cell over the threshold: the first and last token of an entity, or the tokens of subject and object of a link.
#[derive(Debug, Clone, Copy)]
struct Cell {
    /// 0 for entities.
    relation: usize,
    from: usize,
    to: usize,
    /// On the scale of the scores.
    score: f32,
}

impl Cell {
    fn key(&self) -> (usize, usize, usize) {
        (self.relation, self.from, self.to)
    }
}

/// Reusable memory of [`TpLinker`].
#[derive(Debug, Default)]
pub struct TpLinkerScratch {
    levels: Vec<f32>,
    entities: Vec<Cell>,
    heads: Vec<Cell>,
    tails: Vec<Cell>,
}

impl TpLinker {
    /// Creates a decoder with a threshold of entities, and thresholds of links for each relation.
    pub fn new(entities: Probability, links: impl Into<RelationThresholds>) -> Self {
        Self { entities, links: links.into() }
    }

    /// Collects the cells over the thresholds, each once, with entities and tails sorted.
    fn collect(&self, scores: HandshakeScores<'_>, scratch: &mut TpLinkerScratch) {
        let TpLinkerScratch { levels, entities, heads, tails } = scratch;
        for cells in [&mut *entities, heads, tails] {
            cells.clear();
        }
        let entity_level = scores.scale().threshold(self.entities);
        let lowest = self.links.levels(scores.scale(), scores.relations, levels).min(entity_level);
        scores.scan(lowest, |i, j, column, score| {
            let Some(label) = column.checked_sub(1) else {
                if score >= entity_level {
                    entities.push(Cell { relation: 0, from: i, to: j, score });
                }
                return;
            };
            let (relation, label) = (label / 4, label % 4);
            if score >= levels[relation] {
                let (from, to) = if label % 2 == 0 { (i, j) } else { (j, i) };
                let links = if label < 2 { &mut *heads } else { &mut *tails };
                let link = Cell { relation, from, to, score };
                // Both directions of a token with itself come one after the other.
                match links.last_mut().filter(|last| last.key() == link.key()) {
                    Some(last) => last.score = last.score.max(score),
                    None => links.push(link),
                }
            }
        });
        tails.sort_unstable_by_key(Cell::key);
    }
}

/// Returns the cells of a relation and first token, in the order of the second. All cells must be sorted.
fn starting_at(cells: &[Cell], relation: usize, from: usize) -> &[Cell] {
    let cells = &cells[cells.partition_point(|cell| (cell.relation, cell.from) < (relation, from))..];
    &cells[..cells.partition_point(|cell| (cell.relation, cell.from) == (relation, from))]
}

impl Decoder for TpLinker {
    type Input<'a> = HandshakeScores<'a>;
    type Scratch = TpLinkerScratch;

    fn decode(&self, scores: HandshakeScores<'_>, scratch: &mut TpLinkerScratch, found: &mut Vec<TokenTriple>) {
        // A table without rows may have any number of columns.
        if scores.tokens == 0 {
            return;
        }
        self.collect(scores, scratch);
        let TpLinkerScratch { entities, heads, tails, .. } = &*scratch;
        let from = found.len();
        for head in heads {
            let objects = starting_at(entities, 0, head.to);
            if objects.is_empty() {
                continue;
            }
            for subject in starting_at(entities, 0, head.from) {
                // The objects and the links of the subject's tail are joined by the object's last token.
                let tails = starting_at(tails, head.relation, subject.to);
                let (fewer, more) = if tails.len() < objects.len() { (tails, objects) } else { (objects, tails) };
                for cell in fewer {
                    let Ok(other) = more.binary_search_by_key(&cell.to, |cell| cell.to) else { continue };
                    if (head.to, cell.to) == (subject.from, subject.to) {
                        continue;
                    }
                    let score = [subject.score, cell.score, more[other].score].into_iter().fold(head.score, f32::min);
                    found.push(TokenTriple {
                        relation: head.relation,
                        subject: TokenSpan::new(subject.from, subject.to + 1),
                        object: TokenSpan::new(head.to, cell.to + 1),
                        score: scores.scale().probability(score),
                    });
                }
            }
        }
        best_first(&mut found[from..]);
    }
}
