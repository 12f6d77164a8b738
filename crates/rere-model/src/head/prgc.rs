//! PRGC (Zheng et al. 2021): the relations of a sentence, subjects and objects of each, and their correspondence.

use burn::{
    module::{Module, Param},
    nn::{Embedding, EmbeddingConfig},
    tensor::{Device, Int, Tensor, TensorData, activation::relu},
};

use super::{Network, POINTERS, forward_rows, rare_labels, relation::mean, with_first};
use crate::{
    EncoderInput, Linear, ModelError, OnnxModel, Pack, WeightType,
    linear::{PairLinear, check_not_packed},
    onnx::{
        Dimension::{Any, Size},
        Element, Graph, Rows, Value,
    },
};

/// The three parts of PRGC over the hidden states of a sentence, without dropout. In place of BIO tags it has the
/// four pointers of RERE, so that every loss and decoder of pointers fits. As in the authors' code, pointers and
/// correspondences have a hidden layer, half as wide as the encoder.
///
/// ```
/// use rere_model::{
///     EncoderInput, PrgcHead,
///     burn::tensor::{Device, Int, Tensor},
/// };
///
/// let device = Device::flex();
/// let head = PrgcHead::new(32, 12, &device); // hidden size, relations
/// let input = EncoderInput::new(
///     Tensor::<2, Int>::from_ints([[2, 17, 18, 19, 3]], &device),
///     Tensor::<2, Int>::zeros([1, 5], &device),
///     Tensor::<2, Int>::ones([1, 5], &device).bool(),
/// );
/// let hidden = Tensor::<3>::zeros([1, 5, 32], &device);
/// assert_eq!(head.relations(hidden.clone(), &input).dims(), [1, 12]);
/// assert_eq!(head.correspondences(hidden.clone()).dims(), [1, 5, 5]);
/// // Pointers of relations 3 and 7 in sentence 0.
/// assert_eq!(head.pointers(hidden, &[(0, 3), (0, 7)]).dims(), [2, 5, 4]);
/// ```
#[derive(Module, Debug)]
pub struct PrgcHead {
    relation: Linear,
    embedding: Embedding,
    pointer_hidden: PairLinear,
    pointer: Linear,
    pair_hidden: PairLinear,
    pair: Linear,
}

impl Pack for PrgcHead {
    fn pack(self, weights: WeightType) -> Self {
        Self {
            relation: self.relation.pack(weights),
            pointer_hidden: self.pointer_hidden.pack(weights),
            pointer: self.pointer.pack(weights),
            pair_hidden: self.pair_hidden.pack(weights),
            pair: self.pair.pack(weights),
            ..self
        }
    }
}

impl PrgcHead {
    /// Creates a head with random weights.
    pub fn new(hidden: usize, relations: usize, device: &Device) -> Self {
        Self {
            relation: rare_labels(hidden, relations, 1e-2, device),
            embedding: EmbeddingConfig::new(relations, hidden).init(device),
            pointer_hidden: PairLinear::new(hidden, hidden.div_ceil(2), device),
            pointer: rare_labels(hidden.div_ceil(2), POINTERS, 1e-2, device),
            pair_hidden: PairLinear::new(hidden, hidden.div_ceil(2), device),
            pair: rare_labels(hidden.div_ceil(2), 1, 1e-3, device),
        }
    }

    /// Replaces the weights of all parts by those of another head, which may have fewer relations. The other relations keep
    /// their random embeddings.
    ///
    /// # Panics
    /// Panics if the other head has more relations or another hidden size.
    #[must_use]
    pub fn with_first_of(self, other: Self) -> Self {
        let embedding = with_first(self.embedding.weight.val(), other.embedding.weight.val(), 0);
        Self {
            relation: self.relation.with_first_of(other.relation),
            embedding: Embedding { weight: Param::from_tensor(embedding) },
            ..other
        }
    }

    /// Computes the logits of relations, `[batch, relations]`, from the mean of the hidden states, `[batch, tokens,
    /// hidden]` (Eq. 1). `input` tells which of them are padding.
    pub fn relations(&self, hidden: Tensor<3>, input: &EncoderInput) -> Tensor<2> {
        self.relation.forward(mean(hidden, input))
    }

    /// Computes pointer logits, `[examples, tokens, 4]`, from hidden states, `[batch, tokens, hidden]`, for examples of a
    /// row and a relation (Eq. 2).
    ///
    /// # Panics
    /// Panics if there is no example, or no such row or relation.
    pub fn pointers(&self, hidden: Tensor<3>, examples: &[(usize, usize)]) -> Tensor<3> {
        let device = hidden.device();
        let (rows, relations): (Vec<i64>, Vec<i64>) =
            examples.iter().map(|&(row, relation)| (row as i64, relation as i64)).unzip();
        let [rows, relations] = [rows, relations]
            .map(|indices| Tensor::<1, Int>::from_data(TensorData::new(indices, [examples.len()]), &device));
        // [1, examples, hidden]
        let relations = self.embedding.forward(relations.unsqueeze::<2>());
        let [tokens, relations] = self.pointer_hidden.forward(hidden, relations);
        let states = tokens.select(0, rows).add(relations.swap_dims(0, 1));
        forward_rows(&self.pointer, relu(states))
    }

    /// Computes the logit for each pair of tokens that they are the first tokens of subject and object of a triple,
    /// `[batch, tokens, tokens]`, from hidden states, `[batch, tokens, hidden]` (Eq. 3).
    pub fn correspondences(&self, hidden: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, _] = hidden.dims();
        let [subjects, objects] = self.pair_hidden.forward(hidden.clone(), hidden);
        let states: Tensor<4> = subjects.unsqueeze_dim::<4>(2).add(objects.unsqueeze_dim(1));
        let [.., size] = states.dims();
        let logits = forward_rows(&self.pair, relu(states).reshape([batch, tokens * tokens, size]));
        logits.reshape([batch, tokens, tokens])
    }
}

impl Network<PrgcHead> {
    /// Converts the network to two ONNX models, for inputs of at most `max_tokens` tokens.
    ///
    /// The first one reads `input_ids`, `attention_mask` and, if the encoder has segments, `token_type_ids`, each
    /// `[batch, tokens]`. It gives `relations`, logits `[batch, relations]`, and `states`, `[batch, tokens, hidden]`.
    ///
    /// The second one reads the `states` of any rows, and `rows` and `labels`, `[examples]`: for each example the row of
    /// `states` and the label of the relation. It gives the logits `pointers`, `[examples, tokens, 4]`, and
    /// `correspondences`, `[batch, tokens, tokens]`, of the rows.
    ///
    /// # Errors
    /// Returns an error if the encoder is not a [`Bert`](crate::Bert) or the layers are packed.
    pub fn to_onnx(&self, max_tokens: usize) -> Result<[OnnxModel; 2], ModelError> {
        check_not_packed(self)?;
        let [hidden, relations] = self.head.relation.dims();
        let states_shape = [Any("batch"), Any("tokens"), Size(hidden)];
        let mut first = Graph::default();
        let encoded = self.encoder.add_to(&mut first, Rows::All, max_tokens)?;
        let mean = encoded.mean(&mut first);
        let logits = first.linear("head.relation", &self.head.relation, &mean);
        first.output("relations", &logits, &[Any("batch"), Size(relations)]);
        first.output("states", &encoded.hidden, &states_shape);

        let mut second = Graph::default();
        let states = second.input("states", Element::F32, &states_shape);
        let [rows, labels] = ["rows", "labels"].map(|name| second.input(name, Element::I64, &[Any("examples")]));
        let pointers = self.head.add_pointers(&mut second, &states, &rows, &labels);
        second.output("pointers", &pointers, &[Any("examples"), Any("tokens"), Size(POINTERS)]);
        let correspondences = self.head.add_correspondences(&mut second, &states);
        second.output("correspondences", &correspondences, &[Any("batch"), Any("tokens"), Any("tokens")]);
        Ok([OnnxModel::new("relations", first), OnnxModel::new("pointers", second)])
    }
}

impl PrgcHead {
    /// Adds what [`pointers`](Self::pointers) computes.
    fn add_pointers(&self, graph: &mut Graph, states: &Value, rows: &Value, labels: &Value) -> Value {
        let relations = graph.embedding("head.embedding", &self.embedding, labels);
        let relations = graph.unsqueeze(&relations, &[1]);
        let [tokens, relations] = graph.linear_halves("head.pointer_hidden", &self.pointer_hidden, states, &relations);
        let tokens = graph.apply_with("Gather", &[&tokens, rows], &[("axis", 0)]);
        let sum = graph.apply("Add", &[&tokens, &relations]);
        let sum = graph.apply("Relu", &[&sum]);
        graph.linear("head.pointer", &self.pointer, &sum)
    }

    /// Adds what [`correspondences`](Self::correspondences) computes.
    fn add_correspondences(&self, graph: &mut Graph, states: &Value) -> Value {
        let [subjects, objects] = graph.linear_halves("head.pair_hidden", &self.pair_hidden, states, states);
        let subjects = graph.unsqueeze(&subjects, &[2]);
        let objects = graph.unsqueeze(&objects, &[1]);
        let sum = graph.apply("Add", &[&subjects, &objects]);
        let sum = graph.apply("Relu", &[&sum]);
        let logits = graph.linear("head.pair", &self.pair, &sum);
        let last = graph.integers(&[3]);
        graph.apply("Squeeze", &[&logits, &last])
    }
}
