//! Parquet. The input is a character for the format to write, and the file.

#![no_main]

use std::{fs, panic, process};

use libfuzzer_sys::fuzz_target;
use rere_data::{Format, ReadOptions, Reader};
use rere_data_fuzz::{format, scratch, sentences, there_and_back};

/// Ends the process at a panic, as the fuzzer's own hook does, but not at those of the decoder, which are caught.
fn end_at_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let of_decoder = |file: &str| file.contains("/parquet-") || file.contains("/arrow-");
        if !panic.location().is_some_and(|place| of_decoder(place.file())) {
            print(panic);
            process::abort();
        }
    }));
}

fuzz_target!(init: end_at_panics(), |data: &[u8]| {
    let Some((to, content)) = data.split_first() else { return };
    let path = scratch("rows");
    fs::write(&path, content).expect("written");
    let Ok(mut reader) = Reader::open(&path, &ReadOptions::of(Format::Parquet)) else { return };
    // A small file can have many rows with few columns.
    let found = sentences(&mut reader, usize::MAX);
    if !found.is_empty() {
        there_and_back(&found, format(*to).unwrap_or(Format::Parquet));
    }
});
