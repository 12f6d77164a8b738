//! brat's standoff format: a folder with a pair of files for each text, `ID.txt` and `ID.ann`. A line of the latter is a mention,
//! `T1⇥Person 0 3⇥Ada`, with half-open offsets in characters, or a relation, `R1⇥born_in Arg1:T1 Arg2:T2`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ffi::OsString,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use rere_core::{ByteSpan, CharSpan, Mention, Sentence, TextOffsets, Triple};
use tempfile::TempDir;

use super::optional::with_type;
use super::{
    OffsetUnit, ReadReport, Unsupported, UnsupportedCounts,
    json::Object,
    mentions::{Clusters, Placed, UNTYPED, clusters, entity_type},
    reader::Found,
    spec::{Content, EntityIds, Holds, Offsets, Spec, Types},
};
use crate::{DataError, error::name, file::without_temporary_name};

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
    /// Texts, the next one last.
    texts: Vec<PathBuf>,
    /// Annotation files by their names without the ending; those that are left at the end have no text.
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

    /// Reads the next text; whether there was one.
    pub fn next(&mut self, found: &mut Found) -> Result<bool, DataError> {
        let Some(path) = self.texts.pop() else {
            for path in std::mem::take(&mut self.annotations).into_values() {
                found
                    .report
                    .lost
                    .note_at(Unsupported::Annotation, 1, || format!("{}, which has no text", path.display()));
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

/// The text of a file.
fn utf8(path: &Path, bytes: io::Result<Vec<u8>>) -> Result<String, DataError> {
    let bytes = bytes.map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        DataError::Encoding { path: path.to_owned(), line: 1 + memchr::memchr_iter(b'\n', good).count() }
    })
}

/// The lines of an annotation file, by their kinds.
#[derive(Default)]
struct Lines<'a> {
    /// Keys, and what follows.
    mentions: Vec<(&'a str, Object<'a>, MentionLine<'a>)>,
    relations: Vec<(Object<'a>, RelationLine<'a>)>,
    /// Keys of mentions of one entity.
    equivalents: Vec<Vec<&'a str>>,
    /// Keys of what has no counterpart here.
    others: HashSet<&'a str>,
    /// How many lines have no counterpart here.
    left_out: usize,
}

/// A mention as the file has it.
struct MentionLine<'a> {
    entity_type: &'a str,
    /// In characters, one or more.
    pieces: Vec<CharSpan>,
    /// The surface, if the line has one.
    claimed: Option<&'a str>,
}

/// A relation as the file has it, with the keys of its subject and object.
struct RelationLine<'a> {
    name: &'a str,
    arguments: [&'a str; 2],
}

fn lines<'a>(path: &'a Path, annotations: &'a str, offsets: OffsetUnit) -> Result<Lines<'a>, DataError> {
    let mut lines = Lines::default();
    // A byte order mark, as some editors put in front of UTF-8, is no part of the first key.
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

/// `Person 0 3`, or `Person 0 3;8 12` for one in pieces.
fn mention_line<'a>(middle: &'a str, claimed: Option<&'a str>, at: &Object) -> Result<MentionLine<'a>, DataError> {
    let wrong = || at.error("expected a mention: a key, a tab, `TYPE START END`, a tab and its text");
    let (entity_type, offsets) = middle.split_once(' ').ok_or_else(wrong)?;
    let piece = |piece: &str| {
        let (start, end) = piece.trim().split_once(' ')?;
        Some(CharSpan::new(start.parse().ok()?, end.parse().ok()?))
    };
    let pieces = offsets.split(';').map(piece).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
    Ok(MentionLine { entity_type, pieces, claimed })
}

/// `born_in Arg1:T1 Arg2:T2`. The labels of the arguments say which is which; with other labels, the first is the subject.
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
        _ => Err(at.error("expected a relation: a key, a tab and `NAME Arg1:KEY Arg2:KEY`")),
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
            // brat's own editor counts the end of a line as one character.
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
            return Err(at.error(format!("two mentions have the key {key:?}")));
        }
    }
    // Lists that share a mention are of one entity.
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
    report.lost.note_at(Unsupported::Annotation, annotations, || format!("{}", path.display()));

    let mut joined = vec![false; mentions.len()];
    let mut triples = Vec::with_capacity(relations.len());
    let mut without_mention = 0;
    for (at, RelationLine { name, arguments }) in relations {
        let ends = arguments.map(|key| numbers.get(key).copied());
        let unknown = arguments.iter().zip(ends).find(|(key, end)| end.is_none() && !others.contains(*key));
        if let Some((key, _)) = unknown {
            return Err(at.error(format!("a relation joins {key:?}, which is no annotation of the file")));
        }
        let ends = ends.map(|number| number.filter(|&number| mentions[number].is_some()));
        match (ends, ends.map(|number| mentions[number?].clone())) {
            ([Some(head), Some(tail)], [Some(subject), Some(object)]) => {
                (joined[head], joined[tail]) = (true, true);
                triples.push(Triple::new(subject, name, object));
            }
            // One end is an event or a mention in pieces.
            _ => without_mention += 1,
        }
    }
    report.lost.note_at(Unsupported::Triple, without_mention, || format!("{}", path.display()));
    let entities = mentions.into_iter().zip(joined).filter(|(_, joined)| !joined);
    let entities = entities.filter_map(|(mention, _)| mention);
    Ok(Sentence::new(text).with_id(id).with_triples(triples).with_entities(entities))
}

/// The mention of a line; none if it is in pieces with more than white space between them.
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
    // brat accepts lines without the surface, and white space behind it.
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

/// A surface as it is in one column of one line.
fn one_line(surface: &str) -> String {
    surface.replace(['\n', '\r', '\t'], " ")
}

/// A name of a relation or a type, which has no white space here.
fn one_word(name: &str) -> String {
    name.replace(char::is_whitespace, "_")
}

/// A folder under a temporary name, which takes its place when it is complete.
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
        lost: &mut UnsupportedCounts,
    ) -> Result<(), DataError> {
        self.count += 1;
        let id = sentence.id.as_deref().filter(|id| is_file_name(id));
        lost.note(Unsupported::Id, usize::from(sentence.id.is_some() && id.is_none()), sentence);
        let stem = id.map_or_else(|| format!("{:06}", self.count), str::to_owned);
        let text = self.folder.path().join(format!("{stem}.txt"));
        if text.exists() {
            let message = format!("another one has the file {stem}.txt already; give each sentence an id of its own");
            return Err(DataError::Unwritable { sentence: name(sentence), message });
        }
        let annotations = annotations(sentence, offsets, lost);
        let file = |path: PathBuf, content: &str| {
            fs::write(&path, content).map_err(|source| DataError::Write { path, source })
        };
        file(text, &sentence.text)?;
        file(self.folder.path().join(format!("{stem}.ann")), &annotations)
    }

    /// Gives the folder its name, which no file and no folder with content may have.
    pub fn finish(self) -> Result<(), DataError> {
        let Self { folder, path, .. } = self;
        #[cfg(unix)]
        {
            // A temporary folder is its owner's alone; what it becomes may be read by others.
            use std::os::unix::fs::PermissionsExt;
            let opened = fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755));
            opened.map_err(|source| DataError::Write { path: path.clone(), source })?;
        }
        fs::rename(folder.path(), &path).map_err(|source| DataError::Write { path, source })?;
        // It is no longer temporary.
        _ = folder.keep();
        Ok(())
    }
}

/// Whether an id can be the name of a file everywhere.
fn is_file_name(id: &str) -> bool {
    let usual = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '+' | '=' | '@' | ',');
    (1..=200).contains(&id.len()) && !id.starts_with(['.', ' ']) && !id.ends_with(['.', ' ']) && id.chars().all(usual)
}

fn annotations(sentence: &Sentence, offsets: OffsetUnit, lost: &mut UnsupportedCounts) -> String {
    let text = sentence.text.as_str();
    let offsets = TextOffsets::new(text, offsets);
    let placed = Placed::of(sentence, lost);
    let mut file = String::new();
    let (mut names, mut spaces) = (0, 0);
    // Mentions of a line end alone cannot be written, and what joins them goes with them.
    let mut keys = Vec::with_capacity(placed.mentions.len());
    let mut written = Vec::with_capacity(placed.mentions.len());
    for &(span, mention) in &placed.mentions {
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
        let places: Vec<String> = pieces
            .iter()
            .map(|&piece| offsets.to_chars(piece))
            .map(|CharSpan { start, end }| format!("{start} {end}"))
            .collect();
        let surfaces: Vec<&str> = pieces.iter().map(|piece| &text[piece.start..piece.end]).collect();
        // Writing to a string does not fail.
        _ = writeln!(file, "T{number}\t{entity_type} {}\t{}", places.join(";"), one_line(&surfaces.join(" ")));
    }
    lost.note(Unsupported::Spacing, usize::from(spaces > 0), sentence);
    let unwritten = placed.mentions.iter().zip(&keys).filter(|(_, key)| key.is_none());
    let joined = |mention: &Mention| sentence.triples.iter().any(|t| t.subject == *mention || t.object == *mention);
    lost.note(Unsupported::Entity, unwritten.filter(|((_, mention), _)| !joined(mention)).count(), sentence);
    let mut number = 0;
    for (subject, triple, object) in &placed.triples {
        let (Some(subject), Some(object), false) = (keys[*subject], keys[*object], triple.relation.is_empty()) else {
            continue;
        };
        let relation = one_word(&triple.relation);
        names += usize::from(relation != triple.relation);
        number += 1;
        _ = writeln!(file, "R{number}\t{relation} Arg1:T{subject} Arg2:T{object}");
    }
    lost.note(Unsupported::Triple, placed.triples.len() - number, sentence);
    lost.note(Unsupported::Name, names, sentence);
    // Entities with one mention are not written, so that those with several are numbered alone.
    let entities: Vec<Option<&str>> = written.iter().map(|mention| mention.entity.as_deref()).collect();
    for list in clusters(sentence, &written, &entities, Clusters::Several, lost) {
        let keys: Vec<String> = list.iter().map(|number| format!("T{}", number + 1)).collect();
        _ = writeln!(file, "*\tEquiv {}", keys.join(" "));
    }
    file
}

/// The parts of a mention on each of its lines: brat refuses mentions with line ends.
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
