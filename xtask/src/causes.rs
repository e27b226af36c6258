//! `cargo xtask causes`: broken packages are built, and what the reports say is compared with what
//! they must say.
//!
//! A case is a directory with a spec, its sources and `expected.txt`, whose lines are `KEY: VALUE`:
//! `first` is a pattern of the cause, `line` the line of the spec (`-` where none is due), `hint` a
//! pattern one hint must match (`.*` where none is due), `never` a pattern neither cause nor hint
//! may match, `args` more words for `rpmkit build`, `note` a remark.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use regex_automata::meta::Regex;
use serde_json::Value;

use crate::{chroot, demo, distro, serve::Server};

/// Name of the file that says what a report must say.
const EXPECTED: &str = "expected.txt";

/// What to run.
pub struct Causes<'a> {
    /// The workspace.
    pub root: &'a Path,
    /// Its target directory.
    pub target: &'a Path,
    /// Directories of cases, or single cases.
    pub dirs: &'a [PathBuf],
    /// `rpmkit`, built already; without it, it is built.
    pub program: Option<&'a Path>,
    /// A directory with a chroot definition, and the chroot's name; without it the test distribution
    /// is made and served.
    pub prepared: Option<(&'a Path, &'a str)>,
    /// Where the cases are built and stay; without it nothing stays.
    pub keep: Option<&'a Path>,
}

impl Causes<'_> {
    /// Builds every case and tells the table through `tell`.
    ///
    /// # Errors
    /// When a report does not say what it must, or a case cannot be read.
    pub fn run(&self, say: &dyn Fn(&str), tell: &dyn Fn(&str)) -> Result<()> {
        let cases = self.cases()?;
        let program = match self.program {
            Some(program) => std::path::absolute(program)?,
            None => demo::build_suite(self.root, self.target, false)?,
        };
        let scratch = tempfile::Builder::new()
            .prefix("rpmkit-causes-")
            .tempdir_in("/var/tmp")?;
        let place = match self.keep {
            Some(dir) => std::path::absolute(dir)?,
            None => scratch.path().to_owned(),
        };
        let (conf, chroot, _server) = match self.prepared {
            Some((dir, name)) => (std::path::absolute(dir)?, name.to_owned(), None),
            None => {
                let work = self.target.join("distro");
                let made = distro::make(&work, distro::Suite::Bookworm, None, say)?;
                let server = Server::start(&made.dir, 0)?;
                let conf = scratch.path().join("conf");
                chroot::write(&conf, &made.stamp, &server.url(), chroot::With::Base)?;
                (conf, chroot::name(&made.stamp), Some(server))
            }
        };
        let stage = Stage {
            program,
            place,
            conf,
            chroot,
        };
        let mut verdicts = Vec::new();
        tell("cause line hint  case");
        for case in &cases {
            let verdict = stage
                .build(case)
                .with_context(|| format!("case `{}`", case.name))?;
            tell(&verdict.row(&case.name));
            verdicts.push(verdict);
        }
        let right = |which: fn(&Verdict) -> bool| verdicts.iter().filter(|v| which(v)).count();
        tell(&format!(
            "of {}: cause right in {}, line in {}, hint in {}, all in {}",
            cases.len(),
            right(|v| v.cause),
            right(|v| v.line),
            right(|v| v.hint),
            right(Verdict::good)
        ));
        let wrong = cases.len() - right(Verdict::good);
        ensure!(
            wrong == 0,
            "{wrong} reports do not say what they are to say"
        );
        Ok(())
    }

    fn cases(&self) -> Result<Vec<Case>> {
        let mut found = Vec::new();
        for dir in self.dirs {
            if dir.join(EXPECTED).is_file() {
                found.push(Case::read(dir)?);
                continue;
            }
            let listing =
                fs::read_dir(dir).with_context(|| format!("cannot list `{}`", dir.display()))?;
            let mut below: Vec<PathBuf> = listing
                .filter_map(Result::ok)
                .map(|entry| entry.path())
                .filter(|path| path.join(EXPECTED).is_file())
                .collect();
            below.sort();
            for path in below {
                found.push(Case::read(&path)?);
            }
        }
        ensure!(
            !found.is_empty(),
            "no case: none of the directories holds an `{EXPECTED}`"
        );
        Ok(found)
    }
}

/// Classes and borders of words are those of ASCII here; the tables for the rest are not compiled in.
fn ascii(pattern: &str) -> String {
    pattern.replace(r"\d", "[0-9]").replace(r"\b", r"(?-u:\b)")
}

/// One broken package.
struct Case {
    name: String,
    dir: PathBuf,
    first: Regex,
    line: Option<u64>,
    hint: Option<Regex>,
    never: Option<Regex>,
    args: Vec<String>,
}

impl Case {
    fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(EXPECTED);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        let value = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
                .map(str::trim)
                .filter(|value| !value.is_empty())
        };
        let pattern = |key: &str| -> Result<Option<Regex>> {
            value(key)
                .map(|text| {
                    Regex::new(&ascii(text))
                        .with_context(|| format!("`{key}` of `{}`", path.display()))
                })
                .transpose()
        };
        let any_hint = value("hint").is_some_and(|text| text.split('|').any(|one| one == ".*"));
        Ok(Self {
            name: dir
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            dir: dir.to_owned(),
            first: pattern("first")?
                .with_context(|| format!("`{}` has no `first:`", path.display()))?,
            line: match value("line") {
                None | Some("-") => None,
                Some(number) => Some(number.parse().with_context(|| {
                    format!("`line: {number}` of `{}` is no number", path.display())
                })?),
            },
            hint: if any_hint { None } else { pattern("hint")? },
            never: pattern("never")?,
            args: shlex::split(value("args").unwrap_or_default())
                .with_context(|| format!("`args` of `{}` has an open quote", path.display()))?,
        })
    }
}

/// What all cases are built with.
struct Stage {
    program: PathBuf,
    place: PathBuf,
    conf: PathBuf,
    chroot: String,
}

impl Stage {
    fn build(&self, case: &Case) -> Result<Verdict> {
        let dir = self.place.join(&case.name);
        if dir.exists() {
            fs::remove_dir_all(&dir)
                .with_context(|| format!("cannot remove `{}`", dir.display()))?;
        }
        fs::create_dir_all(&dir)?;
        for entry in fs::read_dir(&case.dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() && entry.file_name() != EXPECTED {
                fs::copy(entry.path(), dir.join(entry.file_name()))?;
            }
        }
        let output = Command::new(&self.program)
            .args(["build", "--json", "-r", &self.chroot, "--configdir"])
            .arg(&self.conf)
            .args(&case.args)
            .arg(&dir)
            .env("RPMKIT_CACHE_DIR", self.place.join(".cache"))
            .env("RPMKIT_STATE_DIR", self.place.join(".state"))
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run `{}`", self.program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let report = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|event| event["event"] == "failure");
        match report {
            Some(report) => Ok(Verdict::of(case, &report)),
            None if output.status.success() => Ok(Verdict::of_warnings(case, &text)),
            None => bail!(
                "{} without a report:\n{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }
}

/// How a report compares.
struct Verdict {
    cause: bool,
    line: bool,
    hint: bool,
    said: String,
}

impl Verdict {
    fn of(case: &Case, report: &Value) -> Self {
        let message = report["message"].as_str().unwrap_or_default();
        let hints: Vec<&str> = report["hints"]
            .as_array()
            .map(|all| all.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let line = report["spec"]["line"].as_u64();
        let forbidden = |text: &str| {
            case.never
                .as_ref()
                .is_some_and(|never| never.is_match(text))
        };
        Self {
            cause: case.first.is_match(message) && !forbidden(message),
            line: case.line.is_none() || line == case.line,
            hint: case
                .hint
                .as_ref()
                .is_none_or(|hint| hints.iter().any(|one| hint.is_match(*one)))
                && !hints.iter().any(|one| forbidden(one)),
            said: format!(
                "{}{message}{}",
                line.map_or_else(String::new, |line| format!("{line}: ")),
                hints
                    .iter()
                    .map(|hint| format!("\n                 hint: {hint}"))
                    .collect::<String>()
            ),
        }
    }

    /// What rpm lets pass must be warned of, with the place in the text.
    fn of_warnings(case: &Case, text: &str) -> Self {
        let warning = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|event| event["level"] == "warning")
            .filter_map(|event| event["text"].as_str().map(str::to_owned))
            .find(|text| case.first.is_match(text.as_str()));
        let place = |line: u64| {
            let place = format!(".spec:{line}:");
            warning.as_ref().is_some_and(|text| text.contains(&place))
        };
        Self {
            cause: warning.is_some(),
            line: case.line.is_none_or(place),
            hint: case.hint.is_none(),
            said: warning.unwrap_or_else(|| "the build succeeded".to_owned()),
        }
    }

    fn good(&self) -> bool {
        self.cause && self.line && self.hint
    }

    fn row(&self, name: &str) -> String {
        let word = |right| if right { "ok" } else { "NO" };
        format!(
            "{:<5} {:<4} {:<5} {name}\n                 {}",
            word(self.cause),
            word(self.line),
            word(self.hint),
            self.said
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn case(text: &str) -> Case {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(EXPECTED), text).unwrap();
        Case::read(dir.path()).unwrap()
    }

    fn report(message: &str, line: u64, hint: &str) -> Value {
        serde_json::json!({"message": message, "spec": {"line": line}, "hints": [hint]})
    }

    #[test]
    fn a_report_is_compared_with_what_is_expected() {
        let case = case("first: zlib\nline: 7\nhint: BuildRequires\nnever: bison\n");
        let good = Verdict::of(&case, &report("no zlib.h", 7, "add `BuildRequires: zlib`"));
        assert!(good.good());
        let other = Verdict::of(&case, &report("no zlib.h", 8, "install bison"));
        assert!(other.cause && !other.line && !other.hint);
        let both = Verdict::of(&case, &report("no zlib.h, no bison", 7, "BuildRequires"));
        assert!(!both.cause && both.hint);
    }

    #[test]
    fn a_line_or_hint_may_be_due_or_not() {
        let case = case("first: x\nline: -\nhint: ~|.*\nargs: --nocheck 'a b'\n");
        assert_eq!((case.line, case.hint.is_none()), (None, true));
        assert_eq!(case.args, ["--nocheck", "a b"]);
    }
}
