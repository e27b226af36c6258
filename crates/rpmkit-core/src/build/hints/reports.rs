//! The files that test frameworks leave in the tree of a failed build. The tree is a stranger's: it is
//! walked inside the namespace, through no link, and no further than the bounds below.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rpmkit_fs::{EntryKind, Links, UntrustedTree};
use rpmkit_results::{
    failure::{FailureCause, FailureReport},
    reports::{TestReport, TestReportKind, complete},
};
use serde::{Deserialize, Serialize};

use super::Buildroot;

/// How deep reports are looked for.
const DEPTH: usize = 8;
/// Entries looked at before giving up.
const MOST_ENTRIES: usize = 50_000;
/// Entries of one directory.
const MOST_IN_ONE: usize = 5_000;
/// Files read.
const MOST_FILES: usize = 60;
/// Bytes read of all files.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// A request for the `test-reports` operation.
#[derive(Debug, Serialize, Deserialize)]
struct FindReports {
    /// Host path of the build user's home.
    base: PathBuf,
    /// The directory below it to begin in.
    below: PathBuf,
    /// What is older belongs to the sources.
    since: SystemTime,
}

/// The operation, for the program's table.
pub(crate) const OPS: &[(&str, rpmkit_sandbox::OpFn)] = &[("test-reports", test_reports)];

/// Completes a report on failed tests with what the frameworks' files tell.
pub(super) fn look(root: &mut Buildroot, report: &mut FailureReport) {
    let of_tests = match &report.cause {
        FailureCause::TestsFailed { section, .. } => section.as_deref() == Some("%check"),
        FailureCause::Section { section } => section == "%check",
        _ => false,
    };
    if !of_tests {
        return;
    }
    let top = root.topdir();
    let home = top.as_path().parent().unwrap_or(Path::new("/"));
    let below = report
        .directory
        .as_deref()
        .and_then(|dir| dir.strip_prefix(home).ok())
        .unwrap_or(Path::new("build/BUILD"));
    // The directory of specs was filled when the build began.
    let began = UntrustedTree::open(root.home(), Links::Never)
        .and_then(|tree| tree.lstat("build/SPECS"))
        .map(|meta| meta.modified());
    let job = FindReports {
        base: root.home(),
        below: below.to_owned(),
        since: began.unwrap_or(SystemTime::UNIX_EPOCH),
    };
    // A look that cannot be taken changes nothing.
    let Ok(answer) = root.engine().operate("test-reports", &job) else {
        return;
    };
    if let Ok(files) = serde_json::from_slice::<Vec<TestReport>>(&answer) {
        complete(report, &files);
    }
}

fn test_reports(input: &[u8]) -> Result<Vec<u8>, String> {
    let job: FindReports = serde_json::from_slice(input).map_err(|e| e.to_string())?;
    let tree = UntrustedTree::open(&job.base, Links::Never)
        .and_then(|tree| tree.subtree(&job.below))
        .map_err(|e| e.to_string())?;
    serde_json::to_vec(&find(&tree, job.since)).map_err(|e| e.to_string())
}

fn find(tree: &UntrustedTree, since: SystemTime) -> Vec<TestReport> {
    let mut found = Vec::new();
    let (mut seen, mut left) = (0usize, MOST_BYTES);
    let mut level = vec![PathBuf::new()];
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for dir in level {
            let Ok(entries) = tree.list(&dir, MOST_IN_ONE) else {
                continue;
            };
            for entry in entries {
                seen += 1;
                if seen > MOST_ENTRIES || found.len() >= MOST_FILES {
                    return found;
                }
                let path = dir.join(&entry.name);
                if entry.kind == EntryKind::Dir {
                    if entry.name != OsStr::new(".git") {
                        next.push(path);
                    }
                    continue;
                }
                let kind = entry.name.to_str().and_then(TestReportKind::of);
                let Some(kind) = kind.filter(|_| entry.kind == EntryKind::File) else {
                    continue;
                };
                let fresh = tree
                    .lstat(&path)
                    .is_ok_and(|meta| meta.modified() >= since && meta.len() <= left);
                let Some(bytes) = fresh.then(|| tree.read(&path, left).ok()).flatten() else {
                    continue;
                };
                let text = String::from_utf8_lossy(&bytes);
                if kind == TestReportKind::JUnit && !text.contains("<testsuite") {
                    continue;
                }
                left = left.saturating_sub(bytes.len() as u64);
                found.push(TestReport {
                    kind,
                    text: text.into_owned(),
                });
            }
        }
        level = next;
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
    use std::{fs, os::unix::fs::symlink, time::Duration};

    use super::*;

    #[test]
    fn fresh_reports_are_found_and_links_lead_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path();
        fs::create_dir_all(top.join("b/Testing/Temporary")).unwrap();
        fs::write(top.join("b/Testing/Temporary/LastTestsFailed.log"), "1:x\n").unwrap();
        fs::write(top.join("other.xml"), "<project/>").unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(
            outside.path().join("secret.xml"),
            "<testsuite name=\"secret\"/>",
        )
        .unwrap();
        symlink(outside.path(), top.join("link")).unwrap();
        symlink(outside.path().join("secret.xml"), top.join("a.xml")).unwrap();
        let tree = UntrustedTree::open(top, Links::Never).unwrap();
        let found = find(&tree, SystemTime::UNIX_EPOCH);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].kind, TestReportKind::CTest);
        let later = SystemTime::now() + Duration::from_secs(60);
        assert!(find(&tree, later).is_empty());
    }
}
