//! Finding by a few typed letters, best first.

use std::cmp::Reverse;

/// What a letter is worth that begins a word.
const WORD_START: i32 = 10;

/// What a letter is worth that follows the one before.
const FOLLOWS: i32 = 6;

/// What any letter is worth.
const LETTER: i32 = 1;

/// What a text is worth that begins with what was typed.
const PREFIX: i32 = 20;

/// A text that can be found.
#[derive(Clone, Debug)]
pub struct Findable {
    letters: Vec<char>,
    starts_word: Vec<bool>,
}

impl Findable {
    /// Makes a text ready to be found.
    pub fn new(text: &str) -> Self {
        let mut letters = Vec::new();
        let mut starts_word = Vec::new();
        let mut before = ' ';
        for letter in text.chars() {
            let is_start = letter.is_alphanumeric()
                && (!before.is_alphanumeric()
                    || (letter.is_uppercase() && before.is_lowercase())
                    || (letter.is_numeric() && !before.is_numeric()));
            for lower in letter.to_lowercase() {
                letters.push(lower);
                starts_word.push(is_start);
            }
            before = letter;
        }
        Self {
            letters,
            starts_word,
        }
    }

    /// Returns how well the text fits what was typed; none where it does not.
    ///
    /// Each word must be there, letter by letter in order, and need not be whole.
    pub fn score(&self, typed: &Typed) -> Option<i32> {
        let mut score = 0;
        for word in &typed.words {
            let eager = self.walk(word, Walk::First);
            let by_words = self.walk(word, Walk::WordStarts);
            score += eager.max(by_words)?;
        }
        Some(score)
    }

    /// Finds the letters of a word one after the other.
    fn walk(&self, word: &[char], walk: Walk) -> Option<i32> {
        let mut score = 0;
        let mut at = 0;
        let mut last = None;
        for letter in word {
            let rest = || (at..self.letters.len()).filter(|place| self.letters[*place] == *letter);
            let first = rest().next()?;
            let follows = last.is_some_and(|last| first == last + 1);
            let place = match walk {
                Walk::WordStarts if !follows => rest()
                    .find(|place| self.starts_word[*place])
                    .unwrap_or(first),
                _ => first,
            };
            score += LETTER;
            if self.starts_word[place] {
                score += WORD_START;
            }
            if last.is_some_and(|last| place == last + 1) {
                score += FOLLOWS;
            }
            last = Some(place);
            at = place + 1;
        }
        if self.letters.starts_with(word) {
            score += PREFIX;
        }
        Some(score)
    }
}

#[derive(Clone, Copy)]
enum Walk {
    First,
    WordStarts,
}

/// What a person has typed.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    words: Vec<Vec<char>>,
}

impl Typed {
    /// Reads what was typed.
    pub fn new(text: &str) -> Self {
        let words = text.split_whitespace();
        Self {
            words: words
                .map(|word| word.chars().flat_map(char::to_lowercase).collect())
                .collect(),
        }
    }
}

/// Returns the places of what fits, best first; of two that fit alike the shorter goes first, then the earlier.
pub fn find<'a>(texts: impl IntoIterator<Item = &'a Findable>, typed: &Typed) -> Vec<usize> {
    let mut found: Vec<(Reverse<i32>, usize, usize)> = texts
        .into_iter()
        .enumerate()
        .filter_map(|(place, text)| {
            let score = text.score(typed)?;
            let length = if typed.words.is_empty() {
                0
            } else {
                text.letters.len()
            };
            Some((Reverse(score), length, place))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, _, place)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expected: &[&str]) {
        let texts = [
            "Create shots",
            "Publish review",
            "Shot status",
            "Nuke 15.0",
            "Crash reports",
            "Start timer",
        ];
        let findable: Vec<Findable> = texts.iter().map(|text| Findable::new(text)).collect();
        let found = find(&findable, &Typed::new(typed));
        let found: Vec<&str> = found.into_iter().map(|place| texts[place]).collect();
        assert!(found.starts_with(expected), "`{typed}` finds {found:?}");
    }

    #[test]
    fn the_best_is_first() {
        check("cs", &["Create shots"]);
        check("shot", &["Shot status", "Create shots"]);
        check("st", &["Start timer"]);
        check("ss", &["Shot status"]);
        check("nk15", &["Nuke 15.0"]);
        check("SHOTS create", &["Create shots"]);
        check("pr", &["Publish review"]);
    }

    #[test]
    fn nothing_typed_finds_everything_in_its_order() {
        check("", &["Create shots", "Publish review", "Shot status"]);
        let texts = [Findable::new("Nuke")];
        assert!(find(&texts, &Typed::new("xyz")).is_empty());
    }
}
