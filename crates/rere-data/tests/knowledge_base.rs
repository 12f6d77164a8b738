//! Knowledge bases in the files that people have.

use std::{fs, io::Write, path::PathBuf};

use proptest::prelude::*;
use rere_data::{
    Aligner, AmbiguousNames, DataError, KnowledgeBase, KnowledgeBaseOptions, MatcherSettings, Output, ParseErrorKind,
};
use tempfile::TempDir;

/// Files in a temporary folder.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content) in files {
            // Compressed according to the name.
            let mut file = Output::create(&folder.path().join(name)).expect("created");
            file.write_all(content).and_then(|()| file.finish().map_err(std::io::Error::other)).expect("written");
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, triples: &str, entities: Option<&str>) -> Result<KnowledgeBase, DataError> {
        let mut options = KnowledgeBaseOptions::default();
        options.entities = entities.map(|name| self.path(name));
        KnowledgeBase::read(&self.path(triples), &options)
    }
}

/// Reads one file.
fn read(name: &str, content: &str) -> KnowledgeBase {
    Files::new(&[(name, content.as_bytes())]).read(name, None).unwrap_or_else(|error| panic!("{content:?}: {error}"))
}

/// Returns subject, relation and object of each fact, by their first names.
fn facts(kb: &KnowledgeBase) -> Vec<[String; 3]> {
    let relation = |label| kb.relations().get(label).expect("known").name.clone();
    let name = |entity: usize| kb.names()[entity][0].clone();
    let mut facts: Vec<_> =
        kb.facts().map(|fact| [name(fact.subject), relation(fact.relation), name(fact.object)]).collect();
    facts.sort();
    facts
}

fn error(name: &str, content: impl AsRef<[u8]>) -> DataError {
    Files::new(&[(name, content.as_ref())]).read(name, None).expect_err("an error")
}

/// Returns line and message of an error.
fn parse_error(name: &str, content: impl AsRef<[u8]>) -> (usize, String) {
    match error(name, content) {
        DataError::Parse { path, line, message, .. } => {
            assert!(path.ends_with(name), "{}", path.display());
            (line, message)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_facts_in_all_formats_give_the_same_labels() {
    let turtle = r#"@prefix : <http://example.org/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
        @prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix schema: <https://schema.org/> .
        :ada :bornIn :london ; :metWith :charles ; skos:altLabel "Ada"@en , "Ada von L."@de ; rdfs:label "Ada Lovelace"@en .
        :london schema:name "London" . :charles skos:prefLabel "Charles Babbage"@en-GB ; :bornIn :london .
        :bornIn rdfs:label "geboren in"@de , "born in"@en . :metWith rdfs:label "met" ."#;
    let lines = r#"# facts
<http://example.org/ada> <http://example.org/bornIn> <http://example.org/london> .
<http://example.org/ada> <http://example.org/metWith> <http://example.org/charles> <http://example.org/graph> .

<http://example.org/charles> <http://example.org/bornIn> <http://example.org/london> .
<http://example.org/bornIn> <http://www.w3.org/2000/01/rdf-schema#label> "born in"@en .
<http://example.org/metWith> <http://www.w3.org/2000/01/rdf-schema#label> "met"@mul .
<http://example.org/ada> <http://www.w3.org/2000/01/rdf-schema#label> "Ada Lovelace"@en .
<http://example.org/ada> <http://schema.org/alternateName> "Ada"@en .
<http://example.org/london> <http://www.w3.org/2000/01/rdf-schema#label> "London"@en .
<http://example.org/charles> <http://www.w3.org/2000/01/rdf-schema#label> "Charles Babbage"@en .
"#;
    let truthy = r#"<http://www.wikidata.org/entity/Q7259> <http://www.wikidata.org/prop/direct/P19> <http://www.wikidata.org/entity/Q84> .
<http://www.wikidata.org/entity/Q7259> <http://www.wikidata.org/prop/direct/P3342> <http://www.wikidata.org/entity/Q46633> .
<http://www.wikidata.org/entity/Q7259> <http://www.wikidata.org/prop/direct/P569> "1815-12-10T00:00:00Z"^^<http://www.w3.org/2001/XMLSchema#dateTime> .
<http://www.wikidata.org/entity/Q46633> <http://www.wikidata.org/prop/direct/P19> <http://www.wikidata.org/entity/Q84> .
<http://www.wikidata.org/entity/Q7259> <http://www.w3.org/2000/01/rdf-schema#label> "Ada Lovelace"@en .
<http://www.wikidata.org/entity/Q7259> <http://www.w3.org/2004/02/skos/core#prefLabel> "Ada Lovelace"@en .
<http://www.wikidata.org/entity/Q7259> <http://www.w3.org/2000/01/rdf-schema#label> "艾达·洛芙莱斯"@zh .
<http://www.wikidata.org/entity/Q7259> <http://www.w3.org/2004/02/skos/core#altLabel> "Ada"@en .
<http://www.wikidata.org/entity/Q84> <http://www.w3.org/2000/01/rdf-schema#label> "London"@en .
<http://www.wikidata.org/entity/Q46633> <http://www.w3.org/2000/01/rdf-schema#label> "Charles Babbage"@en .
<http://www.wikidata.org/entity/P19> <http://www.w3.org/2000/01/rdf-schema#label> "born in"@en .
<http://www.wikidata.org/entity/P3342> <http://www.w3.org/2000/01/rdf-schema#label> "met"@en .
"#;
    let entities = "id,note,alias,name\r\n1,x,Ada,Ada Lovelace\r\n2,,,London\r\n3,,,\"Charles Babbage\"\r\n";
    let by_names = "Ada Lovelace\tborn in\tLondon\nAda\tborn in\tLondon\nAda Lovelace\tmet\tCharles Babbage\nAda\tmet\tCharles Babbage\nCharles Babbage\tborn in\tLondon\n";
    let files = Files::new(&[
        ("facts.tsv", b"1\tborn in\t2\n1\tmet\t3\n3\tborn in\t2\n"),
        ("entities.tsv", b"1\t\tAda Lovelace\tAda\n2\t\tLondon\n3\t\tCharles Babbage\n"),
        ("two.tsv", b"1\tAda Lovelace\n2\tLondon\n1\tAda\n3\tCharles Babbage\n"),
        (
            "facts.csv",
            "\u{feff}Tail,score,HEAD,relation\r\n\"2\",0.9,1,born in\r\n\r\n3,,1,\"met\"\r\n2,1,3,born in".as_bytes(),
        ),
        ("entities.csv", entities.as_bytes()),
        ("names.tsv.zst", by_names.as_bytes()),
        ("facts.ttl", turtle.as_bytes()),
        ("facts.nt.gz", lines.as_bytes()),
        ("facts", lines.as_bytes()),
        ("truthy.nt", truthy.as_bytes()),
        ("wikidata.tsv", b"Q7259\tborn in\tQ84\nQ7259\tmet\tQ46633\nQ46633\tborn in\tQ84\n"),
    ]);
    let corpus = [
        "Ada Lovelace met Charles Babbage in London .",
        "In London , Ada was born ; Charles Babbage too .",
        "艾达·洛芙莱斯 and Ada von L. in London",
        "born in London met",
    ];
    let labels = |triples: &str, entities: Option<&str>| {
        let kb = files.read(triples, entities).unwrap_or_else(|error| panic!("{triples}: {error}"));
        let aligner = Aligner::new(kb, MatcherSettings::default()).expect("an aligner");
        corpus.map(|text| {
            let mut triples = aligner.align(text);
            triples.sort_by_key(|triple| (triple.subject.span, triple.object.span, triple.relation.clone()));
            triples
        })
    };
    let expected = labels("facts.tsv", Some("entities.tsv"));
    let counts = expected.each_ref().map(Vec::len);
    // "Ada von L." is German, but "Ada" in it is not.
    assert_eq!(counts, [3, 3, 1, 0]);
    for (triples, entities) in [
        ("facts.tsv", Some("two.tsv")),
        ("facts.tsv", Some("entities.csv")),
        ("facts.csv", Some("entities.tsv")),
        ("names.tsv.zst", None),
        ("facts.ttl", None),
        ("facts.nt.gz", None),
        ("facts", None),
        ("facts.nt.gz", Some("facts.ttl")),
        ("facts.ttl", Some("facts")),
        ("truthy.nt", None),
        ("wikidata.tsv", Some("truthy.nt")),
        ("truthy.nt", Some("truthy.nt")),
    ] {
        assert_eq!(labels(triples, entities), expected, "{triples} {entities:?}");
    }
    let report = |triples: &str, entities| files.read(triples, entities).expect("a KB").report().clone();
    assert_eq!(report("facts.csv", Some("entities.csv")).ignored_columns, ["note", "score"]);
    let truthy = report("truthy.nt", None);
    assert_eq!((truthy.entities, truthy.names, truthy.triples, truthy.literal_triples), (3, 4, 4, 1));
    assert_eq!((truthy.foreign_names, truthy.unnamed_entities), (1, 0));
    let both = report("truthy.nt", Some("truthy.nt"));
    assert_eq!((both.entity_file_triples, both.facts, both.foreign_names), (4, 3, 2));
    let turtle = files.read("facts.ttl", None).expect("a KB");
    assert_eq!(turtle.ids()[0], "http://example.org/ada");
    // A label comes before an alias that was read first.
    assert_eq!(turtle.names()[0], ["Ada Lovelace", "Ada"]);
}

#[test]
fn facts_of_names_alone() {
    let kb = read("facts.tsv", " Ada \tborn in\tLondon\r\nAda\tborn in\t London\nAda\tlived in\tParis\nRome\tin\tRome");
    assert_eq!(kb.names(), [["Ada"], ["London"], ["Paris"], ["Rome"]]);
    assert_eq!(kb.ids(), ["Ada", "London", "Paris", "Rome"]);
    assert_eq!((kb.report().triples, kb.report().facts, kb.report().self_triples), (4, 2, 1));
    assert_eq!(facts(&kb), [["Ada", "born in", "London"], ["Ada", "lived in", "Paris"]]);
}

#[test]
fn facts_and_conflicts_of_a_subject() {
    let kb = read("facts.tsv", "Ada\tborn in\tParis\nAda\tborn in\tLondon\nAda\tsaw\tLondon\nLondon\tnear\tParis\n");
    let objects = |relation| kb.objects(0, relation).map(|object| kb.names()[object][0].as_str()).collect::<Vec<_>>();
    assert_eq!((objects(0), objects(1), objects(2)), (vec!["Paris", "London"], vec!["London"], vec![]));
    let of_ada: Vec<_> = kb.facts_of(0).map(|fact| (fact.relation, fact.object, fact.hidden)).collect();
    assert_eq!(of_ada, [(0, 1, false), (0, 2, false), (1, 2, false)]);
    assert_eq!(kb.facts_of(9).count(), 0);
    let hidden = kb.hide(rere_data::Probability::ONE, 1);
    assert_eq!((hidden.facts().count(), hidden.facts().filter(|fact| fact.hidden).count()), (4, 4));
    assert_eq!(hidden.objects(0, 0).count(), 0);
    // A new choice replaces the old one.
    assert_eq!(hidden.hide(rere_data::Probability::ZERO, 1).objects(0, 0).count(), 2);
}

#[test]
fn headers_are_recognised() {
    let expected = [["Ada", "born in", "London"]];
    for (header, row) in [
        ("subject,relation,object", "Ada,born in,London"),
        ("Head,Relation,Tail", "Ada,born in,London"),
        ("o;p;s", "London;born in;Ada"),
        ("subj\tpred\tobj", "Ada\tborn in\tLondon"),
        ("h\tt\tr", "Ada\tLondon\tborn in"),
        ("source,target,weight,Relation Type", "Ada,London,2,born in"),
        (":START_ID,:END_ID,:TYPE", "Ada,London,born in"),
        ("\"subject\",\"predicate\",\"object\"", "\"Ada\",\"born in\",\"London\""),
        ("predicate\tsubject\tobject\t", "born in\tAda\tLondon\t"),
        ("Ada\tborn in\tLondon", ""),
    ] {
        let kb = read("facts.txt", &format!("{header}\n{row}\n"));
        assert_eq!(facts(&kb), expected, "{header}");
    }
    // Names that look like a part of a header are names.
    assert_eq!(facts(&read("facts.csv", "Head,part of,Body\n")), [["Head", "part of", "Body"]]);
    let quoted = read("facts.csv", "\"Smith, \"\"Al\"\"\",\"born; in\",London\n");
    assert_eq!(facts(&quoted), [["Smith, \"Al\"", "born; in", "London"]]);
}

#[test]
fn quotation_marks_in_tab_separated_tables_are_characters() {
    let kb = read("facts.tsv", "\"Weird Al\" Yankovic\tborn in\t5\" disk\n#1\tr\t\"x\n");
    assert_eq!(facts(&kb), [["\"Weird Al\" Yankovic", "born in", "5\" disk"], ["#1", "r", "\"x"]]);
}

#[test]
fn bad_tables_are_errors() {
    for (name, content, line, words) in [
        ("kb.tsv", "a\tb\n", 1, "expected 3 tab-separated columns (subject, relation, object), or a header"),
        ("kb.csv", "\r\n\r\na,b\r\n", 3, "comma-separated"),
        ("kb.csv", "a,b,c\na,b,c,d\n", 2, "found 4"),
        ("kb", "14541\n/m/1\t0\n", 1, "found 1"),
        ("kb.csv", "subject,predicate,value\na,b,c", 1, "a column for the object, named one of object, obj"),
        ("kb.csv", "subject,s,predicate,object\na,b,c,d", 1, "one column for the subject, found \"subject\" and \"s\""),
        ("kb.csv", "subject,predicate,object\na,b\n", 2, "expected 3 columns, as in the header, found 2"),
        ("kb.csv", "subject,predicate,object\na,,c\n", 2, "empty column"),
        ("kb.csv", "a,b,c\na,\"b,c\nd,e,f\n", 2, "quotation mark"),
        ("kb.json", "{\"a\": 1}", 1, "found JSON; convert"),
        ("kb.rdf", "<?xml version=\"1.0\"?>\n<rdf:RDF>", 1, "found XML; convert"),
    ] {
        let (at, message) = parse_error(name, content);
        assert_eq!(at, line, "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn binary_files_are_named() {
    for (content, words) in [
        (&b"%PDF-1.7\n1 0 obj"[..], "a PDF document"),
        (b"PK\x03\x04\x14\0\x06\0", "export its table as CSV"),
        (b"\x1f\x8b\x08\0", "rename the file to end in .gz"),
        (b"BZh91AY&SY\x01\x02", "bzip2"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"\xff\xfea\0", "UTF-16"),
        (b"a\tb\tc\n\0\0\0", "binary data"),
    ] {
        for name in ["kb", "kb.tsv", "kb.ttl", "kb.nt"] {
            let error = error(name, content);
            assert!(matches!(&error, DataError::NoText { found, .. } if found.contains(words)), "{error:?}");
        }
        let files = Files::new(&[("kb", b"a\tr\tb"), ("entities", content)]);
        assert!(matches!(files.read("kb", Some("entities")), Err(DataError::NoText { .. })));
    }
    assert!(matches!(error("kb.tsv", b"a\tb\tc\n\xff\tb\tc"), DataError::Encoding { line: 2, .. }));
}

#[test]
fn a_line_has_a_limit() {
    let long = vec![b'a'; (64 << 20) + 1];
    let error = error("kb.tsv", [b"a\tb\tc\n", &long[..]].concat());
    assert!(matches!(error, DataError::Parse { line: 2, kind: ParseErrorKind::TooLong, .. }), "{error:?}");
}

#[test]
fn malformed_lines_of_n_triples_are_counted() {
    let label = |id: &str| format!("<{id}> <http://www.w3.org/2000/01/rdf-schema#label> \"{id}\" .\n");
    let mut text = format!("{}{}<a> <r> <b> .\n<a> <r> .\n<a> <r> <b>\njunk\n", label("a"), label("b")).into_bytes();
    text.extend_from_slice(b"<a> <r> \"\xff\" .\n<b> <r> <a> .\n");
    let kb = Files::new(&[("kb.nt", &text)]).read("kb.nt", None).expect("a KB");
    assert_eq!((kb.report().malformed_lines, kb.report().facts), (4, 2));
    let report = kb.report().to_string();
    assert!(
        report.contains("warning: 4 lines left out: not N-Triples; first ") && report.contains("kb.nt, line 4"),
        "{report}"
    );
    // Not one line is N-Triples.
    let (line, message) = parse_error("kb.nt", "\nAda\tborn in\tLondon\n");
    assert!(line == 2 && message.contains("expected lines of N-Triples"), "{message}");
}

#[test]
fn bad_turtle_is_an_error() {
    let (line, message) = parse_error("kb.ttl", "@prefix : <http://example.org/> .\n:a :b :c .\n:a x:b :c .\n");
    assert!(line == 3 && message.contains("expected Turtle: "), "{line} {message}");
    let (line, _) = parse_error("kb.ttl", "<a> <b> \"c");
    assert_eq!(line, 1);
}

#[test]
fn triples_that_are_no_facts_are_counted() {
    let text = r#"@prefix : <http://example.org/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
        @prefix owl: <http://www.w3.org/2002/07/owl#> .
        :a rdfs:label "A" , " " , "Ä"@de ; a :Person ; owl:sameAs :other ; :born 1815 ; :knows [ rdfs:label "x" ] , :b , :a , :c .
        :b rdfs:label "B" . :c rdfs:label "Tse"@de . :knows rdfs:domain :Person ; rdfs:label "knows"@de , "knows"@fr .
        _:d :knows :a . :a <http://example.com/knows> :b ."#;
    let files = Files::new(&[("kb.ttl", text.as_bytes())]);
    let kb = files.read("kb.ttl", None).expect("a KB");
    let report = kb.report().clone();
    assert_eq!((report.entities, report.names, report.blank_names, report.foreign_names), (2, 2, 1, 4));
    assert_eq!(
        (report.triples, report.schema_triples, report.literal_triples, report.blank_node_triples),
        (11, 3, 1, 3)
    );
    assert_eq!((report.unnamed_triples, report.self_triples, report.unnamed_entities), (1, 1, 1));
    // Two relations have the last part "knows".
    assert_eq!((report.joined_relations, report.facts), (1, 1));
    for words in [
        "3 triples left out: about classes",
        "1 triples left out: the object is a literal",
        "4 names left out: in another",
    ] {
        assert!(report.to_string().contains(words), "{report}");
    }
    let language = |language: &str| {
        let options = KnowledgeBaseOptions::default().with_language(language);
        let kb = KnowledgeBase::read(&files.path("kb.ttl"), &options).expect("a KB");
        (kb.names().to_vec(), kb.report().facts)
    };
    let names = |names: &[&[&str]]| {
        names.iter().map(|own| own.iter().map(|&n| n.to_owned()).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    assert_eq!(language("de"), (names(&[&["A", "Ä"], &["B"], &["Tse"]]), 2));
    assert_eq!(language("*"), language("de"));
}

#[test]
fn an_entities_file_decides_which_entities_are_known() {
    let label =
        |iri: &str, name: &str| format!("<{iri}> <http://www.w3.org/2000/01/rdf-schema#label> \"{name}\"@en .\n");
    let wikidata = |id: &str| format!("http://www.wikidata.org/entity/{id}");
    let direct = |s: &str, p: &str, o: &str| {
        format!("<{}> <http://www.wikidata.org/prop/direct/{p}> <{}> .\n", wikidata(s), wikidata(o))
    };
    let dump = [
        direct("Q1", "P19", "Q2"),
        direct("Q1", "P19", "Q3"),
        label(&wikidata("Q1"), "Ada Lovelace"),
        label(&wikidata("Q3"), "Paris"),
        label(&wikidata("P19"), "place of birth"),
        label(&wikidata("P20"), "place of death"),
    ];
    let files = Files::new(&[("dump.nt", dump.concat().as_bytes()), ("entities.tsv", b"Q1\tAda\nQ2\tLondon\n")]);
    let kb = files.read("dump.nt", Some("entities.tsv")).expect("a KB");
    assert_eq!(kb.names(), [vec!["Ada Lovelace", "Ada"], vec!["London"]]);
    assert_eq!(facts(&kb), [["Ada Lovelace", "place of birth", "London"]]);
    assert_eq!((kb.report().unknown_triples, kb.report().unknown_names), (1, 1));
    // The map may have a relation by its label, its number or the last part of its IRI.
    for (map, found) in [("P19", true), ("place of birth", true), ("P20", false)] {
        fs::write(files.path("map.json"), format!("{{\"{map}\": \"born\"}}")).expect("written");
        let options = KnowledgeBaseOptions::default().with_entities(files.path("entities.tsv"));
        let kb = KnowledgeBase::read(&files.path("dump.nt"), &options.with_map(files.path("map.json"))).expect("a KB");
        assert_eq!((kb.report().facts, kb.report().unmapped_triples), if found { (1, 0) } else { (0, 2) }, "{map}");
    }
}

#[test]
fn names_of_several_entities_are_resolved() {
    let files = Files::new(&[
        ("facts.tsv", b"1\tin\t3\n2\tin\t4\n2\tnear\t3\n5\tin\t2\n"),
        ("entities.tsv", b"1\tYork\n2\tYork\n3\tEngland\n4\tOntario\n5\tToronto\n"),
    ]);
    let labels = |ambiguous, text: &str| {
        let kb = files.read("facts.tsv", Some("entities.tsv")).expect("a KB");
        let aligner = Aligner::new(kb, MatcherSettings::default()).expect("an aligner").with_ambiguous_names(ambiguous);
        assert_eq!(aligner.matcher().ambiguous(), 1);
        aligner.align(text).into_iter().map(|triple| triple.relation).collect::<Vec<_>>()
    };
    let text = "York , England";
    assert_eq!(labels(AmbiguousNames::Keep, text), ["in", "near"]);
    assert_eq!(labels(AmbiguousNames::Skip, text), [""; 0]);
    assert_eq!(labels(AmbiguousNames::Frequent, text), ["near"]);
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            prop::collection::vec(prop::sample::select(b"<>\"_:.,;@^\\ \t\r\n#ab\xc3\xa9{}[]()prefix".to_vec()), 0..200),
        ],
    ) {
        for name in ["kb", "kb.tsv", "kb.csv", "kb.nt", "kb.ttl"] {
            let files = Files::new(&[(name, &bytes)]);
            for entities in [None, Some(name)] {
                if let Ok(kb) = files.read(name, entities) {
                    prop_assert_eq!(kb.facts().count(), kb.report().facts);
                }
            }
        }
    }
}
