//! Refreshing metadata from disk, with the cache and its rules.

use std::io::Read;

use rpmkit_repo::{FetchCause, RepoData, RepoError};
use rpmkit_types::compress;

use crate::{
    fixture::{Cache, Repo, one},
    server::Server,
};

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
fn a_directory_is_read_by_path_and_by_url() {
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
fn contents_are_bound_to_what_the_table_promises() {
    let repo = Repo::new();
    let cache = Cache::new();
    let set = one(&format!("baseurl={}", repo.path().display()));
    let data = cache.fetcher().refresh(&set.repos[0]).unwrap();
    let packed = data.packed(&data.primary);
    let mut whole = String::new();
    let length = packed
        .open(u64::MAX)
        .unwrap()
        .read_to_string(&mut whole)
        .unwrap();
    assert_eq!(packed.open_size, Some(length as u64));
    // A table that promises less than comes out.
    let table = repo.path().join("repodata/repomd.xml");
    let lying = std::fs::read_to_string(&table)
        .unwrap()
        .replace(&format!("<open-size>{length}<"), "<open-size>9<");
    std::fs::write(&table, lying).unwrap();
    let data = cache.fetcher().refresh(&set.repos[0]).unwrap();
    let mut input = data.packed(&data.primary).open(u64::MAX).unwrap();
    let error = input.read_to_string(&mut whole).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge, "{error}");
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
fn missing_and_bad_addresses_are_refused() {
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

fn edit(repo: &Repo, change: impl Fn(String) -> String) {
    let path = repo.metadata("repomd.xml");
    let old = std::fs::read_to_string(&path).unwrap();
    let new = change(old.clone());
    assert_ne!(old, new);
    std::fs::write(&path, new).unwrap();
}

/// The entry of a type, from its `<data` to its end.
fn entry(text: &str, kind: &str) -> String {
    let start = text.find(&format!("<data type=\"{kind}\">")).unwrap();
    let end = start + text[start..].find("</data>").unwrap() + "</data>".len();
    text[start..end].to_owned()
}

fn between(text: &str, from: &str, to: &str) -> String {
    let start = text.find(from).unwrap();
    let end = start + text[start..].find(to).unwrap() + to.len();
    text[start..end].to_owned()
}

#[test]
fn a_wrong_size_does_no_harm_where_the_digest_is_right() {
    let repo = Repo::new();
    edit(&repo, |text| {
        let primary = entry(&text, "primary");
        let size = between(&primary, "<size>", "</size>");
        text.replace(&primary, &primary.replace(&size, "<size>7</size>"))
    });
    let server = Server::start(repo.path());
    let set = one(&format!(
        "metadata_expire=never\nbaseurl={}",
        server.url("")
    ));
    let cache = Cache::new();
    check(&cache.fetcher().refresh(&set.repos[0]).unwrap());
    server.requests();
    check(&cache.fetcher().refresh(&set.repos[0]).unwrap());
    assert!(server.paths().is_empty(), "it is in the cache");
    // A cut file in the cache is seen all the same.
    let file = cache.files(".primary").remove(0);
    let data = std::fs::read(&file).unwrap();
    std::fs::write(&file, &data[..9]).unwrap();
    let data = cache.fetcher().refresh(&set.repos[0]);
    check(&data.unwrap_or_else(|e| panic!("{e}")));
}

#[test]
fn without_a_digest_where_something_else_vouches() {
    let repo = Repo::new();
    edit(&repo, |text| {
        let primary = entry(&text, "primary");
        let sum = between(&primary, "<checksum", "</checksum>");
        text.replace(&primary, &primary.replace(&sum, ""))
    });
    let caches: Vec<Cache> = (0..3).map(|_| Cache::new()).collect();
    let refresh = |at: usize, lines: &str| caches[at].fetcher().refresh(&one(lines).repos[0]);
    check(&refresh(0, &format!("baseurl={}", repo.path().display())).unwrap());
    let server = Server::start(repo.path());
    let base = format!("baseurl={}", server.url(""));
    check(&refresh(1, &format!("{base}\ngpgcheck=1\ngpgkey=/none")).unwrap());
    let error = refresh(2, &base).unwrap_err();
    assert!(
        error.to_string().contains("`primary` has no `<checksum>`"),
        "{error}"
    );
}

#[test]
fn another_form_of_a_file_serves_when_the_first_is_gone() {
    let repo = Repo::new();
    edit(&repo, |text| {
        let primary = entry(&text, "primary");
        let href = between(&primary, "href=\"", ".gz\"");
        let size = between(&primary, "<size>", "</size>");
        let gone = primary
            .replace(&href, "href=\"repodata/gone.xml.gz\"")
            .replace(&size, "<size>1</size>");
        text.replace(&primary, &format!("{gone}{primary}"))
    });
    let cache = Cache::new();
    let set = one(&format!("baseurl={}", repo.path().display()));
    check(&cache.fetcher().refresh(&set.repos[0]).unwrap());
}

#[test]
fn a_repository_made_anew_in_between_is_asked_again() {
    let repo = Repo::new();
    let old = std::fs::read(repo.metadata("repomd.xml")).unwrap();
    let primary = repo.metadata("-primary");
    repo.add("gamma", "3", |_| {});
    repo.index();
    std::fs::remove_file(&primary).ok();
    let server = Server::start(repo.path());
    server.fault("repomd.xml", crate::server::Fault::Instead(old), 1);
    let set = one(&format!("baseurl={}", server.url("")));
    let cache = Cache::new();
    let data = cache.fetcher().refresh(&set.repos[0]).unwrap();
    assert!(text(&data.primary).contains("gamma"));
}

#[test]
fn a_changed_bit_of_cached_metadata_is_noticed_and_mended() {
    let repo = Repo::new();
    let server = Server::start(repo.path());
    let set = one(&format!(
        "metadata_expire=never\nbaseurl={}",
        server.url("")
    ));
    let cache = Cache::new();
    let data = cache.fetcher().refresh_all(&set).unwrap().remove(0);
    let good = std::fs::read(&data.primary).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    std::fs::write(&data.primary, bad).unwrap();
    cache.fetcher().refresh_all(&set).unwrap();
    assert_eq!(std::fs::read(&data.primary).unwrap(), good);
    let warnings = cache.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("damaged"), "{warnings:?}");
}
