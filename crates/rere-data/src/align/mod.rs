//! Distant supervision: labelling of texts with a knowledge base.

mod kb;
mod matcher;
mod overlap;

use std::collections::{HashMap, HashSet, hash_map::Entry};

use rayon::prelude::*;
use rere_core::{
    ByteSpan, ExtractError, ExtractOptions, Extractor, Info, Input, Mention, Probability, Sentence, Triple,
};

pub use self::{
    kb::{Fact, KnowledgeBase, KnowledgeBaseOptions, KnowledgeBaseReport},
    matcher::{AmbiguousNames, EntityMatcher, EntityMention, MatcherSettings, UnknownAmbiguousNames},
    overlap::{Labelling, LabellingCounts, Overlap},
};
use crate::DataError;

/// Labels texts with a knowledge base: two entities named in a text get all relations that they have in the knowledge
/// base.
///
/// As an [`Extractor`], it is the baseline `KB Match` of the RERE paper, with a score of 1 for each triple.
///
/// ```
/// use rere_data::{Aligner, KnowledgeBase, KnowledgeBaseOptions, MatcherSettings};
///
/// let folder = tempfile::tempdir()?;
/// let triples = folder.path().join("triples.tsv");
/// std::fs::write(&triples, "Ada\tborn in\tLondon\n")?;
/// let kb = KnowledgeBase::read(&triples, &KnowledgeBaseOptions::default())?;
/// let aligner = Aligner::new(kb, MatcherSettings::default())?;
/// let triples = aligner.align("Ada left London .");
/// assert_eq!((triples.len(), triples[0].relation.as_str()), (1, "born in"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Aligner {
    kb: KnowledgeBase,
    matcher: EntityMatcher,
    info: Info,
}

impl Aligner {
    /// Creates an aligner.
    ///
    /// # Errors
    /// Returns [`DataError::Names`] if the names of entities are too many for one matcher.
    pub fn new(kb: KnowledgeBase, settings: MatcherSettings) -> Result<Self, DataError> {
        let matcher = EntityMatcher::new(kb.names(), settings)?;
        let info = Info::new("kb-match", env!("CARGO_PKG_VERSION"), kb.relations().clone());
        Ok(Self { kb, matcher, info })
    }

    /// Decides what a name means that several entities share.
    ///
    /// The facts of an entity are those of which it is the subject or the object, [hidden](KnowledgeBase::hide) ones
    /// too: hiding must not change which entity a name means.
    #[must_use]
    pub fn with_ambiguous_names(mut self, ambiguous: AmbiguousNames) -> Self {
        let mut frequencies = vec![0; self.kb.names().len()];
        for fact in self.kb.facts() {
            frequencies[fact.subject] += 1;
            frequencies[fact.object] += 1;
        }
        self.matcher.resolve(ambiguous, |entity| frequencies[entity]);
        self
    }

    /// Returns the knowledge base.
    pub fn kb(&self) -> &KnowledgeBase {
        &self.kb
    }

    /// Returns the matcher of entity names.
    pub fn matcher(&self) -> &EntityMatcher {
        &self.matcher
    }

    /// Returns the triples of `text`, with spans and without scores, sorted by the positions of subject and object.
    pub fn align(&self, text: &str) -> Vec<Triple> {
        self.join(text, &self.matcher.mentions(text))
    }

    /// Replaces the triples of a sentence by those of [`align`](Aligner::align), and returns the number of mentions.
    ///
    /// The new triples get the types of the mentions in the former triples and in [`Sentence::entities`]. Those
    /// mentions that are in no new triple are in `Sentence::entities` afterwards.
    pub fn relabel(&self, sentence: &mut Sentence) -> usize {
        let mentions = self.matcher.mentions(&sentence.text);
        let mut triples = self.join(&sentence.text, &mentions);
        let former = sentence.triples.drain(..).flat_map(|triple| [triple.subject, triple.object]);
        let mut known: Vec<Mention> = former.chain(sentence.entities.drain(..)).collect();
        let mut seen = HashSet::new();
        known.retain(|mention| seen.insert(mention.clone()));
        sentence.entities = restore_types(&mut triples, known);
        sentence.triples = triples;
        mentions.len()
    }

    /// Returns the triples between `mentions` of the [matcher](Aligner::matcher) in `text`, as
    /// [`align`](Aligner::align) does. Triples with the same surfaces are returned once, at their first spans. Mentions
    /// outside `text` are ignored.
    pub fn join(&self, text: &str, mentions: &[EntityMention<'_>]) -> Vec<Triple> {
        let names = names(text, mentions);
        let mut named: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, name) in names.iter().enumerate() {
            for &entity in name.entities {
                named.entry(entity).or_default().push(number);
            }
        }
        let mention = |span: ByteSpan| Some(Mention::of(span.slice(text).ok()?).with_span(span));
        let mut triples = Vec::new();
        for (number, subject) in names.iter().enumerate() {
            // Two occurrences of a name may be two entities, but one occurrence is only one.
            let object_span = |object: usize| if object == number { subject.second } else { Some(names[object].first) };
            let mut facts = Vec::new();
            for &entity in subject.entities {
                for (other, labels) in self.kb.facts_among(entity, &named) {
                    let objects = named.get(&other).into_iter().flatten();
                    facts.extend(objects.filter_map(|&object| Some((object_span(object)?, entity, other, labels))));
                }
            }
            facts.sort_unstable();
            let mut seen = HashSet::new();
            for (object, label) in
                facts.iter().flat_map(|&(object, .., labels)| labels.iter().map(move |&l| (object, l)))
            {
                if seen.insert((object, label))
                    && let Some(relation) = self.kb.relations().get(label)
                    && let (Some(subject), Some(object)) = (mention(subject.first), mention(object))
                {
                    triples.push(Triple::new(subject, relation.name.clone(), object));
                }
            }
        }
        triples
    }
}

/// Copies the types of `known` mentions to those of triples, and returns the known mentions that are in no triple. A
/// known mention without a span means each occurrence of its surface.
fn restore_types(triples: &mut [Triple], mut known: Vec<Mention>) -> Vec<Mention> {
    let mut types: HashMap<(&str, Option<ByteSpan>), &str> = HashMap::new();
    for Mention { text, span, entity_type, .. } in &known {
        if let Some(entity_type) = entity_type {
            types.entry((text, *span)).or_insert(entity_type);
        }
    }
    for mention in triples.iter_mut().flat_map(|triple| [&mut triple.subject, &mut triple.object]) {
        let entity_type = [mention.span, None].iter().find_map(|&span| types.get(&(mention.text.as_str(), span)));
        mention.entity_type = entity_type.map(|&name| name.to_owned());
    }
    // A known mention without a type equals the mention that got a type.
    let joined: HashSet<(&str, Option<ByteSpan>, Option<&str>)> = triples
        .iter()
        .flat_map(Triple::mentions)
        .flat_map(|Mention { text, span, entity_type, .. }| {
            let types = [entity_type.as_deref(), None];
            types.into_iter().flat_map(move |name| [(text.as_str(), *span, name), (text.as_str(), None, name)])
        })
        .collect();
    known.retain(|Mention { text, span, entity_type, .. }| !joined.contains(&(text, *span, entity_type.as_deref())));
    known
}

/// A surface with one or more mentions.
struct Name<'a> {
    entities: &'a [usize],
    /// Span of the first mention.
    first: ByteSpan,
    /// Span of the second mention; only the first two can be in a triple.
    second: Option<ByteSpan>,
}

/// Returns the distinct surfaces of `mentions`, in the order of their first spans.
fn names<'a>(text: &str, mentions: &[EntityMention<'a>]) -> Vec<Name<'a>> {
    let mut names: Vec<Name<'a>> = Vec::new();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for &EntityMention { span, entities } in mentions {
        let Ok(surface) = span.slice(text) else { continue };
        match numbers.entry(surface) {
            Entry::Vacant(free) => {
                free.insert(names.len());
                names.push(Name { entities, first: span, second: None });
            }
            Entry::Occupied(known) => _ = names[*known.get()].second.get_or_insert(span),
        }
    }
    names
}

impl Extractor for Aligner {
    fn info(&self) -> &Info {
        &self.info
    }

    /// Returns the number of words, separated by white space.
    fn cost(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    /// Returns the triples of each text, each with a score of 1.
    fn extract(&self, inputs: &[Input<'_>], options: &ExtractOptions) -> Result<Vec<Vec<Triple>>, ExtractError> {
        let relations = self.kb.relations();
        let wanted = options.wanted(relations)?;
        let constraints = options.constraints.clone().unwrap_or_default();
        constraints.check(relations)?;
        let is_wanted = |triple: &Triple| relations.label(&triple.relation).is_some_and(|label| wanted[label]);
        let find = |&Input { text, mentions, .. }: &Input| {
            let scored = |triple: Triple| triple.with_score(Probability::ONE);
            let mut triples: Vec<Triple> = self.align(text).into_iter().filter(is_wanted).map(scored).collect();
            constraints.retain(&mut triples, mentions, |span| self.cost(span.slice(text).unwrap_or_default()));
            triples
        };
        Ok(inputs.par_iter().map(find).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use rere_core::Constraints;
    use tempfile::TempDir;

    use super::*;
    use crate::Folding;

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
        let options = KnowledgeBaseOptions { map: map.map(|_| file), ..KnowledgeBaseOptions::default() };
        KnowledgeBase::read(&kb, &options.with_entities(entities))
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
    fn the_report_counts_what_is_left_out() {
        let report = aligner(None).kb().report().clone();
        let expected = KnowledgeBaseReport {
            entities: 5,
            names: 7,
            triples: 8,
            blank_names: 2,
            unnamed_entities: 1,
            unknown_triples: 1,
            unnamed_triples: 1,
            self_triples: 1,
            facts: 4,
            ..KnowledgeBaseReport::default()
        };
        assert_eq!(report, expected);
        assert!(!report.to_string().contains("map"), "{report}");
        for cause in [
            "1 triples left out: subject or object is not one of the entities",
            "1 triples left out: subject or object without a name",
            "1 triples left out: subject and object are the same entity",
        ] {
            assert!(report.to_string().contains(cause), "{report}");
        }
        // A triple that is left out also counts as a use of its relation; "born" and "x" have no triple.
        let map = r#"{"born in": ["b1", "b2"], "twin": "t", "knows": [], "born": "b1", "x": []}"#;
        let mapped = aligner(Some(map));
        let names: Vec<&str> = mapped.kb().relations().iter().map(|relation| relation.name.as_str()).collect();
        assert_eq!(names, ["b1", "b2", "t"]);
        let report = mapped.kb().report();
        assert_eq!((report.unmapped_triples, report.unmapped_relations, report.unnamed_triples), (2, 2, 1));
        assert_eq!((report.excluded_triples, report.excluded_relations, report.unknown_triples), (1, 1, 0));
        assert!(report.to_string().contains("2 triples left out: their 2 relations are not in the map"), "{report}");
        assert!(
            report.to_string().contains("1 triples left out: the map has no name for their 1 relations"),
            "{report}"
        );
        assert_eq!(report.unused_relations, 2);
        assert!(report.to_string().contains("2 relations of the map unused: no triple has them"), "{report}");
    }

    #[test]
    fn a_share_of_the_facts_is_hidden() {
        let facts: Vec<String> = (0..2000).map(|n| format!("e{}\tr{}\te{}\n", n % 40, n % 7, n / 40)).collect();
        let entities: String = (0..50).map(|n| format!("e{n}\t\tName {n}\n")).collect();
        let kb = |facts: &[String]| read(facts.concat().as_bytes(), entities.as_bytes(), None).expect("a KB");
        let share = |share: f32| Probability::new(share).expect("a share");
        // Labels depend on the order of the file, names do not.
        let hidden = |kb: &KnowledgeBase, find: fn(&KnowledgeBase, usize, usize) -> &[usize]| {
            let pairs = (0..50).flat_map(|subject| (0..50).map(move |object| (subject, object)));
            let name = |label: usize| kb.relations().get(label).expect("known").name.clone();
            let facts = pairs.flat_map(|(s, o)| find(kb, s, o).iter().map(move |&label| (s, name(label), o)));
            facts.collect::<HashSet<_>>()
        };
        let all = hidden(&kb(&facts), KnowledgeBase::between);
        let some = kb(&facts).hide(share(0.25), 7);
        let (held_out, known) = (hidden(&some, KnowledgeBase::hidden_between), hidden(&some, KnowledgeBase::between));
        assert!((430..550).contains(&held_out.len()), "{}", held_out.len());
        assert!(held_out.is_disjoint(&known));
        assert_eq!(held_out.union(&known).cloned().collect::<HashSet<_>>(), all);
        assert_eq!((some.report().facts, some.report().hidden_facts), (all.len(), held_out.len()));
        assert!(some.report().to_string().contains(&format!("{} of {} facts hidden", held_out.len(), all.len())));
        // The order of the file does not matter, the seed does, and a larger share contains a smaller one.
        let reversed: Vec<String> = facts.iter().rev().cloned().collect();
        assert_eq!(hidden(&kb(&reversed).hide(share(0.25), 7), KnowledgeBase::hidden_between), held_out);
        assert_ne!(hidden(&kb(&facts).hide(share(0.25), 8), KnowledgeBase::hidden_between), held_out);
        let half = hidden(&kb(&facts).hide(share(0.5), 7), KnowledgeBase::hidden_between);
        assert!(half.is_superset(&held_out) && half.len() > held_out.len());
        assert_eq!(hidden(&kb(&facts).hide(share(0.0), 7), KnowledgeBase::between), all);
        // Hidden facts are not labels.
        let aligner = Aligner::new(some, MatcherSettings::default()).expect("an aligner");
        let labelled = |(subject, relation, object): &(usize, String, usize)| {
            let triples = aligner.align(&format!("Name {subject} , Name {object}"));
            triples
                .iter()
                .any(|triple| triple.relation == *relation && triple.subject.text == format!("Name {subject}"))
        };
        assert!(known.iter().all(labelled) && !held_out.iter().any(labelled));
    }

    #[test]
    fn the_choice_of_hidden_facts_does_not_change() {
        // Computed with another implementation of SHA-256: the choice must be the same in each release.
        let kb = read(TRIPLES.as_bytes(), ENTITIES.as_bytes(), None).expect("a KB");
        let kb = kb.hide(Probability::new(0.5).expect("half"), 1);
        let hidden: Vec<(usize, usize)> = (0..5)
            .flat_map(|s| (0..5).map(move |o| (s, o)))
            .filter(|&(s, o)| !kb.hidden_between(s, o).is_empty())
            .collect();
        assert_eq!(hidden, [(0, 1), (1, 4)]);
    }

    #[test]
    fn an_id_of_several_entities_means_each_of_them() {
        // Both entities have the id x, so a triple from x to x links each with the other. Only one has the id y.
        let kb = read(b"x\tr\tx\ny\tr\ty\n", b"x\ty\tA\nx\t\tB\n", None).expect("a KB");
        assert_eq!((kb.between(0, 1), kb.between(1, 0), kb.between(0, 0)), (&[0][..], &[0][..], &[][..]));
        assert_eq!(kb.report().self_triples, 1);
    }

    #[test]
    fn a_map_may_have_a_byte_order_mark_and_space() {
        let aligner = aligner(Some("\u{feff}{\" born in\\t\": [\" b1 \"], \"twin\": \" t\"}"));
        let names: Vec<&str> = aligner.kb().relations().iter().map(|relation| relation.name.as_str()).collect();
        assert_eq!(names, ["b1", "t"]);
    }

    #[test]
    fn types_and_mentions_are_kept() {
        let text = "Ada left London for 北京 , Ada said";
        let known = |start, end, name: Option<&str>| {
            let mut mention = Mention::at(text, ByteSpan::new(start, end)).expect("fits");
            mention.entity_type = name.map(str::to_owned);
            mention
        };
        let loc = |surface: &str| Mention::of(surface).with_entity_type("LOC");
        let triple = |subject, object| Triple::new(subject, "left", object);
        let mut sentence = Sentence::new(text)
            .with_triples(vec![
                triple(known(0, 3, Some("PER")), loc("London")),
                triple(known(0, 3, Some("PER")), known(4, 8, Some("VERB"))),
                triple(Mention::of("Ada"), Mention::of("said")),
            ])
            .with_entities(vec![known(0, 3, Some("PER")), known(20, 26, None), known(29, 32, Some("PER"))]);
        assert_eq!(aligner(None).relabel(&mut sentence), 4);
        let joined = |triple: &Triple| [triple.subject.clone(), triple.object.clone()];
        let london = known(9, 15, Some("LOC"));
        assert_eq!(
            sentence.triples.iter().map(joined).collect::<Vec<_>>(),
            [[known(0, 3, Some("PER")), london], [known(0, 3, Some("PER")), known(20, 26, None)]]
        );
        // Not in the new triples: a mention of a former triple, one without a span, one at another span.
        assert_eq!(sentence.entities, [known(4, 8, Some("VERB")), Mention::of("said"), known(29, 32, Some("PER"))]);

        // Of two types at the same span, the first is used and the other one is kept as an entity.
        let mut sentence = Sentence::new(text).with_entities(vec![
            known(0, 3, None),
            known(0, 3, Some("PER")),
            known(0, 3, Some("NAME")),
        ]);
        aligner(None).relabel(&mut sentence);
        assert_eq!(sentence.triples[0].subject, known(0, 3, Some("PER")));
        assert_eq!(sentence.entities, [known(0, 3, Some("NAME"))]);
    }

    #[test]
    fn pairs_with_relations_in_the_kb_are_labelled() {
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
        // One name of two entities, the city and the state, which needs two occurrences.
        assert_eq!(triples(None, "New York , New York , New York"), [["New York", "part of", "New York"]]);
        assert!(triples(None, "New York").is_empty());
    }

    #[test]
    fn mentions_of_another_text_are_ignored() {
        let aligner = aligner(None);
        let mentions = aligner.matcher().mentions("Ada saw London , Ada saw 北京 and London");
        assert_eq!(mentions.len(), 5);
        let surfaces = |text| {
            let triples = aligner.join(text, &mentions);
            triples.into_iter().map(|t| [t.subject.text, t.object.text]).collect::<Vec<_>>()
        };
        assert!(surfaces("").is_empty());
        // One text ends after the second mention, the other has a character across the end of 北京.
        assert_eq!(surfaces("Ada saw London"), [["Ada", "London"]]);
        assert_eq!(surfaces("Ada saw London , Ada saw \u{1f680}\u{1f680}")[0], ["Ada", "London"]);
    }

    #[test]
    fn a_long_text_is_labelled_quickly() {
        // There are more than 10^9 pairs.
        let found = triples(None, &"Ada saw London , ".repeat(20_000));
        assert_eq!(found, [["Ada", "born in", "London"]]);
    }

    /// Labels a text by comparing all pairs of mentions.
    fn slow(aligner: &Aligner, text: &str) -> Vec<Triple> {
        let mentions = aligner.matcher().mentions(text);
        let (mut seen, mut triples) = (HashSet::new(), Vec::new());
        for (subject, object) in mentions.iter().flat_map(|s| mentions.iter().map(move |o| (s, o))) {
            let entities = subject.entities.iter().flat_map(|&s| object.entities.iter().map(move |&o| (s, o)));
            for (a, b) in entities.filter(|(a, b)| a != b && subject.span != object.span) {
                let [subject, object] = [subject, object].map(|m| Mention::at(text, m.span).expect("fits"));
                for &label in aligner.kb().between(a, b) {
                    if seen.insert((subject.text.clone(), label, object.text.clone())) {
                        let relation = aligner.kb().relations().get(label).expect("known").name.clone();
                        triples.push(Triple::new(subject.clone(), relation, object.clone()));
                    }
                }
            }
        }
        triples
    }

    proptest! {
        #[test]
        fn triples_are_those_of_a_full_comparison(
            // With few names, entities share names and have several.
            names in prop::collection::vec(prop::collection::vec("[a-eA-C]", 1..4), 1..8),
            facts in prop::collection::vec((0usize..8, "[r-t]", 0usize..8), 0..40),
            text in prop::collection::vec("[a-eA-C]", 0..24),
            case: bool,
        ) {
            let lines = names.iter().enumerate().map(|(id, names)| format!("{id}\t\t{}\n", names.join("\t")));
            let triples = facts.iter().map(|(subject, relation, object)| format!("{subject}\t{relation}\t{object}\n"));
            let kb = read(triples.collect::<String>().as_bytes(), lines.collect::<String>().as_bytes(), None);
            let settings = MatcherSettings { min_characters: 1, folding: Folding { case, ..Folding::NONE } };
            let aligner = Aligner::new(kb.expect("a KB"), settings).expect("an aligner");
            let text = text.join(" ");
            prop_assert_eq!(aligner.align(&text), slow(&aligner, &text));
        }
    }

    #[test]
    fn as_an_extractor_it_scores_1() {
        let aligner = aligner(None);
        let inputs = ["".into(), "Ada : London".into()];
        let found = aligner.extract(&inputs, &ExtractOptions::default()).expect("triples");
        assert!(found[0].is_empty());
        assert_eq!(found[1][0].score, Some(Probability::ONE));
        assert_eq!(aligner.info().relations.label("born in"), Some(0));
        // Options of a call.
        let count = |options: ExtractOptions| aligner.extract(&inputs, &options).map(|found| found[1].len());
        assert_eq!(count(ExtractOptions::default().with_relations(["twin"])).ok(), Some(0));
        assert!(matches!(
            count(ExtractOptions::default().with_relations(["x"])),
            Err(ExtractError::UnknownRelation { .. })
        ));
        let none = Constraints::default().with_most(0);
        let none = count(ExtractOptions::default().with_constraints(none));
        assert!(matches!(none, Err(ExtractError::Constraints(_))));
    }

    #[test]
    fn bad_files_are_errors() {
        let parse = |triples: &str, entities: &str, map| match read(triples.as_bytes(), entities.as_bytes(), map) {
            Err(DataError::Parse { path, line, message, .. }) => {
                (path.file_name().expect("a name").to_string_lossy().into_owned(), line, message)
            }
            other => panic!("{other:?}"),
        };
        for (kb, entities, map, file, line, words) in [
            ("\na\tr\n", "a\t\tA", None, "kb", 2, "found 2"),
            ("a\tr\tb\tc", "a\t\tA", None, "kb", 1, "found 4"),
            ("a\t \tb", "a\t\tA", None, "kb", 1, "empty"),
            ("\t\t\n", "a\t\tA", None, "kb", 1, "empty"),
            ("", "a\t\tA\n\nb", None, "entities", 3, "found 1"),
            ("", "a\tb\nc\t\td", None, "entities", 2, "expected 2 tab-separated columns"),
            ("", "a\t\tb\nc\td", None, "entities", 2, "found 2"),
            ("", "\tb\tB", None, "entities", 1, "the id of an entity"),
            ("", "a\t\tA", Some("{\n\"r\": 3}"), "map", 2, "JSON object"),
            ("", "a\t\tA", Some("{\"r\": [\" \"]}"), "map", 1, "blank"),
            (
                "",
                "a\t\tA",
                Some("{\"q\": \"a\",\n\"r\": [\"b\", \" \"]}"),
                "map",
                2,
                "the relation \"r\", found a blank",
            ),
            ("", "a\t\tA", Some("{\"r\": \"a\",\n\"q\": \"b\",\n\"r\": \"a\"}"), "map", 3, "\"r\" twice"),
            ("", "a\t\tA", Some("{\"r\": \"a\",\n\"r \": \"b\"}"), "map", 2, "\"r\" twice"),
            ("", "a\t\tA", Some("{} {}"), "map", 1, "JSON object"),
            ("", "a\t\tA", Some("[]"), "map", 1, "JSON object"),
            ("", "a\t\tA", Some(""), "map", 1, "JSON object"),
        ] {
            let (path, at, message) = parse(kb, entities, map);
            assert_eq!((path.as_str(), at), (file, line), "{message}");
            assert!(message.contains(words), "{message}");
        }
        let encoding = read(b"a\tr\tb\n\xff", b"a\t\tA\n", None);
        assert!(matches!(encoding, Err(DataError::Encoding { line: 2, .. })), "{encoding:?}");
        let absent = std::path::Path::new("no such file");
        assert!(matches!(KnowledgeBase::read(absent, &KnowledgeBaseOptions::default()), Err(DataError::Read { .. })));
    }
}
