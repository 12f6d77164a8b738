//! What the tests of systems against PyTorch share. The programs and their recorded results are in `tests/reference`.

use std::path::PathBuf;

use burn::{
    module::{Module, ModuleDisplay},
    optim::GradientsParams,
    tensor::{Bool, Device, Int, Tensor, TensorData},
};
use rere_core::{ByteSpan, TokenSpan};
use rere_data::{LocatedSentence, LocatedTriple, Tokens};
use rere_loss::{Bce, GroupBy};
use rere_model::{BertConfig, EncoderConfig, EncoderInput, Network, clip_gradients, load_pretrained, load_weights};
use safetensors::SafeTensors;

use super::one_network::{Batch, OneNetwork};
use crate::{
    Labels, TrainingStep, numbers,
    train::{GroupedLoss, optimizer, total_loss},
};

/// Number of relations in all references.
pub(super) const RELATIONS: usize = 5;
/// Number of batches in all references.
pub(super) const BATCHES: usize = 3;

/// Recorded weights, batches, logits and losses of a program.
pub(super) struct Reference {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Reference {
    pub fn open(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name);
        let bytes = std::fs::read(&path).expect("the reference");
        Self { path, bytes }
    }

    fn shape_and_bytes(&self, name: &str) -> (Vec<usize>, Vec<u8>) {
        let tensors = SafeTensors::deserialize(&self.bytes).expect("a safetensors file");
        let tensor = tensors.tensor(name).unwrap_or_else(|_| panic!("no tensor {name}"));
        (tensor.shape().to_vec(), tensor.data().to_vec())
    }

    pub fn floats(&self, name: &str) -> Vec<f32> {
        let (_, bytes) = self.shape_and_bytes(name);
        bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    pub fn integers(&self, name: &str) -> (Vec<usize>, Vec<i64>) {
        let (shape, bytes) = self.shape_and_bytes(name);
        (shape, bytes.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
    }

    /// Returns which positions of a batch are not padding, `[rows, width]`.
    pub fn attention(&self, batch: usize) -> Vec<bool> {
        self.integers(&format!("b{batch}.attention")).1.into_iter().map(|one| one == 1).collect()
    }

    pub fn input(&self, batch: usize, device: &Device) -> EncoderInput {
        let (shape, ids) = self.integers(&format!("b{batch}.ids"));
        let shape = [shape[0], shape[1]];
        EncoderInput::new(
            Tensor::<2, Int>::from_data(TensorData::new(ids, shape), device),
            Tensor::zeros(shape, device),
            Tensor::<2, Bool>::from_data(TensorData::new(self.attention(batch), shape), device),
        )
    }

    /// Returns the sentences of a batch with their triples.
    pub fn sentences(&self, batch: usize) -> Vec<LocatedSentence> {
        let (shape, counts) = self.integers(&format!("b{batch}.counts"));
        let tokens = counts.chunks_exact(shape[1]).map(|counts| counts.iter().sum::<i64>() as usize);
        let mut sentences: Vec<LocatedSentence> = tokens
            .map(|tokens| {
                let tokens = Tokens { ids: vec![0; tokens], spans: vec![ByteSpan::new(0, 0); tokens] };
                LocatedSentence { tokens, triples: Vec::new() }
            })
            .collect();
        for triple in self.integers(&format!("b{batch}.triples")).1.as_chunks::<6>().0 {
            let [row, subject_first, subject_last, relation, object_first, object_last] = triple.map(|n| n as usize);
            sentences[row].triples.push(LocatedTriple {
                relation,
                subjects: vec![TokenSpan::new(subject_first, subject_last + 1)],
                objects: vec![TokenSpan::new(object_first, object_last + 1)],
            });
        }
        sentences
    }

    /// Creates the network with the recorded weights.
    pub fn network<H: Module + ModuleDisplay>(&self, device: &Device, head: impl FnOnce(usize) -> H) -> Network<H> {
        let config: BertConfig = serde_json::from_value(serde_json::json!({
            "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
            "max_position_embeddings": 32, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
        }))
        .expect("a BERT");
        let mut network = Network::new(&EncoderConfig::Bert(config), device, head).expect("a network");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::copy(&self.path, folder.path().join("model.safetensors")).expect("copied");
        network.encoder = load_pretrained(network.encoder, folder.path()).expect("the encoder's weights");
        network.head = load_weights(network.head, &self.path).expect("the head's weights");
        network
    }

    /// Trains twenty steps with BCE and compares the losses.
    pub fn train<H>(&self, mut network: Network<H>, labels: impl Fn(&Network<H>, usize) -> Vec<Labels>) -> Network<H>
    where
        H: Module + ModuleDisplay,
    {
        let mut adamw = optimizer::adamw(0.01);
        for (step, expected) in self.floats("losses").into_iter().enumerate() {
            let labels = labels(&network, step % BATCHES);
            let bce = || GroupedLoss { loss: Box::new(Bce::new()), group: GroupBy::Sentence };
            let losses: Vec<GroupedLoss> = labels.iter().map(|_| bce()).collect();
            let loss = total_loss(&losses, labels);
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = adamw.step(2e-3, network.clone(), clip_gradients(gradients, &network, 1.0));
            let loss = loss.into_scalar::<f32>();
            assert!((loss - expected).abs() < 2e-5 * expected.max(1.0), "step {step}: {loss}, expected {expected}");
        }
        network
    }

    /// Compares the labels of a batch that count with the recorded ones: targets, and logits with a tolerance. `kinds` has the beginnings of the names of
    /// the kinds of labels; `state` is the beginning of the names of logits, such as `b0`.
    fn compare(&self, batch: usize, state: &str, kinds: &[&str], labels: Vec<Labels>, tolerance: f32) {
        assert_eq!(labels.len(), kinds.len());
        for (labels, kind) in labels.into_iter().zip(kinds) {
            let counts = labels.mask_values();
            let counted = |values: Vec<f32>| match &counts {
                Some(counts) if counts.len() == values.len() => {
                    values.into_iter().zip(counts).filter(|(_, counts)| **counts).map(|(value, _)| value).collect()
                }
                _ => values,
            };
            let targets = counted(self.floats(&format!("b{batch}.{kind}targets")));
            assert_eq!(counted(numbers(labels.targets())), targets, "batch {batch}, targets of {kind}");
            let expected = counted(self.floats(&format!("{state}.{kind}logits")));
            let found = counted(numbers(labels.logits));
            assert_eq!(found.len(), expected.len(), "{kind}");
            let difference = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < tolerance, "{state}, {kind}: {difference}");
        }
    }
}

/// Compares a system with a program: labels and logits of all batches, the losses of twenty training steps, and the logits after
/// them. `kinds` has the beginnings of the names of the kinds of labels.
pub(super) fn check<S: OneNetwork>(name: &str, kinds: &[&str]) {
    let (reference, config) = (Reference::open(name), S::Config::default());
    let labels = |network: &Network<S::Head>, number: usize, device: &Device| {
        let (sentences, input) = (reference.sentences(number), reference.input(number, device));
        let sentences: Vec<&LocatedSentence> = sentences.iter().collect();
        let batch = Batch { sentences: &sentences, input: &input, relations: RELATIONS };
        S::labels(&config, network, &batch, &mut TrainingStep::new(1))
    };
    let device = Device::flex();
    let network = reference.network(&device, |hidden| S::head(&config, hidden, RELATIONS, &device));
    for batch in 0..BATCHES {
        reference.compare(batch, &format!("b{batch}"), kinds, labels(&network, batch, &device), 1e-5);
    }
    let training = device.autodiff();
    let network = reference.network(&training, |hidden| S::head(&config, hidden, RELATIONS, &training));
    let trained = reference.train(network, |network, batch| labels(network, batch, &training));
    reference.compare(0, "final.b0", kinds, labels(&trained, 0, &training), 1e-4);
}
