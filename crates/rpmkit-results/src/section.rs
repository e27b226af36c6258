//! What the output of one failing spec section tells.

use super::failure::FailureCause;

/// The section that failed and the lines it printed.
pub(super) struct Section<'a> {
    name: &'a str,
    lines: &'a [String],
}

/// Finds `error: Bad exit status from SCRIPT (%section)` and what that script printed.
pub(super) fn last_section(lines: &[String]) -> Option<Section<'_>> {
    let (end, name) = lines.iter().enumerate().find_map(|(at, line)| {
        let rest = line.strip_prefix("error: Bad exit status from ")?;
        let name = rest.rsplit_once(" (")?.1.strip_suffix(')')?;
        Some((at, name))
    })?;
    let start = lines[..end]
        .iter()
        .rposition(|line| line.starts_with("Executing(") && line.contains(name))
        .map_or(0, |at| at + 1);
    Some(Section {
        name,
        lines: &lines[start..end],
    })
}

impl Section<'_> {
    /// The most precise cause its lines allow. The last matching line wins: earlier ones may have
    /// been a configure script trying things out.
    pub(super) fn cause(&self) -> FailureCause {
        let section = Some(self.name.to_owned());
        if self.name == "%prep"
            && let Some(cause) = self.prep_cause()
        {
            return cause;
        }
        if self
            .lines
            .iter()
            .rev()
            .take(3)
            .any(|l| l.trim_end().ends_with("Killed"))
        {
            return FailureCause::Killed { signal: 9 };
        }
        for line in self.lines.iter().rev().take(60) {
            // What the shell traces is the text of the spec, not an answer to it.
            if line.starts_with("+ ") {
                continue;
            }
            if let Some(command) = missing_command(line) {
                return FailureCause::MissingCommand { command, section };
            }
            if let Some(requirement) = missing_component(line) {
                return FailureCause::MissingComponent {
                    requirement,
                    section,
                };
            }
        }
        FailureCause::Section {
            section: self.name.to_owned(),
        }
    }

    fn prep_cause(&self) -> Option<FailureCause> {
        let failed = |l: &String| {
            l.contains(" FAILED -- saving rejects")
                || l.contains(" FAILED at ")
                || l.contains("Reversed (or previously applied) patch detected")
                || l.contains("patch does not apply")
        };
        if let Some(at) = self.lines.iter().rposition(failed) {
            return Some(FailureCause::PatchFailed {
                patch: self.lines[..=at].iter().rev().find_map(|l| patch_name(l)),
            });
        }
        self.lines.iter().rev().take(5).find_map(|line| {
            let directory = line
                .split_once("can't cd to ")
                .map(|(_, dir)| dir.trim())
                .or_else(|| {
                    line.split_once(" cd: ")?
                        .1
                        .strip_suffix(": No such file or directory")
                })?;
            Some(FailureCause::WrongSourceDirectory {
                directory: directory.to_owned(),
            })
        })
    }
}

/// The patch a line of `%prep` talks about.
fn patch_name(line: &str) -> Option<String> {
    // `Patch #0 (fix.patch):` or `Patch0: fix.patch`
    if line.starts_with("Patch #") {
        let (_, rest) = line.split_once('(')?;
        return Some(rest.split(')').next()?.to_owned());
    }
    if !line.starts_with("+ ") {
        return None;
    }
    line.split_whitespace()
        .find(|word| word.ends_with(".patch") || word.ends_with(".diff"))
        .map(|word| word.rsplit('/').next().unwrap_or(word).to_owned())
}

/// `X: not found` and `X: command not found` of shells, make and env.
fn missing_command(line: &str) -> Option<String> {
    let line = line.trim_end();
    if line.contains("fg: no job control") {
        // bash reads an undefined `%macro` as a job.
        return Some("%macro".to_owned());
    }
    let of_shell = |l: &str| l.contains("rpm-tmp.") || l.contains("sh: ") || l.contains("bash: ");
    let named = line
        .strip_suffix(": command not found")
        .or_else(|| line.strip_suffix(": Command not found"))
        .or_else(|| line.strip_suffix(": not found").filter(|_| of_shell(line)))
        .or_else(|| {
            line.strip_prefix("make: ")?
                .strip_suffix(": No such file or directory")
        })
        .or_else(|| {
            line.split_once("env: ")?
                .1
                .strip_suffix(": No such file or directory")
        })?;
    let word = named
        .rsplit(": ")
        .next()?
        .trim_matches(['‘', '’', '\'', '"', '`']);
    let word = word.strip_prefix("/usr/bin/").unwrap_or(word);
    let plausible = !word.is_empty() && !word.contains([' ', '/', '*']);
    plausible.then(|| word.to_owned())
}

/// A dependency that would have provided what a line misses.
fn missing_component(line: &str) -> Option<String> {
    let between = |before: &str, after: char| -> Option<&str> {
        let (_, rest) = line.split_once(before)?;
        let end = rest.find(after)?;
        (end > 0).then(|| &rest[..end])
    };
    if let Some(header) = line
        .split_once("fatal error: ")
        .and_then(|(_, rest)| rest.strip_suffix(": No such file or directory"))
    {
        return Some(format!("/usr/include/{header}"));
    }
    if let Some(module) = between("No module named '", '\'') {
        let top = module.split('.').next().unwrap_or(module);
        return Some(format!(
            "python3dist({})",
            top.to_lowercase().replace('_', "-")
        ));
    }
    if let Some(module) = between("Can't locate ", ' ').and_then(|m| m.strip_suffix(".pm")) {
        return Some(format!("perl({})", module.replace('/', "::")));
    }
    let pkgconfig = between("No package '", '\'')
        .or_else(|| between("Package '", '\'').filter(|_| line.trim_end().ends_with("not found")))
        .or_else(|| {
            line.strip_prefix("Package ")?
                .split_once(" was not found in the pkg-config search path")
                .map(|(name, _)| name)
        })
        .or_else(|| between("ERROR: Dependency \"", '"'));
    if let Some(name) = pkgconfig {
        return Some(format!("pkgconfig({})", name.trim_matches(['\'', '"'])));
    }
    between(
        "Could not find a package configuration file provided by \"",
        '"',
    )
    .map(|name| format!("cmake({name})"))
}

/// Whether a line reads like the report of an error.
pub(super) fn alarming(line: &str) -> bool {
    if line.starts_with("+ ") {
        return false;
    }
    [
        "error:",
        "Error:",
        "ERROR",
        "FAIL",
        "fatal",
        "Fatal",
        "undefined reference",
        "Traceback",
        "panicked at",
        " *** ",
        "cannot ",
        "Cannot ",
        "No such file",
        "not found",
        "No rule to make target",
    ]
    .iter()
    .any(|mark| line.contains(mark))
}

/// The most lines a report shows.
const SHOWN: usize = 20;

/// The last lines worth showing: those of the failing section (or before rpm's summary), without
/// shell tracing of rpm's own preamble, starting at the first alarm if that is near the end.
pub(super) fn useful(lines: &[String], cause: &FailureCause) -> Vec<String> {
    let own: Vec<&String> = match last_section(lines) {
        Some(section) => section.lines.iter().collect(),
        None => lines
            .iter()
            .take_while(|l| !l.starts_with("RPM build errors:"))
            .collect(),
    };
    // These causes carry their lines in themselves.
    if matches!(
        cause,
        FailureCause::UnpackagedFiles { .. }
            | FailureCause::FilesMissing { .. }
            | FailureCause::MissingBuildRequires { .. }
    ) {
        return Vec::new();
    }
    let own: Vec<&String> = own
        .into_iter()
        .filter(|l| !l.trim().is_empty() && !preamble(l))
        .collect();
    let tail = own.len().saturating_sub(60);
    let start = match own[tail..].iter().position(|l| alarming(l)) {
        // One line before the alarm gives it its place.
        Some(at) => (tail + at).saturating_sub(1),
        None => own.len().saturating_sub(SHOWN / 2),
    };
    // A long report tells most at its beginning (the first error) and at its end.
    let chosen = &own[start..];
    if chosen.len() <= SHOWN {
        return chosen.iter().map(|l| (*l).clone()).collect();
    }
    let mut shown: Vec<String> = chosen[..SHOWN / 2].iter().map(|l| (*l).clone()).collect();
    shown.push(format!("… {} lines left out …", chosen.len() - SHOWN + 1));
    shown.extend(
        chosen[chosen.len() - SHOWN / 2 + 1..]
            .iter()
            .map(|l| (*l).clone()),
    );
    shown
}

fn preamble(line: &str) -> bool {
    [
        "+ umask ",
        "+ cd /builddir",
        "+ STATUS=",
        "+ RPM_EC=",
        "+ jobs -p",
        "+ exit 0",
        "Executing(",
    ]
    .iter()
    .any(|p| line.starts_with(p))
}
