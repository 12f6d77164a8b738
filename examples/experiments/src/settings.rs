//! The settings file of an experiment.
//!
//! ```toml
//! [[data]]                         # one or more data sets
//! name = "NYT11-HRL"
//! train = "nyt11-hrl/train_sample.jsonl"
//! dev = "nyt11-hrl/dev.json"       # or dev_from_train = 500: that many training sentences, drawn once
//! test = "nyt11-hrl/test.json"
//! paper = "NYT11-HRL"              # column of the paper's Table 3, if it has one
//!
//! [common]                         # settings of all systems, as in docs/settings.md
//! encoder = { pretrained = "minilm" }
//!
//! [[row]]
//! name = "RERE"                    # also the row of the paper, unless `paper` names another one
//! system = "rere"
//! seeds = [1, 2]
//! settings.rere.relation.frozen_layers = 4
//!
//! [[row]]
//! name = "RERE cPU"
//! like = "RERE"                    # starts from the settings of an earlier row, in place of [common]
//! settings.rere.relation.loss = { name = "cpu" }
//! ```

use std::{env, fs, path::Path, path::PathBuf};

use rere::{AnyConfig, Probability, RereError};
use serde::Deserialize;
use toml::{Table, Value};

use super::ExperimentError;

/// Settings of an experiment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folder of the data; without it, the one that `RERE_DATA` names.
    folder: Option<PathBuf>,
    /// The data sets.
    pub data: Vec<DataSet>,
    /// Settings of all systems.
    #[serde(default)]
    common: Table,
    /// The rows, in order.
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
    /// Rows of the paper's Table 3 that are only quoted.
    #[serde(default)]
    pub quoted: Vec<String>,
    /// Pairs of rows to compare; without any, each row is compared with the first.
    #[serde(default)]
    compare: Vec<[String; 2]>,
    /// Shares of the training triples that are removed, for the curves of `figure3`.
    #[serde(default = "shares_of_figure_3")]
    pub removed: Vec<Probability>,
}

/// A data set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSet {
    /// Its name in the results.
    pub name: String,
    /// Training file.
    pub train: PathBuf,
    /// Development file.
    pub dev: Option<PathBuf>,
    /// Number of training sentences that become the development set, if there is no development file.
    pub dev_from_train: Option<usize>,
    /// Test file.
    pub test: PathBuf,
    /// Column of the paper's Table 3.
    pub paper: Option<String>,
    /// What a reader of the results must know.
    pub note: Option<String>,
}

/// A row: a system with its settings, or a knowledge base.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name in the results.
    pub name: String,
    /// An earlier row, whose system and settings this row starts from.
    like: Option<String>,
    /// Name of the system.
    pub system: Option<String>,
    /// Settings over those of the earlier row, or else over the common ones.
    #[serde(default)]
    settings: Table,
    /// Seeds; the row is trained once with each.
    #[serde(default = "one_seed")]
    pub seeds: Vec<u64>,
    /// Knowledge base that labels the test sentences.
    pub kb: Option<KbFiles>,
    /// Row of the paper's Table 3, if it has another name.
    paper: Option<String>,
}

/// Files of a knowledge base.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KbFiles {
    /// Tab-separated triples.
    pub triples: PathBuf,
    /// Tab-separated entities with their names.
    pub entities: PathBuf,
    /// Whether names may differ from the text in case, white space and the like.
    #[serde(default)]
    pub fold: bool,
}

/// None, and those of the paper's Figure 3.
fn shares_of_figure_3() -> Vec<Probability> {
    [0.0, 0.1, 0.3, 0.5].map(Probability::saturating).to_vec()
}

fn one_seed() -> Vec<u64> {
    vec![1]
}

impl Settings {
    /// Reads settings.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, has an unknown key, or its rows do not fit together.
    pub fn load(path: &Path) -> Result<Self, ExperimentError> {
        let text = fs::read_to_string(path).map_err(|source| ExperimentError::Io { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|problem| ExperimentError::Settings { path: path.to_owned(), problem })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut settings: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for at in 0..settings.rows.len() {
            let (earlier, rest) = settings.rows.split_at_mut(at);
            let row = &mut rest[0];
            let mut merged = settings.common.clone();
            if let Some(like) = &row.like {
                let like = earlier.iter().find(|other| other.name == *like).ok_or_else(|| {
                    format!("row {:?}: like = {like:?} is no earlier row: name one, or move it up", row.name)
                })?;
                merged = like.settings.clone();
                row.system = row.system.take().or_else(|| like.system.clone());
            }
            merge(&mut merged, &row.settings);
            row.settings = merged;
            row.check()?;
            if earlier.iter().any(|other| other.name == row.name) {
                return Err(format!("row {:?} occurs twice: give each row its own name", row.name));
            }
        }
        for name in settings.compare.iter().flatten() {
            if !settings.rows.iter().any(|row| row.name == *name) {
                return Err(format!("compare: there is no row {name:?}: name rows of this file"));
            }
        }
        for data in &settings.data {
            if data.dev.is_some() && data.dev_from_train.is_some() {
                return Err(format!("data set {:?} has dev and dev_from_train: remove one", data.name));
            }
        }
        Ok(settings)
    }

    /// Keeps only the rows with these names; all if there is no name.
    pub(super) fn choose_rows(&mut self, names: &[String], path: &Path) -> Result<(), ExperimentError> {
        let known: Vec<&str> = self.rows.iter().map(|row| row.name.as_str()).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let problem = format!("there is no row {name:?}: the rows are {}", known.join(", "));
            return Err(ExperimentError::Settings { path: path.to_owned(), problem });
        }
        self.rows.retain(|row| names.is_empty() || names.contains(&row.name));
        Ok(())
    }

    /// Returns the folder that data files are relative to.
    ///
    /// # Errors
    /// Returns an error if neither the settings nor `RERE_DATA` name one.
    pub fn folder(&self) -> Result<PathBuf, ExperimentError> {
        let variable = || env::var_os("RERE_DATA").map(PathBuf::from);
        let missing = ExperimentError::Variable { name: "RERE_DATA", what: "the data sets" };
        self.folder.clone().or_else(variable).ok_or(missing)
    }

    /// Returns the pairs of rows to compare, of those that were chosen.
    pub fn pairs(&self) -> Vec<(&Row, &Row)> {
        let row = |name: &str| self.rows.iter().find(|row| row.name == name);
        match (self.compare.as_slice(), self.rows.as_slice()) {
            ([], [first, others @ ..]) => others.iter().map(|other| (first, other)).collect(),
            (pairs, _) => pairs.iter().filter_map(|[a, b]| Some((row(a)?, row(b)?))).collect(),
        }
    }
}

impl Row {
    /// Returns the settings of the row's system with a seed.
    ///
    /// # Errors
    /// Returns an error if the system is unknown, a setting is wrong, or the folder of encoders is needed and not named.
    pub fn config(&self, seed: u64) -> Result<AnyConfig, ExperimentError> {
        let is_relative = |path: &str| Path::new(path).is_relative();
        let pretrained = self.settings.get("encoder").and_then(|encoder| encoder.get("pretrained")?.as_str());
        let encoders = match (pretrained.is_some_and(is_relative), env::var_os("RERE_ENCODERS")) {
            (true, None) => {
                return Err(ExperimentError::Variable { name: "RERE_ENCODERS", what: "the pretrained encoders" });
            }
            (_, folder) => PathBuf::from(folder.unwrap_or_default()),
        };
        let mut config = self.parse()?.with_folders(Path::new(""), &encoders);
        config.training_mut().seed = seed;
        Ok(config)
    }

    fn parse(&self) -> Result<AnyConfig, RereError> {
        let mut settings = self.settings.clone();
        settings.extend(self.system.clone().map(|system| ("system".to_owned(), Value::String(system))));
        AnyConfig::parse(&settings.to_string())
    }

    /// Returns the name of the row in the paper.
    pub fn paper(&self) -> &str {
        self.paper.as_deref().unwrap_or(&self.name)
    }

    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if name.contains(',') {
            return Err(format!("row {name:?}: the name has a comma, which separates the names of --rows"));
        }
        if self.system.is_some() == self.kb.is_some() {
            return Err(format!("row {name:?}: expected one of system and kb"));
        }
        if self.seeds.is_empty() {
            return Err(format!("row {name:?} has no seed: write at least one, such as seeds = [1]"));
        }
        Ok(())
    }
}

/// Puts settings over others: tables are merged, everything else is replaced. An encoder or a loss is replaced as a whole, because
/// its keys mean nothing for one of another kind.
fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) if key != "encoder" && !key.ends_with("loss") => {
                merge(base, over);
            }
            _ => _ = base.insert(key.clone(), value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = "[[data]]\nname = \"d\"\ntrain = \"t\"\ndev = \"d\"\ntest = \"e\"\n";

    fn parse(rest: &str) -> Result<Settings, String> {
        Settings::parse(&format!("{DATA}{rest}"))
    }

    #[test]
    fn settings_of_a_row_are_merged_over_those_of_the_row_that_it_is_like_or_over_the_common_ones() {
        let settings = parse(
            r#"
            [common]
            encoder = { pretrained = "/minilm" }
            training.max_tokens = 64
            [[row]]
            name = "a"
            system = "rere"
            settings.rere.relation = { epochs = 7, loss = { name = "cpu", gamma = 0.9 } }
            [[row]]
            name = "b"
            like = "a"
            seeds = [3, 4]
            settings.encoder.random = { model_type = "bilstm" }
            settings.rere.relation.loss = { name = "bce" }
            [[row]]
            name = "c"
            system = "casrel"
            "#,
        )
        .expect("valid");
        let config = |row: usize| settings.rows[row].config(5).expect("valid");
        let json = |row: usize| serde_json::to_value(config(row)).expect("JSON");
        let (a, b, c) = (json(0), json(1), json(2));
        assert_eq!(
            (&a["encoder"]["pretrained"], &a["rere"]["relation"]["loss"]["gamma"]),
            (&"/minilm".into(), &0.9.into())
        );
        assert_eq!((&b["encoder"]["pretrained"], &b["rere"]["relation"]["loss"]["gamma"]), (&().into(), &().into()));
        assert_eq!((&b["encoder"]["random"]["layers"], &b["rere"]["relation"]["epochs"]), (&2.into(), &7.into()));
        assert_eq!((&c["system"], &c["encoder"]["pretrained"]), (&"casrel".into(), &"/minilm".into()));
        for json in [a, b, c] {
            assert_eq!((&json["training"]["max_tokens"], &json["training"]["seed"]), (&64.into(), &5.into()));
        }
        assert_eq!(settings.rows[1].seeds, [3, 4]);
        let names = |pairs: Vec<(&Row, &Row)>| -> Vec<String> {
            pairs.iter().map(|(a, b)| format!("{} {}", a.name, b.name)).collect()
        };
        assert_eq!(names(settings.pairs()), ["a b", "a c"]);
        let mut chosen = settings.clone();
        chosen.compare = vec![["c".into(), "b".into()], ["a".into(), "b".into()]];
        chosen.choose_rows(&["b".into(), "c".into()], Path::new("s.toml")).expect("known");
        assert_eq!(names(chosen.pairs()), ["c b"], "a is not chosen");
        let unknown = chosen.choose_rows(&["a".into()], Path::new("s.toml")).expect_err("unknown").to_string();
        assert_eq!(unknown, "s.toml: there is no row \"a\": the rows are b, c");
    }

    #[test]
    fn settings_that_do_not_fit_together_are_errors_that_say_what_to_do() {
        let row = |keys: &str| format!("[[row]]\nname = \"a\"\n{keys}");
        for (text, word) in [
            (row("system = \"rere\"\nlike = \"b\""), "no earlier row"),
            (row("system = \"rere\"\nseeds = []"), "has no seed"),
            (row(""), "expected one of system and kb"),
            (row("system = \"rere\"\nsedes = [1]"), "unknown field `sedes`"),
            (row("system = \"rere\"\n[[row]]\nname = \"a\"\nlike = \"a\""), "occurs twice"),
            ("[[row]]\nname = \"a, b\"\nsystem = \"rere\"".to_owned(), "comma"),
            (format!("dev_from_train = 3\n{}", row("system = \"rere\"")), "dev and dev_from_train"),
        ] {
            let error = parse(&text).expect_err("wrong");
            assert!(error.contains(word), "{text}: {error}");
        }
        let error = Settings::parse(&format!("compare = [[\"a\", \"b\"]]\n{DATA}{}", row("system = \"rere\"")));
        assert!(error.expect_err("no row b").contains("no row \"b\""));
        // An unknown system is an error of its row only.
        let settings = parse(&row("system = \"other\"\nsettings.encoder.pretrained = \"/e\"")).expect("valid");
        let error = settings.rows[0].config(1).expect_err("unknown").to_string();
        assert!(error.contains("found other"), "{error}");
    }

    #[test]
    fn the_settings_files_of_the_examples_are_valid() {
        let mut files = 0;
        for entry in fs::read_dir("../settings").expect("the folder of the settings") {
            let path = entry.expect("an entry").path();
            let settings = Settings::load(&path).unwrap_or_else(|error| panic!("{error}"));
            for row in settings.rows.iter().filter(|row| row.system.is_some()) {
                row.parse().unwrap_or_else(|error| panic!("{}, {}: {error}", path.display(), row.name));
            }
            files += 1;
        }
        assert!(files > 0);
    }
}
