//! Making repositories.

use std::{
    io::Read,
    path::Path,
    time::{Duration, SystemTime},
};

use rpm::Dependency;
use rpmkit_repo::create::{CreateOptions, MetadataCompression, create};
use rpmkit_types::compress;

use crate::fixture::Repo;

fn read(repo: &Repo, part: &str) -> String {
    let mut text = String::new();
    compress::open(&repo.metadata(part))
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// The primary metadata that `repomd.xml` names.
fn current(repo: &Repo) -> String {
    let repomd = std::fs::read_to_string(repo.metadata("repomd.xml")).unwrap();
    let at = repomd.find("-primary").unwrap();
    let start = repomd[..at].rfind('/').unwrap() + 1;
    read(repo, &repomd[start..at])
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir.join("repodata"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_what_createrepo_writes() {
    let repo = Repo::new();
    std::fs::create_dir(repo.path().join("sub dir")).unwrap();
    let path = repo.add("tool", "3~rc1", |b| {
        b.epoch(1)
            .requires(Dependency::less_eq("lib<x>", "2-1"))
            .requires(Dependency::any("/usr/bin/tool"))
            .recommends(Dependency::any("\"quoted\""))
            .add_changelog_entry("Me <me@example.com>", "- first", 1_600_000_000_u32)
            .add_changelog_entry("Me <me@example.com>", "- second", 1_700_000_000_u32);
    });
    std::fs::rename(&path, repo.path().join("sub dir/tool & more.rpm")).unwrap();
    let options = CreateOptions {
        compression: MetadataCompression::Zstd,
        ..CreateOptions::default()
    };
    let made = create(repo.path(), &options).unwrap();
    assert_eq!((made.packages, made.reused), (3, 0));
    let repomd = std::fs::read(repo.path().join("repodata/repomd.xml")).unwrap();
    assert_eq!(made.key, rpmkit_types::Checksum::sha256(&repomd).hex);

    let primary = read(&repo, "-primary.xml.zst");
    for part in [
        "packages=\"3\"",
        "<version epoch=\"1\" ver=\"3~rc1\" rel=\"1\"/>",
        "<location href=\"sub dir/tool &amp; more.rpm\"/>",
        "<rpm:entry name=\"lib&lt;x&gt;\" flags=\"LE\" epoch=\"0\" ver=\"2\" rel=\"1\"/>",
        "<rpm:entry name=\"&quot;quoted&quot;\"/>",
        "<description>Text with &lt;angles&gt; &amp; more.</description>",
        "<file>/usr/bin/tool</file>",
    ] {
        assert!(primary.contains(part), "{part} in {primary}");
    }
    assert!(
        !primary.contains("/usr/share/tool/data"),
        "only common paths"
    );
    assert!(
        !primary.contains("name=\"/usr/bin/tool\""),
        "its own file is not required"
    );
    assert!(!primary.contains("rpmlib("));
    let lists = read(&repo, "-filelists.xml.zst");
    assert!(lists.contains("<file>/usr/share/tool/data</file>"));
    let other = read(&repo, "-other.xml.zst");
    let (first, second) = (
        other.find("- first").unwrap(),
        other.find("- second").unwrap(),
    );
    assert!(first < second, "the newest comes last");
}

#[test]
fn unchanged_packages_are_taken_over() {
    let repo = Repo::new();
    let update = CreateOptions {
        update: true,
        ..CreateOptions::default()
    };
    let old = SystemTime::now() - Duration::from_secs(3600);
    let touch = |name: &str, time| {
        let file = std::fs::File::open(repo.path().join(name)).unwrap();
        file.set_modified(time).unwrap();
    };
    // Files that are no older than the metadata may have changed after it: they are read again.
    let later = SystemTime::now() + Duration::from_secs(60);
    touch("alpha-1-1.noarch.rpm", later);
    touch("beta-2-1.noarch.rpm", later);
    create(repo.path(), &CreateOptions::default()).unwrap();
    assert_eq!(create(repo.path(), &update).unwrap().reused, 0);
    touch("alpha-1-1.noarch.rpm", old);
    touch("beta-2-1.noarch.rpm", old);
    // The time of the change of the inode cannot be set; the repository's can.
    create(repo.path(), &CreateOptions::default()).unwrap();
    touch("repodata/repomd.xml", later);
    let before = current(&repo);
    let gamma = repo.add("gamma", "3", |_| {});
    let made = create(repo.path(), &update).unwrap();
    assert_eq!((made.packages, made.reused), (3, 2));
    let after = std::fs::read(repo.path().join("repodata/repomd.xml")).unwrap();
    let newest = String::from_utf8(after).unwrap();
    // The files of the state before stay for its readers, older ones go.
    assert_eq!(names(repo.path()).len(), 3 + 3 + 1, "{newest}");

    std::fs::remove_file(gamma).unwrap();
    touch("repodata/repomd.xml", later);
    create(repo.path(), &update).unwrap();
    assert_eq!(current(&repo), before, "taking over changes nothing");
}

#[test]
fn sources_can_be_left_out_and_nonsense_is_named() {
    let repo = Repo::new();
    let alpha = repo.path().join("alpha-1-1.noarch.rpm");
    std::fs::copy(&alpha, repo.path().join("alpha-1-1.src.rpm")).unwrap();
    let options = CreateOptions {
        exclude_sources: true,
        ..CreateOptions::default()
    };
    assert_eq!(create(repo.path(), &options).unwrap().packages, 2);
    assert_eq!(
        create(repo.path(), &CreateOptions::default())
            .unwrap()
            .packages,
        3
    );
    std::fs::write(repo.path().join("junk.rpm"), "junk").unwrap();
    let error = create(repo.path(), &options).unwrap_err();
    assert!(error.to_string().contains("junk.rpm"), "{error}");
    std::fs::remove_file(repo.path().join("junk.rpm")).unwrap();
    let key = create(repo.path(), &options).unwrap().key;
    let old = SystemTime::now() - Duration::from_secs(3600);
    let repomd = repo.path().join("repodata/repomd.xml");
    std::fs::File::open(&repomd)
        .unwrap()
        .set_modified(old)
        .unwrap();
    assert_eq!(create(repo.path(), &options).unwrap().key, key);
    let time = std::fs::metadata(&repomd).unwrap().modified().unwrap();
    assert_eq!(time, old, "nothing new, nothing written");
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(create(empty.path(), &options).unwrap().packages, 0);
}

/// A build may leave anything that is called a package, and a chain indexes it.
#[test]
fn a_crafted_header_is_an_error_that_names_the_file() {
    for name in ["header-offset.src.rpm", "header-count.src.rpm"] {
        let repo = Repo::new();
        let bad = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/fixtures/crash")
            .join(name);
        std::fs::copy(bad, repo.path().join(name)).unwrap();
        let error = create(repo.path(), &CreateOptions::default()).unwrap_err();
        assert!(
            matches!(&error, rpmkit_repo::RepoError::NotRpm { path, .. } if path.ends_with(name)),
            "{error}"
        );
    }
}
