//! The words of a report.

use rpmkit_types::Hint;

use crate::failure::FailureCause;

use super::{End, finding::Finding, scene::Scene};

fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [one, two] => format!("`{one}` and `{two}`"),
        [one, rest @ ..] => format!("`{one}` and {} more", rest.len()),
    }
}

/// One line for people.
pub(super) fn message(
    cause: &FailureCause,
    finding: Option<&Finding>,
    scene: &Scene<'_>,
    end: End,
) -> String {
    let text = finding.map(|found| cut(without_script(&found.text), LONGEST));
    let told = text.as_deref().filter(|text| !text.is_empty());
    let in_section = |text: &str| match scene.section {
        Some(section) => format!("`{section}` failed: {text}"),
        None => text.to_owned(),
    };
    match cause {
        FailureCause::MissingCommand { command, section } => match section {
            Some(section) if command.starts_with('%') => {
                format!("`{section}` uses the macro `{command}`, which is not defined")
            }
            Some(section) => format!("`{section}` calls `{command}`, which is not installed"),
            None => format!("`{command}` is not installed"),
        },
        FailureCause::MissingComponent { .. } => {
            match (finding.and_then(|found| found.wants.first()), scene.section) {
                (Some(want), Some(section)) => {
                    match told.filter(|text| !text.contains("not found") && !text.contains("No ")) {
                        Some(text) => format!("`{section}` needs {want}: {text}"),
                        None => format!("`{section}` needs {want}, which is not installed"),
                    }
                }
                (Some(want), None) => format!("{want} is needed and not installed"),
                (None, _) => in_section(told.unwrap_or("something is missing")),
            }
        }
        FailureCause::UnpackagedFiles { files } => {
            format!("{} installed but in no `%files`", list(files))
        }
        // What is no path at all was not looked for.
        FailureCause::FilesMissing { files }
            if files.first().is_some_and(|one| !one.starts_with('/')) =>
        {
            let first = files.first().map_or("", String::as_str);
            let what = match first {
                _ if first.starts_with("%{") => "has a macro that is not defined",
                _ if first.starts_with('%') => "is no directive that rpm knows",
                _ => "is no absolute path",
            };
            format!("`{first}` in `%files` {what}")
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
        FailureCause::PatchFailed { .. } if told.is_none() => "a patch does not apply".to_owned(),
        FailureCause::WrongSourceDirectory { directory } => {
            format!("the sources do not unpack to the directory `{directory}`")
        }
        FailureCause::SpecParse { message } => format!("the spec does not parse: {message}"),
        FailureCause::ArchExcluded { arch } => format!("the spec does not build for `{arch}`"),
        FailureCause::ArchInNoarch => "a `noarch` package holds machine code".to_owned(),
        FailureCause::EmptyDebuginfo => {
            "the debuginfo package would be empty: nothing with debug information was installed"
                .to_owned()
        }
        FailureCause::Unresolvable { problems, .. } => match problems.first() {
            Some(first) => format!("dependencies cannot be satisfied: {first}"),
            None => "dependencies cannot be satisfied".to_owned(),
        },
        FailureCause::Timeout { seconds } => {
            let long = match seconds {
                Some(seconds) => format!("after {seconds} seconds, the time it was allowed"),
                None => "for taking longer than allowed".to_owned(),
            };
            match (scene.section, scene.command) {
                (Some(section), Some(command)) => format!(
                    "`{section}` was stopped at `{}` {long}",
                    cut(command, LONGEST_COMMAND)
                ),
                _ => format!("stopped {long}"),
            }
        }
        FailureCause::DiskFull { path } if told.is_some_and(|text| text.contains("quota")) => {
            match path {
                Some(path) => format!("the disk quota is used up: `{path}` cannot be written"),
                None => "the disk quota is used up".to_owned(),
            }
        }
        FailureCause::Limit { option, most, of } => {
            format!(
                "stopped for using more than {most} {of}, which is the limit of option `{option}`"
            )
        }
        FailureCause::DiskFull { path: Some(path) } => format!("no space left to write `{path}`"),
        FailureCause::DiskFull { path: None } => "no space left on the file system".to_owned(),
        FailureCause::Killed { signal } => match told {
            Some(text) => in_section(text),
            None => format!("killed by signal {signal}"),
        },
        FailureCause::Withheld { requirements } => {
            let shown: Vec<String> = requirements.iter().map(|dep| format!("`{dep}`")).collect();
            format!(
                "it has to wait for others of the chain, which provide {}",
                shown.join(", ")
            )
        }
        FailureCause::Interrupted => "interrupted".to_owned(),
        FailureCause::CarriageReturns => match scene.section {
            Some(section) => format!("`{section}` cannot be read: {}", told.unwrap_or("CRLF")),
            None => told.unwrap_or("CRLF").to_owned(),
        },
        _ => match (finding.filter(|found| found.whole), told) {
            (Some(found), _) => found.text.clone(),
            (None, Some(text)) => in_section(text),
            (None, None) => silent(scene, end),
        },
    }
}

/// What can be said of a command that said nothing itself.
fn silent(scene: &Scene<'_>, end: End) -> String {
    match (scene.section, scene.command, end) {
        (Some(section), Some(command), _) => {
            format!("`{section}` failed at `{}`", cut(command, LONGEST_COMMAND))
        }
        (Some(section), None, _) => format!("`{section}` failed"),
        (None, _, End::Status(status)) => format!("the command ended with status {status}"),
        (None, _, _) => "the command failed".to_owned(),
    }
}

/// A complaint of the shell without the place in rpm's own script, which tells nobody anything.
fn without_script(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("/var/tmp/rpm-tmp.") else {
        return text;
    };
    let Some((_, rest)) = rest.split_once(": ") else {
        return text;
    };
    match rest.split_once(": ") {
        Some((place, said)) if place.trim_start_matches("line ").parse::<u32>().is_ok() => said,
        _ => rest,
    }
}

/// The longest command, in characters, that a message quotes.
const LONGEST_COMMAND: usize = 80;
/// The longest text of a program that a message quotes; the lines of the report have the rest.
pub(super) const LONGEST: usize = 300;

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut text: String = text.chars().take(most).collect();
    text.push('…');
    text
}

/// What to do, as far as the output alone can tell.
pub(super) fn hints(
    cause: &FailureCause,
    finding: Option<&Finding>,
    section: Option<&str>,
) -> Vec<Hint> {
    let mut hints: Vec<Hint> = finding
        .map(|found| found.hints.iter().map(Hint::new).collect())
        .unwrap_or_default();
    if let Some(text) = by_cause(cause)
        && hints.is_empty()
    {
        hints.push(Hint::new(text));
    }
    let of_tests = matches!(cause, FailureCause::TestsFailed { .. })
        || matches!(cause, FailureCause::Section { .. }) && section == Some("%check");
    if of_tests && section == Some("%check") {
        hints.push(Hint::new("to build without the tests, add `--nocheck`"));
    }
    hints
}

fn by_cause(cause: &FailureCause) -> Option<String> {
    Some(match cause {
        FailureCause::UnpackagedFiles { .. } => "list them in a `%files` section, or delete them at the end of `%install`".to_owned(),
        FailureCause::FilesMissing { .. } => "remove them from `%files`, or see in `%install` why they were not installed".to_owned(),
        FailureCause::MissingBuildRequires { .. } => {
            "they were installed from no repository: check their names, or enable the repository that has them".to_owned()
        }
        FailureCause::MissingSource { file } => {
            format!("put `{file}` beside the spec, or give its line a URL it can be downloaded from")
        }
        FailureCause::WrongSourceDirectory { .. } => {
            "name the directory the archive contains with `-n` on `%setup` or `%autosetup`".to_owned()
        }
        FailureCause::ArchExcluded { .. } => "see `ExclusiveArch` and `ExcludeArch` in the spec".to_owned(),
        FailureCause::ArchInNoarch => "remove `BuildArch: noarch`, or do not install compiled files".to_owned(),
        FailureCause::Timeout { .. } => "raise the limit with `--rpmbuild-timeout SECONDS`; 0 is none".to_owned(),
        FailureCause::Limit { option, .. } => format!(
            "raise `{option}` in the configuration (0 is no limit), or for one run with `--config-opts {option}=NUMBER`"
        ),
        FailureCause::DiskFull { .. } => "free space, then see `rpmkit snap gc` for what rpmkit itself can give back".to_owned(),
        FailureCause::Killed { signal: 9 } => {
            "the kernel does this when memory runs out: try fewer parallel jobs, `--define '_smp_build_ncpus 1'`".to_owned()
        }
        _ => return None,
    })
}
