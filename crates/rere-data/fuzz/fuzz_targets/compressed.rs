//! Compressed files: arbitrary bytes, and valid streams, which must be decompressed to their content.

#![no_main]

use std::{
    fs,
    io::{Cursor, Write},
};

use libfuzzer_sys::fuzz_target;
use rere_data::{ReadOptions, Reader, replace_file};
use rere_data_fuzz::{lines, scratch, sentences};

fuzz_target!(|data: &[u8]| {
    let Some((kind, content)) = data.split_first() else { return };
    if content.starts_with(b"PAR1") {
        return; // Parquet is compressed internally and not detected in a stream.
    }
    let path = scratch(if kind & 1 == 0 { "corpus.gz" } else { "corpus.zst" });
    let good = kind & 2 == 0;
    if good {
        replace_file(&path, |file| file.write_all(content).map_err(rere_data::DataError::Output)).expect("written");
    } else {
        fs::write(&path, content).expect("written");
    }
    let opened = Reader::open(&path, &ReadOptions::default());
    if good {
        let plain = Reader::new(Cursor::new(content.to_owned()), "input", &ReadOptions::default());
        let of = |mut reader| sentences(&mut reader, lines(content));
        assert_eq!(opened.ok().map(of), plain.ok().map(of));
    } else if let Ok(mut reader) = opened {
        // How many lines come out of the bytes is not known.
        sentences(&mut reader, usize::MAX);
    }
});
