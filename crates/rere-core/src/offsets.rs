//! Conversion of the offsets in files and other programs to bytes and back.

use std::{cell::OnceCell, fmt, str::FromStr};

use crate::{ByteSpan, CharSpan, Mention};

/// Unit of the offsets in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OffsetUnit {
    /// Unicode code points, as Python's string indices do.
    #[default]
    CodePoints,
    /// UTF-16 code units, as JavaScript's and Java's string indices do: a character outside the Basic Multilingual
    /// Plane, such as most emoji, counts as two.
    Utf16,
}

impl OffsetUnit {
    /// All units.
    pub const ALL: [Self; 2] = [Self::CodePoints, Self::Utf16];

    /// Returns the name that options use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CodePoints => "code-points",
            Self::Utf16 => "utf16",
        }
    }
}

impl fmt::Display for OffsetUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CodePoints => "Unicode code points",
            Self::Utf16 => "UTF-16 code units",
        })
    }
}

/// Error of a name that is not that of an [`OffsetUnit`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {known}, found {0:?}", known = OffsetUnit::ALL.map(OffsetUnit::name).join(", "))]
pub struct UnknownOffsetUnit(String);

impl FromStr for OffsetUnit {
    type Err = UnknownOffsetUnit;

    fn from_str(name: &str) -> Result<Self, UnknownOffsetUnit> {
        Self::ALL.into_iter().find(|unit| unit.name() == name).ok_or_else(|| UnknownOffsetUnit(name.to_owned()))
    }
}

/// Error of offsets that do not slice the text to the surface of their mention.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the mention {claimed:?} has offsets {start}..{end}, {}; {}",
    describe_found(found.as_deref(), *length),
    advise(*unit, *fits)
)]
#[non_exhaustive]
pub struct OffsetError {
    /// Start of the stated span.
    pub start: usize,
    /// End of the stated span.
    pub end: usize,
    /// The stated surface.
    pub claimed: String,
    /// The surface that the text has there; `None` if the span does not lie in the text.
    pub found: Option<String>,
    /// Length of the text.
    pub length: usize,
    /// The assumed unit of the offsets.
    pub unit: OffsetUnit,
    /// Another unit in which the offsets fit.
    pub fits: Option<OffsetUnit>,
}

fn describe_found(found: Option<&str>, length: usize) -> String {
    match found {
        Some(found) => format!("but the text has {found:?} there"),
        None => format!("but the text ends at {length}"),
    }
}

fn advise(unit: OffsetUnit, fits: Option<OffsetUnit>) -> String {
    match fits {
        Some(fits) => format!("they fit if they count {fits}"),
        None => format!("offsets are half-open and count {unit} from 0"),
    }
}

/// Converter between byte spans and offsets of a text.
///
/// Use it for many spans of one text. For a single span, [`CharSpan::to_bytes`] and [`ByteSpan::to_chars`] are enough.
///
/// ```
/// use rere_core::{ByteSpan, CharSpan, OffsetUnit, TextOffsets};
///
/// let text = "👩 Zoë";
/// let python = TextOffsets::new(text, OffsetUnit::CodePoints);
/// let javascript = TextOffsets::new(text, OffsetUnit::Utf16);
/// let zoe = ByteSpan::new(5, 9);
/// assert_eq!(python.to_chars(zoe), CharSpan::new(2, 5));
/// assert_eq!(javascript.to_chars(zoe), CharSpan::new(3, 6));
/// assert_eq!(javascript.to_bytes(CharSpan::new(3, 6)), Some(zoe));
/// assert_eq!(python.mention(CharSpan::new(2, 5), None)?.text, "Zoë");
/// # Ok::<(), rere_core::OffsetError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TextOffsets<'a> {
    text: &'a str,
    unit: OffsetUnit,
    /// The byte of each offset, the text's end included; `None` if offsets equal bytes. Computed on first use, because
    /// many sentences have no offsets.
    bytes: OnceCell<Option<Vec<usize>>>,
}

impl<'a> TextOffsets<'a> {
    /// Creates a converter for offsets in a unit.
    pub const fn new(text: &'a str, unit: OffsetUnit) -> Self {
        Self { text, unit, bytes: OnceCell::new() }
    }

    /// Creates a converter for offsets that count code points, but `\r\n` as one, as programs with universal newlines
    /// do.
    pub fn with_line_ends_as_one(text: &'a str) -> Self {
        let follows = |at: usize, c: char| c == '\n' && text[..at].ends_with('\r');
        let bytes = text.char_indices().filter(|&(at, c)| !follows(at, c)).map(|(at, _)| at).chain([text.len()]);
        Self { text, unit: OffsetUnit::CodePoints, bytes: OnceCell::from(Some(bytes.collect())) }
    }

    /// Returns the text.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    #[inline]
    fn bytes_of_offsets(&self) -> Option<&[usize]> {
        let find = || {
            let starts = self.text.char_indices();
            let end = [self.text.len()];
            (!self.text.is_ascii()).then(|| match self.unit {
                OffsetUnit::CodePoints => starts.map(|(at, _)| at).chain(end).collect(),
                // The second unit of a character gets its second byte, which is never a character boundary.
                OffsetUnit::Utf16 => {
                    starts.flat_map(|(at, c)| (0..c.len_utf16()).map(move |unit| at + unit)).chain(end).collect()
                }
            })
        };
        self.bytes.get_or_init(find).as_deref()
    }

    /// Converts offsets to a byte span; `None` if they do not lie in the text or cut a character in two.
    pub fn to_bytes(&self, CharSpan { start, end }: CharSpan) -> Option<ByteSpan> {
        let byte = |at: usize| match self.bytes_of_offsets() {
            Some(bytes) => bytes.get(at).copied(),
            None => Some(at),
        };
        let span = ByteSpan::new(byte(start)?, byte(end)?);
        // Bytes ascend with offsets, so this also refuses spans that end before they start.
        span.slice(self.text).is_ok().then_some(span)
    }

    /// Converts a byte span to offsets. A border inside a character counts as the end of the character, one past the
    /// text as the end of the text.
    #[inline]
    pub fn to_chars(&self, span: ByteSpan) -> CharSpan {
        let offset = |at: usize| {
            let at = at.min(self.text.len());
            match self.bytes_of_offsets() {
                Some(bytes) => bytes.partition_point(|&border| border < at),
                None => at,
            }
        };
        CharSpan::new(offset(span.start), offset(span.end))
    }

    /// Returns the part of the text at these offsets; `None` if [`to_bytes`](Self::to_bytes) does.
    pub fn slice(&self, span: CharSpan) -> Option<&'a str> {
        self.to_bytes(span)?.slice(self.text).ok()
    }

    /// Returns the mention at these offsets. If the surface is given, the text must have it there.
    ///
    /// # Errors
    /// Returns an error if the offsets do not lie in the text, or if the text has another surface there.
    pub fn mention(&self, span: CharSpan, surface: Option<String>) -> Result<Mention, OffsetError> {
        let bytes = self.to_bytes(span);
        let found = bytes.and_then(|span| span.slice(self.text).ok());
        match (found, surface) {
            (Some(found), None) => Ok(Mention { span: bytes, ..Mention::of(found) }),
            (Some(found), Some(claimed)) if found == claimed => Ok(Mention { span: bytes, ..Mention::of(claimed) }),
            (_, claimed) => Err(self.error(span, claimed.unwrap_or_default())),
        }
    }

    /// Returns the error of a mention whose surface the text does not have at these offsets.
    pub fn error(&self, span: CharSpan, claimed: String) -> OffsetError {
        let others = OffsetUnit::ALL.into_iter().filter(|&unit| unit != self.unit);
        let fits = |&unit: &OffsetUnit| TextOffsets::new(self.text, unit).slice(span) == Some(&claimed);
        OffsetError {
            start: span.start,
            end: span.end,
            fits: others.filter(|_| !claimed.is_empty()).find(fits),
            found: self.slice(span).map(str::to_owned),
            length: self.to_chars(ByteSpan::new(0, self.text.len())).end,
            claimed,
            unit: self.unit,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn code_points_agree_with_the_conversions_of_spans(text in "[aé北👩\u{301}]{0,8}", start in 0usize..10, end in 0usize..10) {
            let span = CharSpan::new(start, end);
            let offsets = TextOffsets::new(&text, OffsetUnit::CodePoints);
            let bytes = offsets.to_bytes(span);
            prop_assert_eq!(bytes, span.to_bytes(&text).ok());
            if let Some(bytes) = bytes {
                prop_assert_eq!(offsets.to_chars(bytes), span);
            }
        }

        /// The standard library's UTF-16 is the reference.
        #[test]
        fn utf16_agrees_with_the_standard_library(text in "[aé北👩🚒\u{301}]{0,8}", start in 0usize..12, end in 0usize..12) {
            let units: Vec<u16> = text.encode_utf16().collect();
            let expected = units.get(start..end).and_then(|part| String::from_utf16(part).ok());
            let offsets = TextOffsets::new(&text, OffsetUnit::Utf16);
            let span = CharSpan::new(start, end);
            // The standard library accepts an empty span between the two units of a character.
            prop_assume!(start != end);
            prop_assert_eq!(offsets.slice(span), expected.as_deref());
            prop_assert_eq!(offsets.to_bytes(span).is_some(), expected.is_some());
            if let Some(bytes) = offsets.to_bytes(span) {
                prop_assert_eq!(offsets.to_chars(bytes), span);
            }
        }

        #[test]
        fn any_bytes_have_offsets_in_the_text(text in "[aé👩]{0,4}", start in 0usize..20, end in 0usize..20, utf16: bool) {
            let unit = OffsetUnit::ALL[usize::from(utf16)];
            let span = TextOffsets::new(&text, unit).to_chars(ByteSpan::new(start, end));
            let length = if utf16 { text.encode_utf16().count() } else { text.chars().count() };
            prop_assert!(span.start <= length && span.end <= length);
        }
    }

    #[test]
    fn line_ends_count_as_one() {
        let text = "é\r\nb\n\rc\r\n";
        let offsets = TextOffsets::with_line_ends_as_one(text);
        let slices: Vec<_> = (0..8).map(|at| offsets.slice(CharSpan::new(at, at + 1))).collect();
        let expected = ["é", "\r\n", "b", "\n", "\r", "c", "\r\n"].map(Some);
        assert_eq!(slices[..7], expected);
        assert_eq!(slices[7], None);
    }

    #[test]
    fn names_of_units_are_known() {
        for unit in OffsetUnit::ALL {
            assert_eq!(unit.name().parse(), Ok(unit));
        }
        assert_eq!(
            "utf32".parse::<OffsetUnit>().expect_err("no unit").to_string(),
            "expected one of code-points, utf16, found \"utf32\""
        );
    }

    #[test]
    fn errors_name_the_mention_and_another_unit() {
        let offsets = TextOffsets::new("👩 Zoë", OffsetUnit::CodePoints);
        let error = |start, end| offsets.mention(CharSpan::new(start, end), Some("Zoë".to_owned())).expect_err("wrong");
        assert_eq!(
            error(3, 6).to_string(),
            "the mention \"Zoë\" has offsets 3..6, but the text ends at 5; they fit if they count UTF-16 code units"
        );
        assert_eq!(
            error(1, 4).to_string(),
            "the mention \"Zoë\" has offsets 1..4, but the text has \" Zo\" there; offsets are half-open and count Unicode code points from 0"
        );
    }
}
