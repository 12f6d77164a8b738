//! Splitting of texts into sentences.

use std::{fmt, str::FromStr};

use rere_core::{ByteSpan, Mention, Sentence, Triple};

/// Which texts a [`Reader`](crate::Reader) splits into sentences.
///
/// ```
/// use rere_data::Split;
///
/// assert_eq!("all".parse(), Ok(Split::All));
/// assert_eq!(Split::default().name(), "text");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Split {
    /// Lines of plain text. Texts of other formats are expected to be single sentences.
    #[default]
    Text,
    /// Texts of all formats.
    All,
    /// None: each text is one sentence.
    None,
}

impl Split {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Text, Self::All, Self::None];

    /// Returns the name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::All => "all",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Error of a name that is not that of a [`Split`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of text, all, none, found {0:?}")]
pub struct UnknownSplit(String);

impl FromStr for Split {
    type Err = UnknownSplit;

    fn from_str(name: &str) -> Result<Self, UnknownSplit> {
        Self::ALL.into_iter().find(|split| split.name() == name).ok_or_else(|| UnknownSplit(name.to_owned()))
    }
}

/// Splits texts into sentences by punctuation, abbreviations and quotation marks of a language.
///
/// The rules are those of the crate `sentencex` by the Wikimedia Foundation. Quotation marks, list items and full stops of
/// other scripts are known to all languages; the language decides about abbreviations.
///
/// ```
/// use rere_data::SentenceSplitter;
///
/// let splitter = SentenceSplitter::new("en");
/// let text = "Dr. Ada Lovelace was born in London. She met Mr. Babbage.";
/// let sentences: Vec<&str> = splitter.spans(text).into_iter().map(|span| &text[span.start..span.end]).collect();
/// assert_eq!(sentences, ["Dr. Ada Lovelace was born in London.", "She met Mr. Babbage."]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentenceSplitter {
    language: String,
}

impl Default for SentenceSplitter {
    /// Creates a splitter for English.
    fn default() -> Self {
        Self::new("en")
    }
}

impl SentenceSplitter {
    /// Creates a splitter for a language, by its ISO 639 code. An unknown language has the rules of English.
    pub fn new(language: impl Into<String>) -> Self {
        Self { language: language.into() }
    }

    /// Returns the sentences of a text, without white space around them; none for a blank text.
    pub fn spans(&self, text: &str) -> Vec<ByteSpan> {
        let mut spans = Vec::new();
        self.add_spans(text, 0, &mut spans);
        spans
    }

    /// Adds the sentences of the part of a text that begins at the byte `origin`.
    fn add_spans(&self, text: &str, origin: usize, spans: &mut Vec<ByteSpan>) {
        let mut end = origin;
        for segment in sentencex::segment(&self.language, text) {
            let start = end;
            end += segment.len();
            let blank_before = segment.len() - segment.trim_start().len();
            let span = ByteSpan::new(start + blank_before, start + segment.trim_end().len());
            match spans.last_mut() {
                _ if span.is_empty() => {}
                // A closing bracket or quotation mark on its own belongs to the sentence before it.
                Some(last) if !segment.contains(char::is_alphanumeric) => last.end = span.end,
                // The abbreviations of the crate lack some titles.
                Some(last) if TITLES.iter().any(|title| ends_with_word(text, last.end - origin, title)) => {
                    last.end = span.end
                }
                _ if segment.len() > LONG_QUOTATION => match without_quotation_marks(segment) {
                    Some(plain) => self.add_spans(&plain, start, spans),
                    None => spans.push(span),
                },
                _ => spans.push(span),
            }
        }
    }

    /// Splits a sentence of a corpus. Triples and entities move to the sentence that they are in.
    ///
    /// The parts get the fields `document`, unless the sentence has it, and `start`, the position of their first character
    /// in the document. An id gets the number of the part: `7.1`, `7.2`. A blank text has no parts.
    pub(crate) fn split(&self, sentence: Sentence, document: &str) -> Parts {
        let spans = self.spans(&sentence.text);
        let mut parts = Parts { sentences: Vec::with_capacity(spans.len()), crossing: 0 };
        let first: usize = sentence.extra.get(START).ok().flatten().unwrap_or(0);
        let (mut chars, mut counted) = (first, 0);
        for (number, span) in (1..).zip(&spans) {
            let mut part = Sentence::new(&sentence.text[span.start..span.end]);
            part.id = match &sentence.id {
                Some(id) if spans.len() > 1 => Some(format!("{id}.{number}")),
                id => id.clone(),
            };
            part.extra = sentence.extra.clone();
            chars += sentence.text[counted..span.start].chars().count();
            counted = span.start;
            // Writing a string or a number as JSON cannot fail.
            if crate::document(&sentence).is_none() {
                _ = part.extra.set(DOCUMENT, sentence.id.as_deref().unwrap_or(document));
            }
            _ = part.extra.set(START, &chars);
            parts.sentences.push(part);
        }
        for triple in sentence.triples {
            parts.place(&spans, &[&triple.subject, &triple.object], |part, span| {
                part.triples.push(moved_triple(&triple, span));
            });
        }
        for triple in sentence.negatives {
            parts.place(&spans, &[&triple.subject, &triple.object], |part, span| {
                part.negatives.push(moved_triple(&triple, span));
            });
        }
        for entity in sentence.entities {
            parts.place(&spans, &[&entity], |part, span| part.entities.push(moved(&entity, span)));
        }
        parts
    }
}

/// Abbreviations that do not end a sentence.
const TITLES: [&str; 4] = ["Ms.", "Mx.", "Mmes.", "Messrs."];

/// Returns whether a text up to a position ends with a word.
fn ends_with_word(text: &str, end: usize, word: &str) -> bool {
    let before = text.get(..end).and_then(|head| head.strip_suffix(word));
    before.is_some_and(|before| !before.ends_with(char::is_alphanumeric))
}

/// A quotation is one sentence, unless it is longer than this many bytes: it may be a whole speech, or have no end.
const LONG_QUOTATION: usize = 300;

/// The apostrophe is a quotation mark too, as tokenised corpora write two of them.
fn is_quotation_mark(character: char) -> bool {
    matches!(
        character,
        '"' | '\'' | '“' | '”' | '„' | '‟' | '‘' | '’' | '«' | '»' | '‹' | '›' | '「' | '」' | '『' | '』'
    )
}

/// Replaces quotation marks by spaces, so that all bytes keep their position. Apostrophes within words are kept. Returns `None`
/// if there are no quotation marks.
fn without_quotation_marks(text: &str) -> Option<String> {
    let mut before = None;
    let mut characters = text.chars().peekable();
    let mut result = String::with_capacity(text.len());
    let mut found = false;
    while let Some(character) = characters.next() {
        let within_word =
            before.is_some_and(char::is_alphanumeric) && characters.peek().is_some_and(|next| next.is_alphanumeric());
        if is_quotation_mark(character) && !within_word {
            found = true;
            result.extend(std::iter::repeat_n(' ', character.len_utf8()));
        } else {
            result.push(character);
        }
        before = Some(character);
    }
    found.then_some(result)
}

/// The field with the document of a sentence.
const DOCUMENT: &str = "document";

/// Returns the JSON of a sentence's field `document`, which is equal for sentences of the same document; `None` if the sentence has
/// no such field or it is `null`.
///
/// ```
/// use rere_data::{Sentence, document};
///
/// let mut sentence = Sentence::new("Ada left .");
/// assert_eq!(document(&sentence), None);
/// sentence.extra.set("document", "letters.txt:7")?;
/// assert_eq!(document(&sentence), Some("\"letters.txt:7\""));
/// sentence.extra.set("document", &())?;
/// assert_eq!(document(&sentence), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn document(sentence: &Sentence) -> Option<&str> {
    let (_, json) = sentence.extra.iter().find(|(name, _)| *name == DOCUMENT)?;
    Some(json.get()).filter(|json| *json != "null")
}

/// Returns the name of a sentence's document for people: the text of its field `document`, or other JSON as it is.
pub fn document_name(sentence: &Sentence) -> Option<String> {
    let json = document(sentence)?;
    Some(serde_json::from_str(json).unwrap_or_else(|_| json.to_owned()))
}

/// The field with the position of a sentence in its document, in characters.
const START: &str = "start";

/// The sentences of a text.
pub(crate) struct Parts {
    pub sentences: Vec<Sentence>,
    /// Triples, pairs and entities that are in no single sentence.
    pub crossing: usize,
}

impl Parts {
    /// Calls `add` with the first sentence that holds all mentions.
    fn place(&mut self, spans: &[ByteSpan], mentions: &[&Mention], add: impl FnOnce(&mut Sentence, ByteSpan)) {
        let holds = |part: &Sentence, span: ByteSpan, mention: &Mention| match mention.span {
            Some(own) => own.within(span).is_some(),
            None => part.text.contains(&mention.text),
        };
        let mut found = self.sentences.iter_mut().zip(spans);
        match found.find(|(part, span)| mentions.iter().all(|mention| holds(part, **span, mention))) {
            Some((part, span)) => add(part, *span),
            None => self.crossing += 1,
        }
    }
}

/// Returns a mention with a span that counts from the start of `part`.
fn moved(mention: &Mention, part: ByteSpan) -> Mention {
    let mut mention = mention.clone();
    mention.span = mention.span.and_then(|span| span.within(part));
    mention
}

fn moved_triple(triple: &Triple, part: ByteSpan) -> Triple {
    let mut triple = triple.clone();
    (triple.subject, triple.object) = (moved(&triple.subject, part), moved(&triple.object, part));
    triple
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(text: &str) -> Vec<&str> {
        SentenceSplitter::default().spans(text).into_iter().map(|span| &text[span.start..span.end]).collect()
    }

    #[test]
    fn abbreviations_numbers_and_quotes_do_not_end_a_sentence() {
        let text =
            "Mr. Smith met the U.S. President on Jan. 5.  \"Really?\" He paid 2.50 dollars at 5 p.m. The train left.";
        let expected = [
            "Mr. Smith met the U.S. President on Jan. 5.",
            "\"Really?\"",
            "He paid 2.50 dollars at 5 p.m.",
            "The train left.",
        ];
        assert_eq!(sentences(text), expected);
        assert_eq!(sentences("这是第一句。这是第二句！"), ["这是第一句。", "这是第二句！"]);
        assert_eq!(sentences("هذه جملة. وهذه جملة أخرى؟"), ["هذه جملة.", "وهذه جملة أخرى؟"]);
        assert_eq!(sentences(" \t "), [""; 0]);
        assert_eq!(sentences(""), [""; 0]);
    }

    #[test]
    fn titles_do_not_end_a_sentence() {
        let text = "\"We had no money,\" Ms. Brandt told Messrs. Li and Wu. ATMs. Ms. A left.";
        let expected = ["\"We had no money,\" Ms. Brandt told Messrs. Li and Wu.", "ATMs.", "Ms. A left."];
        assert_eq!(sentences(text), expected);
    }

    #[test]
    fn a_quotation_mark_on_its_own_belongs_to_the_sentence_before_it() {
        let text = "He met Gifford Miller , the speaker , and Mr. Ferrer . ' '";
        assert_eq!(sentences(text), [text]);
    }

    #[test]
    fn a_long_quotation_is_split() {
        let long = "This sentence of the speech has a few more words than the one before it . ".repeat(6);
        let text = format!("She said : '' {long}'' It 's over . He left .");
        let found = sentences(&text);
        assert_eq!(found.len(), 8, "{found:?}");
        assert_eq!(found[7], "He left .");
        let apostrophes = "Bob's sentence isn't short, ".repeat(20);
        assert_eq!(sentences(&apostrophes), [apostrophes.trim_end()]);
        assert!(sentences("He said : “ One . Two . ” He left .").len() <= 3);
    }

    #[test]
    fn triples_move_with_their_sentence() {
        let text = "Zoë met Ada. Ada was born in London.";
        let at = |surface: &str, start| Mention::of(surface).with_span(ByteSpan::new(start, start + surface.len()));
        let born = Triple::new(at("Ada", 14), "born in", at("London", 30));
        let crossing = Triple::new(at("Zoë", 0), "born in", at("London", 30));
        let plain = Triple::of("Zoë", "met", "Ada");
        let sentence = Sentence::new(text).with_id("7").with_triples([born, crossing, plain]);
        let Parts { sentences, crossing } =
            SentenceSplitter::default().split(sentence.with_entities([at("Zoë", 0)]), "x");
        assert_eq!(crossing, 1);
        let [first, second] = &sentences[..] else { panic!("two sentences: {sentences:?}") };
        assert_eq!((first.id.as_deref(), second.id.as_deref()), (Some("7.1"), Some("7.2")));
        assert_eq!(first.triples, [Triple::of("Zoë", "met", "Ada")]);
        assert_eq!(first.entities, [at("Zoë", 0)]);
        assert_eq!(second.text, "Ada was born in London.");
        assert_eq!(second.triples, [Triple::new(at("Ada", 0), "born in", at("London", 16))]);
        // In characters, of which ë is one.
        assert_eq!(second.extra.get(START).expect("a number"), Some(13));
        assert_eq!(second.extra.get(DOCUMENT).expect("a string"), Some("7"));
    }
}
