//! Which licence a file of licence text is, for projects that have the text and not the name.

use std::{fs, path::Path};

/// Licences by phrases that all have to be in the text, the most particular first. Names are
/// SPDX's.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "AGPL-3.0-or-later",
        &["gnu affero general public license", "version 3"],
    ),
    (
        "LGPL-3.0-or-later",
        &[
            "gnu lesser general public license",
            "version 3, 29 june 2007",
        ],
    ),
    (
        "LGPL-2.1-or-later",
        &["gnu lesser general public license", "version 2.1"],
    ),
    (
        "LGPL-2.0-or-later",
        &["gnu library general public license", "version 2"],
    ),
    (
        "GPL-3.0-or-later",
        &["gnu general public license", "version 3, 29 june 2007"],
    ),
    (
        "GPL-2.0-or-later",
        &["gnu general public license", "version 2, june 1991"],
    ),
    ("Apache-2.0", &["apache license", "version 2.0"]),
    ("MPL-2.0", &["mozilla public license", "2.0"]),
    ("BSL-1.0", &["boost software license - version 1.0"]),
    (
        "Unlicense",
        &["this is free and unencumbered software released into the public domain"],
    ),
    ("CC0-1.0", &["cc0 1.0 universal"]),
    (
        "Zlib",
        &[
            "this software is provided 'as-is', without any express or implied warranty",
            "misrepresented",
        ],
    ),
    (
        "BSD-3-Clause",
        &[
            "redistribution and use in source and binary forms",
            "endorse or promote products",
        ],
    ),
    (
        "BSD-2-Clause",
        &[
            "redistribution and use in source and binary forms",
            "list of conditions",
        ],
    ),
    (
        "ISC",
        &[
            "permission to use, copy, modify, and",
            "distribute this software for any purpose",
        ],
    ),
    (
        "MIT",
        &[
            "permission is hereby granted, free of charge",
            "without restriction",
        ],
    ),
];

/// The expression for the licence texts among `files` of `dir`; `None` when one is not known.
/// Several texts are a choice only if their names say so, as `LICENSE-MIT` does.
pub(super) fn of_files(dir: &Path, files: &[String]) -> Option<String> {
    let mut names: Vec<&'static str> = Vec::new();
    for file in files {
        // Text in an unknown encoding still has these phrases in ASCII.
        let bytes = fs::read(dir.join(file)).ok()?;
        let name = of_text(&String::from_utf8_lossy(&bytes))?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_unstable();
    match names.as_slice() {
        [] => None,
        [one] => Some((*one).to_owned()),
        several if files.iter().all(|file| file.contains('-')) => Some(several.join(" OR ")),
        _ => None,
    }
}

/// The licence a text is.
pub(super) fn of_text(text: &str) -> Option<&'static str> {
    let text = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    // The later versions speak of the others further down: what a text is stands in its head.
    let head: String = text.chars().take(4000).collect();
    KNOWN
        .iter()
        .find(|(_, phrases)| phrases.iter().all(|phrase| head.contains(phrase)))
        .map(|(name, _)| *name)
}

/// A name of a licence as people write it, in SPDX's words; what is not known stays.
pub(super) fn spdx(text: &str) -> String {
    let line = super::text::one_line(text);
    if line.len() > 100 {
        // The whole text where a name was meant.
        return of_text(text).map_or_else(String::new, str::to_owned);
    }
    let lower = line.to_lowercase();
    let plain = lower
        .trim_end_matches(" license")
        .trim_end_matches(" licence");
    match plain {
        "mit" | "expat" => "MIT",
        "apache"
        | "apache 2"
        | "apache 2.0"
        | "apache license 2.0"
        | "apache license, version 2.0"
        | "apache software" => "Apache-2.0",
        "bsd" | "bsd 3-clause" | "bsd-3" | "new bsd" | "3-clause bsd" => "BSD-3-Clause",
        "bsd 2-clause" | "simplified bsd" | "2-clause bsd" => "BSD-2-Clause",
        "gplv2" | "gpl-2.0" | "gpl2" => "GPL-2.0-only",
        "gplv2+" | "gpl-2.0+" | "gpl2+" => "GPL-2.0-or-later",
        "gplv3" | "gpl-3.0" | "gpl3" => "GPL-3.0-only",
        "gplv3+" | "gpl-3.0+" | "gpl3+" => "GPL-3.0-or-later",
        "lgplv2.1" | "lgpl-2.1" => "LGPL-2.1-only",
        "lgplv2.1+" | "lgpl-2.1+" | "lgpl2.1+" => "LGPL-2.1-or-later",
        "lgplv3+" | "lgpl-3.0+" => "LGPL-3.0-or-later",
        "mpl 2.0" | "mpl2" => "MPL-2.0",
        _ => return line,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn texts_are_recognised() {
        let gpl = "GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007\n";
        assert_eq!(of_text(gpl), Some("GPL-3.0-or-later"));
        let mit = "Copyright x\n\nPermission is hereby granted, free of charge, to any\nperson, without restriction";
        assert_eq!(of_text(mit), Some("MIT"));
        assert_eq!(of_text("All rights reserved."), None);
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("LICENSE-MIT"), mit).unwrap();
        fs::write(
            dir.path().join("LICENSE-APACHE"),
            "Apache License\nVersion 2.0",
        )
        .unwrap();
        let files = ["LICENSE-APACHE".to_owned(), "LICENSE-MIT".to_owned()];
        assert_eq!(of_files(dir.path(), &files).unwrap(), "Apache-2.0 OR MIT");
        fs::write(dir.path().join("COPYING"), gpl).unwrap();
        assert_eq!(
            of_files(
                dir.path(),
                &["COPYING".to_owned(), "LICENSE-MIT".to_owned()]
            ),
            None
        );
    }

    #[test]
    fn names_that_people_write_become_spdx() {
        assert_eq!(spdx("MIT License"), "MIT");
        assert_eq!(spdx("GPLv3+"), "GPL-3.0-or-later");
        assert_eq!(spdx("MIT OR Apache-2.0"), "MIT OR Apache-2.0");
        assert_eq!(spdx(&"no licence we know. ".repeat(20)), "");
    }
}
