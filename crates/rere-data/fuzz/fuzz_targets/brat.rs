//! brat folders. The input is a character for the format to write, the text, a NUL byte, and the annotations.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use rere_data::{Format, ReadOptions, Reader};
use rere_data_fuzz::{format, lines, scratch, sentences, there_and_back};

fuzz_target!(|data: &[u8]| {
    let Some((to, content)) = data.split_first() else { return };
    let middle = content.iter().position(|&byte| byte == 0).unwrap_or(content.len());
    let (text, annotations) = (&content[..middle], content.get(middle + 1..).unwrap_or_default());
    let folder = scratch("brat");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("a.txt"), text).expect("written");
    fs::write(folder.join("a.ann"), annotations).expect("written");
    let mut reader = Reader::open(&folder, &ReadOptions::default()).expect("a folder with a text");
    let found = sentences(&mut reader, lines(text).max(lines(annotations)));
    if !found.is_empty() {
        there_and_back(&found, format(*to).unwrap_or(Format::Brat));
    }
});
