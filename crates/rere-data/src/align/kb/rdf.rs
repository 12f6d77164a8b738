//! RDF: N-Triples, N-Quads and Turtle.

use oxrdf::{NamedNode, NamedOrBlankNode, Term, Triple, vocab::rdfs};
use oxttl::{NQuadsParser, TurtleParseError, TurtleParser};

use super::{
    builder::{Builder, NameKind},
    input::Input,
};
use crate::{DataError, ParseErrorKind};

/// Properties whose literals are the usual name of an entity.
const LABELS: [&str; 4] = [
    rdfs::LABEL.as_str(),
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "http://schema.org/name",
    "https://schema.org/name",
];

/// Properties whose literals are further names of an entity.
const ALIASES: [&str; 3] = [
    "http://www.w3.org/2004/02/skos/core#altLabel",
    "http://schema.org/alternateName",
    "https://schema.org/alternateName",
];

/// Vocabularies of statements about classes and properties.
const SCHEMA: [&str; 3] = [
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://www.w3.org/2000/01/rdf-schema#",
    "http://www.w3.org/2002/07/owl#",
];

/// What a file's triples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Names and facts.
    Facts,
    /// Names of entities.
    Names,
}

/// Reads N-Triples or N-Quads, whose graphs are ignored. Lines that are malformed are left out and counted: a dump of
/// many gigabytes is not read to its end otherwise.
pub(super) fn read_lines(
    input: Input,
    content: Content,
    language: &str,
    builder: &mut Builder,
) -> Result<(), DataError> {
    let path = input.path.clone();
    let mut well_formed = 0_usize;
    let mut first: Option<(usize, String)> = None;
    input.for_each_line(|line, bytes| {
        for quad in NQuadsParser::new().lenient().for_slice(bytes) {
            match quad {
                Ok(quad) => {
                    well_formed += 1;
                    add(&quad.into(), content, language, builder);
                }
                Err(error) => {
                    builder.report.malformed_lines += 1;
                    first.get_or_insert_with(|| (line, error.message().to_owned()));
                    break;
                }
            }
        }
        Ok(())
    })?;
    let Some((line, message)) = first else { return Ok(()) };
    if well_formed == 0 {
        let message = format!("expected lines of N-Triples (<subject> <relation> <object> .), found none: {message}");
        return Err(DataError::Parse { path, line, kind: ParseErrorKind::Syntax, message });
    }
    builder.report.first_malformed.get_or_insert_with(|| format!("{}, line {line}: {message}", path.display()));
    Ok(())
}

/// Reads Turtle.
pub(super) fn read_turtle(
    input: Input,
    content: Content,
    language: &str,
    builder: &mut Builder,
) -> Result<(), DataError> {
    let path = input.path.clone();
    for triple in TurtleParser::new().lenient().for_reader(input.into_reader()) {
        match triple {
            Ok(triple) => add(&triple, content, language, builder),
            Err(TurtleParseError::Io(source)) => return Err(DataError::Read { path, source }),
            Err(TurtleParseError::Syntax(error)) => {
                let line = usize::try_from(error.location().start.line).unwrap_or(usize::MAX).saturating_add(1);
                let message = format!("expected Turtle: {}", error.message());
                return Err(DataError::Parse { path, line, kind: ParseErrorKind::Syntax, message });
            }
        }
    }
    Ok(())
}

/// Adds a name or a fact.
fn add(Triple { subject, predicate, object }: &Triple, content: Content, language: &str, builder: &mut Builder) {
    let property = predicate.as_str();
    let kind = match property {
        _ if LABELS.contains(&property) => Some(NameKind::Label),
        _ if ALIASES.contains(&property) => Some(NameKind::Alias),
        _ => None,
    };
    let report = &mut builder.report;
    match (kind, subject, object) {
        (Some(kind), NamedOrBlankNode::NamedNode(subject), Term::Literal(name)) => {
            let (id, name) = (id(subject), (name.value(), name.language()));
            if content == Content::Names && !is_numbered(id, &['P']) {
                // An entity of the file is known, even if its names are in other languages.
                builder.find_or_add(id);
            }
            add_name(id, name, kind, language, builder);
        }
        _ if content == Content::Names => report.entity_file_triples += 1,
        _ => {
            let count = match (subject, object) {
                (NamedOrBlankNode::BlankNode(_), Term::Literal(_)) => &mut report.blank_node_triples,
                _ if SCHEMA.iter().any(|vocabulary| property.starts_with(vocabulary)) => &mut report.schema_triples,
                (_, Term::Literal(_)) => &mut report.literal_triples,
                (NamedOrBlankNode::NamedNode(subject), Term::NamedNode(object)) => {
                    let relation = id(predicate);
                    builder.add_triple(id(subject), relation, Some(last_part(relation)), id(object));
                    return;
                }
                _ => &mut report.blank_node_triples,
            };
            *count += 1;
            report.triples += 1;
        }
    }
}

/// Adds a name with its language to what has this id.
fn add_name(id: &str, (name, tag): (&str, Option<&str>), kind: NameKind, language: &str, builder: &mut Builder) {
    if !is_in(tag, language) {
        builder.report.foreign_names += 1;
    } else if is_numbered(id, &['P']) {
        builder.add_relation_name(id, name);
    } else if !builder.add_name(id, name, kind) {
        // It may be the name of a relation, but for the items of Wikidata, of which there are too many to keep.
        if is_numbered(id, &['Q', 'L']) {
            builder.report.unknown_names += 1;
        } else {
            builder.add_relation_name(id, name);
        }
    }
}

/// Returns whether a literal with this language tag is in `language`. Wikidata marks names that are the same in all
/// languages by `mul`.
fn is_in(tag: Option<&str>, language: &str) -> bool {
    let Some(tag) = tag else { return true };
    let (primary, rest) = tag.split_at_checked(language.len()).unwrap_or((tag, ""));
    language == "*"
        || tag == "mul"
        || (primary.eq_ignore_ascii_case(language) && (rest.is_empty() || rest.starts_with('-')))
}

/// Returns the id of an entity or a relation: for Wikidata its number, such as Q42 and P19, otherwise the IRI.
fn id(node: &NamedNode) -> &str {
    let iri = node.as_str();
    let number = ["http://www.wikidata.org/entity/", "http://www.wikidata.org/prop/direct/"]
        .into_iter()
        .find_map(|namespace| iri.strip_prefix(namespace));
    number.filter(|number| is_numbered(number, &['P', 'Q', 'L'])).unwrap_or(iri)
}

/// Returns whether an id is one of these letters with a number.
fn is_numbered(id: &str, letters: &[char]) -> bool {
    let number = id.strip_prefix(letters).unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the last part of an IRI: what follows the last `/`, `#` or `:`.
fn last_part(iri: &str) -> &str {
    let trimmed = iri.trim_end_matches(['/', '#', ':']);
    match trimmed.rsplit(['/', '#', ':']).next() {
        Some(part) if !part.is_empty() => part,
        _ => iri,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_matched() {
        for (tag, language, expected) in [
            (None, "en", true),
            (Some("en"), "en", true),
            (Some("en-GB"), "EN", true),
            (Some("eng"), "en", false),
            (Some("de"), "en", false),
            (Some("mul"), "en", true),
            (Some("zh-Hant"), "zh-hant", true),
            (Some("zh"), "zh-hant", false),
            (Some("é"), "e", false),
            (Some("de"), "*", true),
        ] {
            assert_eq!(is_in(tag, language), expected, "{tag:?} {language}");
        }
    }

    #[test]
    fn ids_and_names_of_iris() {
        for (iri, expected) in [
            ("http://www.wikidata.org/entity/Q42", "Q42"),
            ("http://www.wikidata.org/prop/direct/P19", "P19"),
            ("http://www.wikidata.org/entity/statement/Q42-1", "http://www.wikidata.org/entity/statement/Q42-1"),
            ("http://www.wikidata.org/entity/Q", "http://www.wikidata.org/entity/Q"),
            ("http://example.org/Q42", "http://example.org/Q42"),
        ] {
            assert_eq!(id(&NamedNode::new_unchecked(iri)), expected);
        }
        for (iri, expected) in [
            ("http://dbpedia.org/ontology/birthPlace", "birthPlace"),
            ("http://example.org/a#born/", "born"),
            ("urn:relation:born", "born"),
            ("born", "born"),
            ("//", "//"),
            ("", ""),
        ] {
            assert_eq!(last_part(iri), expected);
        }
    }
}
