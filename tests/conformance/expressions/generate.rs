//! Expressions that parse or nearly do, and events that they may match.

use serde_json::{Map, Value, json};
use tests::Random;

/// Keys that expressions ask for and events have, the likely ones several times.
const KEYS: [&str; 18] = [
    "topic",
    "topic",
    "topic",
    "data.a",
    "data.a",
    "data.a.b",
    "data.actionIdentifier",
    "data.selection",
    "source.user.username",
    "source.id",
    "id",
    "target",
    "sent",
    "inReplyToEvent",
    "not",
    "and",
    ".a",
    "data..",
];
/// Values without quotes around them.
const TEXTS: [&str; 20] = [
    "ftrack.update",
    "ftrack.update",
    "ftrack.action.launch",
    "ftrack.action.discover",
    "ftrack",
    "a",
    "a",
    "b",
    "1",
    "10",
    "5",
    "1.5",
    "true",
    "True",
    "ada@studio.tv",
    "x*y",
    "update",
    "or",
    "a-b,c/d+e",
    "None",
];
/// Values that need quotes, or have some.
const QUOTED: [&str; 14] = [
    "two words",
    "é",
    "",
    "it's",
    "say \\\"x",
    "a:b",
    "back\\\\slash",
    "\\x41",
    "🙂",
    "a\tb",
    "''",
    "x*",
    "*",
    "and b=2",
];
/// What a mutation puts in.
const PIECES: [&str; 36] = [
    " ", "\t", "\n", "\r", "(", ")", "=", "!", "<", ">", "*", "\"", "'", "\\", "\\x", "$", ":",
    ".", ",", "_", "-", "@", "é", "\u{a0}", "\u{1c}", "\u{2028}", "not", "and", "or", "NOT ",
    " And ", "0", "x", "a=1", "(a=1)", "\u{85}",
];
const BLANKS: [&str; 8] = ["", "", "", " ", " ", "  ", "\t", "\n"];

pub(crate) fn expression(random: &mut Random) -> String {
    let mut text = String::new();
    any(random, 3, &mut text);
    if random.chance(25) {
        for _ in 0..=random.below(3) {
            text = mutated(random, &text);
        }
    }
    text
}

fn any(random: &mut Random, depth: usize, text: &mut String) {
    joined(random, depth, text, "or", |random, depth, text| {
        joined(random, depth, text, "and", not);
    });
}

fn joined(
    random: &mut Random,
    depth: usize,
    text: &mut String,
    word: &str,
    member: fn(&mut Random, usize, &mut String),
) {
    member(random, depth, text);
    while random.chance(25) {
        text.push_str(random.pick(&[" ", " ", "  ", "\n", ""]));
        match random.below(3) {
            0 => text.push_str(&word.to_uppercase()),
            _ => text.push_str(word),
        }
        text.push_str(random.pick(&[" ", " ", "\t", "\n", ""]));
        member(random, depth, text);
    }
}

fn not(random: &mut Random, depth: usize, text: &mut String) {
    while random.chance(15) {
        text.push_str(random.pick(&["not ", "not ", "NOT ", "Not\t", "not"]));
    }
    if depth > 0 && random.chance(20) {
        text.push('(');
        text.push_str(random.pick(&BLANKS));
        any(random, depth - 1, text);
        text.push(')');
    } else {
        condition(random, text);
    }
}

fn condition(random: &mut Random, text: &mut String) {
    text.push_str(random.pick(&KEYS));
    text.push_str(random.pick(&BLANKS));
    text.push_str(random.pick(&["=", "=", "=", "=", "!=", "!=", "<", "<=", ">", ">="]));
    text.push_str(random.pick(&BLANKS));
    let value = value(random);
    // Without quotes some of these cannot be read, which is a case too.
    let is_bare = random.chance(3) || !QUOTED.contains(&value.as_str()) && random.chance(60);
    let mark = if is_bare {
        ""
    } else {
        random.pick(&["\"", "'"])
    };
    text.push_str(mark);
    text.push_str(&value);
    text.push_str(mark);
}

/// A text as it stands in an expression, perhaps with a wildcard.
fn value(random: &mut Random) -> String {
    let mut value = if random.chance(85) {
        random.pick(&TEXTS)
    } else {
        random.pick(&QUOTED)
    }
    .to_owned();
    if random.chance(20) {
        while random.chance(60) {
            value.pop();
        }
        value.push('*');
    }
    value
}

/// The text with something put in, taken out or repeated.
fn mutated(random: &mut Random, text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let from = random.below(letters.len() + 1);
    let to = (from + random.below(4)).min(letters.len());
    let (before, middle, after) = (&letters[..from], &letters[from..to], &letters[to..]);
    let middle: String = match random.below(3) {
        0 => String::new(),
        1 => middle.iter().chain(middle).collect(),
        _ => random.pick(&PIECES).to_owned(),
    };
    let (before, after): (String, String) = (before.iter().collect(), after.iter().collect());
    before + &middle + &after
}

/// An event with all keys or only some.
pub(crate) fn event(random: &mut Random) -> Value {
    let a = if random.chance(20) {
        json!({"b": scalar(random), "": {"": scalar(random)}})
    } else {
        scalar(random)
    };
    let mut event = json!({
        "topic": text(random),
        "data": {"a": a, "actionIdentifier": text(random), "selection": ["a", "b"], "": {"": "a"}},
        "id": text(random),
        "sent": null,
        "source": {"id": text(random), "user": {"username": text(random)}},
        "target": if random.chance(70) { String::new() } else { text(random) },
        "inReplyToEvent": null,
    });
    if random.chance(30)
        && let Some(fields) = event.as_object_mut()
    {
        let kept: Map<String, Value> = std::mem::take(fields)
            .into_iter()
            .filter(|_| random.chance(70))
            .collect();
        *fields = kept;
        for key in ["not", "and", "a", ""] {
            if random.chance(50) {
                fields.insert(key.to_owned(), scalar(random));
            }
        }
    }
    event
}

fn text(random: &mut Random) -> String {
    let mut text = value(random);
    if random.chance(10) {
        text.insert(0, 'z');
    }
    text
}

fn scalar(random: &mut Random) -> Value {
    match random.below(12) {
        0 => json!(10),
        1 => json!(1.5),
        2 => json!(true),
        3 => json!(null),
        4 => json!(["a", "b"]),
        5 => json!({"a": "b"}),
        _ => json!(text(random)),
    }
}
