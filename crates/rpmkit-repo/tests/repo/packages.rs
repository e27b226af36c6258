//! Packages: from disk in place, from servers into the store.

use std::sync::{Arc, Barrier};

use rpmkit_repo::{Fetcher, RepoError, RepoSet, VerifiedPackage};
use rpmkit_types::{Package, Setting, Trust, Unsigned, event::Event};

use crate::{
    fixture::{Cache, Repo, one},
    server::{Fault, Server},
};

fn remote(repo: &Repo) -> (Server, RepoSet) {
    let server = Server::start(repo.path());
    let set = one(&format!("baseurl={}", server.url("")));
    (server, set)
}

/// The files themselves, of a repository that asks for no signatures.
fn files(packages: Vec<VerifiedPackage>) -> Vec<std::path::PathBuf> {
    let off = Trust::Unsigned(Unsigned::GpgcheckOff(Setting::Default));
    assert!(packages.iter().all(|p| *p.trust() == off));
    packages.iter().map(|p| p.path().to_owned()).collect()
}

fn content(paths: &[std::path::PathBuf]) -> Vec<Vec<u8>> {
    paths.iter().map(|p| std::fs::read(p).unwrap()).collect()
}

fn originals(repo: &Repo, packages: &[Package]) -> Vec<Vec<u8>> {
    packages
        .iter()
        .map(|p| std::fs::read(repo.path().join(&p.location.href)).unwrap())
        .collect()
}

#[test]
fn packages_come_once_over_the_network_then_from_the_store() {
    let repo = Repo::new();
    let (server, set) = remote(&repo);
    let cache = Cache::new();
    let packages = repo.packages("test");
    let fetcher = cache.fetcher();
    let paths = files(fetcher.download(&packages, &set).unwrap());
    assert_eq!(content(&paths), originals(&repo, &packages));
    assert!(paths[0].ends_with("alpha-1-1.noarch.rpm"), "{paths:?}");
    assert_eq!(
        server.paths(),
        ["/alpha-1-1.noarch.rpm", "/beta-2-1.noarch.rpm"]
    );
    let total: u64 = packages.iter().map(|p| p.size).sum();
    let last = cache
        .events
        .lock()
        .unwrap()
        .iter()
        .rev()
        .find_map(|e| match e {
            Event::Progress { done, total, .. } => Some((*done, *total)),
            _ => None,
        });
    assert_eq!(last, Some((total, total)));

    // Another process, another chroot: nothing is asked.
    assert_eq!(
        files(cache.fetcher().download(&packages, &set).unwrap()),
        paths
    );
    assert!(server.paths().is_empty());
    assert!(cache.files(".part").is_empty());
}

#[test]
fn a_directory_is_used_in_place_and_hashed_once() {
    let repo = Repo::new();
    let set = one(&format!("baseurl={}", repo.path().display()));
    let cache = Cache::new();
    let packages = repo.packages("test");
    // What was changed a moment ago is not remembered: it may change again within a tick of the clock.
    std::thread::sleep(std::time::Duration::from_millis(100));
    let paths = files(cache.fetcher().download(&packages, &set).unwrap());
    assert_eq!(paths[1], repo.path().join("beta-2-1.noarch.rpm"));
    assert!(cache.files("store-1").is_empty());
    let memory = cache.files("verified").remove(0);
    let text = std::fs::read_to_string(&memory).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");

    // What the memory says is believed: that is how one sees that nothing is hashed again.
    let mut lied = packages.clone();
    let real = packages[0].checksum.clone().unwrap();
    lied[0].checksum.as_mut().unwrap().hex = "0".repeat(64);
    std::fs::write(&memory, text.replace(&real.hex, &"0".repeat(64))).unwrap();
    cache.fetcher().download(&lied, &set).unwrap();
    // Another file of the same name and size is not the one remembered.
    std::fs::write(&memory, &text).unwrap();
    let mut data = std::fs::read(&paths[0]).unwrap();
    *data.last_mut().unwrap() ^= 1;
    std::fs::remove_file(&paths[0]).unwrap();
    std::fs::write(&paths[0], data).unwrap();
    let error = cache.fetcher().download(&packages, &set).unwrap_err();
    let message = error.to_string();
    for part in [
        "repository `test`",
        "alpha-1-1.noarch",
        "expected sha256:",
        "found sha256:",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn damage_on_the_way_is_noticed() {
    let repo = Repo::new();
    let (server, set) = remote(&repo);
    let packages = repo.packages("test");
    // Cut once: the rest is asked for, not the whole.
    server.fault("alpha-1-1.noarch.rpm", Fault::Truncate(20_000), 1);
    let cache = Cache::new();
    let paths = files(cache.fetcher().download(&packages[..1], &set).unwrap());
    assert_eq!(content(&paths), originals(&repo, &packages[..1]));
    let asked = server.requests();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].headers["range"], "bytes=20000-");

    // Wrong bytes for good: an error, nothing kept.
    server.fault("beta-2-1.noarch.rpm", Fault::Corrupt, 99);
    let error = cache.fetcher().download(&packages, &set).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("beta-2-1.noarch.rpm"), "{message}");
    assert!(message.contains("expected sha256:"), "{message}");
    assert!(cache.files("beta").is_empty() && cache.files(".part").is_empty());
    assert_eq!(error.exit_code().code(), 30);

    // Longer than announced by metadata: stopped.
    server.mend();
    server.fault("beta-2-1.noarch.rpm", Fault::Instead(vec![7; 900_000]), 99);
    let error = cache.fetcher().download(&packages, &set).unwrap_err();
    assert!(error.to_string().contains("bytes were expected"), "{error}");
    server.mend();
    cache.fetcher().download(&packages, &set).unwrap();
}

#[test]
fn what_a_killed_process_left_is_continued_or_thrown_away() {
    let repo = Repo::new();
    let (server, set) = remote(&repo);
    let packages = repo.packages("test");
    let whole = originals(&repo, &packages).remove(0);
    let sum = packages[0].checksum.as_ref().unwrap();
    for (left, ranges) in [
        (&whole[..30_000], vec!["bytes=30000-"]),
        (&whole[..], vec![]),
        // Not a beginning of the file: seen at the end, then once more from the start.
        (&[9; 5_000][..], vec!["bytes=5000-", ""]),
        (&vec![9; whole.len() + 10][..], vec![""]),
    ] {
        let cache = Cache::new();
        let dir = cache
            .temp
            .path()
            .join("packages/store-1")
            .join(&sum.hex[..2]);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(format!("sha256-{}.part", sum.hex)), left).unwrap();
        let paths = files(cache.fetcher().download(&packages[..1], &set).unwrap());
        assert_eq!(std::fs::read(&paths[0]).unwrap(), whole);
        let asked: Vec<String> = server
            .requests()
            .iter()
            .map(|r| r.headers.get("range").cloned().unwrap_or_default())
            .collect();
        assert_eq!(asked, ranges);
        assert!(cache.files(".part").is_empty());
    }
    // A server without ranges gives the whole, which is taken as such.
    let cache = Cache::new();
    server.fault("alpha-1-1.noarch.rpm", Fault::Truncate(20_000), 1);
    server.fault("alpha-1-1.noarch.rpm", Fault::NoRange, 9);
    let paths = files(cache.fetcher().download(&packages[..1], &set).unwrap());
    assert_eq!(std::fs::read(&paths[0]).unwrap(), whole);
}

#[test]
fn a_cut_file_in_the_store_is_fetched_again() {
    let repo = Repo::new();
    let (_server, set) = remote(&repo);
    let packages = repo.packages("test");
    let cache = Cache::new();
    let paths = files(cache.fetcher().download(&packages, &set).unwrap());
    let whole = std::fs::read(&paths[0]).unwrap();
    std::fs::write(&paths[0], &whole[..100]).unwrap();
    cache.fetcher().download(&packages, &set).unwrap();
    assert_eq!(std::fs::read(&paths[0]).unwrap(), whole);
    assert_eq!(cache.warnings().len(), 1);
}

#[test]
fn a_changed_file_in_the_store_is_fetched_again_once() {
    let repo = Repo::new();
    let (server, set) = remote(&repo);
    let packages = repo.packages("test");
    let cache = Cache::new();
    let paths = files(cache.fetcher().download(&packages, &set).unwrap());
    let whole = std::fs::read(&paths[0]).unwrap();
    let mut bad = whole.clone();
    bad[40_000] ^= 1;
    for round in 0..2 {
        std::fs::write(&paths[0], &bad).unwrap();
        server.requests();
        cache.events.lock().unwrap().clear();
        cache.fetcher().download(&packages, &set).unwrap();
        assert_eq!(std::fs::read(&paths[0]).unwrap(), whole, "{round}");
        assert_eq!(server.paths(), ["/alpha-1-1.noarch.rpm"]);
        let warnings = cache.warnings();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("alpha-1-1.noarch") && warnings[0].contains("sha256:"));
    }
    // Afterwards all is as before: nothing is asked, nothing said.
    cache.events.lock().unwrap().clear();
    cache.fetcher().download(&packages, &set).unwrap();
    assert!(server.paths().is_empty() && cache.warnings().is_empty());

    // With nobody to ask it is not used either.
    std::fs::write(&paths[0], &bad).unwrap();
    let error = cache.offline().download(&packages, &set).unwrap_err();
    assert!(matches!(error, RepoError::Offline { .. }), "{error}");
    assert!(!paths[0].exists());
}

#[test]
fn what_came_in_is_not_hashed_again_unless_it_was_touched() {
    let repo = Repo::new();
    let (_server, set) = remote(&repo);
    let packages = repo.packages("test");
    let cache = Cache::new();
    let paths = files(cache.fetcher().download(&packages, &set).unwrap());
    // What the memory says of this very file is believed: that is how one sees it.
    let memory = cache.files("verified").remove(0);
    let text = std::fs::read_to_string(&memory).unwrap();
    let real = packages[0].checksum.clone().unwrap();
    let mut lied = packages.clone();
    lied[0].checksum.as_mut().unwrap().hex = "0".repeat(64);
    let place = paths[0].parent().unwrap().parent().unwrap();
    let place = place
        .with_file_name("00")
        .join(format!("sha256-{}", "0".repeat(64)));
    std::fs::create_dir_all(&place).unwrap();
    let place = place.join(paths[0].file_name().unwrap());
    std::fs::copy(&paths[0], &place).unwrap();
    let meta = std::fs::metadata(&place).unwrap();
    let line = {
        use std::os::unix::fs::MetadataExt;
        format!(
            "{} {} {} {}.{:09} {}.{:09} sha256:{}\n",
            meta.dev(),
            meta.ino(),
            meta.size(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
            "0".repeat(64)
        )
    };
    assert!(text.contains(&real.hex), "{text}");
    std::fs::write(&memory, text + &line).unwrap();
    assert_eq!(
        files(cache.offline().download(&lied, &set).unwrap())[0],
        place
    );
    // A touch is enough to be looked at again.
    let file = std::fs::File::options().write(true).open(&place).unwrap();
    file.set_modified(std::time::SystemTime::now()).unwrap();
    assert!(cache.offline().download(&lied, &set).is_err());
}

#[test]
fn many_at_once_ask_once() {
    let repo = Repo::new();
    for i in 0..12 {
        repo.add(&format!("p{i}"), "1", |_| {});
    }
    let (server, set) = remote(&repo);
    let packages = repo.packages("test");
    let cache = Cache::new();
    let barrier = Barrier::new(4);
    let fetchers: Vec<Fetcher> = (0..4).map(|_| cache.fetcher()).collect();
    std::thread::scope(|scope| {
        for fetcher in &fetchers {
            scope.spawn(|| {
                barrier.wait();
                let paths = files(fetcher.download(&packages, &set).unwrap());
                assert_eq!(content(&paths), originals(&repo, &packages));
            });
        }
    });
    // Metadata is not needed for this: the address is known from the configuration.
    let paths = server.paths();
    assert_eq!(paths.len(), packages.len(), "{paths:?}");
}

#[test]
fn what_nobody_uses_can_go() {
    use std::time::{Duration, SystemTime};
    let repo = Repo::new();
    let (server, set) = remote(&repo);
    let cache = Cache::new();
    let fetcher = cache.fetcher();
    let packages = repo.packages("test");
    let old = fetcher.refresh(&set.repos[0]).unwrap();
    let paths = files(fetcher.download(&packages, &set).unwrap());
    repo.add("gamma", "3", |_| {});
    repo.index();
    let new = fetcher.refresh(&set.repos[0]).unwrap();
    let days = |n: u64| Duration::from_secs(n * 86_400);
    let age = |path: &std::path::Path| {
        let file = std::fs::File::open(path).unwrap();
        file.set_modified(SystemTime::now() - days(40)).unwrap();
    };
    assert_eq!(fetcher.prune(days(30)).unwrap().files, 0);
    for path in [&old.primary, &new.primary] {
        age(path);
    }
    for path in &paths {
        age(path.parent().unwrap());
    }
    // One package is used once more.
    fetcher.download(&packages[..1], &set).unwrap();
    let gone = fetcher.prune(days(30)).unwrap();
    assert_eq!(gone.files, 2, "one primary, one package");
    assert!(gone.bytes > packages[1].size);
    assert!(paths[0].exists() && !paths[1].exists());
    assert!(new.primary.exists() && !old.primary.exists());
    // All of it comes back when it is wanted.
    server.requests();
    age(cache.files("state.json")[0].parent().unwrap());
    fetcher.prune(days(30)).unwrap();
    cache.fetcher().refresh(&set.repos[0]).unwrap();
    assert_eq!(
        files(cache.fetcher().download(&packages, &set).unwrap()),
        paths
    );
}

#[test]
fn mirrors_take_over_and_other_bases_are_followed() {
    let repo = Repo::new();
    let empty = tempfile::tempdir().unwrap();
    let (bad, good) = (Server::start(empty.path()), Server::start(repo.path()));
    let cache = Cache::new();
    let mut packages = repo.packages("test");
    let set = one(&format!("baseurl={} {}", bad.url("x/"), good.url("")));
    cache.fetcher().download(&packages, &set).unwrap();
    let cache = Cache::new();
    let set = one(&format!("baseurl={}", bad.url("")));
    packages[0].location.base = Some(good.url(""));
    cache.fetcher().download(&packages[..1], &set).unwrap();
    let error = cache.fetcher().download(&packages, &set).unwrap_err();
    assert!(error.to_string().contains("status 404"), "{error}");
}

#[test]
fn records_that_make_no_sense() {
    let repo = Repo::new();
    let (_server, set) = remote(&repo);
    let cache = Arc::new(Cache::new());
    let good = repo.packages("test").remove(0);
    let fails = |change: &dyn Fn(&mut Package), part: &str| {
        let mut package = good.clone();
        change(&mut package);
        let error = cache.fetcher().download(&[package], &set).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        error
    };
    fails(&|p| p.checksum = None, "no digest");
    fails(
        &|p| p.checksum.as_mut().unwrap().hex = "é".into(),
        "no usable digest",
    );
    fails(
        &|p| p.nevra.name = "../x".into(),
        "no usable digest or name",
    );
    let error = fails(&|p| p.repo = "other".into(), "not configured");
    assert!(matches!(error, RepoError::UnknownRepository { .. }));
}

#[test]
fn md5_alone_vouches_for_nothing_that_comes_from_a_server() {
    let repo = Repo::new();
    let (server, set) = remote(&repo);
    let mut packages = repo.packages("test");
    let data = std::fs::read(repo.path().join("alpha-1-1.noarch.rpm")).unwrap();
    let mut hasher = rpmkit_types::Hasher::new(rpmkit_types::ChecksumKind::Md5);
    hasher.update(&data);
    packages[0].checksum = Some(hasher.finish());
    let error = Cache::new()
        .fetcher()
        .download(&packages[..1], &set)
        .unwrap_err();
    assert!(error.to_string().contains("MD5 only"), "{error}");
    assert!(server.paths().is_empty());
    let local = one(&format!("baseurl={}", repo.path().display()));
    files(
        Cache::new()
            .fetcher()
            .download(&packages[..1], &local)
            .unwrap(),
    );
}
