//! brat's standoff format: a folder with a pair of files for each text, `ID.txt` and `ID.ann`. A line of the latter is
//! a mention, `T1⇥Person 0 3⇥Ada`, with half-open offsets in characters, or a relation, `R1⇥born_in Arg1:T1 Arg2:T2`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ffi::OsString,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use rere_core::{ByteSpan, CharSpan, Mention, Sentence, TextOffsets, Triple};
use tempfile::TempDir;

use super::{
    OffsetUnit, ReadReport, Unsupported, UnsupportedCounts,
    json::Object,
    mentions::{Clusters, MentionsWithOffsets, UNTYPED, clusters, entity_type},
    optional::with_type,
    reader::Found,
    spec::{Content, EntityIds, Holds, Offsets, Spec, Types},
};
use crate::{DataError, ParseErrorKind, SentenceProblem, error::describe, file::without_temporary_name};

pub(super) const SPEC: Spec = Spec {
    name: "brat",
    source: "brat",
    content: Content::Folder,
    holds: Holds {
        offsets: Offsets::NeedsCharacters,
        types: Types::Except(UNTYPED),
        entities: true,
        entity_ids: EntityIds::Clusters,
        extra: false,
        ..Holds::SURFACES
    },
};

/// The texts of a folder, in the order of their names.
pub(super) struct Folder {
    offsets: OffsetUnit,
    /// Files of texts, the next one last.
    texts: Vec<PathBuf>,
    /// Annotation files by their names without extension. Those that are left at the end have no text.
    annotations: BTreeMap<OsString, PathBuf>,
}

impl Folder {
    pub fn open(folder: &Path, offsets: OffsetUnit) -> Result<Self, DataError> {
        let unreadable = |source| DataError::Read { path: folder.to_owned(), source };
        let (mut texts, mut annotations) = (Vec::new(), BTreeMap::new());
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            match (path.file_stem(), path.extension()) {
                (Some(_), Some(extension)) if extension.eq_ignore_ascii_case("txt") => texts.push(path),
                (Some(stem), Some(extension)) if extension.eq_ignore_ascii_case("ann") => {
                    _ = annotations.insert(stem.to_owned(), path);
                }
                _ => {}
            }
        }
        if texts.is_empty() {
            return Err(DataError::NoTexts { path: folder.to_owned() });
        }
        texts.sort_unstable_by(|a, b| b.file_stem().cmp(&a.file_stem()));
        Ok(Self { offsets, texts, annotations })
    }

    /// Reads the next text, and returns whether there was one.
    pub fn next(&mut self, found: &mut Found) -> Result<bool, DataError> {
        let Some(path) = self.texts.pop() else {
            for path in std::mem::take(&mut self.annotations).into_values() {
                found
                    .report
                    .unsupported
                    .note_at(Unsupported::Annotation, 1, || format!("{} (no text)", path.display()));
            }
            return Ok(false);
        };
        let text = utf8(&path, fs::read(&path))?;
        let stem = path.file_stem().unwrap_or_default();
        let (annotations, content) = match self.annotations.remove(stem) {
            Some(annotations) => {
                let content = utf8(&annotations, fs::read(&annotations))?;
                (annotations, content)
            }
            None => {
                found.report.unannotated += 1;
                (path.with_extension("ann"), String::new())
            }
        };
        let id = stem.to_string_lossy().into_owned();
        let sentence = parse(id, text, &annotations, &content, self.offsets, &mut found.report)?;
        found.sentences.push_back(sentence);
        Ok(true)
    }
}

/// Decodes the text of a file.
fn utf8(path: &Path, bytes: io::Result<Vec<u8>>) -> Result<String, DataError> {
    let bytes = bytes.map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        DataError::Encoding { path: path.to_owned(), line: 1 + memchr::memchr_iter(b'\n', good).count() }
    })
}

/// The lines of an annotation file, by kind.
#[derive(Default)]
struct Lines<'a> {
    /// Keys and mentions.
    mentions: Vec<(&'a str, Object<'a>, MentionLine<'a>)>,
    relations: Vec<(Object<'a>, RelationLine<'a>)>,
    /// Keys of mentions of the same entity.
    equivalents: Vec<Vec<&'a str>>,
    /// Keys of unsupported annotations.
    others: HashSet<&'a str>,
    /// Number of lines with unsupported annotations.
    left_out: usize,
}

/// The line of a mention.
struct MentionLine<'a> {
    entity_type: &'a str,
    /// Offsets of its pieces, at least one.
    pieces: Vec<CharSpan>,
    /// The surface, if the line has one.
    claimed: Option<&'a str>,
}

/// The line of a relation, with the keys of its subject and object.
struct RelationLine<'a> {
    name: &'a str,
    arguments: [&'a str; 2],
}

fn lines<'a>(path: &'a Path, annotations: &'a str, offsets: OffsetUnit) -> Result<Lines<'a>, DataError> {
    let mut lines = Lines::default();
    // A byte order mark is not a part of the first key.
    let annotations = annotations.strip_prefix('\u{feff}').unwrap_or(annotations);
    for (line, content) in (1..).zip(annotations.lines()).filter(|(_, content)| !content.trim().is_empty()) {
        let at = Object::new(path, line, content, offsets);
        let mut columns = content.split('\t');
        let (key, middle, last) = (columns.next().unwrap_or_default(), columns.next(), columns.next());
        let middle = middle.unwrap_or_default();
        match key.as_bytes().first() {
            Some(b'T') => {
                let mention = mention_line(middle, last, &at)?;
                lines.mentions.push((key, at, mention));
            }
            Some(b'R') => {
                let relation = relation_line(middle, &at)?;
                lines.relations.push((at, relation));
            }
            Some(b'*') if middle.starts_with("Equiv ") => {
                lines.equivalents.push(middle.split_ascii_whitespace().skip(1).collect());
            }
            _ => {
                lines.others.insert(key);
                lines.left_out += 1;
            }
        }
    }
    Ok(lines)
}

/// Parses `Person 0 3`, or `Person 0 3;8 12` for a mention in pieces.
fn mention_line<'a>(middle: &'a str, claimed: Option<&'a str>, at: &Object) -> Result<MentionLine<'a>, DataError> {
    let wrong =
        || at.error(ParseErrorKind::Syntax, "expected a mention: a key, a tab, `TYPE START END`, a tab and its text");
    let (entity_type, offsets) = middle.split_once(' ').ok_or_else(wrong)?;
    let piece = |piece: &str| {
        let (start, end) = piece.trim().split_once(' ')?;
        Some(CharSpan::new(start.parse().ok()?, end.parse().ok()?))
    };
    let pieces = offsets.split(';').map(piece).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
    Ok(MentionLine { entity_type, pieces, claimed })
}

/// Parses `born_in Arg1:T1 Arg2:T2`. `Arg1` is the subject; with other labels, the first argument is.
fn relation_line<'a>(middle: &'a str, at: &Object) -> Result<RelationLine<'a>, DataError> {
    let mut words = middle.split_ascii_whitespace();
    let name = words.next();
    let mut argument = || words.next()?.split_once(':');
    match (name, argument(), argument()) {
        (Some(name), Some((first, subject)), Some((second, object))) => {
            let is_swapped = first.eq_ignore_ascii_case("Arg2") && second.eq_ignore_ascii_case("Arg1");
            let arguments = if is_swapped { [object, subject] } else { [subject, object] };
            Ok(RelationLine { name, arguments })
        }
        _ => {
            let message = "expected a relation: a key, a tab and `NAME Arg1:KEY Arg2:KEY`";
            Err(at.error(ParseErrorKind::Syntax, message))
        }
    }
}

fn parse(
    id: String,
    text: String,
    path: &Path,
    annotations: &str,
    offsets: OffsetUnit,
    report: &mut ReadReport,
) -> Result<Sentence, DataError> {
    let Lines { mentions: mention_lines, relations, equivalents, others, left_out } =
        lines(path, annotations, offsets)?;
    let locate = |offsets: &TextOffsets| {
        let located = mention_lines.iter().map(|(_, at, line)| mention(line, &text, offsets, at));
        located.collect::<Result<Vec<_>, _>>()
    };
    let mut mentions = match locate(&TextOffsets::new(&text, offsets)) {
        Err(error) if text.contains("\r\n") => {
            // brat's editor counts `\r\n` as one character.
            let located = locate(&TextOffsets::with_line_ends_as_one(&text)).map_err(|_| error)?;
            report.line_ends_as_one += 1;
            located
        }
        located => located?,
    };
    let mut annotations = left_out + mentions.iter().filter(|mention| mention.is_none()).count();

    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for (number, (key, at, _)) in mention_lines.iter().enumerate() {
        if numbers.insert(key, number).is_some() {
            let message = format!("expected unique keys of mentions, found {key:?} twice");
            return Err(at.error(ParseErrorKind::Duplicate, message));
        }
    }
    // Lists that share a mention are the same entity.
    let mut lists: Vec<Vec<usize>> = Vec::new();
    for keys in &equivalents {
        let of_mention = |key: &&str| numbers.get(key).copied().filter(|&number| mentions[number].is_some());
        let mut list: Vec<usize> = keys.iter().filter_map(of_mention).collect();
        // Events and mentions in pieces.
        annotations += keys.len() - list.len();
        let shared = lists.extract_if(.., |known| known.iter().any(|number| list.contains(number))).flatten();
        let shared: Vec<usize> = shared.collect();
        list.extend(shared);
        list.sort_unstable();
        list.dedup();
        lists.push(list);
    }
    lists.retain(|list| list.iter().any(|&number| mentions[number] != mentions[list[0]]));
    for (entity, list) in lists.into_iter().enumerate() {
        for number in list {
            if let Some(mention) = &mut mentions[number] {
                mention.entity = Some(entity.to_string());
            }
        }
    }
    report.unsupported.note_at(Unsupported::Annotation, annotations, || format!("{}", path.display()));

    let mut joined = vec![false; mentions.len()];
    let mut triples = Vec::with_capacity(relations.len());
    let mut without_mention = 0;
    for (at, RelationLine { name, arguments }) in relations {
        let ends = arguments.map(|key| numbers.get(key).copied());
        let unknown = arguments.iter().zip(ends).find(|(key, end)| end.is_none() && !others.contains(*key));
        if let Some((key, _)) = unknown {
            let message = format!("expected the key of an annotation in a relation, found {key:?}");
            return Err(at.error(ParseErrorKind::UnknownReference, message));
        }
        let ends = ends.map(|number| number.filter(|&number| mentions[number].is_some()));
        match (ends, ends.map(|number| mentions[number?].clone())) {
            ([Some(head), Some(tail)], [Some(subject), Some(object)]) => {
                (joined[head], joined[tail]) = (true, true);
                triples.push(Triple::new(subject, name, object));
            }
            // The subject or object is an event or a mention in pieces.
            _ => without_mention += 1,
        }
    }
    report.unsupported.note_at(Unsupported::Triple, without_mention, || format!("{}", path.display()));
    let entities = mentions.into_iter().zip(joined).filter(|(_, joined)| !joined);
    let entities = entities.filter_map(|(mention, _)| mention);
    Ok(Sentence::new(text).with_id(id).with_triples(triples).with_entities(entities))
}

/// Returns the mention of a line; `None` if its pieces have more than white space between them.
fn mention(line: &MentionLine, text: &str, offsets: &TextOffsets, at: &Object) -> Result<Option<Mention>, DataError> {
    let MentionLine { entity_type: type_name, pieces, claimed } = line;
    let mut spans: Vec<ByteSpan> = Vec::with_capacity(pieces.len());
    for &piece in pieces {
        let span = at.mention(offsets, piece, None)?.span;
        spans.extend(span);
    }
    let surfaces: Vec<&str> = spans.iter().filter_map(|span| span.slice(text).ok()).collect();
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return Ok(None) };
    let whole = CharSpan::new(first.start, last.end);
    // brat accepts lines without the surface, and trailing white space.
    if let Some(claimed) = claimed
        && one_line(&surfaces.join(" ")).trim_end() != claimed.trim_end()
    {
        return Err(at.misplaced(offsets.error(whole, (*claimed).to_owned())));
    }
    let is_blank = |pair: &[ByteSpan]| {
        let between = text.get(pair[0].end..pair[1].start);
        between.is_some_and(|between| between.chars().all(char::is_whitespace))
    };
    if !spans.windows(2).all(is_blank) {
        return Ok(None);
    }
    let mention = at.mention(offsets, whole, None)?;
    Ok(Some(with_type(mention, entity_type((*type_name).to_owned()))))
}

/// Replaces line ends and tabs in a surface by spaces.
fn one_line(surface: &str) -> String {
    surface.replace(['\n', '\r', '\t'], " ")
}

/// Replaces white space in the name of a relation or a type by underscores.
fn one_word(name: &str) -> String {
    name.replace(char::is_whitespace, "_")
}

/// A folder with a temporary name, which is renamed when it is complete.
pub(super) struct NewFolder {
    folder: TempDir,
    path: PathBuf,
    count: usize,
}

impl NewFolder {
    pub fn create(path: &Path) -> Result<Self, DataError> {
        let parent = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new().prefix(".tmp").tempdir_in(parent);
        let unwritable =
            |error: io::Error| DataError::Write { path: path.to_owned(), source: without_temporary_name(&error) };
        let folder = folder.map_err(unwritable)?;
        Ok(Self { folder, path: path.to_owned(), count: 0 })
    }

    pub fn write(
        &mut self,
        sentence: &Sentence,
        offsets: OffsetUnit,
        unsupported: &mut UnsupportedCounts,
    ) -> Result<(), DataError> {
        self.count += 1;
        let id = sentence.id.as_deref().filter(|id| is_file_name(id));
        unsupported.note(Unsupported::Id, usize::from(sentence.id.is_some() && id.is_none()), sentence);
        let stem = id.map_or_else(|| format!("{:06}", self.count), str::to_owned);
        let text = self.folder.path().join(format!("{stem}.txt"));
        if text.exists() {
            let problem = SentenceProblem::SameFile { file_name: format!("{stem}.txt") };
            return Err(DataError::Unwritable { sentence: describe(sentence), problem });
        }
        let annotations = annotations(sentence, offsets, unsupported);
        let file = |path: PathBuf, content: &str| {
            fs::write(&path, content).map_err(|source| DataError::Write { path, source })
        };
        file(text, &sentence.text)?;
        file(self.folder.path().join(format!("{stem}.ann")), &annotations)
    }

    /// Renames the folder to its path, which must not be a file or a folder with content.
    pub fn finish(self) -> Result<(), DataError> {
        let Self { folder, path, .. } = self;
        #[cfg(unix)]
        {
            // Temporary folders are private to their owner by default.
            use std::os::unix::fs::PermissionsExt;
            let opened = fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755));
            opened.map_err(|source| DataError::Write { path: path.clone(), source })?;
        }
        fs::rename(folder.path(), &path).map_err(|source| DataError::Write { path, source })?;
        // After the rename, it must not be deleted on drop.
        _ = folder.keep();
        Ok(())
    }
}

/// Returns whether an id is a valid file name on all platforms.
fn is_file_name(id: &str) -> bool {
    let usual = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '+' | '=' | '@' | ',');
    (1..=200).contains(&id.len()) && !id.starts_with(['.', ' ']) && !id.ends_with(['.', ' ']) && id.chars().all(usual)
}

fn annotations(sentence: &Sentence, offsets: OffsetUnit, unsupported: &mut UnsupportedCounts) -> String {
    let text = sentence.text.as_str();
    let offsets = TextOffsets::new(text, offsets);
    let located = MentionsWithOffsets::of(sentence, unsupported);
    let mut file = String::new();
    let (mut names, mut spaces) = (0, 0);
    // Mentions of line ends only cannot be written; they are left out with their triples.
    let mut keys = Vec::with_capacity(located.mentions.len());
    let mut written = Vec::with_capacity(located.mentions.len());
    for &(span, mention) in &located.mentions {
        let pieces = pieces(text, span);
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
            keys.push(None);
            continue;
        };
        spaces += usize::from(first.start != span.start || last.end != span.end);
        let given = mention.entity_type.as_deref().unwrap_or(UNTYPED);
        let entity_type = one_word(given);
        names += usize::from(entity_type != given);
        written.push(mention);
        let number = written.len();
        keys.push(Some(number));
        let spans: Vec<String> = pieces
            .iter()
            .map(|&piece| offsets.to_chars(piece))
            .map(|CharSpan { start, end }| format!("{start} {end}"))
            .collect();
        let surfaces: Vec<&str> = pieces.iter().map(|piece| &text[piece.start..piece.end]).collect();
        // Writing to a string does not fail.
        _ = writeln!(file, "T{number}\t{entity_type} {}\t{}", spans.join(";"), one_line(&surfaces.join(" ")));
    }
    unsupported.note(Unsupported::Spacing, usize::from(spaces > 0), sentence);
    let unwritten = located.mentions.iter().zip(&keys).filter(|(_, key)| key.is_none());
    let joined = |mention: &Mention| sentence.triples.iter().any(|t| t.subject == *mention || t.object == *mention);
    unsupported.note(Unsupported::Entity, unwritten.filter(|((_, mention), _)| !joined(mention)).count(), sentence);
    let mut number = 0;
    for (subject, triple, object) in &located.triples {
        let (Some(subject), Some(object), false) = (keys[*subject], keys[*object], triple.relation.is_empty()) else {
            continue;
        };
        let relation = one_word(&triple.relation);
        names += usize::from(relation != triple.relation);
        number += 1;
        _ = writeln!(file, "R{number}\t{relation} Arg1:T{subject} Arg2:T{object}");
    }
    unsupported.note(Unsupported::Triple, located.triples.len() - number, sentence);
    unsupported.note(Unsupported::Name, names, sentence);
    // Only entities with several mentions are written and numbered.
    let entities: Vec<Option<&str>> = written.iter().map(|mention| mention.entity.as_deref()).collect();
    for list in clusters(sentence, &written, &entities, Clusters::Several, unsupported) {
        let keys: Vec<String> = list.iter().map(|number| format!("T{}", number + 1)).collect();
        _ = writeln!(file, "*\tEquiv {}", keys.join(" "));
    }
    file
}

/// Splits a mention at line ends, which brat does not allow in mentions.
fn pieces(text: &str, span: ByteSpan) -> Vec<ByteSpan> {
    let mut pieces = Vec::new();
    let mut start = span.start;
    for piece in text[span.start..span.end].split(['\n', '\r']) {
        if !piece.is_empty() {
            pieces.push(ByteSpan::new(start, start + piece.len()));
        }
        start += piece.len() + 1;
    }
    // An empty mention is one empty piece.
    if span.is_empty() {
        pieces.push(span);
    }
    pieces
}
