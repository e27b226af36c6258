//! What the shell itself refuses: programs that are not there, syntax, directories, interpreters.

use crate::{failure::FailureCause, nearest::nearest, want::MissingThing};

use super::{finding::Finding, scene::Scene, text};

/// `X: not found` and `X: command not found` of shells, make and env.
pub(super) fn command(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        if line.starts_with('+') || line.contains("fg: no job control") {
            return None;
        }
        let word = missing_command(line)?;
        let section = scene.section.map(str::to_owned);
        let found = Finding::new(at, line.trim_end()).cause(FailureCause::MissingCommand {
            command: word.to_owned(),
            section,
        });
        Some(match word.strip_prefix('%') {
            Some(_) => undefined_macro(at, line, word, scene),
            None => found.want(MissingThing::Command(word.to_owned())),
        })
    })
}

/// A script or program that the section calls by its path, and that is not there.
pub(super) fn script(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        if !line.contains("rpm-tmp.") || line.starts_with('+') {
            return None;
        }
        let rest = line
            .trim_end()
            .strip_suffix(": No such file or directory")
            .or_else(|| line.trim_end().strip_suffix(": not found"))?;
        let path = rest.rsplit(": ").next()?;
        let section = scene.section.map(str::to_owned);
        if let Some(name) = path
            .strip_prefix("/usr/bin/")
            .or_else(|| path.strip_prefix("/bin/"))
            .or_else(|| path.strip_prefix("/usr/sbin/"))
            .filter(|name| !name.contains('/'))
        {
            let found = Finding::new(at, line.trim_end()).cause(FailureCause::MissingCommand {
                command: name.to_owned(),
                section,
            });
            return Some(found.want(MissingThing::Command(name.to_owned())));
        }
        if !path.contains('/') || path.contains(' ') {
            return None;
        }
        let called = scene.command.is_some_and(|command| command.contains(path));
        let found = Finding::new(at, format!("there is no `{path}` to run"));
        match path.rsplit('/').next() {
            Some("configure") if called => Some(found.hint(super::autotools::REGENERATE)),
            _ if called => Some(found),
            _ => None,
        }
    })
}

/// bash reads a macro that was not defined as a job to bring to the foreground.
pub(super) fn macros(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        line.contains("fg: no job control").then(|| {
            let name = scene
                .command
                .and_then(|command| command.split_whitespace().next())
                .filter(|word| word.starts_with('%'))
                .unwrap_or("%macro");
            undefined_macro(at, line, name, scene)
        })
    })
}

/// Sections that a misspelt heading may mean.
const SECTIONS: [&str; 10] = [
    "description",
    "prep",
    "build",
    "install",
    "check",
    "files",
    "changelog",
    "package",
    "generate_buildrequires",
    "conf",
];

fn undefined_macro(at: usize, line: &str, name: &str, scene: &Scene<'_>) -> Finding {
    let name = name
        .trim_start_matches('%')
        .trim_start_matches('{')
        .trim_end_matches('}');
    let found = Finding::new(at, line.trim_end()).cause(FailureCause::MissingCommand {
        command: format!("%{name}"),
        section: scene.section.map(str::to_owned),
    });
    let near = nearest(name, SECTIONS);
    match near {
        Some(near) => found.hint(format!("did you mean the section `%{near}`?")),
        None => found.want(MissingThing::Macro(name.to_owned())).hint(format!(
            "add a `BuildRequires:` on the package that defines `%{name}`, or write `%%` where a per cent sign is meant"
        )),
    }
}

fn missing_command(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let of_shell = |l: &str| {
        l.contains("rpm-tmp.") || l.contains("sh: ") || l.contains("bash: ") || l.contains("/bin/")
    };
    let named = line
        .strip_suffix(": command not found")
        .or_else(|| line.strip_suffix(": Command not found"))
        .or_else(|| {
            line.strip_suffix(": not found").filter(|_| {
                of_shell(line)
                    || line
                        .split(": ")
                        .nth(1)
                        .is_some_and(|n| n.parse::<u32>().is_ok())
            })
        })
        .or_else(|| {
            let rest = line.strip_suffix(": No such file or directory")?;
            let (who, name) = rest.split_once(": ")?;
            let make = who == "make" || who == "gmake" || who.starts_with("make[");
            let env = who == "env" || who.ends_with("/env");
            (make || env).then_some(name)
        })
        .or_else(|| text::between(line, "Can't exec \"", "\": No such file"))
        .or_else(|| text::between(line, "exec: \"", "\": executable file not found in $PATH"))
        .or_else(|| {
            text::between(line, "No such file or directory: '", "'")
                .filter(|_| line.contains("FileNotFoundError") && !line.contains('/'))
        })?;
    let word = text::bare(named.rsplit(": ").next()?);
    let word = word
        .strip_prefix("/usr/bin/")
        .or_else(|| word.strip_prefix("/bin/"))
        .unwrap_or(word);
    (!word.is_empty() && !word.contains([' ', '/', '*', '$']) && word != "\\r").then_some(word)
}

/// The shell could not read the section.
pub(super) fn syntax(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        if !line.contains("rpm-tmp.") || line.starts_with('+') {
            return None;
        }
        let said = [
            "unexpected EOF while looking for",
            "syntax error",
            "Syntax error",
            "unterminated",
            "Unterminated",
        ]
        .iter()
        .find_map(|mark| line.find(mark).map(|start| line[start..].trim_end()))?;
        let section = scene.section.unwrap_or("the script");
        let shown = scene.before(at + 2.min(scene.lines.len() - at), 2, |more| {
            more.contains("rpm-tmp.")
                .then(|| text::between(more, ": `", "'"))
                .flatten()
        });
        let mut text = format!("the shell cannot read `{section}`: {said}");
        if let Some(shown) = shown.filter(|shown| !said.contains(shown)) {
            text.push_str(&format!(" in `{}`", shown.trim()));
        }
        Some(
            Finding::new(at, text)
                .whole()
                .cause(FailureCause::ShellSyntax {
                    section: section.to_owned(),
                    said: said.to_owned(),
                }),
        )
    })
}

/// A directory that is not there.
pub(super) fn directory(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        if line.starts_with('+') {
            return None;
        }
        let directory = line
            .split_once("can't cd to ")
            .map(|(_, dir)| dir.trim())
            .or_else(|| {
                line.trim_end()
                    .strip_suffix(": No such file or directory")?
                    .split_once(" cd: ")
                    .map(|(_, dir)| dir)
            })?;
        Some(
            Finding::new(
                at,
                format!("there is no directory `{directory}` to change to"),
            )
            .cause(FailureCause::MissingDirectory {
                directory: directory.to_owned(),
                section: scene.section.map(str::to_owned),
            }),
        )
    })
}

/// A script whose interpreter is not there.
pub(super) fn interpreter(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        if let Some(rest) = line
            .trim_end()
            .strip_suffix(": bad interpreter: No such file or directory")
        {
            let mut parts = rest.rsplit(": ");
            let interpreter = parts.next()?;
            let script = parts.next().unwrap_or("a script");
            return Some(bad_interpreter(at, script, Some(interpreter)));
        }
        let rest = line
            .trim_end()
            .strip_suffix(": cannot execute: required file not found")?;
        Some(bad_interpreter(at, rest.rsplit(": ").next()?, None))
    })
}

fn bad_interpreter(at: usize, script: &str, interpreter: Option<&str>) -> Finding {
    let text = match interpreter {
        Some(path) => {
            format!("`{script}` is to be run by the interpreter `{path}`, which is not installed")
        }
        None => format!("the interpreter that the first line of `{script}` names is not installed"),
    };
    let mut found = Finding::new(at, text).cause(FailureCause::BadInterpreter {
        script: script.to_owned(),
    });
    if let Some(path) = interpreter.filter(|path| path.starts_with('/')) {
        found = found.want(MissingThing::File(path.to_owned()));
    }
    found
}

/// The spec has the line ends of DOS, and the shell reads the carriage return as a word.
pub(super) fn carriage(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let marked = line.contains(r"$'\r'") || line.contains(r"\r': ") || line.contains('\r') || line.contains("^M: ");
        let about = text::any(line, &["not found", "No such file", "bad interpreter", "syntax error", "invalid option"]);
        (marked && about && !line.starts_with('+')).then(|| {
            Finding::new(at, "its lines end with a carriage return (CRLF, as on DOS), which the shell takes for part of a word")
                .cause(FailureCause::CarriageReturns)
                .hint("write the file with line ends of Unix, for instance with `sed -i 's/\\r$//' FILE` or `dos2unix FILE`")
        })
    })
}

/// What helps where an installation goes into the running system.
pub(super) const BELOW_BUILDROOT: &str = "install below the build root, not into the running system: `%make_install`, `make install DESTDIR=%{buildroot}`, or `%{buildroot}` before the path";

/// Files that may not be written or run.
pub(super) fn permission(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let denied = line.contains("Permission denied") || line.contains("Read-only file system");
        if !denied || line.starts_with('+') {
            return None;
        }
        let path = line
            .split([' ', '\'', '"', '‘', '’', '`'])
            .map(|word| word.trim_end_matches(':'))
            .rfind(|word| word.contains('/') && !word.contains("rpm-tmp."));
        let found = Finding::new(at, line.trim_end());
        let outside = path.filter(|path| path.starts_with('/') && !path.contains("/BUILD") && !path.starts_with("/tmp"));
        Some(match (outside, path) {
            (Some(_), _) if scene.is("%install") => found.hint(BELOW_BUILDROOT),
            (Some(_), _) => found.hint("the build runs as an ordinary user and may only write to its build directory"),
            (None, Some(path)) if line.contains("Permission denied") && line.contains("rpm-tmp.") => {
                found.hint(format!("`{path}` is not executable: `chmod +x {path}` in `%prep`, or call its interpreter"))
            }
            _ => found,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_are_not_there() {
        for (line, wanted) in [
            (
                "/var/tmp/rpm-tmp.x: line 29: bison: command not found",
                Some("bison"),
            ),
            (
                "/var/tmp/rpm-tmp.x: 28: nosuchtool: not found",
                Some("nosuchtool"),
            ),
            ("make: flex: No such file or directory", Some("flex")),
            (
                "/usr/bin/env: ‘python2’: No such file or directory",
                Some("python2"),
            ),
            (
                "Can't exec \"autopoint\": No such file or directory at x line 1.",
                Some("autopoint"),
            ),
            (
                "go: exec: \"gcc\": executable file not found in $PATH",
                Some("gcc"),
            ),
            (
                "FileNotFoundError: [Errno 2] No such file or directory: 'doxygen'",
                Some("doxygen"),
            ),
            ("checking for foo... not found", None),
            ("rpm-tmp.x: line 3: a b: command not found", None),
        ] {
            assert_eq!(missing_command(line), wanted, "{line}");
        }
    }
}
