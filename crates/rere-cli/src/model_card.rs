//! The model card of a model folder: its `README.md`, in the form that the Hugging Face hub shows.

use std::{error::Error, fmt::Write as _, fs, io::Write as _, path::Path};

use rere::{ModelConfig, TrainingRecord};
use rere_data::{DataError, replace_file};
use serde_json::Value;

use crate::training_progress::describe_thresholds;

const FILE: &str = "README.md";

/// Writes the card of a model folder.
pub fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    let card = card(folder)?;
    Ok(replace_file(&folder.join(FILE), |file| file.write_all(card.as_bytes()).map_err(DataError::Output))?)
}

/// Returns whether a model folder has a card that nobody has edited.
pub fn is_generated(folder: &Path) -> bool {
    fs::read_to_string(folder.join(FILE)).is_ok_and(|found| card(folder).is_ok_and(|card| card == found))
}

fn card(folder: &Path) -> Result<String, Box<dyn Error>> {
    let config: ModelConfig = serde_json::from_slice(&fs::read(folder.join("config.json"))?)?;
    let record: TrainingRecord = serde_json::from_slice(&fs::read(folder.join("training.json"))?)?;
    Ok(markdown(&config, &record)?)
}

fn markdown(config: &ModelConfig, record: &TrainingRecord) -> Result<String, std::fmt::Error> {
    let mut card = "---\nlibrary_name: rere\ntags:\n- relation-extraction\n".to_owned();
    let pretrained = record.config["encoder"]["pretrained"].as_str();
    let base = pretrained.map(base_model);
    if let Some((model, _)) = base.as_deref().and_then(|base| base.split_once('@')) {
        writeln!(card, "base_model: {model}")?;
    }
    let (system, version) = (&config.system, &config.rere_version);
    writeln!(card, "---\n# Relation extraction with `{system}`\n")?;
    writeln!(
        card,
        "This model finds triples (subject, relation, object) in sentences. It was trained with rere {version}."
    )?;
    card += "\n```console\necho 'Ada Lovelace was born in London.' | rere extract --model OWNER/NAME\n```\n";

    card += "\n## Relations\n";
    for relation in config.relations.iter() {
        writeln!(card, "- {}", relation.name)?;
    }

    card += "\n## Scores\n";
    match record.dev_f1 {
        Some(f1) => writeln!(
            card,
            "Micro F1 of exact triples on the development set, on which the thresholds were chosen: {:.2} %. Gold \
             triples that the development set lacks count as mistakes.",
            100.0 * f1
        )?,
        None => card += "The model was trained without a development set, and has not been scored.\n",
    }
    card += "\n| stage | examples | epochs | epoch that was kept | its F1 on the development set |\n|---|---|---|---|---|\n";
    for stage in &record.stages {
        let kept = stage.kept.checked_sub(1).and_then(|kept| stage.epochs.get(kept));
        let f1 = kept.and_then(|epoch| epoch.dev_f1).map_or("none".to_owned(), |f1| format!("{:.2} %", 100.0 * f1));
        let (name, examples, epochs, kept) = (&stage.stage, stage.examples, stage.epochs.len(), stage.kept);
        writeln!(card, "| {name} | {examples} | {epochs} | {kept} | {f1} |")?;
    }
    let thresholds = describe_thresholds(&config.thresholds, None);
    writeln!(card, "\n## Thresholds\n{}", thresholds.strip_prefix("thresholds: ").unwrap_or(&thresholds))?;

    card += "\n## Data\n";
    let data = &record.config["data"];
    for (name, digest) in [("train", &record.train_sha256), ("dev", &record.dev_sha256)] {
        match data[name].as_str().and_then(|path| Path::new(path).file_name()) {
            Some(file) => writeln!(card, "- {name}: `{}`, SHA-256 of its sentences `{digest}`", file.display())?,
            None => writeln!(card, "- {name}: none")?,
        }
    }
    writeln!(card, "\nOf the training set: {}.", record.report.to_string().replace('\n', "; "))?;

    let mut settings = record.config.clone();
    if let Some(settings) = settings.as_object_mut() {
        settings.shift_remove("data");
    }
    if let (Some(base), Value::Object(encoder)) = (base, &mut settings["encoder"]) {
        encoder.insert("pretrained".to_owned(), Value::String(base));
    }
    writeln!(card, "\n## Settings\n```json\n{settings:#}\n```")?;
    Ok(card)
}

/// Returns the name of the encoder in a folder: its name on the hub if it comes from the hub's cache, else the folder's.
fn base_model(folder: &str) -> String {
    let mut names = Path::new(folder).iter().rev().map(|name| name.to_string_lossy());
    let name = names.next().unwrap_or_default().into_owned();
    let cached = names.nth(1).and_then(|cached| cached.strip_prefix("models--").map(|model| model.replace("--", "/")));
    cached.map_or(name.clone(), |model| format!("{model}@{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoders_have_the_name_of_the_hub_or_of_their_folder() {
        assert_eq!(base_model("/encoders/minilm"), "minilm");
        let cached = "/home/ada/.cache/huggingface/hub/models--google--electra-small/snapshots/abc123";
        assert_eq!(base_model(cached), "google/electra-small@abc123");
    }
}
