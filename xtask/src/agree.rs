//! `cargo xtask agree`: what rpmkit installs is what the suite's own dnf installs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::distro::oracle::{self, Installed};
use crate::distro::{self, Distro, Suite};
use crate::serve::Server;
use crate::users::Identity;
use crate::{chroot, demo};

/// Lists to install, each into a root of its own.
const LISTS: &[&[&str]] = &[
    &["@buildsys-build"],
    &[
        "@buildsys-build",
        "@c-development",
        "testdist-weak",
        "testdist-weak-api-2",
    ],
    &[
        "@buildsys-build",
        "testdist-accounts-files",
        "testdist-files",
    ],
    &[
        "@buildsys-build",
        "testdist-triggers",
        "testdist-watched",
        "testdist-swap",
        "testdist-versions",
    ],
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
    for list in LISTS {
        let names: Vec<String> = list.iter().map(|&name| name.to_owned()).collect();
        let label = names.join(" ");
        let place = tempfile::Builder::new()
            .prefix("rpmkit-agree-")
            .tempdir_in("/var/tmp")?;
        let compared = || -> Result<Vec<String>> {
            let expected = by_dnf(distro, &names, place.path())?;
            let ours = by_rpmkit(&program, &me, distro, &server.url(), &names, place.path())?;
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

fn by_dnf(distro: &Distro, names: &[String], place: &Path) -> Result<Installed> {
    let target = place.join("dnf");
    std::fs::create_dir(&target)?;
    oracle::install(distro, "zst", names, &target)
}

fn by_rpmkit(
    program: &Path,
    me: &Identity,
    distro: &Distro,
    url: &str,
    names: &[String],
    place: &Path,
) -> Result<Installed> {
    let config = place.join("config");
    let definition = chroot::write(&config, &distro.stamp, url, chroot::With::Base)?;
    let text = std::fs::read_to_string(&definition)?;
    let setup = format!("install {}", names.join(" "));
    ensure!(
        text.contains(chroot::SETUP),
        "the definition has no `{}`",
        chroot::SETUP
    );
    std::fs::write(&definition, text.replace(chroot::SETUP, &setup))?;
    let chroot = chroot::name(&distro.stamp);
    let run = |words: &[&str]| -> Result<(bool, String)> {
        let output = me
            .command(program, place)
            .args(["mock", "--quiet", "-r", &chroot, "--configdir"])
            .arg(&config)
            .args(words)
            .current_dir(place)
            .output()
            .context("cannot run rpmkit")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() && words.first() != Some(&"--chroot") {
            bail!(
                "`rpmkit mock {}` failed ({}):\n{}",
                words.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok((output.status.success(), text))
    };
    run(&["--init"])?;
    let ask = |command: &str| run(&["--chroot", command]);
    let (listed, packages) = ask(&format!("rpm -qa --qf '{}'", oracle::QUERY))?;
    ensure!(listed, "`rpm -qa` failed in the chroot");
    let installed = Installed {
        packages: oracle::packages(&packages),
        passwd: ask("cat /etc/passwd")?.1,
        group: ask("cat /etc/group")?.1,
        verified: ask("rpm -Va")?.1,
    };
    run(&["--scrub", "all"])?;
    Ok(installed)
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
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    sets(
        "`rpm -Va` line",
        &lines(&dnf.verified),
        &lines(&ours.verified),
    );
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
            verified: String::new(),
        };
        let mut ours = dnf.clone();
        ours.passwd += "mockbuild:x:1000\n";
        assert!(differences(&dnf, &ours).is_empty());
        ours.passwd += "extra:x:1\n";
        ours.packages.insert("b".into());
        ours.verified = ".M....... /etc\n".into();
        assert_eq!(differences(&dnf, &ours).len(), 3);
    }
}
