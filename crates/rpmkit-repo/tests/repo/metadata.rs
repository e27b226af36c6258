//! Refreshing metadata from disk, with the cache and its rules.

use std::io::Read;

use rpmkit_repo::{FetchCause, RepoData, RepoError};
use rpmkit_types::compress;

use crate::fixture::{Cache, Repo, one};

fn text(path: &std::path::Path) -> String {
    let mut text = String::new();
    compress::open(path)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

fn check(data: &RepoData) {
    assert_eq!(data.id, "test");
    assert_eq!(data.key.len(), 64);
    let primary = text(&data.primary);
    assert!(primary.contains("<name>alpha</name>") && primary.contains("packages=\"2\""));
    assert!(text(data.comps.as_ref().unwrap()).contains("<comps/>"));
    assert!(data.modules.is_none());
}

#[test]
fn a_directory_by_path_and_by_url() {
    let repo = Repo::new();
    for url in [
        repo.path().display().to_string(),
        format!("file://{}", repo.path().display()),
    ] {
        let cache = Cache::new();
        let set = one(&format!("baseurl={url}"));
        let fetcher = cache.fetcher();
        let all = fetcher.refresh_all(&set).unwrap();
        check(&all[0]);
        // File lists come only when somebody asks.
        assert!(cache.files("filelists").is_empty());
        let lists = fetcher.filelists(&set.repos[0], &all[0]).unwrap().unwrap();
        assert!(text(&lists).contains("<file>/usr/share/alpha/data</file>"));
    }
}

#[test]
fn a_changed_directory_is_noticed_at_once() {
    let repo = Repo::new();
    let cache = Cache::new();
    let set = one(&format!(
        "metadata_expire=never\nbaseurl={}",
        repo.path().display()
    ));
    let first = cache.fetcher().refresh(&set.repos[0]).unwrap();
    repo.add("gamma", "3", |_| {});
    repo.index();
    let second = cache.fetcher().refresh(&set.repos[0]).unwrap();
    assert_ne!(first.key, second.key);
    assert!(text(&second.primary).contains("gamma"));
    assert!(
        !text(&first.primary).contains("gamma"),
        "the old state stays readable"
    );
}

#[test]
fn groups_only_where_they_are_wanted() {
    let repo = Repo::new();
    let cache = Cache::new();
    let set = one(&format!(
        "enablegroups=0\nbaseurl={}",
        repo.path().display()
    ));
    assert!(
        cache
            .fetcher()
            .refresh(&set.repos[0])
            .unwrap()
            .comps
            .is_none()
    );
}

#[test]
fn the_second_base_serves_when_the_first_is_gone() {
    let repo = Repo::new();
    let cache = Cache::new();
    let set = one(&format!(
        "baseurl=/nowhere/at/all {}",
        repo.path().display()
    ));
    check(&cache.fetcher().refresh(&set.repos[0]).unwrap());
}

#[test]
fn a_missing_repository_is_named_and_can_be_skipped() {
    let repo = Repo::new();
    let cache = Cache::new();
    let set = one("baseurl=file:///nowhere/at/all");
    let error = cache.fetcher().refresh_all(&set).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("repository `test`")
            && message.contains("/nowhere/at/all/repodata/repomd.xml"),
        "{message}"
    );
    assert_eq!(error.exit_code().code(), 30);
    assert!(
        error
            .hints()
            .iter()
            .any(|h| h.0.contains("--disablerepo=test"))
    );

    let set = crate::fixture::conf(&format!(
        "[gone]\nbaseurl=/nowhere\nskip_if_unavailable=1\n[here]\nbaseurl={}\n",
        repo.path().display()
    ));
    let all = cache.fetcher().refresh_all(&set).unwrap();
    assert_eq!(all.len(), 1);
    let said = format!("{:?}", cache.events.lock().unwrap());
    assert!(
        said.contains("going on without repository `gone`"),
        "{said}"
    );
}

#[test]
fn a_damaged_primary_is_refused() {
    let repo = Repo::new();
    let path = repo.metadata("-primary");
    let mut data = std::fs::read(&path).unwrap();
    data[20] ^= 1;
    std::fs::write(&path, data).unwrap();
    let cache = Cache::new();
    let set = one(&format!("baseurl={}", repo.path().display()));
    let error = cache.fetcher().refresh(&set.repos[0]).unwrap_err();
    let RepoError::Unavailable { failures, .. } = &error else {
        panic!("{error}")
    };
    assert!(matches!(failures.0[0].cause, FetchCause::Digest { .. }));
    let message = error.to_string();
    assert!(
        message.contains("expected sha256:") && message.contains("found sha256:"),
        "{message}"
    );
    assert!(cache.files(".primary").is_empty(), "nothing wrong is kept");
}

#[test]
fn a_cut_or_removed_cache_file_is_fetched_again() {
    let repo = Repo::new();
    let cache = Cache::new();
    let set = one(&format!("baseurl={}", repo.path().display()));
    let data = cache.fetcher().refresh(&set.repos[0]).unwrap();
    let whole = std::fs::read(&data.primary).unwrap();
    std::fs::write(&data.primary, &whole[..10]).unwrap();
    std::fs::remove_file(data.comps.as_ref().unwrap()).unwrap();
    check(&cache.fetcher().refresh(&set.repos[0]).unwrap());
    assert_eq!(std::fs::read(&data.primary).unwrap(), whole);
}

#[test]
fn a_state_of_another_format_or_damaged_is_made_anew() {
    let repo = Repo::new();
    let cache = Cache::new();
    let set = one(&format!("baseurl={}", repo.path().display()));
    cache.fetcher().refresh(&set.repos[0]).unwrap();
    let state = cache.files("state.json").remove(0);
    for text in ["{\"format\":99}", "not json", ""] {
        std::fs::write(&state, text).unwrap();
        check(&cache.fetcher().refresh(&set.repos[0]).unwrap());
        assert!(
            std::fs::read_to_string(&state)
                .unwrap()
                .contains("\"format\":1")
        );
    }
    std::fs::write(cache.files("repomd.xml").remove(0), "<repomd/>").unwrap();
    check(&cache.fetcher().refresh(&set.repos[0]).unwrap());
}

#[test]
fn no_address_and_bad_addresses() {
    let cache = Cache::new();
    for (lines, part) in [
        ("", "no `baseurl`"),
        ("baseurl=ftp://h/x", "`ftp` is not supported"),
        ("baseurl=relative/path", "cannot be used as an address"),
        ("baseurl=http://h/\nproxy=gopher://x", "option `proxy`"),
        (
            "baseurl=https://h/\nsslcacert=/no/such",
            "option `sslcacert`",
        ),
    ] {
        let set = one(lines);
        let error = cache.fetcher().refresh(&set.repos[0]).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}
