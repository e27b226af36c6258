//! What configure scripts and the tools that make them end with.

use crate::want::MissingThing;

use super::{finding::Finding, scene::Scene, text};

/// Macros of configure.ac and the file or program that brings them.
const MACROS: [(&str, &str); 7] = [
    ("PKG_", "pkg.m4"),
    ("LT_INIT", "libtool.m4"),
    ("AC_PROG_LIBTOOL", "libtool.m4"),
    ("AM_GNU_GETTEXT", "gettext.m4"),
    ("AM_ICONV", "iconv.m4"),
    ("AX_", "ax_require_defined.m4"),
    ("GTK_DOC_CHECK", "gtk-doc.m4"),
];

pub(super) fn configure(scene: &Scene<'_>) -> Option<Finding> {
    let (at, line) = scene.rev().find(|(_, line)| {
        line.starts_with("configure: error: ")
            || line.starts_with("configure.py: error: ")
            || line.starts_with("config.status: error: ")
    })?;
    let said = text::behind(line, "error: ").unwrap_or(line);
    let mut found = Finding::new(at, line.trim_end());
    if said.starts_with("Package requirements (") {
        // What was required stands in the line, what was wrong with it below.
        if let Some((wanted, has)) = scene.after(at, 4, |below| {
            Some((
                text::between(below, "Requested '", "'")?,
                text::behind(below, " is ")?,
            ))
        }) {
            found = Finding::new(
                at + 3,
                format!("`{wanted}` is needed, and the version installed is {has}"),
            )
            .from(at)
            .hint(super::pkgconfig::NEWER);
        }
        return Some(found);
    }
    if said.contains("no acceptable C compiler")
        || said.contains("C compiler cannot create executables")
    {
        return Some(found.want(MissingThing::Command("gcc".into())));
    }
    if said.contains("C++ compiler") || said.contains("C++ preprocessor") {
        return Some(found.want(MissingThing::Command("g++".into())));
    }
    if said.contains("required auxiliary files")
        || said.contains("cannot find install-sh")
        || said.contains("cannot find input file")
    {
        return Some(found.hint(REGENERATE));
    }
    // What was looked for right before is what is missing.
    if let Some(want) = scene.before(at, 1, looked_for) {
        return Some(found.want(want));
    }
    for word in missing_words(said) {
        found = found.want(match word.ends_with(".h") {
            true => MissingThing::Header(word.to_owned()),
            false => MissingThing::Word(word.to_owned()),
        });
    }
    Some(found)
}

/// What helps where the files of autotools are not in the sources.
pub(super) const REGENERATE: &str = "the sources do not hold what autotools make: run `autoreconf -fi`, or their `autogen.sh`, before `%configure`, with `BuildRequires: autoconf automake libtool`";

/// A library or header whose check ended with "no".
fn looked_for(line: &str) -> Option<MissingThing> {
    let name = line.strip_prefix("checking for ")?.strip_suffix("... no")?;
    if let Some((_, library)) = name.split_once(" in -l") {
        return Some(MissingThing::Library(library.to_owned()));
    }
    (name.ends_with(".h") && !name.contains(' ')).then(|| MissingThing::Header(name.to_owned()))
}

/// A macro that aclocal did not find, which ended up in `configure` as it is.
fn unexpanded(line: &str) -> Option<&str> {
    let (head, rest) = line.split_once("configure: line ")?;
    if !(head.is_empty() || head.ends_with('/')) {
        return None;
    }
    let name = text::between(rest, "`", "(")?;
    let is_macro = name.len() > 3
        && name.contains('_')
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    is_macro.then_some(name)
}

/// aclocal, autoconf, automake, autoreconf, libtoolize.
pub(super) fn tools(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        if let Some(name) = unexpanded(line) {
            let mut found = Finding::new(at, format!("`configure` holds the macro `{name}` as it was written: autoconf did not find it"));
            if let Some((_, file)) = MACROS.iter().find(|(start, _)| name.starts_with(start)) {
                found = found.want(MissingThing::File(format!("/usr/share/aclocal/{file}")));
            }
            return Some(found);
        }
        if let Some(name) = text::behind(line, "possibly undefined macro: ") {
            let mut found = Finding::new(at, line.trim_end());
            if let Some((_, file)) = MACROS.iter().find(|(start, _)| name.starts_with(start)) {
                found = found.want(MissingThing::File(format!("/usr/share/aclocal/{file}")));
            }
            return Some(found);
        }
        if line.contains("Libtool library used but 'LIBTOOL' is undefined") {
            return Some(
                Finding::new(at, line.trim_end()).want(MissingThing::Command("libtoolize".into())),
            );
        }
        if !of_tool(line) {
            return None;
        }
        // The first of a row leads to the rest.
        let mut from = at;
        while from > 0 && of_tool(scene.lines[from - 1]) {
            from -= 1;
        }
        Some(Finding::new(at, scene.lines[from].trim_end()).from(from))
    })
}

fn of_tool(line: &str) -> bool {
    let named = ["configure.ac:", "Makefile.am:", "configure.in:"]
        .iter()
        .any(|file| line.contains(file));
    named && line.contains(": error: ")
}

/// Words of an error message that name what is missing.
pub(super) fn missing_words(said: &str) -> Vec<&str> {
    let words: Vec<&str> = said.split_whitespace().collect();
    let mut found: Vec<&str> = Vec::new();
    let mut add = |word: &'_ str| -> Option<()> {
        let start = said.find(word)?;
        let word = text::bare(&said[start..start + word.len()]);
        let name = word.len() > 1
            && word.chars().next()?.is_alphanumeric()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-_.".contains(c))
            && !STOP.contains(&word.to_lowercase().as_str());
        if name && !found.contains(&word) {
            found.push(word);
        }
        Some(())
    };
    for (nth, word) in words.iter().enumerate() {
        let next = |by: usize| words.get(nth + by).copied();
        match word
            .trim_end_matches(['.', ',', ':', ';', '!'])
            .to_lowercase()
            .as_str()
        {
            // `flex is required`, `zlib not found`, `X was not found`, `X missing`
            "required" | "needed" | "missing" | "found" | "unavailable" | "installed" => {
                let before = words[..nth]
                    .iter()
                    .rev()
                    .find(|w| !STOP.contains(&text::bare(w).to_lowercase().as_str()));
                if let Some(before) = before {
                    // `bison or byacc is required`
                    let nth = words[..nth].iter().rposition(|w| w == before).unwrap_or(0);
                    if nth >= 2 && words[nth - 1] == "or" {
                        add(words[nth - 2]);
                    }
                    add(before);
                }
            }
            // `cannot find X`, `requires X`, `install X`, `need X`, `you must have X`
            "find" | "requires" | "require" | "install" | "need" | "have" | "locate" => {
                let after = (1..4)
                    .filter_map(next)
                    .find(|w| !STOP.contains(&text::bare(w).to_lowercase().as_str()));
                if let Some(after) = after {
                    add(after);
                }
            }
            _ => {}
        }
    }
    found
}

/// Words that name nothing.
const STOP: [&str; 44] = [
    "a",
    "an",
    "the",
    "is",
    "was",
    "are",
    "be",
    "been",
    "to",
    "not",
    "no",
    "found",
    "required",
    "missing",
    "needed",
    "for",
    "of",
    "on",
    "in",
    "with",
    "your",
    "you",
    "must",
    "please",
    "package",
    "library",
    "libraries",
    "header",
    "headers",
    "program",
    "development",
    "files",
    "file",
    "or",
    "and",
    "could",
    "cannot",
    "can't",
    "but",
    "this",
    "it",
    "installed",
    "version",
    "properly",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_name_what_is_missing() {
        for (said, wanted) in [
            ("flex is required", vec!["flex"]),
            ("zlib library not found", vec!["zlib"]),
            ("cannot find libpng", vec!["libpng"]),
            ("Could not find the xmlto program", vec!["xmlto"]),
            ("something else", vec![]),
        ] {
            assert_eq!(missing_words(said), wanted, "{said}");
        }
    }
}
