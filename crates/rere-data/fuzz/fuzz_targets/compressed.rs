//! Compressed files: those of any bytes, and those of good streams, out of which must come what went in.

#![no_main]

use std::{
    fs,
    io::{Cursor, Write},
};

use libfuzzer_sys::fuzz_target;
use rere_data::{Reader, replace_file};
use rere_data_fuzz::{lines, scratch, sentences};

fuzz_target!(|data: &[u8]| {
    let Some((kind, content)) = data.split_first() else { return };
    if content.starts_with(b"PAR1") {
        return; // Parquet compresses itself, and is not looked for in a stream.
    }
    let path = scratch(if kind & 1 == 0 { "corpus.gz" } else { "corpus.zst" });
    let good = kind & 2 == 0;
    if good {
        replace_file(&path, |file| file.write_all(content).map_err(rere_data::DataError::Output)).expect("written");
    } else {
        fs::write(&path, content).expect("written");
    }
    let opened = Reader::open(&path, None);
    if good {
        let plain = sentences(&mut Reader::new(Cursor::new(content.to_owned()), "input", None), lines(content));
        assert_eq!(sentences(&mut opened.expect("a good stream"), lines(content)), plain);
    } else if let Ok(mut reader) = opened {
        // How many lines come out of the bytes is not known.
        sentences(&mut reader, usize::MAX);
    }
});
