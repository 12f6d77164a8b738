//! The work of one shard.

use std::{error::Error, fs, io::ErrorKind, path::Path, time::Instant};

use indicatif::{HumanCount, ProgressBar};
use rere::{ExtractOptions, Extraction, Progress, RereError, TrainedSystem};
use rere_data::{DataError, ReadOptions, Writer};

use super::{
    InputFile, Inputs, Options, Record, Shard,
    inputs::remove_temporary_files,
    record::{FileDigest, record_path},
};
use crate::{
    command::{CommandResult, extract::extract, log_line, log_read_report, log_unsupported},
    error_words,
    training_progress::progress_bar,
};

/// How a shard is extracted.
pub struct Job<'a> {
    pub shard: Shard,
    pub output: &'a Path,
    pub system: &'a dyn TrainedSystem,
    /// Options of the system.
    pub extract_options: ExtractOptions,
    /// The same and all others that change the result, for records.
    pub options: Options,
}

impl Job<'_> {
    /// Extracts from the files of the shard that are not done. A file that cannot be read does not keep it from the
    /// others.
    ///
    /// # Errors
    /// Returns an error if a file was extracted with another model or other options or has changed since, before
    /// anything is extracted; if an output cannot be written; and at the end if a file could not be read.
    pub fn run(&self, inputs: Inputs) -> CommandResult {
        let (shard, read_options) = (self.shard, self.options.read_options()?);
        let files = shard.select(inputs.files);
        remove_temporary_files(&files, self.output)?;
        let mut pending = Vec::new();
        for file in &files {
            if !self.is_done(file)? {
                pending.push(file);
            }
        }
        let bar = progress_bar(0, "{spinner} {prefix} {pos} sentences, {per_sec}");
        let (mut total, mut failed, started) = (Progress::default(), 0, Instant::now());
        for (at, file) in pending.iter().enumerate() {
            let number = files.len() - pending.len() + at + 1;
            bar.set_prefix(format!("{shard}, file {number} of {}:", files.len()));
            match self.extract_file(file, &read_options, &bar, total.sentences) {
                Ok(progress) => {
                    total.sentences += progress.sentences;
                    total.triples += progress.triples;
                    let progress = describe(progress);
                    bar.suspend(|| {
                        log_line(format!("{shard}, file {number} of {}: {}, {progress}", files.len(), file.name))
                    });
                }
                Err(error) if is_of_input(&error) => {
                    failed += 1;
                    bar.suspend(|| log_line(format!("rere: {}", error_words(&error))));
                }
                Err(error) => return Err(error.into()),
            }
        }
        bar.finish_and_clear();
        let (done, seconds) = (files.len() - pending.len(), started.elapsed().as_secs_f64());
        let rate = if total.sentences > 0 { total.sentences as f64 / seconds } else { 0.0 };
        log_line(format!(
            "{shard}: {} files, {done} of them done before, {} in {seconds:.1} s, {rate:.1} sentences/s",
            files.len(),
            describe(total)
        ));
        if failed > 0 {
            return Err(format!(
                "{failed} of {} files could not be read, as said above; the others are done",
                files.len()
            )
            .into());
        }
        Ok(())
    }

    fn model(&self) -> &str {
        self.system.info().digest.as_deref().unwrap_or_default()
    }

    /// Returns whether a file is done, by its record.
    fn is_done(&self, file: &InputFile) -> Result<bool, Box<dyn Error>> {
        let Some(record) = Record::read(self.output, &file.name)? else { return Ok(false) };
        let mut differences = record.differences(self.model(), &self.options);
        if !record.input.matches(&file.path)? {
            differences.push(format!("{} has changed since", file.path.display()));
        }
        if !differences.is_empty() {
            return Err(format!(
                "{} was extracted differently: {}. Write to another folder (--output), or remove {} to extract again",
                file.name,
                differences.join("; "),
                record_path(self.output, &file.name).display()
            )
            .into());
        }
        let path = self.output.join(&file.name);
        let is_whole = fs::metadata(&path).is_ok_and(|output| output.len() == record.output.bytes);
        if !is_whole {
            log_line(format!("{} is damaged or missing and is extracted again", path.display()));
        }
        Ok(is_whole)
    }

    /// Extracts from a file, and writes its output and then its record.
    fn extract_file(
        &self,
        file: &InputFile,
        read_options: &ReadOptions,
        bar: &ProgressBar,
        done: usize,
    ) -> Result<Progress, RereError> {
        let path = self.output.join(&file.name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| DataError::Write { path: folder.to_owned(), source })?;
        }
        // An older record is not of the new output.
        let old = record_path(self.output, &file.name);
        match fs::remove_file(&old) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(DataError::Write { path: old, source }.into());
            }
            _ => {}
        }
        let input = FileDigest::of(&file.path)?;
        let mut reader = file.open(read_options)?;
        let splitter = reader.take_splitter();
        let mut writer = Writer::create(&path, file.format)?;
        let extraction = Extraction::new(self.system, self.extract_options.clone(), reader)
            .with_splitter(splitter)
            .with_source_mentions(self.options.mentions);
        let show = |progress: Progress| bar.set_position((done + progress.sentences) as u64);
        let (progress, reader) = extract(extraction, &mut writer, None, show)?;
        let unsupported = writer.finish()?;
        bar.suspend(|| {
            log_read_report(&file.path, reader.report());
            log_unsupported(&unsupported);
        });
        let record = Record {
            name: file.name.clone(),
            input,
            output: FileDigest::of(&path)?,
            rows: progress.sentences,
            triples: progress.triples,
            model: self.model().to_owned(),
            options: self.options.clone(),
            rere_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        record.write(self.output)?;
        Ok(progress)
    }
}

fn describe(progress: Progress) -> String {
    let [sentences, triples] = [progress.sentences, progress.triples].map(|count| HumanCount(count as u64));
    format!("{sentences} sentences, {triples} triples")
}

/// Returns whether an error concerns the content of one file. A full disk or a broken model concerns all of them.
fn is_of_input(error: &RereError) -> bool {
    matches!(error, RereError::Data(error) if !matches!(error, DataError::Write { .. } | DataError::Output(_)))
}
