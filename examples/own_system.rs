//! A system of your own: network, labels and decoding are defined here; the `rere` crate does everything else.
//!
//! ```text
//! cargo run --release --example own_system
//! ```
//!
//! The system is the simplest form of novel tagging (Zheng et al. 2017): each token has one tag, which holds its relation, its role
//! and its position in the mention. docs/adding-a-system.md explains each step.

use std::{error::Error, ops::ControlFlow};

use burn::{module::Module, tensor::Tensor};
use rere::{
    Config, Corpus, Decoding, Device, Earlier, Event, ExtractOptions, Extractor, Floor, Inputs, Labels, LoadOptions,
    ModelParts, Probability, RereError, Run, Runtime, SentenceExamples, SpanTriple, StageConfig, System, Targets, Task,
    Thresholds, TrainOptions, Trained, Trainer, TrainingStep, Window, probabilities,
};
use rere_data::{SENTENCE_EXTRA, tag_count, tag_labels};
use rere_decode::{DecodeError, Decoder, Scale, TableScores, TagScores, Tags, TagsScratch, TokenTriple, TokenizedText};
use rere_loss::LabelCounts;
use rere_model::{AnyEncoder, Encoder, EncoderConfig, EncoderInput, HasEncoder, Linear, ModelError, Pack, WeightType};
use serde::{Deserialize, Serialize};

// 1. The network: an encoder and a head.

#[derive(Module, Debug)]
struct TaggerModel {
    encoder: AnyEncoder,
    head: Linear,
}

impl TaggerModel {
    fn new(encoder: &EncoderConfig, relations: usize, device: &Device) -> Result<Self, ModelError> {
        let encoder = encoder.init(device)?;
        let head = Linear::new(encoder.hidden_size(), tag_count(relations), device);
        Ok(Self { encoder, head })
    }

    /// Logits `[batch, tokens, tags]`.
    fn forward(&self, input: &EncoderInput) -> Tensor<3> {
        let hidden = self.encoder.forward(input);
        let [batch, tokens, size] = hidden.dims();
        let logits = self.head.forward(hidden.reshape([batch * tokens, size]));
        let [_, tags] = self.head.dims();
        logits.reshape([batch, tokens, tags])
    }
}

impl HasEncoder for TaggerModel {
    fn encoder(&self) -> &AnyEncoder {
        &self.encoder
    }

    fn map_encoder<E>(mut self, map: impl FnOnce(AnyEncoder) -> Result<AnyEncoder, E>) -> Result<Self, E> {
        self.encoder = map(self.encoder)?;
        Ok(self)
    }
}

// For fast extraction on CPUs.
impl Pack for TaggerModel {
    fn pack(self, weights: WeightType) -> Self {
        Self { encoder: self.encoder.pack(weights), head: self.head.pack(weights) }
    }
}

// 2. The training task.

struct Tagging {
    model: TaggerModel,
    runtime: Runtime,
}

struct TaggingTask<'a> {
    run: Inputs<'a>,
    examples: SentenceExamples<'a>,
}

impl Task for TaggingTask<'_> {
    type Model = TaggerModel;

    fn init(&self, device: &Device) -> Result<TaggerModel, ModelError> {
        TaggerModel::new(self.run.encoder, self.run.relations.len(), device)
    }

    fn init_from(&self, model: TaggerModel, earlier: &Earlier<'_>) -> Result<TaggerModel, RereError> {
        // The head has the tags of all relations in one layer, so only the encoder is reused.
        let old =
            earlier.network("tagger", |device| TaggerModel::new(self.run.encoder, earlier.relations(), device))?;
        Ok(TaggerModel { encoder: old.encoder, ..model })
    }

    fn lengths(&self) -> &[usize] {
        self.examples.lengths()
    }

    fn too_long(&self) -> usize {
        self.examples.too_long()
    }

    fn counts(&self) -> Vec<LabelCounts> {
        let classes = tag_count(self.run.relations.len());
        let mut counts = LabelCounts { labels: vec![0; classes], positives: vec![0; classes] };
        for sentence in self.examples.sentences() {
            for tag in tag_labels(&sentence.triples, sentence.tokens.len()).tags {
                counts.positives[tag] += 1;
                counts.labels.iter_mut().for_each(|labels| *labels += 1);
            }
        }
        vec![counts]
    }

    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        self.examples.input(batch, device)
    }

    fn labels(&self, model: &TaggerModel, batch: &[usize], input: &EncoderInput, _: &mut TrainingStep) -> Vec<Labels> {
        let [rows, width] = input.ids.dims();
        let mut targets = Targets::new(rows, width, tag_count(self.run.relations.len())).masked();
        for (row, sentence) in self.examples.batch(batch).into_iter().enumerate() {
            // The sentence starts at 1, after [CLS]; only its own tokens count.
            targets.count(row, 1, sentence.tokens.len());
            for (token, tag) in tag_labels(&sentence.triples, sentence.tokens.len()).tags.into_iter().enumerate() {
                targets.mark(row, 1 + token, tag);
            }
        }
        // A group of a collective loss is the tokens of one tag in a sentence. The loss is a mean over tokens and tags; multiplied
        // by the number of tags, it is the sum over the tags of a token.
        let tags = tag_count(self.run.relations.len()) as f64;
        vec![targets.labels(model.forward(input), 1).with_weight(tags)]
    }

    fn dev_score(&self, model: &TaggerModel, device: &Device) -> Result<Option<f64>, RereError> {
        let runtime = Runtime::new(device, 2048, self.run.tokenizer);
        self.run.system_f1(&Tagging { model: model.valid(), runtime })
    }
}

// 3. The system: settings, training, loading, scores, decoding.

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TaggingConfig {
    tagger: StageConfig,
}

impl System for Tagging {
    const NAME: &'static str = "tagging";
    type Config = TaggingConfig;
    /// Probabilities `[tokens, tags]`.
    type Scores = Vec<f32>;
    type Scratch = (TagsScratch, Vec<TokenTriple>);

    fn stages(config: &TaggingConfig) -> Vec<(&'static str, &StageConfig)> {
        vec![("tagger", &config.tagger)]
    }

    fn train(config: &TaggingConfig, run: &mut Run<'_>) -> Result<(), RereError> {
        let inputs = run.inputs();
        let task = TaggingTask { run: inputs, examples: SentenceExamples::new(inputs, inputs.train) };
        run.stage("tagger", &config.tagger, &task)
    }

    fn load(_: &TaggingConfig, parts: &ModelParts<'_>) -> Result<Self, RereError> {
        let (encoder, relations) = (&parts.config.encoder, parts.config.relations.len());
        Ok(Self {
            model: parts.network("tagger", |device| TaggerModel::new(encoder, relations, device))?,
            runtime: parts.runtime.clone(),
        })
    }

    fn extra_tokens(&self) -> usize {
        SENTENCE_EXTRA
    }

    fn score(&self, windows: &[Window<'_>], _: &Floor<'_>) -> Result<Vec<Vec<f32>>, RereError> {
        Ok(self.runtime.sentences(windows, |input, tokens| {
            let logits = self.model.forward(input);
            let [_, width, tags] = logits.dims();
            let scores = probabilities(logits);
            // The text of a row starts after [CLS].
            let of_row = |(tokens, scores): (&usize, &[f32])| scores[tags..(1 + tokens) * tags].to_vec();
            tokens.iter().zip(scores.chunks_exact(width * tags)).map(of_row).collect()
        }))
    }

    /// Ignores thresholds and the longest mention: tags have no threshold, and the caller removes mentions that are too long.
    fn decode(
        &self,
        scores: &Vec<f32>,
        text: TokenizedText<'_>,
        _: &Decoding<'_>,
        (scratch, triples): &mut Self::Scratch,
        found: &mut Vec<SpanTriple>,
    ) -> Result<(), DecodeError> {
        let tokens = text.tokens().len();
        let table = TableScores::new(scores, tokens, scores.len() / tokens.max(1), Scale::Probability)?;
        triples.clear();
        Tags::new(Probability::ZERO).decode(TagScores::new(table)?, scratch, triples);
        found.extend(triples.iter().map(|triple| SpanTriple::new(triple, text)));
        Ok(())
    }

    /// Returns one candidate: only the threshold of triples is to be chosen.
    fn candidates() -> Vec<Thresholds> {
        vec![Thresholds::default()]
    }
}

// 4. The program: train, tune, save, load, extract.

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::<Tagging>::parse(
        r#"
        system = "tagging"
        [encoder]
        random = { model_type = "bilstm", embedding_size = 64, direction_size = 64, layers = 1 }
        [tagging.tagger]
        epochs = 8
        learning_rate = 1e-2
        "#,
    )?;
    let read = |name: &str| rere_data::read(&std::path::Path::new("datasets/small").join(name));
    let corpus = Corpus { train: read("train.jsonl")?, dev: read("dev.jsonl")? };
    let folder = tempfile::tempdir()?;
    let on_event = |event: &Event| {
        if let Event::Epoch { epoch, loss, dev_f1, .. } = event {
            println!("epoch {epoch}: loss {loss:.4}, dev F1 {:.1}", 100.0 * dev_f1.unwrap_or_default());
        }
        ControlFlow::Continue(())
    };
    Trainer::new(config, TrainOptions::new(Device::flex())).on_event(on_event).run(&corpus, folder.path())?;

    let tagging = Trained::<Tagging>::load(folder.path(), &LoadOptions::new(Device::flex()))?;
    let texts: Vec<_> = corpus.dev.iter().take(5).map(Into::into).collect();
    for (text, triples) in texts.iter().zip(tagging.extract(&texts, &ExtractOptions::default())?) {
        println!("\n{}", text.text);
        for triple in triples {
            println!("  {} | {} | {}", triple.subject.text, triple.relation, triple.object.text);
        }
    }
    Ok(())
}
