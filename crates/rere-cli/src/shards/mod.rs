//! Many files, many processes: `rere extract --shard` and `rere manifest`.
//!
//! The processes share a folder and nothing else. Each computes from the list of inputs which files are its own, writes
//! each output whole, and a record beside it. An output without a record is not done.

mod check;
mod extract;
mod inputs;
mod record;

use std::{cmp::Reverse, collections::BinaryHeap, fmt, str::FromStr};

use self::inputs::InputFile;
pub use self::{
    check::check_all,
    extract::Job,
    inputs::{Inputs, remove_temporary_files},
    record::{Options, Record, write_json},
};

/// One of several shards of a list of files: `2/4` is the second of four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    number: usize,
    count: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(number, count)| {
            let (number, count) = (number.parse().ok()?, count.parse().ok()?);
            (1..=count).contains(&number).then_some(Self { number, count })
        });
        parsed.ok_or_else(|| "expected I/N with I from 1 to N, such as 1/4".to_owned())
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {}/{}", self.number, self.count)
    }
}

impl Shard {
    /// Returns the files of this shard, in the order of `files`, which are sorted by name. The largest file comes
    /// first, each goes to the shard with the fewest bytes so far, and of equal shards to the first.
    fn select(self, files: Vec<InputFile>) -> Vec<InputFile> {
        let mut by_size: Vec<usize> = (0..files.len()).collect();
        // Stable, so that equal files stay in the order of their names.
        by_size.sort_by_key(|&at| Reverse(files[at].bytes));
        // More shards than files would stay without one.
        let mut shards: BinaryHeap<_> = (1..=self.count.min(files.len())).map(|number| Reverse((0, number))).collect();
        let mut is_own = vec![false; files.len()];
        for at in by_size {
            if let Some(Reverse((bytes, number))) = shards.pop() {
                is_own[at] = number == self.number;
                shards.push(Reverse((bytes + files[at].bytes, number)));
            }
        }
        files.into_iter().zip(is_own).filter_map(|(file, is_own)| is_own.then_some(file)).collect()
    }
}

#[cfg(test)]
mod tests {
    use rere_data::Format;

    use super::*;

    fn files(sizes: &[u64]) -> Vec<InputFile> {
        let file = |(at, &bytes)| {
            let name = format!("{at:02}.jsonl");
            InputFile { path: name.clone().into(), name, bytes, format: Format::Rere }
        };
        sizes.iter().enumerate().map(file).collect()
    }

    fn names(sizes: &[u64], number: usize, count: usize) -> Vec<String> {
        Shard { number, count }.select(files(sizes)).into_iter().map(|file| file.name[..2].to_owned()).collect()
    }

    #[test]
    fn shards_are_parsed() {
        assert_eq!("2/4".parse(), Ok(Shard { number: 2, count: 4 }));
        for wrong in ["0/3", "4/3", "x", "1", "1/", "/2", "1/0", "-1/2", "1/2/3", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_largest_files_come_first_and_each_goes_to_the_smallest_shard() {
        // By hand: 7 to the first, 5 and 5 to the second and third; 3 to the second (of 5 and 5), 2 to the third, and 1
        // to the first (of 7, 8 and 7).
        let sizes = [1, 5, 7, 2, 5, 3];
        assert_eq!(names(&sizes, 1, 3), ["00", "02"]);
        assert_eq!(names(&sizes, 2, 3), ["01", "05"]);
        assert_eq!(names(&sizes, 3, 3), ["03", "04"]);
        assert_eq!(names(&[4, 4], 3, 3), [""; 0]);
        assert_eq!(names(&[], 1, 1), [""; 0]);
    }

    #[test]
    fn each_file_is_in_one_shard_whatever_their_number() {
        let sizes: Vec<u64> = (0..40).map(|at| at * at % 17).collect();
        for count in [1, 2, 7, 40, 99, usize::MAX] {
            let all = (1..=count.min(100)).flat_map(|number| names(&sizes, number, count));
            let mut all: Vec<String> = all.collect();
            all.sort();
            assert_eq!(all, names(&sizes, 1, 1), "{count}");
        }
    }
}
