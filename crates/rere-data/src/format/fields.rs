//! The fields of an object: those of a format, and those that have no meaning here.

use std::{borrow::Cow, fmt, marker::PhantomData};

pub(super) use rere_core::json::Id;
use rere_core::{Extra, Sentence};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Format, Unsupported, UnsupportedCounts, spec::taken};

/// The extra fields of a sentence that a format keeps.
pub(super) struct RetainedFields<'a> {
    fields: &'a Extra,
    /// Names that are not written; none if the sentence has none of them.
    taken: &'static [&'static str],
}

impl<'a> RetainedFields<'a> {
    /// Fields that would be taken for the format's own, or for another format's, when they are read are counted as lost.
    pub fn of(sentence: &'a Sentence, format: Format, lost: &mut UnsupportedCounts) -> Self {
        Self::beside(sentence, format, None, lost)
    }

    /// As [`RetainedFields::of`], for a format that writes one of the fields in a place of its own.
    pub fn beside(sentence: &'a Sentence, format: Format, written: Option<&str>, lost: &mut UnsupportedCounts) -> Self {
        let taken = taken(format);
        let is_lost = |field: &str| taken.contains(&field) && written != Some(field);
        let count = sentence.extra.iter().filter(|(field, _)| is_lost(field)).count();
        lost.note(Unsupported::Field, count, sentence);
        let has_taken = count > 0 || written.is_some();
        Self { fields: &sentence.extra, taken: if has_taken { taken } else { &[] } }
    }
}

impl Serialize for RetainedFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().filter(|(field, _)| !self.taken.contains(field)))
    }
}

/// The fields of a format, gathered one by one.
pub(super) trait Known<'de>: Default {
    /// Reads the value of the field `name`; `false` where it is none of the format's.
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// A structure of optional fields with their names in the file, and its [`Known`]. A derived structure with a flattened map would not
/// do: serde gathers other fields in a form of its own first, in which their JSON is lost.
macro_rules! known {
    (struct $Record:ident $(<$de:lifetime>)? { $($field:ident $name:literal: $Type:ty,)* }) => {
        #[derive(Default)]
        struct $Record $(<$de>)? {
            $($field: Option<$Type>,)*
        }

        impl<'de> $crate::format::fields::Known<'de> for $Record $(<$de>)? {
            fn read<A: serde::de::MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
                match name {
                    $($name => $crate::format::fields::set(&mut self.$field, $name, map),)*
                    _ => Ok(false),
                }
            }
        }
    };
}
pub(super) use known;

/// An object with the fields of a format and others.
pub(super) struct Fields<K> {
    pub known: K,
    pub extra: Extra,
}

impl<'de, K: Known<'de>> Deserialize<'de> for Fields<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<K>(PhantomData<K>);

        impl<'de, K: Known<'de>> Visitor<'de> for Object<K> {
            type Value = Fields<K>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Fields { known: K::default(), extra: Extra::default() };
                while let Some(Name(name)) = map.next_key()? {
                    if !fields.known.read(&name, &mut map)? {
                        fields.extra.insert(name.into_owned(), map.next_value::<Box<RawValue>>()?);
                    }
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Object(PhantomData))
    }
}

/// A field's name, which is not copied if the file has it as it is.
struct Name<'a>(Cow<'a, str>);

/// Not derived: a derived newtype hides the name from those who follow the path of fields.
impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// Sets a field to the next value, once. Null leaves it absent.
pub(super) fn set<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    field: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<bool, A::Error> {
    if field.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *field = map.next_value()?;
    Ok(true)
}

/// An id as it is written where numbers are usual: a whole number stays one.
pub(super) struct NumberOrString<'a>(pub &'a str);

impl Serialize for NumberOrString<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.parse::<u64>() {
            Ok(number) if number.to_string() == self.0 => number.serialize(serializer),
            _ => self.0.serialize(serializer),
        }
    }
}

/// A list of exactly `N` elements; another number of them is an error that names it.
pub(super) struct Exactly<T, const N: usize>(pub [T; N]);

impl<'de, T: Deserialize<'de> + Default, const N: usize> Deserialize<'de> for Exactly<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T, const N: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Default, const N: usize> Visitor<'de> for Elements<T, N> {
            type Value = Exactly<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, "a list of {N} elements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements: [T; N] = std::array::from_fn(|_| T::default());
                for (count, element) in elements.iter_mut().enumerate() {
                    *element = list.next_element()?.ok_or_else(|| A::Error::invalid_length(count, &self))?;
                }
                let mut count = N;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                if count == N { Ok(Exactly(elements)) } else { Err(A::Error::invalid_length(count, &self)) }
            }
        }

        deserializer.deserialize_seq(Elements(PhantomData))
    }
}
