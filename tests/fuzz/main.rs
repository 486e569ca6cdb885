//! Fuzzing without a fuzzer: the kept corpus, and texts that are made from it by chance, through every target.
//!
//! `cargo xtask fuzz` has many more made, and runs the same targets under `cargo fuzz` where that is installed.

mod targets;

use std::fs;
use std::panic::catch_unwind;

use anyhow::{Context, Result, ensure};
use tests::{Random, checkout, number_set, seed};

/// How many texts are made for each target.
const CASES: u32 = 4_000;

/// What texts are made of beside the corpus.
const PIECES: [&str; 40] = [
    " ",
    "\t",
    "\n",
    "\0",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "=",
    "!=",
    ":",
    "::",
    "+",
    "*",
    "%",
    "\"",
    "'",
    "\\",
    "\\u",
    "$",
    ",",
    ".",
    "é",
    "🙂",
    "\u{a0}",
    "not ",
    " and ",
    " or ",
    " in ",
    " is ",
    "select ",
    "null",
    "0",
    "-1",
    "18446744073709551616",
    "1e999",
];

#[test]
fn no_text_makes_the_expression_parser_panic() -> Result<()> {
    fuzz("expression")
}

#[test]
fn no_text_makes_the_query_parser_panic() -> Result<()> {
    fuzz("query")
}

#[test]
fn no_packet_makes_the_sandbox_panic() -> Result<()> {
    fuzz("server_packet")
}

#[test]
fn no_packet_makes_our_hub_client_panic() -> Result<()> {
    fuzz("client_packet")
}

#[expect(
    clippy::print_stdout,
    reason = "the seed, which repeats a run that failed"
)]
fn fuzz(name: &str) -> Result<()> {
    let run = |text: &str| targets::run(name, text);
    let corpus = corpus(name)?;
    let seed = seed()?;
    println!("CALLBOARD_SEED={seed}");
    let mut random = Random::new(seed);
    let accepted = corpus.iter().filter(|text| run(text)).count();
    ensure!(
        accepted > 0 && accepted < corpus.len(),
        "the corpus has {accepted} of {} texts that are accepted; it needs both kinds",
        corpus.len()
    );
    for _ in 0..number_set("CALLBOARD_FUZZ_CASES", CASES)? {
        let text = made(&mut random, &corpus);
        ensure!(
            catch_unwind(|| run(&text)).is_ok(),
            "CALLBOARD_SEED={seed}: `{name}` panics at {text:?}; add it to tests/fuzz/corpus/{name}"
        );
    }
    Ok(())
}

/// Reads the texts that are kept for a target, in the order of their names.
fn corpus(name: &str) -> Result<Vec<String>> {
    let folder = checkout().join("tests/fuzz/corpus").join(name);
    let mut paths = fs::read_dir(&folder)
        .with_context(|| format!("there is no corpus at `{}`", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        texts.push(fs::read_to_string(&path).with_context(|| path.display().to_string())?);
    }
    Ok(texts)
}

/// A text of the corpus with some of it changed.
fn made(random: &mut Random, corpus: &[String]) -> String {
    let mut text: Vec<char> = corpus[random.below(corpus.len())].chars().collect();
    for _ in 0..=random.below(4) {
        let from = random.below(text.len() + 1);
        let to = (from + random.below(8)).min(text.len());
        let put: Vec<char> = match random.below(6) {
            0 => Vec::new(),
            1 => text[from..to].repeat(1 + random.below(40)),
            // A part of another text of the corpus.
            2 | 3 => {
                let other: Vec<char> = corpus[random.below(corpus.len())].chars().collect();
                let start = random.below(other.len() + 1);
                let end = (start + random.below(40)).min(other.len());
                other[start..end].to_vec()
            }
            _ => random.pick(&PIECES).chars().collect(),
        };
        text.splice(from..to, put);
    }
    text.into_iter().collect()
}
