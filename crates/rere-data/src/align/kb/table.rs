//! Tables of triples and of entities, with or without a header.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord};

use super::{
    builder::{Builder, NameKind},
    input::{Input, LineError},
};
use crate::{DataError, ParseErrorKind};

/// Names of the column of the subject in a header, in lower case and with `_` for spaces.
const SUBJECT: &[&str] =
    &["subject", "subj", "s", "head", "h", "source", "src", "head_entity", "entity1", "e1", "arg1", ":start_id"];

/// Names of the column of the relation.
const RELATION: &[&str] =
    &["relation", "rel", "r", "predicate", "pred", "p", "property", "relationship", "relation_type", "edge", ":type"];

/// Names of the column of the object.
const OBJECT: &[&str] =
    &["object", "obj", "o", "tail", "t", "target", "tgt", "dst", "tail_entity", "entity2", "e2", "arg2", ":end_id"];

/// Names of the column of an entity's id.
const ID: &[&str] = &["id", "entity", "entity_id", "mid", "qid", "item", "uri", "iri"];

/// Names of the column of an entity's second id.
const SECOND_ID: &[&str] = &["second_id", "id2", "other_id"];

/// Names of the columns of an entity's names.
const NAMES: &[&str] = &["name", "names", "label", "title", "alias", "aliases", "alt_label", "synonym", "synonyms"];

/// Reads triples: subject, relation and object, or these columns of a header.
pub(super) fn read_triples(input: Input, separator: char, builder: &mut Builder) -> Result<(), DataError> {
    let mut header: Option<(usize, [usize; 3])> = None;
    let mut is_first = true;
    input.for_each_text(|line| {
        let cells = cells(line, separator)?;
        if std::mem::take(&mut is_first)
            && let Some(columns) = triple_columns(&cells)?
        {
            ignore_columns(&cells, &columns, builder);
            header = Some((cells.len(), columns));
            return Ok(());
        }
        let triple = match header {
            Some((count, columns)) => {
                check_count(count, cells.len())?;
                columns.map(|column| cells[column].as_ref())
            }
            None => match &cells[..] {
                [subject, relation, object] => [subject.as_ref(), relation, object],
                _ => {
                    return Err(syntax(format!(
                        "expected 3 {} columns (subject, relation, object), or a header with these names, found {}",
                        separated(separator),
                        cells.len()
                    )));
                }
            },
        };
        if triple.contains(&"") {
            let message = "expected a subject, a relation and an object, found an empty column";
            return Err((ParseErrorKind::MissingField, message.to_owned()));
        }
        let [subject, relation, object] = triple;
        builder.add_triple(subject, relation, None, object);
        Ok(())
    })
}

/// Reads entities: id and name; or id, second id and names; or these columns of a header.
pub(super) fn read_entities(input: Input, separator: char, builder: &mut Builder) -> Result<(), DataError> {
    let mut header: Option<EntityColumns> = None;
    // Whether each row has two columns; the first one decides.
    let mut has_two = None;
    input.for_each_text(|line| {
        let cells = cells(line, separator)?;
        if has_two.is_none()
            && header.is_none()
            && let Some(columns) = entity_columns(&cells)
        {
            let mut used = columns.names.clone();
            used.extend([columns.id].into_iter().chain(columns.second));
            ignore_columns(&cells, &used, builder);
            header = Some(columns);
            return Ok(());
        }
        let cell = |column: usize| cells[column].as_ref();
        let (id, second, names): (_, _, Vec<&str>) = match &header {
            Some(columns) => {
                check_count(columns.count, cells.len())?;
                let second = columns.second.map(cell).filter(|id| !id.is_empty());
                (cell(columns.id), second, columns.names.iter().copied().map(cell).collect())
            }
            None if *has_two.get_or_insert(cells.len() == 2) && cells.len() == 2 => (cell(0), None, vec![cell(1)]),
            None if has_two == Some(false) && cells.len() > 2 => {
                (cell(0), Some(cell(1)).filter(|id| !id.is_empty()), cells[2..].iter().map(Cow::as_ref).collect())
            }
            None => {
                let expected = match has_two {
                    Some(true) => "2",
                    _ => "at least 3",
                };
                return Err(syntax(format!(
                    "expected {expected} {} columns (id, name; or id, second id, name, aliases), found {}",
                    separated(separator),
                    cells.len()
                )));
            }
        };
        if id.is_empty() {
            let message = "expected the id of an entity, found an empty column";
            return Err((ParseErrorKind::MissingField, message.to_owned()));
        }
        if has_two == Some(true) {
            // Such a file has a line for each name.
            names.iter().for_each(|name| _ = builder.add_name(id, name, NameKind::Alias));
        } else {
            builder.add_entity(id, second, names.into_iter());
        }
        Ok(())
    })
}

/// Returns the trimmed cells of a line. In tab-separated tables, quotation marks are a part of the cell.
fn cells(line: &str, separator: char) -> Result<Vec<Cow<'_, str>>, LineError> {
    if separator == '\t' || !line.contains('"') {
        return Ok(line.split(separator).map(|cell| Cow::Borrowed(cell.trim())).collect());
    }
    // A quotation mark that is not closed would take in the following lines.
    if line.bytes().filter(|&byte| byte == b'"').count() % 2 == 1 {
        let message = "expected quoted cells that end on their line and double the quotation marks inside, as in RFC \
                       4180, found a quotation mark without its second";
        return Err(syntax(message.to_owned()));
    }
    let separator = u8::try_from(separator).unwrap_or(b',');
    let mut reader = ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .buffer_capacity(line.len())
        .from_reader(line.as_bytes());
    let mut record = StringRecord::new();
    reader.read_record(&mut record).map_err(|error| syntax(format!("the row cannot be read: {error}")))?;
    Ok(record.iter().map(|cell| Cow::Owned(cell.trim().to_owned())).collect())
}

/// Returns the columns of subject, relation and object; `None` if the row is not a header.
fn triple_columns(row: &[Cow<'_, str>]) -> Result<Option<[usize; 3]>, LineError> {
    let roles = [("subject", SUBJECT), ("relation", RELATION), ("object", OBJECT)];
    let columns = roles.map(|(_, names)| columns(row, names));
    let found: Vec<&str> =
        roles.iter().zip(&columns).filter(|(_, own)| !own.is_empty()).map(|(role, _)| role.0).collect();
    if found.len() < 2 {
        return Ok(None);
    }
    for ((role, names), own) in roles.iter().zip(&columns) {
        match own[..] {
            [_] => {}
            [] => {
                let message = format!(
                    "expected a header with a column for the {role}, named one of {}, found only {}",
                    names.join(", "),
                    found.join(" and ")
                );
                return Err((ParseErrorKind::MissingField, message));
            }
            [first, second, ..] => {
                let message = format!(
                    "expected one column for the {role}, found {:?} and {:?}; rename one of them",
                    row[first], row[second]
                );
                return Err((ParseErrorKind::Duplicate, message));
            }
        }
    }
    Ok(Some(columns.map(|own| own[0])))
}

/// Columns of a table of entities with a header.
struct EntityColumns {
    count: usize,
    id: usize,
    second: Option<usize>,
    names: Vec<usize>,
}

/// Returns the columns of a table of entities; `None` if the row is not a header.
fn entity_columns(row: &[Cow<'_, str>]) -> Option<EntityColumns> {
    let names = columns(row, NAMES);
    let id = *columns(row, ID).first().filter(|_| !names.is_empty())?;
    Some(EntityColumns { count: row.len(), id, second: columns(row, SECOND_ID).first().copied(), names })
}

/// Returns the columns that have one of `names`.
fn columns(header: &[Cow<'_, str>], names: &[&str]) -> Vec<usize> {
    let is_one = |cell: &str| names.contains(&cell.to_lowercase().replace([' ', '-'], "_").as_str());
    header.iter().enumerate().filter(|(_, cell)| is_one(cell)).map(|(column, _)| column).collect()
}

/// Reports the columns of a header that are not used.
fn ignore_columns(header: &[Cow<'_, str>], used: &[usize], builder: &mut Builder) {
    let ignored = header.iter().enumerate().filter(|(column, _)| !used.contains(column));
    builder.report.ignored_columns.extend(ignored.map(|(_, name)| name.to_string()));
}

fn check_count(expected: usize, found: usize) -> Result<(), LineError> {
    if expected == found {
        Ok(())
    } else {
        Err(syntax(format!("expected {expected} columns, as in the header, found {found}")))
    }
}

fn syntax(message: String) -> LineError {
    (ParseErrorKind::Syntax, message)
}

fn separated(separator: char) -> &'static str {
    match separator {
        '\t' => "tab-separated",
        ';' => "semicolon-separated",
        _ => "comma-separated",
    }
}
