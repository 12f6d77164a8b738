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

/// Returns whether a model folder has no card, or one that nobody has edited.
pub fn may_write(folder: &Path) -> bool {
    let path = folder.join(FILE);
    !path.exists() || fs::read_to_string(path).is_ok_and(|found| card(folder).is_ok_and(|card| card == found))
}

fn card(folder: &Path) -> Result<String, Box<dyn Error>> {
    let config: ModelConfig = serde_json::from_slice(&fs::read(folder.join("config.json"))?)?;
    let record: TrainingRecord = serde_json::from_slice(&fs::read(folder.join("training.json"))?)?;
    Ok(markdown(&config, &record)?)
}

fn markdown(config: &ModelConfig, record: &TrainingRecord) -> Result<String, std::fmt::Error> {
    let mut card = "---\nlibrary_name: rere\ntags:\n- relation-extraction\n".to_owned();
    let pretrained = record.config["encoder"]["pretrained"].as_str().map(|folder| Base::new(Path::new(folder)));
    let from = record.from.as_deref().map(Base::new);
    let base = from.as_ref().or(pretrained.as_ref());
    if let Some(Base::Hub { model, .. }) = base {
        // A JSON string is a YAML string.
        writeln!(card, "base_model: {}", Value::from(model.as_str()))?;
    }
    let (system, version) = (&config.system, &config.rere_version);
    writeln!(card, "---\n# Relation extraction with `{system}`\n")?;
    writeln!(
        card,
        "This model finds triples (subject, relation, object) in sentences. It was trained with rere {version}."
    )?;
    if let Some(from) = &from {
        writeln!(
            card,
            "Its training started from the model {}, and not from the encoder in the settings.",
            code(&from.name())
        )?;
    }
    card += "\n```console\necho 'Ada Lovelace was born in London.' | rere extract --model OWNER/NAME\n```\n";

    card += "\n## Relations\n";
    for relation in config.relations.iter() {
        writeln!(card, "- {}", code(&relation.name))?;
    }

    card += "\n## Scores\n";
    match record.dev_f1 {
        Some(f1) => writeln!(
            card,
            "Micro F1 of exact triples on the development set, at the thresholds that training chose on it: {:.2} %. \
             True triples that the development set lacks count as mistakes.",
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
            Some(file) => {
                let file = code(&file.to_string_lossy());
                writeln!(card, "- {name}: {file}, SHA-256 of its sentences `{digest}`")?;
            }
            None => writeln!(card, "- {name}: none")?,
        }
    }
    writeln!(card, "\nOf the training set: {}.", record.report.to_string().replace('\n', "; "))?;

    let mut settings = record.config.clone();
    if let Some(settings) = settings.as_object_mut() {
        settings.shift_remove("data");
    }
    if let (Some(pretrained), Value::Object(encoder)) = (pretrained, &mut settings["encoder"]) {
        encoder.insert("pretrained".to_owned(), Value::String(pretrained.name()));
    }
    writeln!(card, "\n## Settings\n```json\n{settings:#}\n```")?;
    Ok(card)
}

/// What training started from.
#[derive(Debug, PartialEq, Eq)]
enum Base {
    /// A model in the hub's cache.
    Hub { model: String, commit: String },
    /// A folder.
    Folder(String),
}

impl Base {
    fn new(folder: &Path) -> Self {
        let mut names = folder.iter().rev().map(|name| name.to_string_lossy());
        let name = names.next().unwrap_or_default().into_owned();
        // .../models--OWNER--NAME/snapshots/COMMIT
        let is_snapshot = names.next().is_some_and(|folder| folder == "snapshots");
        let model =
            names.next().filter(|_| is_snapshot).and_then(|cached| cached.strip_prefix("models--").map(str::to_owned));
        let is_name = |model: &String| model.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c));
        match model.filter(is_name) {
            Some(model) => Self::Hub { model: model.replace("--", "/"), commit: name },
            None => Self::Folder(name),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Hub { model, commit } => format!("{model}@{commit}"),
            Self::Folder(name) => name.clone(),
        }
    }
}

/// Returns text that Markdown shows as it is.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let runs = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(runs + 1);
    if runs == 0 { format!("{fence}{text}{fence}") } else { format!("{fence} {text} {fence}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoders_have_the_name_of_the_hub_or_of_their_folder() {
        let name = |folder: &str| Base::new(Path::new(folder)).name();
        assert_eq!(name("/encoders/minilm"), "minilm");
        let cached = "/home/ada/.cache/huggingface/hub/models--google--electra-small/snapshots/abc123";
        assert_eq!(name(cached), "google/electra-small@abc123");
        assert_eq!(Base::new(Path::new("/encoders/enc@v1")), Base::Folder("enc@v1".to_owned()));
        assert_eq!(Base::new(Path::new("x/models--a: [b/snapshots/c")), Base::Folder("c".to_owned()));
    }

    #[test]
    fn names_are_no_markup() {
        assert_eq!(code("/people/person/place_of_birth"), "`/people/person/place_of_birth`");
        assert_eq!(code("a``b\n# c"), "``` a``b # c ```");
    }
}
