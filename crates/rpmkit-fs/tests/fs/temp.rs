use std::fs;

use rpmkit_fs::TempDir;

use crate::Case;

#[test]
fn a_temporary_directory_goes_with_the_value() {
    let case = Case::new();
    let base = case.host();
    let path = {
        let temp = TempDir::new(&base, "srpm", ".mock-scm.x").unwrap();
        let name = temp
            .path()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            name.starts_with("rpmkit-srpm-") && name.ends_with(".mock-scm.x"),
            "{name}"
        );
        assert_eq!(base.stat(&name).unwrap().mode(), 0o700);
        temp.dir().write("f", "x", &Default::default()).unwrap();
        temp.path().to_owned()
    };
    assert!(!path.exists());
    TempDir::new(&base, "a", "").unwrap().close().unwrap();
    assert!(base.list("", 9).unwrap().is_empty());
    assert!(TempDir::new(&base, "../a", "").is_err());
}

#[test]
fn directories_of_killed_runs_are_found() {
    let case = Case::new();
    let base = case.host();
    let live = TempDir::new(&base, "live", "").unwrap();
    let kept = TempDir::new(&base, "kept", "").unwrap().keep();
    // What a killed process leaves: the directory, and a lock that nobody holds.
    for name in ["rpmkit-a-1", "rpmkit-b-2", "rpmkit-c-3"] {
        base.mkdir_all(format!("{name}/d"), 0o700).unwrap();
    }
    fs::write(base.path().join(".rpmkit-a-1.lock"), "").unwrap();
    // Locks that are none: a link, and a file of ours that has another name elsewhere.
    base.symlink(case.secret(), ".rpmkit-b-2.lock").unwrap();
    fs::hard_link(case.secret(), base.path().join(".rpmkit-c-3.lock")).unwrap();
    // A lock beside which there is a link.
    base.symlink(case.outside(), "rpmkit-d-4").unwrap();
    fs::write(base.path().join(".rpmkit-d-4.lock"), "").unwrap();
    let swept = TempDir::sweep(&base).unwrap();
    assert_eq!(swept.removed, ["rpmkit-a-1"]);
    assert!(swept.failed.is_empty());
    assert!(live.path().is_dir() && kept.is_dir());
    for name in ["rpmkit-b-2", "rpmkit-c-3", "rpmkit-d-4"] {
        assert!(base.lstat(name).is_ok(), "{name}");
    }
    assert!(!base.exists(".rpmkit-a-1.lock").unwrap());
    case.unharmed();
}
