//! Diagnostics of compilers: `FILE:LINE:COLUMN: error: …` and its relatives.

use crate::{failure::FailureCause, want::MissingThing};

use super::{finding::Finding, make, scene::Scene, text};

/// A diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Diagnostic<'a> {
    file: &'a str,
    line: u32,
    column: Option<u32>,
    said: &'a str,
}

/// Programs whose output is all of one kind, so that the first error leads to the rest.
const DIRECT: [&str; 12] = [
    "gcc", "g++", "cc", "c++", "clang", "clang++", "javac", "rustc", "gfortran", "valac", "ocamlc",
    "ghc",
];

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    let all: Vec<(usize, Diagnostic<'_>)> = (0..scene.lines.len())
        .filter_map(|at| diagnostic(scene, at).map(|found| (at, found)))
        .collect();
    let (last, tail) = all.last()?;
    let target = make::failed_target(scene)
        .map(make::stem)
        .filter(|stem| !stem.is_empty());
    let of_target =
        target.and_then(|stem| all.iter().find(|(_, one)| make::stem(one.file) == stem));
    let ninja = scene
        .lines
        .iter()
        .position(|line| line.starts_with("FAILED: "));
    let (from, chosen) = if let Some(found) = of_target {
        found
    } else if let Some(found) = ninja.and_then(|start| all.iter().find(|(at, _)| *at > start)) {
        found
    } else if DIRECT.contains(&scene.program()) {
        all.first()?
    } else {
        // What was tried before, and tolerated, was in other files.
        all.iter()
            .rev()
            .take_while(|(_, one)| one.file == tail.file)
            .last()?
    };
    let file = &in_directory(scene, *from, text::in_tree(chosen.file), chosen.file);
    let mut place = format!("{file}:{}", chosen.line);
    if let Some(column) = chosen.column {
        place.push_str(&format!(":{column}"));
    }
    let mut found = Finding::new(*last, format!("{place}: {}", chosen.said))
        .from(
            scene
                .before(*from, 1, |line| line.contains(": In ").then_some(from - 1))
                .unwrap_or(*from),
        )
        .cause(FailureCause::Compile {
            section: scene.section.map(str::to_owned),
        })
        .source(file, chosen.line, chosen.column);
    // A header of the system is not where the mistake is: who included or instantiated it tells more.
    if chosen.file.starts_with("/usr/")
        && let Some((file, line)) = used_from(scene, *from)
    {
        found = found.source(text::in_tree(file), line, None);
    }
    if let Some(header) = missing_header(chosen.said) {
        found = found
            .cause(FailureCause::MissingComponent {
                requirement: format!("/usr/include/{header}"),
                section: scene.section.map(str::to_owned),
            })
            .want(MissingThing::Header(header.to_owned()));
    } else if chosen.said.contains("[-Werror") {
        found = found.hint("the warning ends the build because of `-Werror`: mend the code, or take the option out of the flags");
    } else if let Some(name) = text::between(chosen.said, "can't find crate for `", "`") {
        found = found.want(MissingThing::Crate(name.to_owned()));
    }
    Some(found)
}

/// A relative name with the directory make was in, below the top of the sources.
fn in_directory(scene: &Scene<'_>, at: usize, shown: &str, given: &str) -> String {
    if given.starts_with(['/', '.']) {
        return shown.to_owned();
    }
    let mut left = 0usize;
    let entered = scene.lines[..at].iter().rev().find_map(|line| {
        if line.contains(": Leaving directory ") {
            left += 1;
            return None;
        }
        let dir = text::behind(line, ": Entering directory ").and_then(text::quoted)?;
        if left > 0 {
            left -= 1;
            return None;
        }
        Some(dir)
    });
    let top = scene.directory();
    let below = entered.and_then(|dir| {
        let top = top.as_deref()?.to_str()?;
        dir.strip_prefix(top)?.strip_prefix('/')
    });
    match below {
        Some(dir) if !shown.starts_with(&format!("{dir}/")) => format!("{dir}/{shown}"),
        _ => shown.to_owned(),
    }
}

/// The file of the project that led the compiler to line `at`, which is about a header of the system.
fn used_from<'a>(scene: &Scene<'a>, at: usize) -> Option<(&'a str, u32)> {
    const NEAR: usize = 12;
    let place = |line: &'a str| -> Option<(&'a str, u32)> {
        let line = line.trim();
        let place = match line.split_once(": ") {
            Some((place, rest))
                if rest.contains("required from") || rest.contains("requested here") =>
            {
                place
            }
            _ => line
                .strip_prefix("In file included from ")
                .or_else(|| line.strip_prefix("from "))?
                .trim_end_matches([',', ':']),
        };
        let (file, line, _) = placed(place)?;
        (!file.starts_with('/')).then_some((file, line))
    };
    scene
        .before(at, NEAR, place)
        .or_else(|| scene.after(at, NEAR, place))
}

/// Parts of compilers that are packages of their own, and the program that stands for each.
const PARTS: [(&str, &str); 6] = [
    ("cc1plus", "g++"),
    ("cc1", "gcc"),
    ("f951", "gfortran"),
    ("cc1obj", "gobjc"),
    ("d21", "gdc"),
    ("gnat1", "gnat"),
];

/// A compiler whose driver is there and whose own part is not.
pub(super) fn parts(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let told = line.contains("cannot execute ") || line.contains("error trying to exec ");
        let part = text::quoted(line).filter(|_| told && line.contains("No such file"))?;
        let (_, program) = PARTS.iter().find(|(name, _)| *name == part)?;
        Some(Finding::new(at, line.trim()).want(MissingThing::Command((*program).to_owned())))
    })
}

/// The header a diagnostic misses.
fn missing_header(said: &str) -> Option<&str> {
    let said = said
        .trim_start_matches("fatal error: ")
        .trim_start_matches("error: ");
    said.strip_suffix(": No such file or directory")
        .or_else(|| text::between(said, "'", "' file not found"))
        .filter(|name| !name.contains(' ') && name.contains('.') || is_cxx_header(name))
}

fn is_cxx_header(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-'))
}

/// Severities that end a compilation, as they stand behind the place.
const SEVERITIES: [&str; 5] = [
    "error: ",
    "fatal error: ",
    "Error: ",
    "internal compiler error: ",
    "error ",
];

fn diagnostic<'a>(scene: &Scene<'a>, at: usize) -> Option<Diagnostic<'a>> {
    let line = of_ant(scene.lines[at]);
    if let Some(found) = rust(scene, at)
        .or_else(|| maven(line))
        .or_else(|| catalogue(line))
    {
        return Some(found);
    }
    for severity in SEVERITIES {
        let Some((place, _)) = line.split_once(&format!(": {severity}")) else {
            continue;
        };
        let said = &line[place.len() + 2..];
        if severity == "error " && !said.starts_with("error TS") && !said.starts_with("error CS") {
            continue;
        }
        if let Some((file, number, column)) = placed(place) {
            // GHC puts what it has to say on the next line.
            let bare = said.trim_end() == "error:" || said.starts_with("error: [GHC-");
            let said = match scene.lines.get(at + 1).filter(|_| bare) {
                Some(more) => more.trim(),
                None => said.trim_end(),
            };
            return Some(Diagnostic {
                file,
                line: number,
                column,
                said,
            });
        }
    }
    go(line).or_else(|| below_its_place(scene, at))
}

/// Compilers that put the place on a line of its own above the message: Fortran, OCaml.
fn below_its_place<'a>(scene: &Scene<'a>, at: usize) -> Option<Diagnostic<'a>> {
    let said = scene.lines[at];
    if !said.starts_with("Error: ") && !said.starts_with("Fatal Error: ") {
        return None;
    }
    let (file, line, column) = scene.before(at, 6, |line| {
        if let Some(rest) = line.strip_prefix("File \"") {
            let (file, rest) = rest.split_once("\", line ")?;
            return Some((file, u32::try_from(text::number(rest)?).ok()?, None));
        }
        placed(line.trim_end().strip_suffix(':')?)
    })?;
    Some(Diagnostic {
        file,
        line,
        column,
        said: said.trim_end(),
    })
}

/// `error[E0425]: …` with `--> src/main.rs:3:5` below.
fn rust<'a>(scene: &Scene<'a>, at: usize) -> Option<Diagnostic<'a>> {
    let said = scene.lines[at];
    if !said.starts_with("error: ") && !said.starts_with("error[E") {
        return None;
    }
    let (file, line, column) = scene.after(at, 3, |line| {
        placed(line.trim_start().strip_prefix("--> ")?)
    })?;
    Some(Diagnostic {
        file,
        line,
        column,
        said: said.trim_end(),
    })
}

/// `./a.go:5:2: undefined: x`
fn go(line: &str) -> Option<Diagnostic<'_>> {
    let (place, said) = line.trim_start().split_once(": ")?;
    let (file, number, column) = placed(place)?;
    (file.ends_with(".go") && column.is_some()).then(|| Diagnostic {
        file,
        line: number,
        column,
        said: said.trim_end(),
    })
}

/// A line without the name of the task that ant puts in front.
fn of_ant(line: &str) -> &str {
    let rest = line.trim_start().strip_prefix('[');
    match rest.and_then(|rest| rest.split_once("] ")) {
        Some((task, rest)) if !task.is_empty() && task.chars().all(|c| c.is_ascii_lowercase()) => {
            rest
        }
        _ => line,
    }
}

/// `[ERROR] /path/A.java:[3,17] package x does not exist`
fn maven(line: &str) -> Option<Diagnostic<'_>> {
    let rest = line.strip_prefix("[ERROR] ")?;
    let (file, rest) = rest.split_once(":[")?;
    let (place, said) = rest.split_once("] ")?;
    let (line, column) = place.split_once(',')?;
    (!file.contains(' ')).then_some(())?;
    Some(Diagnostic {
        file,
        line: line.parse().ok()?,
        column: column.parse().ok(),
        said: said.trim_end(),
    })
}

/// What msgfmt and makeinfo say: `de.po:12: end-of-line within string`
fn catalogue(line: &str) -> Option<Diagnostic<'_>> {
    let (place, said) = line.split_once(": ")?;
    let (file, number, column) = placed(place)?;
    let of_text = [".po", ".texi", ".texinfo"]
        .iter()
        .any(|kind| file.ends_with(kind));
    (of_text && !said.starts_with("warning")).then(|| Diagnostic {
        file,
        line: number,
        column,
        said: said.trim_end(),
    })
}

/// The file and line a line of output begins with.
pub(super) fn leading_place(line: &str) -> Option<(&str, u32)> {
    let (place, _) = line.trim_start().split_once(": ")?;
    let (file, line, _) = placed(place)?;
    Some((file, line))
}

/// `FILE:LINE`, `FILE:LINE:COLUMN`, `FILE(LINE,COLUMN)`, or bison's `FILE:LINE.COLUMN-COLUMN`.
fn placed(place: &str) -> Option<(&str, u32, Option<u32>)> {
    let (file, line, column) =
        if let Some((file, rest)) = place.strip_suffix(')').and_then(|p| p.split_once('(')) {
            let (line, column) = rest.split_once(',')?;
            (file, line.parse().ok()?, Some(column.parse().ok()?))
        } else {
            let (head, last) = place.rsplit_once(':')?;
            if let Some((line, columns)) = last.split_once('.') {
                let column = columns.split('-').next()?.parse().ok()?;
                let named = !head.is_empty() && !head.contains([' ', '\t']);
                return named.then_some((head, line.parse().ok()?, Some(column)));
            }
            let last: u32 = last.parse().ok()?;
            match head
                .rsplit_once(':')
                .and_then(|(file, line)| Some((file, line.parse().ok()?)))
            {
                Some((file, line)) => (file, line, Some(last)),
                None => (head, last, None),
            }
        };
    let named = !file.is_empty() && !file.contains([' ', '\t']) && !file.starts_with('-');
    named.then_some((file, line, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_of_many_compilers() {
        for (text, file, line) in [
            ("a.c:1:5: error: no", "a.c", 1),
            (
                "a.c:7: fatal error: x.h: No such file or directory",
                "a.c",
                7,
            ),
            ("a.s:3: Error: no such instruction", "a.s", 3),
            ("./cmd/x.go:5:2: undefined: y", "cmd/x.go", 5),
            (
                "src/a.ts(3,5): error TS2304: Cannot find name",
                "src/a.ts",
                3,
            ),
            (
                "error[E0425]: cannot find value\n --> src/main.rs:9:1",
                "src/main.rs",
                9,
            ),
            (
                "a.f90:3:10:\n\n    3 | x\n      1\nError: Symbol",
                "a.f90",
                3,
            ),
            (
                "File \"a.ml\", line 4, characters 1-2:\nError: Unbound",
                "a.ml",
                4,
            ),
        ] {
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let found = find(&Scene::of(Some("%build"), &lines)).and_then(|f| f.source);
            assert_eq!(
                found.map(|s| (s.file.display().to_string(), s.line)),
                Some((file.to_owned(), line)),
                "{text}"
            );
        }
    }

    #[test]
    fn flags_and_names_are_no_errors() {
        let lines: Vec<String> = [
            "cc -Wno-error -c cannot_fail.c",
            "  CC error.o",
            "warning: 1:2: error",
        ]
        .map(str::to_owned)
        .to_vec();
        assert_eq!(find(&Scene::of(Some("%build"), &lines)), None);
    }

    #[test]
    fn missing_headers() {
        for said in [
            "fatal error: zlib.h: No such file or directory",
            "fatal error: 'zlib.h' file not found",
        ] {
            assert_eq!(missing_header(said), Some("zlib.h"));
        }
        assert_eq!(missing_header("error: a 'b' c"), None);
    }
}
