//! The graph of a [`Bert`]: what its `forward` computes, as ONNX operators.

use super::{
    Bert, Embeddings, Layer,
    relative::{Disentangled, Relative},
};
use crate::{
    Linear,
    onnx::{Dimension::Any, Element, Encoded, Graph, Rows, Value},
};

/// Order of dimensions of states in heads, `[batch, tokens, heads, size]`, that makes `[batch, heads, tokens, size]`.
const ROWS: [i64; 4] = [0, 2, 1, 3];
/// The same for `[batch, heads, size, tokens]`.
const COLUMNS: [i64; 4] = [0, 2, 3, 1];

/// What all layers need besides the states.
struct Shared {
    /// Added to the scores: 0 for tokens and -3e4 for padding, `[batch, 1, 1, tokens]`.
    padding: Value,
    relative: Option<Positions>,
    /// Number of terms of a score.
    terms: usize,
}

/// What the layers add to their scores.
enum Positions {
    /// A bias, `[1, heads, tokens, tokens]`.
    Bias(Value),
    Disentangled {
        /// Embeddings of distances, `[2 * span, hidden]`.
        embeddings: Value,
        /// The row of `embeddings` for each attending and each attended token, `[1, 1, tokens, tokens]`.
        rows: Value,
        content_to_position: bool,
        position_to_content: bool,
    },
}

impl Positions {
    /// Keeps only what the first token attends with.
    fn first(self, graph: &mut Graph) -> Self {
        match self {
            Self::Bias(bias) => Self::Bias(graph.first(&bias, 2)),
            Self::Disentangled { embeddings, rows, content_to_position, position_to_content } => {
                let rows = graph.first(&rows, 2);
                Self::Disentangled { embeddings, rows, content_to_position, position_to_content }
            }
        }
    }
}

impl Bert {
    /// Adds the encoder with its inputs. `max_tokens` is the longest input.
    pub(crate) fn add_to(&self, graph: &mut Graph, rows: Rows, max_tokens: usize) -> Encoded {
        let input = |graph: &mut Graph, name| graph.input(name, Element::I64, &[Any("batch"), Any("tokens")]);
        let ids = input(graph, "input_ids");
        let attention = input(graph, "attention_mask");
        let segments = self.embeddings.has_segments().then(|| input(graph, "token_type_ids"));

        let mask = graph.unsqueeze(&attention, &[1, 2]);
        let mask = graph.apply_with("Cast", &[&mask], &[("to", Element::F32 as i64)]);
        let one = graph.number(1.0);
        let padding = graph.apply("Sub", &[&one, &mask]);
        let least = graph.number(-3e4);
        let padding = graph.apply("Mul", &[&padding, &least]);

        let mut shared = Shared {
            padding,
            relative: self.relative.as_ref().map(|relative| relative.add_to(graph, &ids, max_tokens)),
            terms: match &self.relative {
                Some(Relative::Disentangled(disentangled)) => disentangled.terms(),
                _ => 1,
            },
        };
        let mut hidden = self.embeddings.add_to(graph, &ids, segments.as_ref(), &attention);
        for (number, layer) in self.layers.iter().enumerate() {
            let mut rows_of_layer = hidden.clone();
            if rows == Rows::First && number + 1 == self.layers.len() {
                // As in `Encoder::first`, the last layer computes only the first token, which attends to all tokens.
                rows_of_layer = graph.first(&hidden, 1);
                shared.relative = shared.relative.map(|relative| relative.first(graph));
            }
            hidden = layer.add_to(graph, &format!("encoder.layers.{number}"), &rows_of_layer, &hidden, &shared);
        }
        if rows == Rows::First && self.layers.is_empty() {
            hidden = graph.first(&hidden, 1);
        }
        Encoded { hidden, attention }
    }
}

impl Embeddings {
    fn has_segments(&self) -> bool {
        self.token_type.as_ref().is_some_and(|segments| segments.weight.dims()[0] > 1)
    }

    /// Adds the states of the tokens, `[batch, tokens, hidden]`.
    fn add_to(&self, graph: &mut Graph, ids: &Value, segments: Option<&Value>, attention: &Value) -> Value {
        let mut sum = graph.embedding("encoder.embeddings.word", &self.word, ids);
        let add = |graph: &mut Graph, sum: &mut Value, other: &Value| *sum = graph.apply("Add", &[sum, other]);
        if let Some(embedding) = &self.token_type {
            let segments = segments.cloned().unwrap_or_else(|| graph.integers(&[0]));
            let segments = graph.embedding("encoder.embeddings.token_type", embedding, &segments);
            add(graph, &mut sum, &segments);
        }
        if let Some(position) = &self.position {
            // Padding is at the end, so this counts the tokens before each one. Unlike a range, it has a known shape.
            let axis = graph.integer(1);
            let positions = graph.apply("CumSum", &[attention, &axis]);
            let before_first = graph.integer(self.first_position as i64 - 1);
            let positions = graph.apply("Add", &[&positions, &before_first]);
            let positions = graph.embedding("encoder.embeddings.position", position, &positions);
            add(graph, &mut sum, &positions);
        }
        if let Some(task) = &self.task {
            let first = graph.integers(&[0]);
            let task = graph.embedding("encoder.embeddings.task", task, &first);
            add(graph, &mut sum, &task);
        }
        let states = graph.layer_norm("encoder.embeddings.norm", &self.norm, self.epsilon, &sum);
        match &self.projection {
            Some(projection) => graph.linear("encoder.embeddings.projection", projection, &states),
            None => states,
        }
    }
}

impl Layer {
    /// Adds the layer's output for the tokens `rows`, `[batch, wanted, hidden]`, which attend to all tokens `hidden`.
    fn add_to(&self, graph: &mut Graph, name: &str, rows: &Value, hidden: &Value, shared: &Shared) -> Value {
        let part = |part: &str| format!("{name}.{part}");
        let query = graph.linear(&part("query"), &self.query, rows);
        let query = self.split_heads(graph, &query, ROWS);
        let key = graph.linear(&part("key"), &self.key, hidden);
        let columns = self.split_heads(graph, &key, COLUMNS);
        let value = graph.linear(&part("value"), &self.value, hidden);
        let value = self.split_heads(graph, &value, ROWS);

        let mut scores = graph.apply("MatMul", &[&query, &columns]);
        if let Some(Positions::Disentangled { embeddings, rows, content_to_position, position_to_content }) =
            &shared.relative
        {
            let shape = graph.apply("Shape", &[&scores]);
            let rows = graph.apply("Expand", &[rows, &shape]);
            if *content_to_position {
                let terms = self.positions(graph, &part("key"), &self.key, embeddings, &query);
                let terms = graph.apply_with("GatherElements", &[&terms, &rows], &[("axis", 3)]);
                scores = graph.apply("Add", &[&scores, &terms]);
            }
            if *position_to_content {
                let key = graph.transpose(&columns, &[0, 1, 3, 2]);
                let terms = self.positions(graph, &part("query"), &self.query, embeddings, &key);
                let rows = graph.transpose(&rows, &[0, 1, 3, 2]);
                let terms = graph.apply_with("GatherElements", &[&terms, &rows], &[("axis", 3)]);
                let terms = graph.transpose(&terms, &[0, 1, 3, 2]);
                scores = graph.apply("Add", &[&scores, &terms]);
            }
        }
        let scale = graph.number(((self.head_size() * shared.terms) as f64).sqrt());
        scores = graph.apply("Div", &[&scores, &scale]);
        if let Some(Positions::Bias(bias)) = &shared.relative {
            scores = graph.apply("Add", &[&scores, bias]);
        }
        scores = graph.apply("Add", &[&scores, &shared.padding]);
        let weights = graph.apply_with("Softmax", &[&scores], &[("axis", -1)]);
        let context = graph.apply("MatMul", &[&weights, &value]);
        let context = graph.transpose(&context, &[0, 2, 1, 3]);
        let context = graph.reshape(&context, &[0, 0, (self.heads * self.head_size()) as i64]);

        let attended = graph.linear(&part("output"), &self.output, &context);
        let attended = graph.apply("Add", &[&attended, rows]);
        let rows = graph.layer_norm(&part("attention_norm"), &self.attention_norm, self.epsilon, &attended);
        let fed = graph.linear(&part("up"), &self.up, &rows);
        let fed = graph.activation(self.activation, &fed);
        let fed = graph.linear(&part("down"), &self.down, &fed);
        let fed = graph.apply("Add", &[&fed, &rows]);
        graph.layer_norm(&part("output_norm"), &self.output_norm, self.epsilon, &fed)
    }

    fn head_size(&self) -> usize {
        self.query.dims()[1] / self.heads
    }

    /// Adds the split of states, `[batch, tokens, hidden]`, into heads: [`ROWS`] or [`COLUMNS`].
    fn split_heads(&self, graph: &mut Graph, states: &Value, order: [i64; 4]) -> Value {
        let heads = graph.reshape(states, &[0, 0, self.heads as i64, self.head_size() as i64]);
        graph.transpose(&heads, &order)
    }

    /// Adds the products of contents, `[batch, heads, tokens, size]`, and projected embeddings of distances,
    /// `[batch, heads, tokens, 2 * span]`.
    fn positions(
        &self,
        graph: &mut Graph,
        name: &str,
        projection: &Linear,
        embeddings: &Value,
        content: &Value,
    ) -> Value {
        let projected = graph.linear(name, projection, embeddings);
        let projected = graph.unsqueeze(&projected, &[0]);
        let projected = self.split_heads(graph, &projected, COLUMNS);
        graph.apply("MatMul", &[content, &projected])
    }
}

impl Relative {
    /// Adds what the layers add to their scores. All distances that an input of `max_tokens` has are in a table.
    fn add_to(&self, graph: &mut Graph, ids: &Value, max_tokens: usize) -> Positions {
        let farthest = max_tokens as i64 - 1;
        let distances = -farthest..=farthest;
        let table: Vec<i64> = match self {
            Self::Bias(bias) => distances.map(|distance| bias.row(distance)).collect(),
            Self::Disentangled(disentangled) => distances.map(|distance| disentangled.row(distance)).collect(),
        };
        let table = graph.named_integers("encoder.relative.rows", &table);
        // The distance from an attending to an attended token, as a position in the table.
        let tokens = graph.apply_with("Shape", &[ids], &[("start", 1), ("end", 2)]);
        let tokens = graph.reshape(&tokens, &[]);
        let [zero, one] = [0, 1].map(|number| graph.integer(number));
        let positions = graph.apply("Range", &[&zero, &tokens, &one]);
        let attending = graph.unsqueeze(&positions, &[1]);
        let attended = graph.unsqueeze(&positions, &[0]);
        let distance = graph.apply("Sub", &[&attended, &attending]);
        let middle = graph.integer(farthest);
        let distance = graph.apply("Add", &[&distance, &middle]);
        let rows = graph.apply_with("Gather", &[&table, &distance], &[("axis", 0)]);
        match self {
            Self::Bias(bias) => {
                let bias = graph.embedding("encoder.relative.bias", &bias.bias, &rows);
                let bias = graph.transpose(&bias, &[2, 0, 1]);
                Positions::Bias(graph.unsqueeze(&bias, &[0]))
            }
            Self::Disentangled(Disentangled {
                embeddings,
                norm,
                epsilon,
                content_to_position,
                position_to_content,
                ..
            }) => {
                let embeddings = graph.weights("encoder.relative.embeddings", embeddings.val());
                Positions::Disentangled {
                    embeddings: match norm {
                        Some(norm) => graph.layer_norm("encoder.relative.norm", norm, *epsilon, &embeddings),
                        None => embeddings,
                    },
                    rows: graph.unsqueeze(&rows, &[0, 1]),
                    content_to_position: *content_to_position,
                    position_to_content: *position_to_content,
                }
            }
        }
    }
}
