//! What a failed run knows about its failure, as one record.
//!
//! The terminal report, the `failure` member of `result.json`, the CI annotation and the last JSON
//! line are all renderings of a [`FailureReport`]; none of them looks at a log again.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use rpmkit_types::{
    Dep, ExitCode, Hint,
    event::{Log, Phase},
};

use crate::want::MissingThing;

/// Version of the record's layout. Raised when a member changes its meaning; new members and new kinds of
/// causes do not raise it: a reader that does not know a kind takes it for [`FailureCause::Other`].
pub const FORMAT: u32 = 1;

/// The reason a run ended, most specific first wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FailureCause {
    /// A section of the spec ended with a failure and nothing more precise is known.
    Section {
        /// With its per cent sign: `%build`.
        section: String,
    },
    /// A program that a section called does not exist in the chroot.
    MissingCommand {
        /// Its name.
        command: String,
        /// The section that called it.
        section: Option<String>,
    },
    /// Something a compiler, interpreter or build system looked for is not installed.
    MissingComponent {
        /// A dependency that would provide it, in the form `BuildRequires:` takes.
        requirement: String,
        /// The section that looked for it.
        section: Option<String>,
    },
    /// Files were installed that no `%files` section lists.
    UnpackagedFiles {
        /// Absolute paths in the package.
        files: Vec<String>,
    },
    /// `%files` lists what was not installed.
    FilesMissing {
        /// Absolute paths or patterns in the package.
        files: Vec<String>,
    },
    /// rpmbuild found build dependencies missing.
    MissingBuildRequires {
        /// The dependencies as the spec states them.
        requirements: Vec<String>,
    },
    /// A `SourceN` or `PatchN` is not there.
    MissingSource {
        /// File name.
        file: String,
    },
    /// A patch does not apply.
    PatchFailed {
        /// File name of the patch, where the output tells.
        patch: Option<String>,
    },
    /// An archive does not contain the directory `%setup` changes to.
    WrongSourceDirectory {
        /// The directory that is not there.
        directory: String,
    },
    /// The spec does not parse.
    SpecParse {
        /// What rpm said, without the line number.
        message: String,
    },
    /// The spec excludes this architecture.
    ArchExcluded {
        /// The architecture asked for.
        arch: String,
    },
    /// A `noarch` package holds machine code.
    ArchInNoarch,
    /// Dependencies that no repository can satisfy.
    Unresolvable {
        /// One problem each, in words.
        problems: Vec<String>,
        /// What was asked for and is not offered at all, one sentence each, in dnf's words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unmatched: Vec<String>,
        /// The requirements that stand in the way, each once.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        requirements: Vec<Unmet>,
    },
    /// A compiler or a linker refused; [`FailureReport::source`] has the place, where it was told.
    Compile {
        /// The section it ran in.
        section: Option<String>,
    },
    /// Tests ran and some failed.
    TestsFailed {
        /// The section they ran in.
        section: Option<String>,
        /// What ran them: `pytest`, `ctest`, …
        framework: String,
        /// Names of those that failed, as the framework writes them; perhaps not all.
        tests: Vec<String>,
        /// How many failed.
        failed: u64,
        /// How many there were, where the framework counts them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    /// Something was to be downloaded, and builds have no network.
    Network {
        /// The section.
        section: Option<String>,
        /// The host that was to be reached, where the output names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
    },
    /// An archive does not unpack.
    BrokenArchive {
        /// Its file name, where the output tells.
        file: Option<String>,
    },
    /// The shell could not read a section.
    ShellSyntax {
        /// The section.
        section: String,
        /// What the shell said, without the place in its own file.
        said: String,
    },
    /// Lines end with a carriage return where none may be.
    CarriageReturns,
    /// A directory to change to does not exist.
    MissingDirectory {
        /// The directory.
        directory: String,
        /// The section.
        section: Option<String>,
    },
    /// The interpreter that a script's first line names is not there.
    BadInterpreter {
        /// The script, as it was called.
        script: String,
    },
    /// The package for debug information would have no files.
    EmptyDebuginfo,
    /// It generated requirements that other builds of the chain answer, and has to wait for them.
    Withheld {
        /// Those.
        requirements: Vec<Dep>,
    },
    /// A command took longer than it was allowed.
    Timeout {
        /// The limit in seconds, where known.
        seconds: Option<u64>,
    },
    /// A command used more than the configuration allows.
    Limit {
        /// The option that sets the limit.
        option: String,
        /// Its value.
        most: u64,
        /// What was used: words with a unit, such as `MiB of memory`.
        of: String,
    },
    /// A file system ran full.
    DiskFull {
        /// The file that could not be written, where the output names it.
        path: Option<String>,
    },
    /// A process was killed.
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// The user or a supervisor stopped the run.
    Interrupted,
    /// Nothing of the above; the report's message says what is known. Also what a kind of a later release
    /// reads as.
    #[serde(other)]
    Other,
}

/// A requirement that cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmet {
    /// As it is written, version included.
    pub requirement: String,
    /// The line of the spec that asks for it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// A place in a spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecLine {
    /// The spec's file name or path as the user knows it.
    pub file: PathBuf,
    /// Counted from one.
    pub line: u32,
    /// The text of that line, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A place in a file of the sources, by the path the compiler gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePlace {
    /// Relative to the directory of the sources, unless the compiler named another place.
    pub file: PathBuf,
    /// Counted from one.
    pub line: u32,
    /// Counted from one, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// Everything there is to say about one failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureReport {
    /// [`FORMAT`].
    pub format: u32,
    /// The phase that failed, where the run had got into one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Why.
    pub cause: FailureCause,
    /// One line for people, lower case, no full stop.
    pub message: String,
    /// The package that failed, as `name-version-release` or a file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The chroot it failed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chroot: Option<String>,
    /// Where in the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<SpecLine>,
    /// Where in the sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePlace>,
    /// Where in the chroot the command that failed ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// The script in the chroot that rpm ran the section with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<PathBuf>,
    /// The snapshot that keeps the chroot as the build left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// What was missing, in terms repositories can be asked in.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "known_wants"
    )]
    pub wants: Vec<MissingThing>,
    /// The last useful lines of output, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// The log that has the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Hint>,
    /// A command to paste that gets one closer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The status the process ends with.
    pub exit_code: u8,
}

/// Things of kinds that this release knows.
fn known_wants<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<MissingThing>, D::Error> {
    let all = Vec::<serde_json::Value>::deserialize(from)?;
    let known = all.into_iter().map(serde_json::from_value);
    Ok(known.filter_map(Result::ok).collect())
}

impl FailureReport {
    /// A report that knows only a message and a code; the rest is filled in by who knows it.
    pub fn new(exit_code: ExitCode, cause: FailureCause, message: impl Into<String>) -> Self {
        Self {
            format: FORMAT,
            phase: None,
            cause,
            message: message.into(),
            package: None,
            chroot: None,
            spec: None,
            source: None,
            directory: None,
            script: None,
            kept: None,
            wants: Vec::new(),
            lines: Vec::new(),
            log: None,
            hints: Vec::new(),
            next: None,
            exit_code: exit_code.code(),
        }
    }

    /// Names the command that opens the chroot as the failed build left it, where a look into it
    /// helps. To be called only when it is left so. `how` are the words that choose this chroot,
    /// for a shell; without them its name does.
    pub fn suggest_look(&mut self, how: Option<&str>) {
        let helps = matches!(
            self.cause,
            FailureCause::Section { .. }
                | FailureCause::MissingCommand { .. }
                | FailureCause::MissingComponent { .. }
                | FailureCause::UnpackagedFiles { .. }
                | FailureCause::FilesMissing { .. }
                | FailureCause::PatchFailed { .. }
                | FailureCause::WrongSourceDirectory { .. }
                | FailureCause::Compile { .. }
                | FailureCause::TestsFailed { .. }
                | FailureCause::BrokenArchive { .. }
                | FailureCause::MissingDirectory { .. }
                | FailureCause::BadInterpreter { .. }
                | FailureCause::EmptyDebuginfo
                | FailureCause::Killed { .. }
        );
        if let Some(chroot) = self
            .chroot
            .as_ref()
            .filter(|_| helps && self.next.is_none())
        {
            self.next = Some(match how {
                Some(how) => format!("rpmkit shell {how}"),
                None => format!("rpmkit mock -r {chroot} --shell"),
            });
        }
    }

    /// The failure line by line, for a log or a terminal without failure reports: the message, then what of the
    /// cause it does not say. What nothing provides is said in the words of dnf, which people and
    /// programs look for, with who asked.
    pub fn statement(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.message.lines().map(str::to_owned).collect();
        let (more, quoted) = match &self.cause {
            FailureCause::Unresolvable {
                problems,
                unmatched,
                ..
            } => {
                let by = match &self.package {
                    Some(package) => format!(" (required by {package})"),
                    None => String::new(),
                };
                lines.extend(unmatched.iter().map(|line| format!("{line}{by}")));
                (problems, false)
            }
            FailureCause::UnpackagedFiles { files } | FailureCause::FilesMissing { files } => {
                (files, true)
            }
            FailureCause::MissingBuildRequires { requirements } => (requirements, true),
            _ => return lines,
        };
        let more = more.iter().filter(|line| !self.message.contains(*line));
        lines.extend(more.map(|line| {
            if quoted {
                format!("    {line}")
            } else {
                line.clone()
            }
        }));
        lines
    }

    /// Which of the log files has the rest of the story.
    pub fn which_log(&self) -> Log {
        match self.phase {
            Some(Phase::Rpmbuild | Phase::DynamicBuildRequires | Phase::Srpm) => Log::Build,
            _ => Log::Root,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn an_older_writer_and_a_newer_one_can_both_be_read() {
        let bare = r#"{"format":1,"cause":{"kind":"other"},"message":"no","exit_code":1}"#;
        let report: FailureReport = serde_json::from_str(bare).unwrap();
        assert_eq!(report.cause, FailureCause::Other);
        let newer =
            r#"{"format":1,"cause":{"kind":"other"},"message":"no","exit_code":1,"new":[]}"#;
        assert_eq!(
            serde_json::from_str::<FailureReport>(newer).unwrap(),
            report
        );
        let kinds = r#"{"format":1,"cause":{"kind":"of-tomorrow","what":"x"},"message":"no","exit_code":1,
            "wants":[{"kind":"of-tomorrow","name":"x"},{"kind":"header","name":"zlib.h"}]}"#;
        let later: FailureReport = serde_json::from_str(kinds).unwrap();
        assert_eq!(later.cause, FailureCause::Other);
        assert_eq!(later.wants, [MissingThing::Header("zlib.h".into())]);
    }

    #[test]
    fn a_look_is_offered_where_it_helps() {
        let mut report = FailureReport::new(ExitCode::General, FailureCause::Other, "no");
        report.chroot = Some("td".into());
        report.suggest_look(None);
        assert_eq!(report.next, None);
        report.cause = FailureCause::ArchInNoarch;
        report.suggest_look(None);
        assert_eq!(report.next, None);
        report.cause = FailureCause::PatchFailed { patch: None };
        report.suggest_look(None);
        assert_eq!(report.next.as_deref(), Some("rpmkit mock -r td --shell"));
        report.next = None;
        report.suggest_look(Some("-r td --configdir /c"));
        assert_eq!(
            report.next.as_deref(),
            Some("rpmkit shell -r td --configdir /c")
        );
    }

    #[test]
    fn the_statement_says_what_the_message_leaves_out() {
        let cause = FailureCause::Unresolvable {
            problems: vec!["cannot install `no-such-devel >= 3`".into()],
            unmatched: vec!["No matching package to install: 'no-such-devel >= 3'".into()],
            requirements: Vec::new(),
        };
        let mut report = FailureReport::new(ExitCode::PackageManager, cause, "no way");
        report.package = Some("x-1-1.src.rpm".into());
        assert_eq!(
            report.statement(),
            [
                "no way",
                "No matching package to install: 'no-such-devel >= 3' (required by x-1-1.src.rpm)",
                "cannot install `no-such-devel >= 3`",
            ]
        );
        report.cause = FailureCause::FilesMissing {
            files: vec!["/a".into(), "/b".into()],
        };
        report.message = "`/a` is not there".into();
        assert_eq!(report.statement(), ["`/a` is not there", "    /b"]);
    }

    #[test]
    fn a_failure_report_survives_json() {
        let mut report = FailureReport::new(
            ExitCode::Build,
            FailureCause::Section {
                section: "%check".into(),
            },
            "`%check` failed",
        );
        report.phase = Some(Phase::Rpmbuild);
        report.spec = Some(SpecLine {
            file: "a.spec".into(),
            line: 4,
            text: None,
        });
        report.hints.push(Hint::new("try again"));
        let text = serde_json::to_string(&report).unwrap();
        assert!(
            text.contains(r#""kind":"section","section":"%check""#),
            "{text}"
        );
        assert_eq!(
            serde_json::from_str::<FailureReport>(&text).unwrap(),
            report
        );
    }
}
