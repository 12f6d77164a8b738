//! Time and peak memory of loading a pretrained encoder, beside the size of its weights.
//!
//! ```text
//! RERE_ENCODERS=… cargo bench --bench load
//! ```
//! Each folder in RERE_ENCODERS is loaded in a process of its own, flex, several times in turns. The files are in the memory of
//! the operating system, except perhaps the first time.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use rere::Device;
use rere_benches::{median, peak_memory};
use rere_model::{Encoder, load_pretrained, read_config, weight_files};

const ROUNDS: usize = 5;

/// Tells a process which encoder to load.
const ENCODER: &str = "RERE_BENCH_ENCODER";

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(folder) = env::var_os(ENCODER) {
        return load(Path::new(&folder));
    }
    let Some(encoders) = env::var_os("RERE_ENCODERS").map(PathBuf::from) else {
        println!("skipped: RERE_ENCODERS is not set");
        return Ok(());
    };
    let rounds = if env::args().any(|argument| argument == "--test") { 1 } else { ROUNDS };
    let folders =
        fs::read_dir(encoders)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>, std::io::Error>>()?;
    println!("encoder        weights MiB  seconds  peak MiB  peak / weights");
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let bytes = weight_files(folder)?
            .iter()
            .map(|file| Ok(fs::metadata(file)?.len()))
            .sum::<Result<u64, std::io::Error>>()?;
        let weights = bytes as f64 / f64::from(1 << 20);
        let (mut seconds, mut peaks) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let output = Command::new(env::current_exe()?).env(ENCODER, folder).output()?;
            let text = String::from_utf8(output.stdout)?;
            let (time, peak) =
                text.trim().split_once(' ').ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
            seconds.push(time.parse()?);
            peaks.push(peak.parse()?);
        }
        let (seconds, peak) = (median(seconds), median(peaks));
        let name = folder.file_name().unwrap_or_default().display().to_string();
        println!("{name:14} {weights:11.0} {seconds:8.2} {peak:9.0} {:15.2}", peak / weights);
    }
    Ok(())
}

/// Prints the seconds of loading and the peak memory of this process in MiB.
fn load(folder: &Path) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let encoder = load_pretrained(read_config(folder)?.init(&Device::flex())?, folder)?;
    let seconds = begin.elapsed().as_secs_f64();
    assert!(encoder.hidden_size() > 0);
    println!("{seconds} {}", peak_memory()?);
    Ok(())
}
