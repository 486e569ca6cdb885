//! What the pages say, beside what is so.

use std::fs;
use std::path::PathBuf;

use tests::checkout;

use crate::sources::{files, link_targets, packages, read, shown};
use crate::{is_plugin, report};

/// An example that a page shows.
struct Example {
    page: &'static str,
    file: &'static str,
    /// The id that a template's plugin has on the page.
    plugin: Option<&'static str>,
}

const EXAMPLES: [Example; 5] = [
    Example {
        page: "README.md",
        file: "plugins/hello/src/lib.rs",
        plugin: None,
    },
    Example {
        page: "docs/plugin_guide.md",
        file: "sdk/templates/python/plugin.toml",
        plugin: Some("shot_tools"),
    },
    Example {
        page: "docs/plugin_guide.md",
        file: "sdk/templates/python/my_plugin.py",
        plugin: Some("shot_tools"),
    },
    Example {
        page: "docs/plugin_guide.md",
        file: "sdk/templates/rust/src/lib.rs",
        plugin: Some("shot_library"),
    },
    Example {
        page: "docs/plugin_guide.md",
        file: "sdk/plugin_sdk/examples/hello.rs",
        plugin: None,
    },
];

#[test]
fn the_examples_on_the_pages_are_the_ones_that_are_tested() {
    let mut problems = Vec::new();
    for Example { page, file, plugin } in EXAMPLES {
        let mut example = read(&checkout().join(file));
        if let Some(id) = plugin {
            example = named(&example, id);
        }
        if !read(&checkout().join(page)).contains(&format!("\n{example}```\n")) {
            problems.push(format!("{page} does not show {file} as it is"));
        }
    }
    report(&problems, "copy the file into the page");
}

/// Names the plugin of a template, as `callboard plugins new` does.
fn named(template: &str, id: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let words: Vec<String> = id.split('_').map(capital).collect();
    template
        .replace("my_plugin", id)
        .replace("My plugin", &capital(&id.replace('_', " ")))
        .replace("MyPlugin", &words.concat())
}

#[test]
fn the_protocol_page_knows_the_golden_lines() {
    let folder = checkout().join("sdk/protocol/tests/golden");
    let mut golden: Vec<PathBuf> = files(&["jsonl"])
        .into_iter()
        .filter(|path| path.starts_with(&folder))
        .collect();
    golden.sort();
    assert!(
        !golden.is_empty(),
        "`{}` has no golden lines",
        shown(&folder)
    );
    let mut bytes = Vec::new();
    for path in &golden {
        bytes.extend_from_slice(path.file_name().unwrap().as_encoded_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(&fs::read(path).unwrap());
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let hash: String = digest.as_ref()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let page = read(&checkout().join("docs/protocol.md"));
    let last = page.lines().last().unwrap_or_default();
    assert_eq!(
        last,
        format!("golden: {hash}"),
        "\nthe golden lines in sdk/protocol/tests/golden changed: that is a change of the protocol.\n\
         Describe it in docs/protocol.md and let the page end with `golden: {hash}`"
    );
}

#[test]
fn a_newcomer_finds_the_pages() {
    for page in [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "docs/performance.md",
        "docs/plugin_guide.md",
        "docs/protocol.md",
    ] {
        assert!(checkout().join(page).is_file(), "`{page}` is missing");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut problems = Vec::new();
    for path in files(&["md"]) {
        let folder = path.parent().unwrap();
        for target in link_targets(&read(&path)) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !folder.join(file).exists() {
                problems.push(format!("{} links to `{target}`", shown(&path)));
            }
        }
    }
    report(&problems, "mend the link");
}

#[test]
fn each_bundled_plugin_has_a_manifest_and_a_page() {
    let problems: Vec<String> = packages()
        .iter()
        .filter(|package| is_plugin(package))
        .flat_map(|package| ["plugin.toml", "README.md"].map(|name| package.folder.join(name)))
        .filter(|path| !path.is_file())
        .map(|path| shown(&path))
        .collect();
    report(&problems, "write it");
}
