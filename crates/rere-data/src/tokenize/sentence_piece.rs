//! SentencePiece models (Kudo and Richardson 2018).

use prost::Message;
use tokenizers::{
    AddedToken, NormalizerWrapper, PreTokenizerWrapper,
    models::unigram::Unigram,
    normalizers::{Lowercase, Precompiled, Replace, Sequence, Strip, replace::ReplacePattern},
    pre_tokenizers::{
        metaspace::{Metaspace, PrependScheme},
        punctuation::Punctuation,
        sequence::Sequence as PreTokenizers,
    },
};

use crate::TokenizerProblem;

/// Stands for a space in a piece.
const SPACE: char = '▁';

/// How a class of tokenizers numbers the pieces of its model, and how it treats a text before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// DeBERTa-v2 and v3: as in the model.
    DebertaV2,
    /// XLM-RoBERTa: fairseq's special tokens instead of the model's.
    XlmRoberta,
    /// CamemBERT: fairseq's special tokens before the model's.
    Camembert,
}

impl Layout {
    /// Returns the name of the model's file.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::DebertaV2 => "spm.model",
            Self::XlmRoberta | Self::Camembert => "sentencepiece.bpe.model",
        }
    }
}

/// The parts of `sentencepiece_model.proto` that are needed.
#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, repeated, tag = "1")]
    pieces: Vec<Piece>,
    #[prost(message, optional, tag = "2")]
    trainer: Option<Trainer>,
    #[prost(message, optional, tag = "3")]
    normalizer: Option<Normalizer>,
}

#[derive(Clone, PartialEq, Message)]
struct Piece {
    #[prost(string, optional, tag = "1")]
    piece: Option<String>,
    #[prost(float, optional, tag = "2")]
    score: Option<f32>,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Trainer {
    #[prost(int32, optional, tag = "3")]
    model: Option<i32>,
    #[prost(int32, optional, tag = "40")]
    unknown: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Normalizer {
    #[prost(bytes = "vec", optional, tag = "2")]
    charsmap: Option<Vec<u8>>,
}

/// `ModelType::UNIGRAM`.
const UNIGRAM: i32 = 1;
/// `SentencePiece::Type::CONTROL`.
const CONTROL: i32 = 3;
/// `SentencePiece::Type::USER_DEFINED`.
const USER_DEFINED: i32 = 4;

/// Builds a tokenizer from the content of a model.
pub(super) fn tokenizer(
    bytes: &[u8],
    layout: Layout,
    lower_case: bool,
    split_by_punctuation: bool,
) -> Result<tokenizers::Tokenizer, TokenizerProblem> {
    let model = Model::decode(bytes).map_err(|error| TokenizerProblem::Library(error.into()))?;
    let trainer = model.trainer.unwrap_or_default();
    if trainer.model.unwrap_or(UNIGRAM) != UNIGRAM {
        return Err(TokenizerProblem::NotUnigram);
    }
    let special = |tokens: &[(&str, f64)]| {
        tokens.iter().map(|(token, score)| ((*token).to_owned(), *score)).collect::<Vec<(String, f64)>>()
    };
    let (mut vocabulary, skipped) = match layout {
        Layout::DebertaV2 => (Vec::new(), 0),
        Layout::XlmRoberta => (special(&[("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]), 3),
        // The model's own unknown piece gets a score at which it is not used.
        Layout::Camembert => {
            let names = [("<s>NOTUSED", 0.0), ("<pad>", 0.0), ("</s>NOTUSED", 0.0), ("<unk>", 0.0)];
            ([special(&names), special(&[("<unk>NOTUSED", -100.0)])].concat(), 1)
        }
    };
    let piece = |piece: &Piece| (piece.piece.clone().unwrap_or_default(), piece.score.unwrap_or_default().into());
    vocabulary.extend(model.pieces.iter().skip(skipped).map(piece));
    let unknown = match layout {
        Layout::DebertaV2 => usize::try_from(trainer.unknown.unwrap_or(0)).unwrap_or(usize::MAX),
        Layout::XlmRoberta | Layout::Camembert => {
            vocabulary.extend(special(&[("<mask>", 0.0)]));
            3
        }
    };
    let unigram = Unigram::from(vocabulary, Some(unknown), false).map_err(TokenizerProblem::Library)?;
    let mut inner = tokenizers::Tokenizer::new(unigram);
    for piece in &model.pieces {
        let content = piece.piece.clone().unwrap_or_default();
        let added = match piece.kind {
            Some(CONTROL) => inner.add_special_tokens([AddedToken::from(content, true)]),
            Some(USER_DEFINED) => inner.add_tokens([AddedToken::from(content, false).normalized(false)]),
            _ => Ok(0),
        };
        added.map_err(TokenizerProblem::Library)?;
    }
    let charsmap = model.normalizer.and_then(|normalizer| normalizer.charsmap).filter(|charsmap| !charsmap.is_empty());
    let charsmap = charsmap.map(|charsmap| precompiled(&charsmap)).transpose()?.map(NormalizerWrapper::from);
    let replaced =
        |by: &str| Replace::new(ReplacePattern::Regex(" {2,}".into()), by).map_err(TokenizerProblem::Library);
    let metaspace = PreTokenizerWrapper::from(Metaspace::new(SPACE, PrependScheme::Always, true));
    let normalizers: Vec<NormalizerWrapper> = match layout {
        Layout::DebertaV2 => {
            let lower_case = lower_case.then(|| Lowercase.into());
            let strip = Strip::new(true, true).into();
            lower_case.into_iter().chain([strip]).chain(charsmap).chain([replaced(" ")?.into()]).collect()
        }
        Layout::XlmRoberta | Layout::Camembert => {
            let strip = Strip::new(false, true).into();
            charsmap.into_iter().chain([strip, replaced("▁")?.into()]).collect()
        }
    };
    inner.with_normalizer(Some(Sequence::new(normalizers))).map_err(TokenizerProblem::Library)?;
    if layout == Layout::DebertaV2 {
        let punctuation = split_by_punctuation.then(|| PreTokenizerWrapper::from(Punctuation::default()));
        inner.with_pre_tokenizer(Some(PreTokenizers::new(punctuation.into_iter().chain([metaspace]).collect())));
    } else {
        inner.with_pre_tokenizer(Some(metaspace));
    }
    Ok(inner)
}

/// Reads the rules that map characters to others.
fn precompiled(charsmap: &[u8]) -> Result<Precompiled, TokenizerProblem> {
    // The library reserves as much memory as the first four bytes ask for.
    let size = charsmap.first_chunk().map_or(0, |size| u32::from_le_bytes(*size));
    if size as usize > charsmap.len().saturating_sub(4) {
        return Err(TokenizerProblem::Charsmap);
    }
    Precompiled::from(charsmap).map_err(|_| TokenizerProblem::Charsmap)
}
