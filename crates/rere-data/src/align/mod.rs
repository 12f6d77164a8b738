//! Distant supervision: a text is labelled with what a knowledge base says of the entities that it names.

mod kb;
mod matcher;
mod overlap;

use std::collections::HashSet;

use rere_core::{ExtractError, Extractor, Mention, Probability, RelationSet, Sentence, Triple};

pub use self::{
    kb::{KnowledgeBase, KnowledgeBaseReport},
    matcher::{EntityMatcher, EntityMention, MatcherSettings},
    overlap::{Found, Labelling, Overlap},
};
use crate::DataError;

/// Labels texts by a knowledge base: two entities named in a text are taken to have there all relations that they have
/// in the knowledge base. As an [`Extractor`] it is the paper's baseline `KB Match`, sure of all it finds.
#[derive(Debug)]
pub struct Aligner {
    kb: KnowledgeBase,
    matcher: EntityMatcher,
}

impl Aligner {
    /// An aligner to `kb`.
    ///
    /// # Errors
    /// As [`EntityMatcher::new`].
    pub fn new(kb: KnowledgeBase, settings: MatcherSettings) -> Result<Self, DataError> {
        let matcher = EntityMatcher::new(kb.names(), settings)?;
        Ok(Self { kb, matcher })
    }

    /// What texts are aligned to.
    pub fn kb(&self) -> &KnowledgeBase {
        &self.kb
    }

    /// What finds the entities.
    pub fn matcher(&self) -> &EntityMatcher {
        &self.matcher
    }

    /// The triples of `text`, with places and without scores: by the place of the subject, then of the object.
    pub fn align(&self, text: &str) -> Vec<Triple> {
        self.join(text, &self.matcher.mentions(text))
    }

    /// The triples between `mentions`, which the [matcher](Aligner::matcher) has found in `text`, as
    /// [`align`](Aligner::align) gives them. Triples with the same surfaces stand there once, at their first places.
    pub fn join(&self, text: &str, mentions: &[EntityMention<'_>]) -> Vec<Triple> {
        let mut seen = HashSet::new();
        let mut triples = Vec::new();
        let surface = |mention: &EntityMention<'_>| &text[mention.span.start..mention.span.end];
        for subject in mentions {
            // One name at two places may be two entities, but one place is only one.
            for object in mentions.iter().filter(|object| object.span != subject.span) {
                for label in self.relations_between(subject.entities, object.entities) {
                    let Some(relation) = self.kb.relations().get(label) else { continue };
                    if seen.insert((surface(subject), label, surface(object))) {
                        let mention =
                            |of: &EntityMention<'_>| Mention { span: Some(of.span), ..Mention::of(surface(of)) };
                        triples.push(Triple {
                            subject: mention(subject),
                            relation: relation.name.clone(),
                            object: mention(object),
                            score: None,
                        });
                    }
                }
            }
        }
        triples
    }

    fn relations_between(&self, subjects: &[usize], objects: &[usize]) -> impl Iterator<Item = usize> {
        let pairs = subjects.iter().flat_map(|&subject| objects.iter().map(move |&object| (subject, object)));
        pairs
            .filter(|(subject, object)| subject != object)
            .flat_map(|(subject, object)| self.kb.between(subject, object).iter().copied())
    }
}

impl Extractor for Aligner {
    fn relations(&self) -> &RelationSet {
        self.kb.relations()
    }

    fn extract(&self, sentences: &[Sentence]) -> Result<Vec<Vec<Triple>>, ExtractError> {
        let sure = |triple| Triple { score: Some(Probability::saturating(1.0)), ..triple };
        Ok(sentences.iter().map(|sentence| self.align(&sentence.text).into_iter().map(sure).collect()).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rere_core::ByteSpan;
    use tempfile::TempDir;

    use super::*;

    const ENTITIES: &str = "\u{feff}/m/1\tQ1\tAda Lovelace\tAda\r\n\n/m/2\tQ2\tLondon\n/m/3\t\t北京\n/m/4\tQ4\tNew York\n/m/5\tQ5\tNew York\tNYC\n/m/6\tQ6\t \t\n";
    const TRIPLES: &str = "/m/1\tborn in\t/m/2\nQ1\tborn in\tQ2\nQ1\tlived in\t/m/3\n  \nQ5\tpart of\tQ4\nQ2\ttwin\tQ5\nQ2\ttwin\tQ2\nQ1\tborn in\tQ6\nQ1\tknows\tQ99\n";

    fn files(files: &[(&str, &[u8])]) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content) in files {
            fs::write(folder.path().join(name), content).expect("written");
        }
        folder
    }

    fn read(triples: &[u8], entities: &[u8], map: Option<&str>) -> Result<KnowledgeBase, DataError> {
        let folder = files(&[("kb", triples), ("entities", entities), ("map", map.unwrap_or_default().as_bytes())]);
        let [kb, entities, file] = ["kb", "entities", "map"].map(|name| folder.path().join(name));
        KnowledgeBase::read(&kb, &entities, map.map(|_| file.as_path()))
    }

    fn aligner(map: Option<&str>) -> Aligner {
        let kb = read(TRIPLES.as_bytes(), ENTITIES.as_bytes(), map).expect("a KB");
        Aligner::new(kb, MatcherSettings::default()).expect("an aligner")
    }

    fn triples(map: Option<&str>, text: &str) -> Vec<[String; 3]> {
        let triples = aligner(map).align(text);
        triples.into_iter().map(|t| [t.subject.text, t.relation, t.object.text]).collect()
    }

    #[test]
    fn what_is_read_and_left_out_is_counted() {
        let report = aligner(None).kb().report();
        let expected = KnowledgeBaseReport {
            entities: 5,
            names: 7,
            triples: 8,
            blank_names: 2,
            unnamed_entities: 1,
            unnamed_triples: 2,
            ..KnowledgeBaseReport::default()
        };
        assert_eq!(report, expected);
        let mapped = aligner(Some(r#"{"born in": ["b1", "b2"], "twin": "t", "knows": []}"#));
        let names: Vec<&str> = mapped.kb().relations().iter().map(|relation| relation.name.as_str()).collect();
        assert_eq!(names, ["b1", "b2", "t"]);
        let report = mapped.kb().report();
        assert_eq!((report.unmapped_triples, report.unmapped_relations, report.unnamed_triples), (3, 3, 1));
        assert!(report.to_string().contains("3 triples left out: their 3 relations are not in the map"), "{report}");
    }

    #[test]
    fn pairs_that_the_kb_joins_are_labelled() {
        let text = "In London , Ada left London ; Ada Lovelace saw 北京 .";
        assert_eq!(
            triples(None, text),
            [
                ["Ada", "born in", "London"],
                ["Ada", "lived in", "北京"],
                ["Ada Lovelace", "born in", "London"],
                ["Ada Lovelace", "lived in", "北京"]
            ]
        );
        let first = aligner(None).align(text).remove(0);
        assert_eq!(first.object.span, Some(ByteSpan::new(3, 9)));
        assert_eq!(first.score, None);
        assert_eq!(triples(Some(r#"{"born in": ["b1", "b2"]}"#), "Ada , London").len(), 2);
        assert!(triples(None, "London and London").is_empty());
        // One name, two entities: the city in the state, but only where the name stands twice.
        assert_eq!(triples(None, "New York , New York , New York"), [["New York", "part of", "New York"]]);
        assert!(triples(None, "New York").is_empty());
    }

    #[test]
    fn as_an_extractor_it_is_sure() {
        let aligner = aligner(None);
        let found = aligner.extract(&[Sentence::new(""), Sentence::new("Ada : London")]).expect("triples");
        assert!(found[0].is_empty());
        assert_eq!(found[1][0].score, Probability::new(1.0).ok());
        assert_eq!(aligner.relations().label("born in"), Some(0));
    }

    #[test]
    fn bad_files_are_errors() {
        let parse = |triples: &str, entities: &str, map| match read(triples.as_bytes(), entities.as_bytes(), map) {
            Err(DataError::Parse { path, line, message }) => {
                (path.file_name().expect("a name").to_string_lossy().into_owned(), line, message)
            }
            other => panic!("{other:?}"),
        };
        for (kb, entities, map, file, line, words) in [
            ("\na\tr\n", "a\t\tA", None, "kb", 2, "here are 2"),
            ("a\tr\tb\tc", "a\t\tA", None, "kb", 1, "here are 4"),
            ("a\t \tb", "a\t\tA", None, "kb", 1, "empty"),
            ("\t\t\n", "a\t\tA", None, "kb", 1, "empty"),
            ("", "a\t\tA\n\nb", None, "entities", 3, "here is 1"),
            ("", "a\tb", None, "entities", 1, "here are 2"),
            ("", "\tb\tB", None, "entities", 1, "id of an entity is empty"),
            ("", "a\t\tA", Some("{\n\"r\": 3}"), "map", 2, "JSON object"),
            ("", "a\t\tA", Some("{\"r\": [\" \"]}"), "map", 1, "blank"),
            ("", "a\t\tA", Some(""), "map", 1, "JSON object"),
        ] {
            let (path, at, message) = parse(kb, entities, map);
            assert_eq!((path.as_str(), at), (file, line), "{message}");
            assert!(message.contains(words), "{message}");
        }
        let encoding = read(b"a\tr\tb\n\xff", b"a\t\tA\n", None);
        assert!(matches!(encoding, Err(DataError::Encoding { line: 2, .. })), "{encoding:?}");
        let absent = std::path::Path::new("no such file");
        assert!(matches!(KnowledgeBase::read(absent, absent, None), Err(DataError::Read { .. })));
    }
}
