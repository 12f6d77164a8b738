//! Formats that can be a stream, by name and by detection. The input is a character for the format to read, one for the
//! format to write, and the file.

#![no_main]

use std::{
    env,
    io::{BufReader, Cursor},
    sync::LazyLock,
};

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use rere_data::{Format, ReadOptions, Reader};
use rere_data_fuzz::{format, lines, mutate, sentences, there_and_back};

/// The only format to read, if `FORMAT` names one.
static ONLY: LazyLock<Option<Format>> =
    LazyLock::new(|| env::var("FORMAT").ok().map(|name| name.parse().expect("the name of a format")));

fuzz_target!(|data: &[u8]| {
    let [from, to, content @ ..] = data else { return };
    let read = |capacity| {
        let input = BufReader::with_capacity(capacity, Cursor::new(content.to_owned()));
        let options = ReadOptions::default().with_format(ONLY.or_else(|| format(*from)));
        let mut reader = Reader::new(input, "input", &options).ok()?;
        Some((sentences(&mut reader, lines(content)), reader.line()))
    };
    let Some(expected) = read(1 << 12) else { return };
    // The size of the buffer must not matter.
    assert_eq!(read(1 + content.len() % 7).as_ref(), Some(&expected));
    let (found, _) = expected;
    if !found.is_empty() {
        there_and_back(&found, format(*to).unwrap_or(Format::Rere));
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match mutate(&data[..size], seed) {
        Some(input) if input.len() <= max_size => {
            data[..input.len()].copy_from_slice(&input);
            input.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});
