//! Names: which ones ftrack can keep, how they are shown, and which known name somebody may have meant.

/// The longest name that ftrack keeps, in characters.
pub(crate) const MAX_NAME_CHARS: usize = 255;

/// How much of a name a sentence shows.
const SHOWN_CHARS: usize = 60;

/// How many near misses a hint offers.
const MOST_SUGGESTED: usize = 3;

/// How many known names a hint lists where none is near.
const MOST_LISTED: usize = 12;

/// Returns why `name` cannot be a name, as the end of a sentence that begins with what it names; `None` when it can.
pub(crate) fn fault(name: &str) -> Option<String> {
    if name.chars().any(char::is_control) {
        return Some("holds a control character".to_owned());
    }
    let length = name.chars().count();
    if length > MAX_NAME_CHARS {
        return Some(format!(
            "is {length} characters long, more than the {MAX_NAME_CHARS} that ftrack keeps"
        ));
    }
    None
}

/// Returns the name as sentences show it: in backticks, shortened, without what would break a line.
pub(crate) fn quoted(name: &str) -> String {
    let mut shown: String = name
        .chars()
        .take(SHOWN_CHARS)
        .map(|letter| match letter {
            '`' => '\'',
            letter if letter.is_control() => '\u{fffd}',
            letter => letter,
        })
        .collect();
    if name.chars().count() > SHOWN_CHARS {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Returns the form in which two names are the same up to case.
pub(crate) fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// Returns `count` with its noun: `1 shot`, `2 shots`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// Returns a hint that offers what `text` may have meant, or else lists what there is.
pub(crate) fn hint_for<'a>(text: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = near_misses(text, known.clone());
    if !near.is_empty() {
        return format!("did you mean {}?", joined(near.iter().copied(), " or "));
    }
    let listed: Vec<&str> = known.clone().take(MOST_LISTED).collect();
    if listed.is_empty() {
        return "leave it empty, or ask whoever looks after the project's workflow".to_owned();
    }
    let more = known.count() - listed.len();
    let tail = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    format!("choose from {}{tail}", joined(listed.into_iter(), ", "))
}

/// Returns the names, each in backticks, with `between` between them.
pub(crate) fn joined<'a>(names: impl Iterator<Item = &'a str>, between: &str) -> String {
    names.map(quoted).collect::<Vec<_>>().join(between)
}

fn near_misses<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let text = bare(text);
    if text.is_empty() {
        return Vec::new();
    }
    let mut scored: Vec<(usize, &str)> = known
        .filter_map(|name| Some((distance_if_near(&text, &bare(name))?, name)))
        .collect();
    scored.sort();
    scored
        .into_iter()
        .take(MOST_SUGGESTED)
        .map(|(_, name)| name)
        .collect()
}

/// Drops what people spell differently: case, spaces, underscores, hyphens.
fn bare(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn distance_if_near(text: &str, name: &str) -> Option<usize> {
    // `comp` for `Compositing`, `roto` for `Rotoscoping`: how people abbreviate.
    if name.starts_with(text) || text.starts_with(name) && !name.is_empty() {
        return Some(0);
    }
    let distance = edit_distance(text, name);
    (distance <= 1 + name.chars().count() / 4).then_some(distance)
}

/// Counts the letters to change, add or drop that make one of the other (Levenshtein).
fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(MAX_NAME_CHARS).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().take(MAX_NAME_CHARS).enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, against) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *against);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_refused_for_length_and_control_characters_only() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(fault(name).as_deref(), expected, "{name:?}");
        };
        check("sh010", None);
        check("sh\"010\\ 'x' 🎬/2", None);
        check(&"é".repeat(255), None);
        check(
            &"x".repeat(300),
            Some("is 300 characters long, more than the 255 that ftrack keeps"),
        );
        check("sh\u{7}010", Some("holds a control character"));
    }

    #[test]
    fn a_shown_name_breaks_neither_the_line_nor_the_markdown() {
        assert_eq!(quoted("a`b\nc"), "`a'b\u{fffd}c`");
        assert_eq!(quoted(&"x".repeat(300)).chars().count(), SHOWN_CHARS + 3);
    }

    #[test]
    fn a_near_miss_is_offered_and_a_far_one_is_told_what_there_is() {
        let types = ["Compositing", "Rotoscoping", "Tracking", "Lighting"];
        let check = |text: &str, expected: &str| {
            assert_eq!(hint_for(text, types.iter().copied()), expected, "{text}");
        };
        check("comp", "did you mean `Compositing`?");
        check("Compositng", "did you mean `Compositing`?");
        check("roto", "did you mean `Rotoscoping`?");
        check("track-ing", "did you mean `Tracking`?");
        check(
            "Catering",
            "choose from `Compositing`, `Rotoscoping`, `Tracking`, `Lighting`",
        );
        assert_eq!(
            hint_for("x", std::iter::empty()),
            "leave it empty, or ask whoever looks after the project's workflow"
        );
    }
}
