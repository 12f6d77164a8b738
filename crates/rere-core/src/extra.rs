//! Unrecognised fields, kept verbatim.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

/// Unrecognised fields of a sentence's source, kept verbatim.
///
/// The fields keep their order, and numbers keep their digits. A value is parsed only when you ask for it.
///
/// ```
/// use rere_core::Extra;
///
/// let mut extra = Extra::default();
/// extra.set("page", &17)?;
/// assert_eq!(extra.get("page")?, Some(17));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Extra(Vec<(String, Box<RawValue>)>);

impl Extra {
    /// Returns the value of a field; `None` if there is no such field.
    ///
    /// # Errors
    /// Returns an error if the value cannot be read as a `T`.
    pub fn get<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Result<Option<T>, serde_json::Error> {
        let field = self.0.iter().find(|(own, _)| own == name);
        field.map(|(_, json)| serde_json::from_str(json.get())).transpose()
    }

    /// Sets the value of a field.
    ///
    /// # Errors
    /// Returns an error if the value cannot be written as JSON.
    pub fn set(&mut self, name: impl Into<String>, value: &(impl Serialize + ?Sized)) -> Result<(), serde_json::Error> {
        self.insert(name, serde_json::value::to_raw_value(value)?);
        Ok(())
    }

    /// Sets the JSON of a field. JSON of several lines is put into one line, without white space outside strings.
    pub fn insert(&mut self, name: impl Into<String>, json: Box<RawValue>) {
        let (name, json) = (name.into(), one_line(json));
        match self.0.iter_mut().find(|(own, _)| *own == name) {
            Some((_, old)) => *old = json,
            None => self.0.push((name, json)),
        }
    }

    /// Removes a field and returns its JSON.
    pub fn remove(&mut self, name: &str) -> Option<Box<RawValue>> {
        let at = self.0.iter().position(|(own, _)| own == name)?;
        Some(self.0.remove(at).1)
    }

    /// Returns whether there is a field of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    /// Iterates over the names and the JSON of the fields.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, json)| (name.as_str(), json.as_ref()))
    }

    /// Returns the number of fields.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Writes an object.
impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Reads an object. If a name occurs twice, the last value is kept.
impl<'de> Deserialize<'de> for Extra {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Extra;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Extra, A::Error> {
                let mut extra = Extra::default();
                while let Some(name) = map.next_key::<String>()? {
                    extra.insert(name, map.next_value()?);
                }
                Ok(extra)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// Compares names and values. The order of the fields and the layout of their JSON do not matter.
impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |(name, json): (&str, &RawValue)| {
            let own = other.0.iter().find(|(own, _)| own == name);
            own.is_some_and(|(_, own)| {
                own.get() == json.get() || parse(own).is_some_and(|own| Some(own) == parse(json))
            })
        };
        self.len() == other.len() && self.iter().all(is_same)
    }
}

fn parse(json: &RawValue) -> Option<Value> {
    serde_json::from_str(json.get()).ok()
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, json)| (name, json.get()))).finish()
    }
}

/// Removes the white space outside strings from JSON of several lines.
fn one_line(json: Box<RawValue>) -> Box<RawValue> {
    if memchr::memchr2(b'\n', b'\r', json.get().as_bytes()).is_none() {
        return json;
    }
    let (mut line, mut in_string, mut escaped) = (String::with_capacity(json.get().len()), false, false);
    for c in json.get().chars() {
        if in_string || !matches!(c, ' ' | '\t' | '\n' | '\r') {
            line.push(c);
        }
        if c == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = c == '\\' && !escaped;
    }
    RawValue::from_string(line).unwrap_or(json)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).expect("JSON")
    }

    #[test]
    fn fields_are_kept_as_they_are_written() {
        let mut extra = Extra::default();
        extra.insert("n", raw("123456789012345678901234567890.10"));
        extra.set("s", "é").expect("JSON");
        extra.insert("s", raw("[\n  \" \\\" \",\r\n {\"a b\": 1}\n]"));
        assert_eq!(
            serde_json::to_string(&extra).expect("JSON"),
            r#"{"n":123456789012345678901234567890.10,"s":[" \" ",{"a b":1}]}"#
        );
        let again = serde_json::to_string(&extra).expect("JSON");
        assert_eq!(serde_json::from_str::<Extra>(&again).expect("JSON"), extra);
        assert_eq!((extra.len(), extra.contains("n"), extra.contains("m")), (2, true, false));
        assert_eq!(extra.get::<Value>("s").expect("a value"), Some(json!([" \" ", {"a b": 1}])));
        assert!(extra.get::<u8>("s").is_err());
        assert_eq!(extra.get::<u8>("m").expect("no field"), None);
        assert_eq!(extra.remove("n").map(|json| json.get().len()), Some(33));
        assert!(extra.remove("n").is_none());
    }

    #[test]
    fn the_order_and_the_layout_do_not_matter() {
        let (mut one, mut other) = (Extra::default(), Extra::default());
        one.insert("a", raw("[1, 2]"));
        one.insert("b", raw("null"));
        other.insert("b", raw("null"));
        assert_ne!(one, other);
        other.insert("a", raw("[1,2]"));
        assert_eq!(one, other);
        other.insert("a", raw("[1,3]"));
        assert_ne!(one, other);
    }
}
