//! Results of each stage alone, for error analysis.

use rere_core::Triple;

use super::Rere;
use crate::{
    RereError, Thresholds, Trained,
    pipeline::{ScoredSentences, Texts},
};

impl Trained<Rere> {
    /// Computes the probability of each relation in each text: the highest over its windows, and 0 for a text without tokens.
    ///
    /// # Errors
    /// Returns an error if a text cannot be tokenised or a score is NaN.
    pub fn relation_scores(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RereError> {
        let texts = Texts::tokenize(texts.to_vec(), self.tokenizer())?;
        let windows = texts.windows(self.window_tokens());
        let scores = self.in_pool(|| self.system().relations(&windows))?;
        let mut best = vec![vec![0.0f32; self.system().queries.len()]; texts.texts.len()];
        for (window, scores) in windows.iter().zip(scores) {
            for (best, score) in best[window.text].iter_mut().zip(scores) {
                *best = best.max(score);
            }
        }
        Ok(best)
    }

    /// Runs the second stage alone, on the given relations of each text, and returns the triples of each text at each of the
    /// thresholds. The relations are given by label and count as certain.
    ///
    /// # Errors
    /// Returns an error if a text cannot be tokenised or a score is NaN.
    ///
    /// # Panics
    /// Panics if there is not one list of labels per text, or a label is not one of the model's.
    pub fn extract_given(
        &self,
        texts: &[&str],
        relations: &[Vec<usize>],
        thresholds: &[Thresholds],
    ) -> Result<Vec<Vec<Vec<Triple>>>, RereError> {
        assert_eq!(texts.len(), relations.len(), "expected one list of labels per text");
        let texts = Texts::tokenize(texts.to_vec(), self.tokenizer())?;
        let windows = texts.windows(self.window_tokens());
        let given = windows.iter().map(|window| relations[window.text].iter().map(|&label| (label, 1.0)).collect());
        let given = given.collect();
        let scores = self.in_pool(|| self.system().pointers(&windows, given));
        let scored =
            ScoredSentences { texts: &texts, windows, scores, wanted: vec![true; self.system().queries.len()] };
        thresholds.iter().map(|at| self.decode(&scored, at)).collect()
    }
}
