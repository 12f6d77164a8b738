//! Mutations of JSON that are valid JSON. Mutated bytes are seldom valid, so they hardly test the code after the
//! parser.

use serde_json::{Value, json};

/// Strings with a meaning in some format, or that are split, joined or counted in a special way.
const STRINGS: [&str; 27] = [
    "",
    "a",
    "b",
    "a b",
    " a",
    "a  b",
    "Entity",
    "DEFAULT",
    "@value",
    "北京",
    "e\u{301}",
    "🚀",
    " ",
    "\u{a0}",
    "\u{3000}",
    "\n",
    "\t",
    "\0",
    "\u{feff}",
    "_",
    "NA",
    "no_relation",
    "labels",
    "relation",
    "left",
    "bi",
    "0",
];

const FIELDS: [&str; 82] = [
    "id",
    "text",
    "triples",
    "subject",
    "object",
    "relation",
    "start",
    "end",
    "type",
    "score",
    "entities",
    "triple_list",
    "sentText",
    "relationMentions",
    "entityMentions",
    "em1Text",
    "em2Text",
    "label",
    "sentext",
    "relations",
    "rtext",
    "em1",
    "tags",
    "spo_list",
    "subject_type",
    "object_type",
    "predicate",
    "relation_list",
    "entity_list",
    "subj_char_span",
    "char_span",
    "title",
    "sents",
    "vertexSet",
    "labels",
    "sent_id",
    "pos",
    "r",
    "evidence",
    "spans",
    "head_span",
    "child_span",
    "head",
    "tokens",
    "tail",
    "orig_id",
    "extra",
    "note",
    "negatives",
    "entity",
    "triplets",
    "head_type",
    "tail_type",
    "h",
    "t",
    "name",
    "token",
    "subj_start",
    "subj_end",
    "obj_start",
    "obj_end",
    "subj_type",
    "obj_type",
    "doc_key",
    "sentences",
    "ner",
    "clusters",
    "start_offset",
    "end_offset",
    "from_id",
    "to_id",
    "data",
    "annotations",
    "predictions",
    "result",
    "value",
    "direction",
    "was_cancelled",
    "ground_truth",
    "model_version",
    "answer",
    "obj_char_span",
];

/// A random number generator.
struct Dice(u64);

impl Dice {
    /// Returns a number below `end`.
    fn below(&mut self, end: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end.max(1)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Mutates an input of the target `stream`; `None` if it has no JSON, and in a quarter of the calls.
pub fn mutate(input: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut dice = Dice(u64::from(seed) << 8 | 1);
    if dice.below(4) == 0 {
        return None;
    }
    let [from, to, content @ ..] = input else { return None };
    let (mut from, mut to) = (*from, *to);
    let values = serde_json::Deserializer::from_slice(content).into_iter().collect::<Result<Vec<Value>, _>>();
    let (mut objects, array) = match values.ok()? {
        values if matches!(&*values, [Value::Array(_)]) => (values.into_iter().next()?, true),
        lines => (Value::Array(lines), false),
    };
    for _ in 0..1 + dice.below(3) {
        let count = size(&objects);
        let donor = node(&mut objects, &mut dice.below(count))?.clone();
        let chosen = node(&mut objects, &mut dice.below(count))?;
        match dice.below(8) {
            0 => from = b'0' + dice.below(21) as u8,
            1 | 2 => to = b'0' + dice.below(20) as u8,
            3 => *chosen = donor,
            _ => change(chosen, donor, &mut dice),
        }
    }
    let mut output = vec![from, to];
    match objects.as_array().filter(|_| !array) {
        Some(lines) => lines.iter().for_each(|line| output.extend_from_slice(format!("{line}\n").as_bytes())),
        None => output.extend_from_slice(objects.to_string().as_bytes()),
    }
    Some(output)
}

fn change(value: &mut Value, donor: Value, dice: &mut Dice) {
    match value {
        Value::String(text) => match (dice.below(4), donor) {
            (0, Value::String(other)) => *text = other,
            (0 | 1, _) => *text = (*dice.pick(&STRINGS)).to_owned(),
            (2, _) => text.push_str(dice.pick::<&str>(&STRINGS)),
            _ => text.insert_str(0, dice.pick::<&str>(&STRINGS)),
        },
        Value::Number(number) => {
            let near = number.as_u64().unwrap_or_default().saturating_add(dice.below(4) as u64).saturating_sub(2);
            let few = dice.below(7);
            *value = dice.pick(&[json!(near), json!(few), json!(0.1), json!(u64::MAX), json!(-1)]).clone();
        }
        Value::Array(items) => match dice.below(4) {
            0 if !items.is_empty() => _ = items.remove(dice.below(items.len())),
            1 if !items.is_empty() => items.push(dice.pick(items).clone()),
            2 if !items.is_empty() => {
                let at = dice.below(items.len());
                items.swap(0, at);
            }
            _ => items.push(donor),
        },
        Value::Object(fields) => match dice.below(3) {
            0 => _ = fields.remove(*dice.pick(&FIELDS)),
            _ => _ = fields.insert((*dice.pick(&FIELDS)).to_owned(), donor),
        },
        Value::Null | Value::Bool(_) => *value = json!(*dice.pick(&STRINGS)),
    }
}

/// Returns the number of values in a value, including itself.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum::<usize>(),
        _ => 0,
    }
}

/// Returns the value with a number in the order of the text; 0 is the whole value.
fn node<'a>(value: &'a mut Value, number: &mut usize) -> Option<&'a mut Value> {
    if *number == 0 {
        return Some(value);
    }
    *number -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| node(item, number)),
        Value::Object(fields) => fields.values_mut().find_map(|field| node(field, number)),
        _ => None,
    }
}
