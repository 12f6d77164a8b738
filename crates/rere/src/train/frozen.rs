//! Stored states of an encoder's frozen layers. They never change, so they are computed once per stage and read from a file in
//! every epoch.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use burn::tensor::{DType, Tensor, TensorData};
use rere_data::token_batches;

use crate::{RereError, files::io};

/// The most tokens of a batch, padding included.
const TOKENS: usize = 1024;

/// Hidden states of all tokens of all examples in f32, one example after the other. The file has no name and is removed when the
/// value is dropped.
pub(super) struct FrozenStates {
    file: File,
    /// The folder of the file, for errors.
    folder: PathBuf,
    /// The start of each example in tokens, then the end of the last one.
    starts: Vec<u64>,
    /// Size of a hidden state.
    size: usize,
}

impl FrozenStates {
    /// Returns the size of the states of examples of these lengths, in bytes.
    pub fn bytes(lengths: &[usize], size: usize) -> u64 {
        (lengths.iter().sum::<usize>() * size * size_of::<f32>()) as u64
    }

    /// Computes the states of all examples in batches of similar length. `states_of` returns those of a batch, `[batch, tokens,
    /// size]`, or `None` if the encoder has none. The batches are always the same, so that a resumed run gets the same states.
    /// `progress` is called with the number of finished examples after each batch.
    pub fn compute(
        folder: &Path,
        lengths: &[usize],
        size: usize,
        mut states_of: impl FnMut(&[usize]) -> Option<Tensor<3>>,
        progress: &mut dyn FnMut(usize) -> Result<(), RereError>,
    ) -> Result<Option<Self>, RereError> {
        let mut starts = Vec::with_capacity(lengths.len() + 1);
        starts.push(0);
        for &length in lengths {
            starts.push(starts[starts.len() - 1] + length as u64);
        }
        let file = tempfile::tempfile_in(folder).map_err(io(folder))?;
        let mut states = Self { file, folder: folder.to_owned(), starts, size };
        let mut done = 0;
        for batch in token_batches(lengths, TOKENS) {
            let Some(computed) = states_of(&batch) else { return Ok(None) };
            let [_, width, _] = computed.dims();
            let data = computed.into_data();
            for (row, &example) in data.as_bytes().chunks_exact(width * states.width()).zip(&batch) {
                let (start, length) = states.range(example);
                states.file.seek(SeekFrom::Start(start)).map_err(io(folder))?;
                states.file.write_all(&row[..length]).map_err(io(folder))?;
            }
            done += batch.len();
            progress(done)?;
        }
        Ok(Some(states))
    }

    /// Reads the states of these examples, `[batch, tokens, size]`, with zeros for padding.
    pub fn batch(&mut self, batch: &[usize]) -> Result<TensorData, RereError> {
        let longest = batch.iter().map(|&example| self.range(example).1).max().unwrap_or_default();
        let mut data = vec![0u8; batch.len() * longest];
        for (row, &example) in data.chunks_exact_mut(longest.max(1)).zip(batch) {
            let (start, bytes) = self.range(example);
            self.file.seek(SeekFrom::Start(start)).map_err(io(&self.folder))?;
            self.file.read_exact(&mut row[..bytes]).map_err(io(&self.folder))?;
        }
        Ok(TensorData::from_bytes_vec(data, [batch.len(), longest / self.width(), self.size], DType::F32))
    }

    /// Returns the start of an example in the file and its length in bytes.
    fn range(&self, example: usize) -> (u64, usize) {
        let (start, end) = (self.starts[example], self.starts[example + 1]);
        (start * self.width() as u64, (end - start) as usize * self.width())
    }

    /// Returns the size of a hidden state in bytes.
    fn width(&self) -> usize {
        self.size * size_of::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn states_can_be_read_in_any_order() {
        let lengths = [3, 700, 1, 40, 3];
        let device = Device::flex();
        // The state of a token identifies it; padding is NaN, which must not be read back.
        let value = |example: usize, token: usize| (1000 * example + token) as f32;
        let states_of = |batch: &[usize]| {
            let width = batch.iter().map(|&example| lengths[example]).max().expect("an example");
            let mut values = Vec::new();
            for &example in batch {
                for token in 0..width {
                    let inside = token < lengths[example];
                    values.extend([if inside { value(example, token) } else { f32::NAN }, 0.5]);
                }
            }
            Some(Tensor::from_data(TensorData::new(values, [batch.len(), width, 2]), &device))
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mut finished = Vec::new();
        let mut progress = |done| {
            finished.push(done);
            Ok(())
        };
        let states = FrozenStates::compute(folder.path(), &lengths, 2, states_of, &mut progress).expect("computed");
        let mut states = states.expect("there are some");
        assert_eq!((finished.last(), FrozenStates::bytes(&lengths, 2)), (Some(&5), 5976));
        for batch in [vec![4, 0], vec![2], vec![1, 3, 2], vec![0, 1, 2, 3, 4]] {
            let data = states.batch(&batch).expect("read");
            let width = batch.iter().map(|&example| lengths[example]).max().expect("an example");
            assert_eq!(data.shape().to_vec(), [batch.len(), width, 2]);
            let values: Vec<f32> = data.iter::<f32>().collect();
            for (row, &example) in values.chunks(width * 2).zip(&batch) {
                for (token, state) in row.chunks(2).enumerate() {
                    let inside = token < lengths[example];
                    assert_eq!(state, if inside { [value(example, token), 0.5] } else { [0.0, 0.0] });
                }
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "the file has no name");
    }
}
