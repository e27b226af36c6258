//! `cargo xtask agree`: what rpmkit installs is what the suite's own dnf installs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::distro::oracle::{self, Installed, Step};
use crate::distro::{self, Distro, Suite};
use crate::serve::Server;
use crate::users::Identity;
use crate::{chroot, demo};

/// What is compared, each in a root of its own: what it starts from, and what is done to it then.
const RUNS: &[(&[&str], &[Step])] = &[
    (&["@buildsys-build"], &[]),
    (
        &[
            "@buildsys-build",
            "@c-development",
            "testdist-weak",
            "testdist-weak-api-2",
        ],
        &[],
    ),
    (
        &[
            "@buildsys-build",
            "testdist-accounts-files",
            "testdist-files",
        ],
        &[],
    ),
    // Older packages and what watches them, made new, and gone.
    (
        &[
            "@buildsys-build",
            "testdist-triggers",
            "testdist-swap-1-1.td1",
            "testdist-versions-1.0~rc1-1.td1",
        ],
        &[
            Step::Install(&["testdist-watched", "testdist-weak", "testdist-weak-api-2"]),
            Step::Update,
            Step::Remove(&["testdist-watched", "testdist-swap", "testdist-weak"]),
        ],
    ),
];

/// Users rpmkit makes in a chroot for itself, which no package knows of.
const BUILDERS: [&str; 2] = ["mockbuild", "mock"];

/// Compares every list; an error names all differences. The suite's distribution is at `dir` (default: below
/// `target`) and is made first; rpmkit is `program`, or built first.
pub fn run(
    root: &Path,
    target: &Path,
    suite: Suite,
    dir: Option<&Path>,
    program: Option<PathBuf>,
    say: &dyn Fn(&str),
) -> Result<()> {
    let distro = match dir {
        Some(dir) => Distro::at(dir)?,
        None => distro::make(&target.join("distro"), suite, None, say)?,
    };
    compare(root, target, &distro, program, say)
}

/// The same against a distribution that is there.
pub fn compare(
    root: &Path,
    target: &Path,
    distro: &Distro,
    program: Option<PathBuf>,
    say: &dyn Fn(&str),
) -> Result<()> {
    let program = match program {
        Some(program) => std::path::absolute(program)?,
        None => demo::build_suite(root, target, false)?,
    };
    let me = Identity {
        label: "me",
        ids: None,
    };
    let server = Server::start(&distro.dir, 0)?;
    let mut wrong = Vec::new();
    for (start, then) in RUNS {
        let label = label(start, then);
        let place = tempfile::Builder::new()
            .prefix("rpmkit-agree-")
            .tempdir_in("/var/tmp")?;
        let compared = || -> Result<Vec<String>> {
            let expected = by_dnf(distro, start, then, place.path())?;
            let ours = Ours {
                program: &program,
                me: &me,
                distro,
                place: place.path(),
            };
            let ours = ours.install(&server.url(), start, then)?;
            Ok(differences(&expected, &ours))
        };
        let found = compared().unwrap_or_else(|error| vec![format!("{error:#}")]);
        let mark = if found.is_empty() { "ok   " } else { "WRONG" };
        say(&format!("{mark} {label}"));
        wrong.extend(found.into_iter().map(|one| format!("{label}: {one}")));
    }
    if !wrong.is_empty() {
        bail!("{} differences:\n{}", wrong.len(), wrong.join("\n"));
    }
    Ok(())
}

/// What one comparison is called.
fn label(start: &[&str], then: &[Step]) -> String {
    let mut label = start.join(" ");
    for step in then {
        label += &match step {
            Step::Install(names) => format!("; install {}", names.join(" ")),
            Step::Update => "; update".to_owned(),
            Step::Remove(names) => format!("; remove {}", names.join(" ")),
        };
    }
    label
}

fn by_dnf(
    distro: &Distro,
    start: &'static [&'static str],
    then: &[Step],
    place: &Path,
) -> Result<Installed> {
    let target = place.join("dnf");
    std::fs::create_dir(&target)?;
    let steps = [&[Step::Install(start)], then].concat();
    oracle::run(distro, "zst", &steps, &target)
}

/// rpmkit, in a chroot of its own below `place`.
struct Ours<'a> {
    program: &'a Path,
    me: &'a Identity,
    distro: &'a Distro,
    place: &'a Path,
}

impl Ours<'_> {
    fn install(&self, url: &str, start: &[&str], then: &[Step]) -> Result<Installed> {
        let definition = chroot::write(
            &self.place.join("config"),
            &self.distro.stamp,
            url,
            chroot::With::Base,
        )?;
        let text = std::fs::read_to_string(&definition)?;
        ensure!(
            text.contains(chroot::SETUP),
            "the definition has no `{}`",
            chroot::SETUP
        );
        let setup = format!("install {}", start.join(" "));
        std::fs::write(&definition, text.replace(chroot::SETUP, &setup))?;
        self.run(&["--init"])?;
        for step in then {
            match step {
                Step::Install(names) => self.run(&[&["--install"], *names].concat())?,
                Step::Update => self.run(&["--update"])?,
                Step::Remove(names) => self.run(&[&["--remove"], *names].concat())?,
            };
        }
        let packages = self.ask(&format!("rpm -qa --qf '{}'", oracle::QUERY))?;
        let installed = Installed {
            packages: oracle::packages(&packages),
            passwd: self.ask("cat /etc/passwd")?,
            group: self.ask("cat /etc/group")?,
            shadow: oracle::undated(&self.ask("cat /etc/shadow")?),
            gshadow: self.ask("cat /etc/gshadow")?,
            triggered: self.ask(&format!("cat /{} 2>/dev/null || :", oracle::TRIGGERED))?,
            // Its status says whether it printed something.
            verified: self.ask("rpm -Va || :")?,
        };
        self.run(&["--scrub", "all"])?;
        Ok(installed)
    }

    fn ask(&self, command: &str) -> Result<String> {
        self.run(&["--no-clean", "--chroot", command])
    }

    fn run(&self, words: &[&str]) -> Result<String> {
        let chroot = chroot::name(&self.distro.stamp);
        let output = self
            .me
            .command(self.program, self.place)
            .args(["mock", "--quiet", "-r", &chroot, "--configdir"])
            .arg(self.place.join("config"))
            .args(words)
            .current_dir(self.place)
            .output()
            .context("cannot run rpmkit")?;
        ensure!(
            output.status.success(),
            "`rpmkit mock {}` failed ({}):\n{}",
            words.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Lines of a file of accounts, without those rpmkit makes for itself.
fn accounts(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| {
            let name = line.split(':').next().unwrap_or_default();
            !BUILDERS.contains(&name)
        })
        .map(str::to_owned)
        .collect()
}

fn differences(dnf: &Installed, ours: &Installed) -> Vec<String> {
    let mut out = Vec::new();
    let mut sets = |what: &str, dnf: &BTreeSet<String>, ours: &BTreeSet<String>| {
        out.extend(
            dnf.difference(ours)
                .map(|one| format!("{what} `{one}` is dnf's alone")),
        );
        out.extend(
            ours.difference(dnf)
                .map(|one| format!("{what} `{one}` is rpmkit's alone")),
        );
    };
    sets("package", &dnf.packages, &ours.packages);
    sets("user", &accounts(&dnf.passwd), &accounts(&ours.passwd));
    sets("group", &accounts(&dnf.group), &accounts(&ours.group));
    sets("shadow", &accounts(&dnf.shadow), &accounts(&ours.shadow));
    sets("gshadow", &accounts(&dnf.gshadow), &accounts(&ours.gshadow));
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    sets(
        "`rpm -Va` line",
        &lines(&dnf.verified),
        &lines(&ours.verified),
    );
    if dnf.triggered != ours.triggered {
        out.push(format!(
            "dnf's triggers:\n{}rpmkit's triggers:\n{}",
            dnf.triggered, ours.triggered
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_builders_account_may_differ() {
        let dnf = Installed {
            packages: ["a".to_owned()].into(),
            passwd: "root:x:0\n".into(),
            group: "root:x:0\n".into(),
            shadow: String::new(),
            gshadow: String::new(),
            verified: String::new(),
            triggered: "1\n2\n".into(),
        };
        let mut ours = dnf.clone();
        ours.passwd += "mockbuild:x:1000\n";
        assert!(differences(&dnf, &ours).is_empty());
        ours.passwd += "extra:x:1\n";
        ours.packages.insert("b".into());
        ours.verified = ".M....... /etc\n".into();
        ours.triggered = "2\n1\n".into();
        assert_eq!(differences(&dnf, &ours).len(), 4);
    }
}
