//! Texts: sentences, occurrences of surfaces, word boundaries, and folding of differences.

mod borders;
mod class;
mod find;
mod fold;
mod sentences;

#[cfg(test)]
pub(crate) use self::fold::slow;
pub use self::{
    borders::on_word_borders,
    find::occurrences,
    fold::Folding,
    sentences::{SentenceSplitter, Split, UnknownSplit, document, document_name},
};
pub(crate) use self::{
    borders::{begins_word, ends_word, is_character_border, is_unspaced},
    fold::Folded,
};
