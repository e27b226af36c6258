//! What the comments at the top of a project's files say of its licence.

#![allow(
    clippy::disallowed_methods,
    reason = "looks whether files are there; what is read goes through `read::bytes`"
)]

use std::{fs::File, io::Read, path::Path};

use walkdir::WalkDir;

/// Files looked into: a project's files agree, or nothing can be said.
const FILES: usize = 400;

/// Bytes of each.
const TOP: u64 = 4 << 10;

/// Directories of what is not the project's own.
const FOREIGN: &[&str] = &["vendor", "node_modules", "third_party", "target", "build"];

/// Whether the files' headers allow later versions of `name`, a bare identifier such as `LGPL-2.1`: some say
/// so, and none says the contrary.
pub(super) fn allow_later(dir: &Path, name: &str) -> bool {
    let said: Vec<bool> = WalkDir::new(dir)
        .max_depth(6)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            let name = entry.file_name().to_string_lossy();
            entry.depth() == 0 || !(name.starts_with('.') || FOREIGN.contains(&&*name))
        })
        .filter_map(Result::ok)
        // Neither links, which may lead anywhere, nor the licences, which tell how such a header looks.
        .filter(|entry| entry.file_type().is_file() && is_source(entry.path()))
        .take(FILES)
        .filter_map(|entry| says(&top(entry.path())?, name))
        .collect();
    said.contains(&true) && !said.contains(&false)
}

fn is_source(path: &Path) -> bool {
    const KINDS: &[&str] = &[
        "ac", "am", "c", "cc", "cpp", "cxx", "go", "h", "hh", "hpp", "java", "js", "m4", "pl",
        "pm", "py", "rb", "rs", "sh", "ts", "vala",
    ];
    path.extension()
        .and_then(|kind| kind.to_str())
        .is_some_and(|kind| KINDS.contains(&kind))
}

/// The first words of a file in small letters, without what makes them comments.
fn top(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(TOP).read_to_end(&mut bytes))
        .ok()?;
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    let lines = text.lines().map(|line| {
        let bare = line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '(');
        bare.trim_start_matches("dnl ")
    });
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    Some(words.join(" "))
}

/// Whether a header allows later versions of this licence, if it speaks of it.
fn says(top: &str, name: &str) -> Option<bool> {
    let name = name.to_lowercase();
    if let Some((_, after)) = top.split_once("spdx-license-identifier:") {
        let words = || after.split([' ', '(', ')', '*']).take(12);
        let is = |wanted: &[String]| words().any(|word| wanted.iter().any(|one| one == word));
        if is(&[format!("{name}-or-later"), format!("{name}+")]) {
            return Some(true);
        }
        return is(&[format!("{name}-only"), name]).then_some(false);
    }
    let (family, version) = name.split_once('-')?;
    let titles: &[&str] = match family {
        "gpl" => &["gnu general public license"],
        "lgpl" => &[
            "gnu lesser general public license",
            "gnu library general public license",
        ],
        "agpl" => &["gnu affero general public license"],
        _ => &["gnu free documentation license"],
    };
    let short = version.trim_end_matches(".0");
    let at = titles.iter().find_map(|title| top.find(title))?;
    let around: String = top[at..].chars().take(600).collect();
    let named = [version, short]
        .iter()
        .any(|version| has_version(&around, version));
    named.then(|| around.contains("any later version"))
}

/// `version 2`, and not the beginning of `version 2.1`.
fn has_version(text: &str, version: &str) -> bool {
    text.match_indices(&format!("version {version}"))
        .any(|(at, found)| {
            let mut after = text[at + found.len()..].chars();
            match after.next() {
                Some('.') => !after.next().is_some_and(|c| c.is_ascii_digit()),
                Some(c) => !c.is_ascii_digit(),
                None => true,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_speak_of_one_licence_and_version() {
        let old = "under the terms of the gnu lesser general public license as published; either version 2.1 of the license, or (at your option) any later version.";
        assert_eq!(says(old, "LGPL-2.1"), Some(true));
        assert_eq!(says(old, "LGPL-2.0"), None);
        assert_eq!(says(old, "GPL-2.0"), None);
        let only = "under the gnu general public license version 2 as published";
        assert_eq!(says(only, "GPL-2.0"), Some(false));
        for (line, said) in [
            ("spdx-license-identifier: gpl-2.0-or-later */", Some(true)),
            ("spdx-license-identifier: gpl-2.0+", Some(true)),
            (
                "spdx-license-identifier: (gpl-2.0-only or mit)",
                Some(false),
            ),
            ("spdx-license-identifier: mit", None),
        ] {
            assert_eq!(says(line, "GPL-2.0"), said, "{line}");
        }
    }
}
