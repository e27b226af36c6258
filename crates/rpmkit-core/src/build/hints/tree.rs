//! What the tree of a failed build can tell that its output does not. Everything runs in the chroot, as
//! the build user: the tree is a stranger's.

use std::{path::PathBuf, time::Duration};

use rpmkit_results::{
    failure::{FailureCause, FailureReport},
    want::MissingThing,
};
use rpmkit_types::Hint;

use super::Buildroot;

/// Longest time for one look.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn look(root: &mut Buildroot, report: &mut FailureReport) {
    match report.cause.clone() {
        FailureCause::FilesMissing { files } => elsewhere(root, report, &files),
        FailureCause::PatchFailed { patch: Some(patch) } => applied(root, report, &patch),
        FailureCause::BadInterpreter { script } if report.wants.is_empty() => {
            interpreter(root, report, &script)
        }
        _ => {}
    }
}

/// Runs a program in a directory of the build and gives what it printed, if it ended well.
fn ask(root: &mut Buildroot, argv: &[&str], cwd: Option<PathBuf>) -> Option<String> {
    let argv = argv.iter().map(|word| (*word).to_owned()).collect();
    let mut run = root.command(argv, root.build_user());
    run.log = None;
    run.timeout = Some(PATIENCE);
    run.cwd = cwd.unwrap_or_else(|| root.topdir().as_path().to_owned());
    let ran = root.run(&run).ok()?;
    ran.exit
        .success()
        .then(|| String::from_utf8_lossy(&ran.output).into_owned())
}

/// Files of `%files` that were installed under another path.
fn elsewhere(root: &mut Buildroot, report: &mut FailureReport, files: &[String]) {
    let top = root.topdir().to_string();
    let mut hints: Vec<Hint> = Vec::new();
    for file in files.iter().take(3) {
        let Some(name) = file
            .rsplit('/')
            .next()
            .filter(|name| !name.is_empty() && !name.contains(['*', '?', '[']))
        else {
            continue;
        };
        let found = ask(
            root,
            &["find", &top, "-path", "*/BUILDROOT/*", "-name", name],
            None,
        )
        .unwrap_or_default();
        let places: Vec<String> = found
            .lines()
            .filter_map(below_buildroot)
            .take(3)
            .map(|path| format!("`{path}`"))
            .collect();
        if !places.is_empty() {
            hints.push(Hint::new(format!("`{name}` is installed as {}: list that in `%files`, or install it where `%files` has it", places.join(", "))));
        }
    }
    if !hints.is_empty() {
        report.hints = hints;
    }
}

/// The path in the package. Up to rpm 4.19 a directory named after the package is between.
fn below_buildroot(path: &str) -> Option<&str> {
    let (_, below) = path.split_once("/BUILDROOT/")?;
    let start = match below.split_once('/') {
        Some((package, _)) if package.contains('-') => &below[package.len()..],
        _ => &path[path.len() - below.len() - 1..],
    };
    start.chars().all(|c| !c.is_control()).then_some(start)
}

/// Whether a patch that does not apply is in the sources already.
fn applied(root: &mut Buildroot, report: &mut FailureReport, patch: &str) {
    if patch.contains('/') || patch.starts_with('-') {
        return;
    }
    let Some(directory) = report.directory.clone() else {
        return;
    };
    let file = format!("{}/SOURCES/{patch}", root.topdir());
    let reverts = ["-p1", "-p0", "-p2"].iter().any(|level| {
        ask(
            root,
            &["patch", "-R", "--dry-run", "-s", "-f", level, "-i", &file],
            Some(directory.clone()),
        )
        .is_some()
    });
    if reverts {
        report.message =
            format!("the patch `{patch}` is applied already: the sources contain its change");
        report.hints = vec![Hint::new(format!(
            "drop `{patch}`: the sources contain it already"
        ))];
    }
}

/// The interpreter of a script the kernel would not run.
fn interpreter(root: &mut Buildroot, report: &mut FailureReport, script: &str) {
    let Some(text) = ask(
        root,
        &["head", "-c", "200", "--", script],
        report.directory.clone(),
    ) else {
        return;
    };
    let Some(line) = text
        .split('\n')
        .next()
        .and_then(|line| line.strip_prefix("#!"))
    else {
        return;
    };
    if line.ends_with('\r') {
        report.message = format!(
            "`{script}` has line ends of DOS (CRLF), so that no interpreter is found for it"
        );
        report.hints = vec![Hint::new(format!(
            "write it with line ends of Unix in `%prep`: `sed -i 's/\\r$//' {script}`"
        ))];
        return;
    }
    let Some(path) = line
        .split_whitespace()
        .next()
        .filter(|path| path.starts_with('/'))
    else {
        return;
    };
    let want = MissingThing::File(path.to_owned());
    if want.is_plain() {
        report.message = format!("{}: `{path}`", report.message);
        report.wants.push(want);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_the_package() {
        assert_eq!(
            below_buildroot("/b/BUILDROOT/a-1-1.x86_64/usr/lib/x.so"),
            Some("/usr/lib/x.so")
        );
        assert_eq!(
            below_buildroot("/b/BUILD/a-build/BUILDROOT/usr/lib/x.so"),
            Some("/usr/lib/x.so")
        );
        assert_eq!(below_buildroot("/b/BUILD/x"), None);
    }
}
