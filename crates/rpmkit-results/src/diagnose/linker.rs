//! Complaints of linkers.

use crate::{failure::FailureCause, want::MissingThing};

use super::{finding::Finding, scene::Scene, text};

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    let (at, _) = scene.rev().find(|(_, line)| complains(line))?;
    // The first of a row of complaints leads to the rest.
    let mut from = at;
    for nth in (0..at).rev() {
        let line = scene.lines[nth];
        if complains(line) {
            from = nth;
        } else if !line.contains("in function") && !line.contains("ld: warning") {
            break;
        }
    }
    let line = scene.lines[from];
    let mut found = Finding::new(at, said(line))
        .from(from)
        .cause(FailureCause::Compile {
            section: scene.section.map(str::to_owned),
        });
    for line in &scene.lines[from..=at] {
        if let Some(library) = missing_library(line) {
            found = found.want(MissingThing::Library(library.to_owned()));
        }
    }
    if line.contains("recompile with -fPI") {
        found = found.hint("compile what goes into it with `-fPIC`: a `CFLAGS` that replaces the default flags drops it");
    } else if line.contains("multiple definition of") {
        found = found.hint("two objects define it; GCC 10 and later want `extern` in headers (`-fcommon` brings back the old way)");
    } else if line.contains("undefined reference to") {
        found = found.hint("the library that defines it is not linked: name it with `-l` behind the objects that use it");
    }
    Some(found)
}

fn complains(line: &str) -> bool {
    if line.contains("ld: warning") || line.starts_with('+') {
        return false;
    }
    text::any(
        line,
        &[
            "undefined reference to ",
            "multiple definition of ",
            "recompile with -fPIC",
            "recompile with -fPIE",
            "ld.lld: error: ",
            "ld: error: ",
            "undefined symbol: ",
            "DSO missing from command line",
            "file format not recognized",
            "file not recognized",
        ],
    ) || missing_library(line).is_some()
}

fn missing_library(line: &str) -> Option<&str> {
    let rest = text::behind(line, "cannot find -l")
        .or_else(|| text::behind(line, "unable to find library -l"))?;
    let name = rest.split([':', ' ']).next()?;
    Some(name).filter(|name| !name.is_empty())
}

/// The complaint without the linker's own path.
fn said(line: &str) -> &str {
    let line = line.trim_end();
    match line.split_once("ld: ") {
        Some((head, rest)) if !head.contains(' ') && !rest.is_empty() => rest,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    fn found(text: &str) -> Finding {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        find(&Scene::of(Some("%build"), &lines)).expect("a finding")
    }

    #[test]
    fn the_first_of_a_row_is_told() {
        let one = found(
            "/usr/bin/ld: a.o: in function `main':\na.c:(.text+0x5): undefined reference to `nope'\n/usr/bin/ld: a.c:(.text+0x9): undefined reference to `more'\ncollect2: error: ld returned 1 exit status",
        );
        assert_eq!(one.text, "a.c:(.text+0x5): undefined reference to `nope'");
    }

    #[test]
    fn libraries_are_wanted() {
        assert_eq!(
            found("/usr/bin/ld: cannot find -lz: No such file or directory").wants,
            [MissingThing::Library("z".into())]
        );
        assert_eq!(
            found("/usr/bin/ld: cannot find -lfoo").wants,
            [MissingThing::Library("foo".into())]
        );
    }
}
