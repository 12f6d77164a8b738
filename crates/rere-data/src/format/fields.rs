//! The fields of an object: those of a format, and unrecognised ones.

use std::{borrow::Cow, fmt, marker::PhantomData};

pub(super) use rere_core::json::Id;
use rere_core::{Extra, Sentence};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Format, Unsupported, UnsupportedCounts, spec::reserved_names};

/// The extra fields of a sentence that a format can hold.
pub(super) struct RetainedFields<'a> {
    fields: &'a Extra,
    /// Names that are not written; empty if the sentence has none of them.
    reserved: &'static [&'static str],
}

impl<'a> RetainedFields<'a> {
    /// Counts fields that would be read as those of this or another format as unsupported.
    pub fn of(sentence: &'a Sentence, format: Format, unsupported: &mut UnsupportedCounts) -> Self {
        Self::beside(sentence, format, None, unsupported)
    }

    /// Does the same as [`RetainedFields::of`] for a format that writes one of the fields separately.
    pub fn beside(
        sentence: &'a Sentence,
        format: Format,
        written: Option<&str>,
        unsupported: &mut UnsupportedCounts,
    ) -> Self {
        let reserved = reserved_names(format);
        let is_lost = |field: &str| reserved.contains(&field) && written != Some(field);
        let count = sentence.extra.iter().filter(|(field, _)| is_lost(field)).count();
        unsupported.note(Unsupported::Field, count, sentence);
        let has_reserved = count > 0 || written.is_some();
        Self { fields: &sentence.extra, reserved: if has_reserved { reserved } else { &[] } }
    }
}

impl Serialize for RetainedFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().filter(|(field, _)| !self.reserved.contains(field)))
    }
}

/// The fields of a format, read one by one.
pub(super) trait Known<'de>: Default {
    /// Reads the value of the field `name`. Returns `false` if the format does not have this field.
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// Defines a structure of optional fields with their names in the file, and implements [`Known`]. It replaces a derived
/// structure with a flattened map, because serde buffers flattened fields, which loses their JSON.
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

/// An object with the fields of a format and unrecognised fields.
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

/// Name of a field, borrowed if the file has no escapes in it.
struct Name<'a>(Cow<'a, str>);

/// Not derived, because a derived newtype hides the name from `serde_path_to_error`.
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

/// Sets a field to the next value, at most once. A field that is null counts as absent.
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

/// An id that is written as a number if it is a whole number.
pub(super) struct NumberOrString<'a>(pub &'a str);

impl Serialize for NumberOrString<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.parse::<u64>() {
            Ok(number) if number.to_string() == self.0 => number.serialize(serializer),
            _ => self.0.serialize(serializer),
        }
    }
}

/// A list of exactly `N` elements. Another number is an error that names it.
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
