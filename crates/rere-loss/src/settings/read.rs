//! Deserialisation of settings.
//!
//! The keys of a loss depend on its name, which may come last. With serde's tagged enums, errors would not name the key
//! of an invalid value, and unknown keys would be accepted. So the whole table is read first, as [`Value`]s.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor},
};

use super::{GroupBy, LossKind, LossSettings, PriorSettings};
use crate::{CpuVariant, DEFAULT_GAMMA, PerClass, Sampling, Surrogate};

const NAMES: [&str; 8] = ["bce", "focal", "asymmetric", "dice", "cpu", "upu", "nnpu", "ssr-pu"];

/// The tau for which mu is the authors' `1.05 pi`.
const CPU_TAU: f64 = 0.05;

impl<'de> Deserialize<'de> for LossSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = deserializer.deserialize_map(TableVisitor)?;
        read(entries).map_err(D::Error::custom)
    }
}

fn read(mut entries: Vec<(String, Value)>) -> Result<LossSettings, String> {
    let Some(at) = entries.iter().position(|(key, _)| key == "name") else {
        return Err("the loss has no name: expected a table such as { name = \"cpu\" }".to_owned());
    };
    let (_, name) = entries.remove(at);
    let Value::String(loss) = name else {
        return Err(format!("name of the loss: expected one of {}, found {name}", NAMES.join(", ")));
    };
    let mut keys = Keys { loss, entries, known: Vec::new() };
    let kind = match keys.loss.as_str() {
        "bce" => LossKind::Bce { positive_weight: keys.numbers("positive_weight", 1.0)? },
        "focal" => LossKind::Focal { gamma: keys.number("gamma", 2.0)?, alpha: keys.numbers("alpha", 0.25)? },
        "asymmetric" => LossKind::Asymmetric {
            gamma_positive: keys.number("gamma_positive", 0.0)?,
            gamma_negative: keys.number("gamma_negative", 4.0)?,
            margin: keys.number("margin", 0.05)?,
        },
        "dice" => LossKind::Dice { smoothing: keys.number("smoothing", 1.0)? },
        "cpu" => LossKind::Cpu {
            gamma: keys.numbers("gamma", DEFAULT_GAMMA)?,
            variant: keys.value("variant", "\"group\" or \"paper\"", CpuVariant::Group, variant)?,
            prior: keys.prior(CPU_TAU)?,
        },
        "upu" => LossKind::Upu { surrogate: keys.surrogate()?, sampling: keys.sampling()?, prior: keys.prior(0.0)? },
        "nnpu" => LossKind::NnPu {
            surrogate: keys.surrogate()?,
            sampling: keys.sampling()?,
            beta: keys.number("beta", 0.0)?,
            step_size: keys.number("step_size", 1.0)?,
            prior: keys.prior(0.0)?,
        },
        "ssr-pu" => LossKind::SsrPu { margin: keys.number("margin", 1.0)?, prior: keys.prior(0.0)? },
        other => return Err(format!("unknown loss {other:?}: expected one of {}", NAMES.join(", "))),
    };
    let group = keys.value("group", "\"sentence\" or \"label\"", GroupBy::Sentence, variant)?;
    keys.finish()?;
    Ok(LossSettings { kind, group })
}

/// The entries of a loss's table that were not read yet, and the names of all known keys.
struct Keys {
    loss: String,
    entries: Vec<(String, Value)>,
    known: Vec<&'static str>,
}

impl Keys {
    fn value<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        default: T,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, String> {
        self.known.push(key);
        let Some(at) = self.entries.iter().position(|(name, _)| name == key) else { return Ok(default) };
        let (_, value) = self.entries.remove(at);
        read(&value).ok_or_else(|| format!("{key} of the loss {:?}: expected {expected}, found {value}", self.loss))
    }

    fn number(&mut self, key: &'static str, default: f64) -> Result<f64, String> {
        self.value(key, "a number", default, Value::number)
    }

    fn numbers(&mut self, key: &'static str, default: f64) -> Result<PerClass, String> {
        self.value(key, "a number or a list of numbers", PerClass::All(default), Value::numbers)
    }

    fn sampling(&mut self) -> Result<Sampling, String> {
        self.value("sampling", "\"one-sample\" or \"case-control\"", Sampling::OneSample, variant)
    }

    fn surrogate(&mut self) -> Result<Surrogate, String> {
        let expected = "\"logistic\", \"sigmoid\", \"squared\" or { squared = { margin = 1.0 } }";
        self.value("surrogate", expected, Surrogate::Logistic, |value| match value {
            Value::String(name) if name == "squared" => Some(Surrogate::Squared { margin: 1.0 }),
            Value::String(_) => variant(value),
            _ => Some(Surrogate::Squared { margin: value.only_key("squared")?.only_key("margin")?.number()? }),
        })
    }

    fn prior(&mut self, tau: f64) -> Result<PriorSettings, String> {
        let expected = "a number, a list of numbers, { counted = { tau = 0.05 } } or \"estimated\"";
        self.value("prior", expected, PriorSettings::Counted { tau }, |value| match value {
            Value::String(name) => (name == "estimated").then_some(PriorSettings::Estimated),
            Value::Table(_) => {
                Some(PriorSettings::Counted { tau: value.only_key("counted")?.only_key("tau")?.number()? })
            }
            _ => value.numbers().map(PriorSettings::Given),
        })
    }

    /// Returns an error if there is an unknown key.
    fn finish(self) -> Result<(), String> {
        let Some((key, _)) = self.entries.first() else { return Ok(()) };
        let (loss, known) = (&self.loss, self.known.join(", "));
        let is_mu = key == "mu" && self.known.contains(&"prior");
        let hint = if is_mu { "write prior instead; " } else { "" };
        Err(format!("unknown key {key:?} of the loss {loss:?}: {hint}expected one of {known}"))
    }
}

/// A value in a table.
#[derive(Debug)]
enum Value {
    Bool(bool),
    Number(f64),
    String(String),
    List(Vec<Value>),
    Table(Vec<(String, Value)>),
}

impl Value {
    fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    fn numbers(&self) -> Option<PerClass> {
        match self {
            Self::List(values) => values.iter().map(Self::number).collect::<Option<_>>().map(PerClass::Each),
            _ => self.number().map(PerClass::All),
        }
    }

    /// Returns the value of a table's only key, if that has this name.
    fn only_key(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Table(entries) => match entries.as_slice() {
                [(key, value)] if key == name => Some(value),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Reads a string as the name of an enum's variant.
fn variant<T: for<'de> Deserialize<'de>>(value: &Value) -> Option<T> {
    let Value::String(name) = value else { return None };
    T::deserialize(IntoDeserializer::<de::value::Error>::into_deserializer(name.as_str())).ok()
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::String(value) => write!(f, "{value:?}"),
            Self::List(values) => {
                let values: Vec<String> = values.iter().map(Self::to_string).collect();
                write!(f, "[{}]", values.join(", "))
            }
            Self::Table(entries) if entries.is_empty() => f.write_str("{}"),
            Self::Table(entries) => {
                let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                write!(f, "{{ {} }}", entries.join(", "))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a list of numbers, a string or a table")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element()? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Value, A::Error> {
        TableVisitor.visit_map(entries).map(Value::Table)
    }
}

struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table such as { name = \"cpu\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut table: Self::Value = Vec::new();
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            if table.iter().any(|(other, _)| *other == key) {
                return Err(A::Error::custom(format!("the key {key:?} occurs twice")));
            }
            table.push((key, value));
        }
        Ok(table)
    }
}
