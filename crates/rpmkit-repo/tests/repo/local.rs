//! Package files on disk.

use rpm::Dependency;
use rpmkit_repo::{RepoError, local};
use rpmkit_types::{Dep, DepFlag, Evr};

use crate::fixture::Repo;

#[test]
fn a_header_becomes_a_record() {
    let repo = Repo::new();
    let path = repo.add("tool", "3", |b| {
        b.epoch(2)
            .vendor("Us")
            .requires(Dependency::greater_eq("libx", "1:2.0-3"))
            .requires(Dependency::any("(a or b)"))
            .requires(Dependency::any("/bin/sh"))
            .requires(Dependency::any("/bin/sh"))
            .provides(Dependency::eq("virtual", "9"))
            .conflicts(Dependency::less("old", "1"))
            .recommends(Dependency::any("nice"));
    });
    let package = local::read_package(&path).unwrap();
    assert_eq!(package.nevra.to_string(), "tool-2:3-1.noarch");
    assert_eq!(package.vendor, "Us");
    let mut requires: Vec<String> = package.requires.iter().map(|r| r.dep.to_string()).collect();
    requires.sort();
    assert_eq!(requires, ["(a or b)", "/bin/sh", "libx >= 1:2.0-3"]);
    assert!(package.provides.contains(&Dep {
        name: "virtual".into(),
        version: Some((DepFlag::Eq, Evr::parse("9"))),
    }));
    assert_eq!(package.conflicts[0].to_string(), "old < 1");
    assert_eq!(package.recommends[0].name, "nice");
    assert!(package.files.contains(&"/usr/bin/tool".to_owned()));
    let data = std::fs::read(&path).unwrap();
    assert_eq!(package.size, data.len() as u64);
    assert_eq!(
        package.checksum,
        Some(rpmkit_types::Checksum::sha256(&data))
    );
    assert_eq!(package.location.href, path.to_str().unwrap());
}

#[test]
fn files_that_are_no_packages() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.src.rpm");
    let repo = Repo::new();
    let whole = std::fs::read(repo.path().join("alpha-1-1.noarch.rpm")).unwrap();
    for data in [
        &b""[..],
        b"<html>not here</html>",
        &whole[..150],
        &whole[..600],
    ] {
        std::fs::write(&path, data).unwrap();
        let error = local::read_package(&path).unwrap_err();
        assert!(matches!(error, RepoError::NotRpm { .. }), "{error}");
        assert_eq!(error.exit_code().code(), 40);
        assert!(error.to_string().contains("x.src.rpm"), "{error}");
    }
    assert!(matches!(
        local::read_package(dir.path()).unwrap_err(),
        RepoError::NotRpm { .. }
    ));
    assert!(matches!(
        local::read_package(&dir.path().join("none")).unwrap_err(),
        RepoError::Io { .. }
    ));
}
