//! From the phase, the exit and the last lines of a command to the cause of a failure.
//!
//! The engine knows which command ran and how it ended, so nothing here searches a whole log: the
//! caller passes the last few hundred lines of the one command that failed. rpm's own closing lines
//! (`error: …`) decide first, because they say what rpm acted on; only for a failing section do the
//! lines of that section decide what was missing. Texts are those of rpm 4.14 to 6.0.

use std::path::Path;

use super::{
    failure::{FailureCause, FailureReport, SpecLine},
    section::{last_section, useful},
    speclines::locate,
};
use rpmkit_types::{ExitCode, Hint, event::Phase};

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with a status other than zero.
    Status(i32),
    /// Killed by a signal.
    Signal(i32),
    /// Stopped for taking longer than this many seconds, where known.
    TimedOut(Option<u64>),
}

/// What is known about a command that failed.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The phase it ran in.
    pub phase: Phase,
    /// How it ended.
    pub end: End,
    /// Its last lines of output, oldest first, without colour codes; a few hundred are plenty.
    pub lines: &'a [String],
    /// The spec as the user knows it (path to show) and its text.
    pub spec: Option<(&'a Path, &'a str)>,
}

/// States the cause. Package, chroot, log and the next command are for the caller to add.
pub fn diagnose(evidence: &Evidence<'_>) -> FailureReport {
    let cause = cause(evidence);
    let status = match evidence.end {
        // mock ends with the failing command's own status; a status that does not fit says "general".
        End::Status(status) => u8::try_from(status).unwrap_or(ExitCode::General.code()),
        End::Signal(_) => ExitCode::General.code(),
        End::TimedOut(_) => ExitCode::Timeout.code(),
    };
    let exit_code = match cause {
        FailureCause::MissingBuildRequires { .. } => ExitCode::Build.code(),
        _ => status,
    };
    let lines = useful(evidence.lines, &cause);
    let mut report = FailureReport {
        phase: Some(evidence.phase),
        message: message(&cause, &lines, evidence.end),
        spec: evidence
            .spec
            .and_then(|(path, text)| place(path, text, &cause, evidence.lines)),
        hints: hints(&cause),
        lines,
        ..FailureReport::new(ExitCode::General, cause, String::new())
    };
    report.exit_code = exit_code;
    report
}

fn place(path: &Path, text: &str, cause: &FailureCause, lines: &[String]) -> Option<SpecLine> {
    let line = match cause {
        FailureCause::SpecParse { .. } => {
            lines.iter().find_map(|l| spec_error(l)).and_then(|e| e.0)
        }
        _ => locate(text, cause, lines),
    }?;
    Some(SpecLine {
        file: path.to_owned(),
        line,
        text: text
            .lines()
            .nth(usize::try_from(line).ok()?.checked_sub(1)?)
            .map(|l| l.trim_end().to_owned()),
    })
}

fn cause(evidence: &Evidence<'_>) -> FailureCause {
    let lines = evidence.lines;
    match evidence.end {
        End::TimedOut(seconds) => return FailureCause::Timeout { seconds },
        End::Signal(signal) => return FailureCause::Killed { signal },
        End::Status(_) => {}
    }
    if let Some(line) = lines
        .iter()
        .rev()
        .find(|l| l.contains("No space left on device"))
    {
        return FailureCause::DiskFull {
            path: quoted(line).map(str::to_owned),
        };
    }
    rpm_cause(lines)
        .or_else(|| last_section(lines).map(|section| section.cause()))
        .unwrap_or(FailureCause::Other)
}

/// Causes rpm itself states.
fn rpm_cause(lines: &[String]) -> Option<FailureCause> {
    let below = |heading: &str| -> Vec<String> {
        let Some(at) = lines
            .iter()
            .position(|l| l.trim_start().starts_with(heading))
        else {
            return Vec::new();
        };
        lines[at + 1..]
            .iter()
            .take_while(|l| l.starts_with([' ', '\t']) && !l.trim().is_empty())
            .map(|l| l.trim().to_owned())
            .collect()
    };
    let needed = below("error: Failed build dependencies:");
    if !needed.is_empty() {
        return Some(FailureCause::MissingBuildRequires {
            requirements: needed
                .iter()
                .map(|l| l.split(" is needed by ").next().unwrap_or(l).to_owned())
                .collect(),
        });
    }
    let mut missing: Vec<String> = Vec::new();
    for line in lines {
        let found = [
            "error: File not found: ",
            "error: Directory not found: ",
            "error: File not found by glob: ",
            "error: File must begin with \"/\": ",
        ]
        .iter()
        .find_map(|prefix| line.strip_prefix(prefix));
        if let Some(path) = found {
            let path = without_buildroot(path).to_owned();
            if !missing.contains(&path) {
                missing.push(path);
            }
        }
    }
    if !missing.is_empty() {
        return Some(FailureCause::FilesMissing { files: missing });
    }
    let unpackaged = below("error: Installed (but unpackaged) file(s) found:");
    if !unpackaged.is_empty() {
        return Some(FailureCause::UnpackagedFiles { files: unpackaged });
    }
    lines.iter().find_map(|line| {
        let text = line.strip_prefix("error: ")?;
        if let Some(file) = missing_source(text) {
            return Some(FailureCause::MissingSource { file });
        }
        if let Some(arch) = text
            .strip_prefix("Architecture is not included: ")
            .or_else(|| text.strip_prefix("Architecture is excluded: "))
        {
            return Some(FailureCause::ArchExcluded {
                arch: arch.to_owned(),
            });
        }
        if text.starts_with("Arch dependent binaries in noarch package") {
            return Some(FailureCause::ArchInNoarch);
        }
        spec_error(line).map(|(_, message)| FailureCause::SpecParse { message })
    })
}

/// `Bad file: P: No such file…`, `Bad source: P: No such…`, `File P: No such file…`.
fn missing_source(text: &str) -> Option<String> {
    let rest = ["Bad file: ", "Bad source: ", "File "]
        .iter()
        .find_map(|p| text.strip_prefix(p))?;
    let path = rest.strip_suffix(": No such file or directory")?;
    Some(path.rsplit('/').next().unwrap_or(path).to_owned())
}

/// Line (where told) and message of an error in the spec.
fn spec_error(line: &str) -> Option<(Option<u32>, String)> {
    let text = line.strip_prefix("error: ")?;
    // Newer rpm names the file first: `error: /path/x.spec: line 7: …`.
    let numbered = text
        .strip_prefix("line ")
        .or_else(|| text.split_once(": line ").map(|(_, rest)| rest));
    if let Some((number, message)) = numbered.and_then(|n| n.split_once(": "))
        && let Ok(number) = number.parse()
    {
        return Some((Some(number), message.trim().to_owned()));
    }
    let unnumbered = text.contains(" field must be present in package: ")
        || text.starts_with("Package has no %description")
        || text.starts_with("Duplicate ")
        || text.starts_with("No compatible architectures")
        || text.starts_with("query of specfile ");
    unnumbered.then(|| (None, text.trim().to_owned()))
}

/// The path in the package, from one below the build root.
fn without_buildroot(path: &str) -> &str {
    let Some((_, below)) = path.split_once("/BUILDROOT/") else {
        return path;
    };
    // rpm up to 4.19 has one more directory there, named after the package.
    match below.split_once('/') {
        Some((package, _)) if package.contains('-') => &below[package.len()..],
        _ => &path[path.len() - below.len() - 1..],
    }
}

/// The first text between quotes of any kind.
fn quoted(line: &str) -> Option<&str> {
    let open = line.find(['\'', '‘', '"', '`'])?;
    let rest = &line[open + line[open..].chars().next()?.len_utf8()..];
    let close = rest.find(['\'', '’', '"'])?;
    Some(&rest[..close])
}

fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [one, two] => format!("`{one}` and `{two}`"),
        [one, rest @ ..] => format!("`{one}` and {} more", rest.len()),
    }
}

fn message(cause: &FailureCause, lines: &[String], end: End) -> String {
    match cause {
        FailureCause::Section { section } => match telling(lines) {
            Some(line) => format!("`{section}` failed: {line}"),
            None => format!("`{section}` failed"),
        },
        FailureCause::MissingCommand { command, section } => match section {
            Some(section) if command.starts_with('%') => {
                format!("`{section}` uses the macro `{command}`, which is not defined")
            }
            Some(section) => format!("`{section}` calls `{command}`, which is not installed"),
            None => format!("`{command}` is not installed"),
        },
        FailureCause::MissingComponent {
            requirement,
            section,
        } => match section {
            Some(section) => format!("`{section}` needs `{requirement}`, which is not installed"),
            None => format!("`{requirement}` is needed and not installed"),
        },
        FailureCause::UnpackagedFiles { files } => {
            format!("{} installed but in no `%files`", list(files))
        }
        FailureCause::FilesMissing { files } => {
            format!("{} in `%files` but not installed", list(files))
        }
        FailureCause::MissingBuildRequires { requirements } => {
            format!(
                "build dependencies are not installed: {}",
                list(requirements)
            )
        }
        FailureCause::MissingSource { file } => format!("the source `{file}` is missing"),
        FailureCause::PatchFailed { patch: Some(patch) } => {
            format!("the patch `{patch}` does not apply")
        }
        FailureCause::PatchFailed { patch: None } => "a patch does not apply".to_owned(),
        FailureCause::WrongSourceDirectory { directory } => {
            format!("the sources do not unpack to the directory `{directory}`")
        }
        FailureCause::SpecParse { message } => format!("the spec does not parse: {message}"),
        FailureCause::ArchExcluded { arch } => format!("the spec does not build for `{arch}`"),
        FailureCause::ArchInNoarch => "a `noarch` package holds machine code".to_owned(),
        FailureCause::Unresolvable { problems, .. } => match problems.first() {
            Some(first) => format!("dependencies cannot be satisfied: {first}"),
            None => "dependencies cannot be satisfied".to_owned(),
        },
        FailureCause::Timeout {
            seconds: Some(seconds),
        } => format!("stopped after {seconds} seconds, the time it was allowed"),
        FailureCause::Timeout { seconds: None } => {
            "stopped for taking longer than allowed".to_owned()
        }
        FailureCause::DiskFull { path: Some(path) } => format!("no space left to write `{path}`"),
        FailureCause::DiskFull { path: None } => "no space left on the file system".to_owned(),
        FailureCause::Killed { signal } => format!("killed by signal {signal}"),
        FailureCause::Interrupted => "interrupted".to_owned(),
        FailureCause::Other => match (telling(lines), end) {
            (Some(line), _) => line.to_owned(),
            (None, End::Status(status)) => format!("the command ended with status {status}"),
            (None, _) => "the command failed".to_owned(),
        },
    }
}

/// The first line that reads like an error, without its `error:` in front.
fn telling(lines: &[String]) -> Option<&str> {
    lines
        .iter()
        .find(|l| super::section::alarming(l))
        .map(|l| l.trim().trim_start_matches("error: "))
}

fn hints(cause: &FailureCause) -> Vec<Hint> {
    let one = |text: String| vec![Hint(text)];
    match cause {
        FailureCause::MissingCommand { command, .. } if command.starts_with('%') => one(format!(
            "add a `BuildRequires:` on the package that defines `{command}`, or write `%%` where a per cent sign is meant"
        )),
        FailureCause::MissingCommand { command, .. } => one(format!("add `BuildRequires: /usr/bin/{command}` to the spec")),
        FailureCause::MissingComponent { requirement, .. } => one(format!("add `BuildRequires: {requirement}` to the spec")),
        FailureCause::UnpackagedFiles { .. } => one(
            "list them in a `%files` section, or delete them at the end of `%install`".to_owned(),
        ),
        FailureCause::FilesMissing { .. } => one(
            "remove them from `%files`, or see in `%install` why they were not installed".to_owned(),
        ),
        FailureCause::MissingBuildRequires { .. } => one(
            "they were installed from no repository: check their names, or enable the repository that has them".to_owned(),
        ),
        FailureCause::MissingSource { file } => one(format!(
            "put `{file}` beside the spec, or give its line a URL it can be downloaded from"
        )),
        FailureCause::PatchFailed { .. } => one("rebase the patch on these sources, or drop it if they contain it already".to_owned()),
        FailureCause::WrongSourceDirectory { .. } => one(
            "name the directory the archive contains with `-n` on `%setup` or `%autosetup`".to_owned(),
        ),
        FailureCause::ArchExcluded { .. } => one("see `ExclusiveArch` and `ExcludeArch` in the spec".to_owned()),
        FailureCause::ArchInNoarch => one("remove `BuildArch: noarch`, or do not install compiled files".to_owned()),
        FailureCause::Timeout { .. } => one("raise the limit with `--rpmbuild-timeout SECONDS`; 0 is none".to_owned()),
        FailureCause::DiskFull { .. } => one("free space, then see `rpmkit snap gc` for what rpmkit itself can give back".to_owned()),
        FailureCause::Killed { signal: 9 } => one("the kernel does this when memory runs out: try fewer parallel jobs, `--define '_smp_build_ncpus 1'`".to_owned()),
        FailureCause::Section { section } if section == "%check" => one("to build without the tests, add `--nocheck`".to_owned()),
        FailureCause::Section { .. }
        | FailureCause::SpecParse { .. }
        | FailureCause::Unresolvable { .. }
        | FailureCause::Killed { .. }
        | FailureCause::Interrupted
        | FailureCause::Other => Vec::new(),
    }
}

#[cfg(test)]
#[path = "diagnose_tests.rs"]
mod tests;
