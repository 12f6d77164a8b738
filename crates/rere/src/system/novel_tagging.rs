//! Novel tagging: one tag for each token, with relation, role and position (Zheng et al. 2017).

use burn::tensor::{Bool, Device, Tensor, TensorData};
use rere_core::Probability;
use rere_data::{LocatedSentence, tag_labels};
use rere_decode::{DecodeError, Decoder, Scale, TableScores, TagScores, Tags, TagsScratch, TokenTriple, TokenizedText};
use rere_loss::{LabelCounts, LossKind};
use rere_model::{Network, TaggingHead};
use serde::{Deserialize, Serialize};

use super::{
    Decoding, Floor, SpanTriple, System, Window,
    one_network::{Batch, OneNetwork, one_stage},
    spans::sentence_states,
};
use crate::{Labels, RereError, Runtime, StageConfig, Thresholds, TrainingStep, config::setters, numbers};

/// Settings of novel tagging.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, default)]
pub struct NovelTaggingConfig {
    /// Training of the network. The tags of a token exclude each other, so its loss must be `bce` or `focal`.
    pub tagger: StageConfig,
    /// Size of the tag decoder: of its state, and of the vector of a tag. The paper's is 600.
    pub size: usize,
    /// Weight of the tags of entities in the loss, where O has 1; the paper's is 10.
    pub bias: f64,
}

impl Default for NovelTaggingConfig {
    fn default() -> Self {
        Self { tagger: StageConfig::default(), size: 256, bias: 10.0 }
    }
}

impl NovelTaggingConfig {
    setters! {
        /// Sets the training of the network.
        with_tagger(tagger: StageConfig);
        /// Sets the size of the tag decoder.
        with_size(size: usize);
        /// Sets the weight of the tags of entities.
        with_bias(bias: f64);
    }
}

/// The system of novel tagging: one network that tags the tokens.
///
/// A token has one tag, so the triples of a sentence cannot share tokens. [`ceilings`](crate::ceilings) counts what is lost.
#[derive(Debug)]
pub struct NovelTagging {
    model: Network<TaggingHead>,
    runtime: Runtime,
}

impl System for NovelTagging {
    const NAME: &'static str = "novel-tagging";
    type Config = NovelTaggingConfig;
    /// All triples of the best tags; `None` if a score is NaN.
    type Scores = Option<Vec<TokenTriple>>;
    type Scratch = ();

    one_stage!(tagger);

    fn check(config: &NovelTaggingConfig) -> Result<(), String> {
        if config.size == 0 {
            return Err("novel-tagging.size: expected at least 1, found 0".to_owned());
        }
        if !(config.bias > 0.0 && config.bias.is_finite()) {
            return Err(format!("novel-tagging.bias: expected a number over 0, found {}", config.bias));
        }
        match config.tagger.loss.kind {
            LossKind::Bce { .. } | LossKind::Focal { .. } => Ok(()),
            _ => {
                Err("novel-tagging.tagger.loss: expected bce or focal, because the tags of a token exclude each other"
                    .into())
            }
        }
    }

    /// Tags are chosen by their highest score, so no threshold is needed before triples have their scores.
    fn score(&self, windows: &[Window<'_>], _: &Floor<'_>) -> Result<Vec<Self::Scores>, RereError> {
        let decoder = Tags::new(Probability::ZERO);
        let scores = self.runtime.sentences(windows, |input, tokens| {
            let logits = self.model.head.forward(sentence_states(self.model.encode(input)));
            let [_, width, tags] = logits.dims();
            let (logits, mut scratch) = (numbers(logits), TagsScratch::default());
            let triples = tokens.iter().zip(logits.chunks_exact(width * tags)).map(|(&tokens, logits)| {
                let table = TableScores::new(&logits[..tokens * tags], tokens, tags, Scale::Logit);
                let scores = table.and_then(TagScores::new).ok()?;
                let mut found = Vec::new();
                decoder.decode(scores, &mut scratch, &mut found);
                Some(found)
            });
            triples.collect()
        });
        match scores.iter().position(Option::is_none) {
            Some(window) => Err(RereError::NotANumber { sentence: windows[window].text + 1 }),
            None => Ok(scores),
        }
    }

    /// The score of a triple is the lowest probability of its tags.
    fn decode(
        &self,
        scores: &Self::Scores,
        text: TokenizedText<'_>,
        _: &Decoding<'_>,
        (): &mut (),
        found: &mut Vec<SpanTriple>,
    ) -> Result<(), DecodeError> {
        found.extend(scores.iter().flatten().map(|triple| SpanTriple::new(triple, text)));
        Ok(())
    }

    fn candidates() -> Vec<Thresholds> {
        vec![Thresholds::default()]
    }
}

impl OneNetwork for NovelTagging {
    const NETWORK: &'static str = "tagger";
    type Head = TaggingHead;

    fn head(config: &NovelTaggingConfig, hidden: usize, relations: usize, device: &Device) -> TaggingHead {
        TaggingHead::new(hidden, config.size, config.size, relations, device)
    }

    fn with_first_of(head: TaggingHead, earlier: TaggingHead) -> TaggingHead {
        head.with_first_of(earlier)
    }

    fn new(model: Network<TaggingHead>, _: usize, runtime: Runtime) -> Self {
        Self { model, runtime }
    }

    /// Counts tokens with and without the tag O. All labels are positive: see [`tagging_labels`].
    fn counts(sentences: &[&LocatedSentence], _: usize) -> Vec<LabelCounts> {
        let mut counts = [0, 0];
        for LocatedSentence { tokens, triples } in sentences {
            let tags = tag_labels(triples, tokens.len()).tags;
            tags.into_iter().for_each(|tag| counts[usize::from(tag != 0)] += 1);
        }
        counts.map(|count| LabelCounts { labels: vec![count], positives: vec![count] }).into()
    }

    fn labels(
        config: &NovelTaggingConfig,
        model: &Network<TaggingHead>,
        batch: &Batch<'_>,
        _: &mut TrainingStep,
    ) -> Vec<Labels> {
        let tags = |sentence: &&LocatedSentence| tag_labels(&sentence.triples, sentence.tokens.len()).tags;
        let tags: Vec<Vec<usize>> = batch.sentences.iter().map(tags).collect();
        tagging_labels(model.head.forward(sentence_states(model.encode(batch.input))), &tags, config.bias)
    }
}

/// Returns labels `[sentences, tokens, 1]`, of the tokens with tag O and of the others: that a token has its tag. `logits` are
/// those of a softmax over the tags, `[sentences, tokens, tags]`; `tags` has the tags of each sentence's tokens.
///
/// The logit of a label is that of its tag's probability, so that the cross-entropy of all labels is the paper's objective: the
/// log-likelihood of the tags, those of entities `bias` times, divided by the number of tokens.
fn tagging_labels(logits: Tensor<3>, tags: &[Vec<usize>], bias: f64) -> Vec<Labels> {
    let ([rows, width, classes], device) = (logits.dims(), logits.device());
    let mut is_tag = vec![false; rows * width * classes];
    let mut masks = [vec![false; rows * width], vec![false; rows * width]];
    for (row, tags) in tags.iter().enumerate() {
        for (token, &tag) in tags.iter().enumerate() {
            is_tag[(row * width + token) * classes + tag] = true;
            masks[usize::from(tag != 0)][row * width + token] = true;
        }
    }
    let is_tag = Tensor::<3, Bool>::from_data(TensorData::new(is_tag, [rows, width, classes]), &device);
    let own = logits.clone().mask_fill(is_tag.clone().bool_not(), 0.0).sum_dim(2);
    // ln p - ln (1 - p) = y - ln of the sum of the other tags' exp(y).
    let others = logits.mask_fill(is_tag, f32::MIN);
    let highest = others.clone().max_dim(2);
    let log_odds = own.sub(others.sub(highest.clone()).exp().sum_dim(2).log().add(highest));
    let tokens = tags.iter().map(Vec::len).sum::<usize>().max(1) as f64;
    let labels = masks.into_iter().zip([1.0, bias]).map(|(mask, weight)| {
        let share = mask.iter().filter(|&&counts| counts).count() as f64 / tokens;
        let mask = Tensor::<3, Bool>::from_data(TensorData::new(mask, [rows, width, 1]), &device);
        let targets = Tensor::ones([rows, width, 1], &device);
        Labels::new(log_odds.clone(), targets, 1).with_mask(mask).with_weight(weight * share)
    });
    labels.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::reference::{BATCHES, RELATIONS, Reference};

    /// The program is `tests/reference/novel_tagging.py`. Its state and tags have the sizes 12 and 10.
    #[test]
    fn logits_and_twenty_training_steps_match_pytorch() {
        let reference = Reference::open("novel_tagging.safetensors");
        let head = |device: &Device| {
            let device = device.clone();
            move |hidden| TaggingHead::new(hidden, 12, 10, RELATIONS, &device)
        };
        let tags = |batch: usize| -> Vec<Vec<usize>> {
            let sentences = reference.sentences(batch).into_iter();
            let labels = sentences.map(|sentence| tag_labels(&sentence.triples, sentence.tokens.len()));
            labels.inspect(|labels| assert_eq!(labels.left_out, [0usize; 0])).map(|labels| labels.tags).collect()
        };
        let logits = |model: &Network<TaggingHead>, batch: usize, device: &Device| {
            model.head.forward(sentence_states(model.encode(&reference.input(batch, device))))
        };
        let compare = |logits: Tensor<3>, batch: usize, state: &str, tolerance: f32| {
            let [_, width, classes] = logits.dims();
            let (found, expected) = (numbers(logits), reference.floats(&format!("{state}.logits")));
            assert_eq!(found.len(), expected.len());
            for (row, tags) in tags(batch).iter().enumerate() {
                let tokens = row * width * classes..(row * width + tags.len()) * classes;
                let pairs = found[tokens.clone()].iter().zip(&expected[tokens]);
                let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(difference < tolerance, "{state}, row {row}: {difference}");
            }
        };
        let device = Device::flex();
        let network = reference.network(&device, head(&device));
        for batch in 0..BATCHES {
            compare(logits(&network, batch, &device), batch, &format!("b{batch}"), 1e-5);
            let (shape, expected) = reference.integers(&format!("b{batch}.tags"));
            let mut found = tags(batch);
            found.iter_mut().for_each(|tags| tags.resize(shape[1], 0));
            let found: Vec<i64> = found.concat().into_iter().map(|tag| tag as i64).collect();
            assert_eq!(found, expected);
        }
        let training = device.autodiff();
        let network = reference.network(&training, head(&training));
        let trained = reference
            .train(network, |network, batch| tagging_labels(logits(network, batch, &training), &tags(batch), 10.0));
        compare(logits(&trained, 0, &training), 0, "final.b0", 1e-4);
    }
}
