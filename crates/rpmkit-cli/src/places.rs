//! Places in a report, as the user would type them: the spec and the sources of a checkout, from where
//! the user stands.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use rpmkit_core::results::failure::FailureReport;

use crate::sources::RESULTS;

/// How deep below the checkout a file is looked for.
const DEPTH: usize = 4;
/// Entries looked at before giving up.
const MOST: usize = 20_000;

/// Replaces names in `report` by paths from `cwd` to files of the checkout at `top`. A place in the
/// sources that is in no file of the checkout is left as the compiler gave it.
pub fn settle(report: &mut FailureReport, top: &Path, cwd: &Path) {
    if let Some(spec) = report.spec.as_mut()
        && let Some(path) = find(top, &spec.file)
    {
        spec.file = from(cwd, &path);
    }
    if let Some(source) = report.source.as_mut()
        && let Some(path) = in_checkout(top, &source.file)
    {
        source.file = from(cwd, &path);
    }
}

/// The file of the checkout a place in the sources means, if there is exactly that file.
pub fn in_checkout(top: &Path, file: &Path) -> Option<PathBuf> {
    let plain = file
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !plain {
        return None;
    }
    // Archives unpack to a directory of their own, which a checkout has not.
    let mut parts = file.components();
    for _ in 0..2 {
        let path = top.join(parts.as_path());
        if is_file(&path) {
            return Some(path);
        }
        parts.next()?;
    }
    None
}

/// A file of that name: at the path itself, else the only or least deep one below the checkout.
fn find(top: &Path, name: &Path) -> Option<PathBuf> {
    let direct = top.join(name);
    if is_file(&direct) {
        return Some(direct);
    }
    let wanted = name.file_name()?;
    let mut level = vec![top.to_owned()];
    let mut seen = 0;
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        let mut found = Vec::new();
        for dir in level {
            for entry in fs::read_dir(&dir)
                .into_iter()
                .flatten()
                .filter_map(Result::ok)
            {
                seen += 1;
                if seen > MOST {
                    return None;
                }
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                let own = entry.file_name();
                if kind.is_file() && own == wanted {
                    found.push(entry.path());
                } else if kind.is_dir() && own != ".git" && own != RESULTS {
                    next.push(entry.path());
                }
            }
        }
        if !found.is_empty() {
            found.sort();
            return found.into_iter().next();
        }
        level = next;
    }
    None
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// The path from `cwd`, if it leads down; else as it is.
fn from(cwd: &Path, path: &Path) -> PathBuf {
    match path.strip_prefix(cwd) {
        Ok(below) if below.as_os_str().is_empty() => path.to_owned(),
        Ok(below) => below.to_owned(),
        Err(_) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rpmkit_core::{
        ExitCode,
        results::failure::{FailureCause, SourcePlace, SpecLine},
    };

    use super::*;

    #[test]
    fn places_are_paths_from_where_the_user_stands() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("project");
        fs::create_dir_all(top.join("packaging")).unwrap();
        fs::create_dir_all(top.join("src")).unwrap();
        fs::write(top.join("packaging/a.spec"), "").unwrap();
        fs::write(top.join("src/a.c"), "").unwrap();
        let mut report = FailureReport::new(ExitCode::General, FailureCause::Other, "no");
        report.spec = Some(SpecLine {
            file: "a.spec".into(),
            line: 1,
            text: None,
        });
        report.source = Some(SourcePlace {
            file: "src/a.c".into(),
            line: 2,
            column: None,
        });
        settle(&mut report, &top, dir.path());
        assert_eq!(
            report.spec.as_ref().unwrap().file,
            Path::new("project/packaging/a.spec")
        );
        assert_eq!(
            report.source.as_ref().unwrap().file,
            Path::new("project/src/a.c")
        );
    }

    #[test]
    fn nothing_outside_the_checkout_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["/etc/passwd", "../x", "nosuch.c"] {
            assert_eq!(in_checkout(dir.path(), Path::new(path)), None, "{path}");
        }
    }
}
