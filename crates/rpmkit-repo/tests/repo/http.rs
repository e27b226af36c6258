//! Metadata over HTTP: freshness, mirrors, faults.

use std::time::Duration;

use rpmkit_repo::{FetchCause, FetchOptions, Proxies, RepoError, RepoSet};

use crate::{
    fixture::{Cache, Repo, conf, one},
    server::{Fault, Server},
};

fn at(server: &Server, more: &str) -> RepoSet {
    one(&format!("baseurl={}\n{more}", server.url("")))
}

#[test]
fn only_what_is_needed_is_asked_for() {
    let repo = Repo::new();
    let server = Server::start(repo.path());
    let cache = Cache::new();
    let set = at(&server, "metadata_expire=1h");
    let data = cache.fetcher().refresh(&set.repos[0]).unwrap();
    let paths = server.paths();
    assert_eq!(paths.len(), 3, "{paths:?}");
    assert!(
        paths
            .iter()
            .all(|p| !p.contains("filelists") && !p.contains("other"))
    );

    // Fresh: nobody is asked.
    assert_eq!(
        cache.fetcher().refresh(&set.repos[0]).unwrap().key,
        data.key
    );
    assert!(server.paths().is_empty());
    // Expired: one question, answered with "not modified".
    let set = at(&server, "metadata_expire=0");
    assert_eq!(
        cache.fetcher().refresh(&set.repos[0]).unwrap().key,
        data.key
    );
    let asked = server.requests();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].headers.contains_key("if-none-match"));
    // Asked to look: the same.
    let set = at(&server, "metadata_expire=never");
    let fetcher = cache.with(FetchOptions {
        refresh: true,
        ..Cache::options()
    });
    fetcher.refresh(&set.repos[0]).unwrap();
    assert_eq!(server.paths().len(), 1);

    // A new state: only the changed files.
    repo.add("gamma", "3", |_| {});
    repo.index();
    let new = fetcher.refresh(&set.repos[0]).unwrap();
    assert_ne!(new.key, data.key);
    assert_eq!(
        server.paths().len(),
        2,
        "repomd.xml and primary, not the groups"
    );
}

#[test]
fn offline_uses_the_cache_however_old() {
    let repo = Repo::new();
    let server = Server::start(repo.path());
    let cache = Cache::new();
    let set = at(&server, "");
    let error = cache.offline().refresh(&set.repos[0]).unwrap_err();
    assert!(matches!(error, RepoError::Offline { .. }), "{error}");
    let fetcher = cache.fetcher();
    let data = fetcher.refresh(&set.repos[0]).unwrap();
    let packages = repo.packages("test");
    fetcher.download(&packages[..1], &set).unwrap();
    server.requests();

    let offline = cache.offline();
    assert_eq!(offline.refresh(&set.repos[0]).unwrap().key, data.key);
    assert_eq!(offline.download(&packages[..1], &set).unwrap().len(), 1);
    assert!(offline.filelists(&set.repos[0], &data).is_err());
    let error = offline.download(&packages, &set).unwrap_err();
    assert!(error.to_string().contains("switched off"), "{error}");
    assert!(server.paths().is_empty());
}

#[test]
fn passing_errors_are_tried_again() {
    let repo = Repo::new();
    let server = Server::start(repo.path());
    server.fault("repomd.xml", Fault::Status(503), 2);
    server.fault("primary.xml.gz", Fault::Truncate(100), 1);
    server.fault("comps.xml.gz", Fault::Status(500), 1);
    let cache = Cache::new();
    cache.fetcher().refresh(&at(&server, "").repos[0]).unwrap();
    // Bytes garbled once, with nobody else to ask.
    server.fault("primary.xml.gz", Fault::Corrupt, 1);
    server.requests();
    let cache = Cache::new();
    cache.fetcher().refresh(&at(&server, "").repos[0]).unwrap();
    assert_eq!(server.paths().len(), 4, "only the garbled file came twice");
}

#[test]
fn lasting_errors_are_not() {
    let repo = Repo::new();
    let server = Server::start(repo.path());
    server.fault("repomd.xml", Fault::Status(403), 9);
    let cache = Cache::new();
    let error = cache
        .fetcher()
        .refresh(&at(&server, "").repos[0])
        .unwrap_err();
    assert_eq!(server.paths().len(), 1);
    assert!(error.to_string().contains("status 403"), "{error}");
    assert!(error.hints().iter().any(|h| h.0.contains("username")));
}

#[test]
fn a_wrong_primary_leads_to_the_next_mirror_then_to_an_error() {
    let repo = Repo::new();
    let (bad, good) = (Server::start(repo.path()), Server::start(repo.path()));
    bad.fault("primary.xml.gz", Fault::Corrupt, 99);
    let cache = Cache::new();
    let set = one(&format!("baseurl={} {}", bad.url(""), good.url("")));
    cache.fetcher().refresh(&set.repos[0]).unwrap();
    assert!(good.paths().iter().any(|p| p.contains("primary")));

    let cache = Cache::new();
    let set = at(&bad, "");
    let error = cache.fetcher().refresh(&set.repos[0]).unwrap_err();
    let message = error.to_string();
    for part in [
        "repository `test`",
        "primary.xml.gz",
        "expected sha256:",
        "found sha256:",
    ] {
        assert!(message.contains(part), "{message}");
    }
    bad.mend();
    cache.fetcher().refresh(&set.repos[0]).unwrap();
}

#[test]
fn a_repository_that_changes_under_way_is_read_again() {
    let repo = Repo::new();
    let server = Server::start(repo.path());
    let old = std::fs::read(repo.metadata("repomd.xml")).unwrap();
    std::fs::remove_file(repo.metadata("-primary")).unwrap();
    repo.add("gamma", "3", |_| {});
    repo.index();
    // The first answer is the table of contents of a moment ago.
    server.fault("repomd.xml", Fault::Instead(old), 1);
    let cache = Cache::new();
    cache.fetcher().refresh(&at(&server, "").repos[0]).unwrap();
    let again = server.requests();
    let last = again
        .iter()
        .rfind(|r| r.target.ends_with("repomd.xml"))
        .unwrap();
    assert_eq!(
        last.headers.get("cache-control").map(String::as_str),
        Some("no-cache")
    );
}

#[test]
fn pages_of_errors_are_not_metadata() {
    let repo = Repo::new();
    let server = Server::start(repo.path());
    server.fault(
        "repomd.xml",
        Fault::Instead(b"<html><body>Welcome</body></html>".to_vec()),
        9,
    );
    let cache = Cache::new();
    let error = cache
        .fetcher()
        .refresh(&at(&server, "").repos[0])
        .unwrap_err();
    assert!(error.to_string().contains("found `<html>`"), "{error}");
}

#[test]
fn mirror_lists_and_metalinks() {
    let repo = Repo::new();
    let (first, second) = (Server::start(repo.path()), Server::start(repo.path()));
    let list = repo.path().join("mirrors");
    std::fs::write(
        &list,
        format!(
            "# x\nrsync://r/\n{}\n{}\n",
            first.url("gone/"),
            second.url("")
        ),
    )
    .unwrap();
    let cache = Cache::new();
    let set = one(&format!("mirrorlist={}", first.url("mirrors")));
    cache.fetcher().refresh(&set.repos[0]).unwrap();
    assert!(second.paths().len() >= 3);

    // A metalink prefers the second, and knows the digest.
    let repomd = std::fs::read(repo.metadata("repomd.xml")).unwrap();
    let sum = rpmkit_types::Checksum::sha256(&repomd).hex;
    let metalink = |sum: &str| {
        let text = format!(
            "<?xml version=\"1.0\"?><metalink version=\"3.0\"><files><file name=\"repomd.xml\">\
             <verification><hash type=\"sha256\">{sum}</hash></verification><resources>\
             <url protocol=\"http\" preference=\"10\">{}repodata/repomd.xml</url>\
             <url protocol=\"http\" preference=\"90\">{}repodata/repomd.xml</url>\
             </resources></file></files></metalink>",
            first.url(""),
            second.url("")
        );
        std::fs::write(repo.path().join("metalink"), text).unwrap();
    };
    metalink(&sum);
    first.requests();
    second.requests();
    let cache = Cache::new();
    let set = one(&format!("metalink={}", first.url("metalink?repo=x&arch=y")));
    cache.fetcher().refresh(&set.repos[0]).unwrap();
    assert_eq!(first.paths(), ["/metalink?repo=x&arch=y"]);
    assert_eq!(second.paths().len(), 3);
    // The digest did not change: the metalink alone is enough.
    cache.fetcher().refresh(&set.repos[0]).unwrap();
    assert_eq!(first.paths().len(), 1);
    assert!(second.paths().is_empty());

    // A mirror that lags behind is passed over; when all do, the error says what was expected.
    second.fault("repomd.xml", Fault::Instead(b"<repomd/>".to_vec()), 99);
    let cache = Cache::new();
    cache.fetcher().refresh(&set.repos[0]).unwrap();
    first.fault("repomd.xml", Fault::Corrupt, 99);
    let cache = Cache::new();
    let error = cache.fetcher().refresh(&set.repos[0]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&format!("expected sha256:{sum}")),
        "{error}"
    );
}

#[test]
fn names_passwords_and_agents() {
    let repo = Repo::new();
    let server = Server::start(repo.path());
    server.want_password("me:s3cret");
    let cache = Cache::new();
    let error = cache
        .fetcher()
        .refresh(&at(&server, "").repos[0])
        .unwrap_err();
    assert!(error.to_string().contains("401"), "{error}");
    server.requests();
    let set = at(&server, "username=me\npassword=s3cret\nuser_agent=Agent 7");
    cache.fetcher().refresh(&set.repos[0]).unwrap();
    for request in server.requests() {
        assert_eq!(request.headers["user-agent"], "Agent 7");
        assert_eq!(request.headers["accept-encoding"], "identity");
    }
    // In the URL as well; then it must not show up in messages.
    let url = server.url("").replace("//", "//me:s3cret@");
    let cache = Cache::new();
    cache
        .fetcher()
        .refresh(&one(&format!("baseurl={url}")).repos[0])
        .unwrap();
    let url = url.replace("s3cret", "wr0ng");
    let error = Cache::new()
        .fetcher()
        .refresh(&one(&format!("baseurl={url}")).repos[0])
        .unwrap_err();
    assert!(!error.to_string().contains("wr0ng"), "{error}");
}

#[test]
fn proxies() {
    let repo = Repo::new();
    let proxy = Server::start(repo.path());
    let cache = Cache::new();
    // The name leads nowhere but through the proxy, which allows no tunnels.
    proxy.fault("primary.xml.gz", Fault::Truncate(50), 1);
    proxy.fault("comps.xml.gz", Fault::Chunked, 1);
    proxy.fault(
        "repomd.xml",
        Fault::Redirect("/repodata/./repomd.xml".into()),
        1,
    );
    let lines = format!(
        "baseurl=http://repo.invalid/\nproxy={}\nproxy_username=me\nproxy_password=pw",
        proxy.url("")
    );
    cache.fetcher().refresh(&one(&lines).repos[0]).unwrap();
    for request in proxy.requests() {
        assert!(
            request.target.starts_with("http://repo.invalid/"),
            "{request:?}"
        );
        assert_eq!(request.headers["proxy-authorization"], "Basic bWU6cHc=");
        assert_eq!(request.headers["host"], "repo.invalid");
    }

    let proxies = Proxies {
        http: Some(format!("localhost:{}", proxy.address.port())),
        https: None,
        no_proxy: "other.invalid, .local".to_owned(),
    };
    let with = |lines: &str| {
        let fetcher = Cache::new();
        let fetcher = fetcher.with(FetchOptions {
            proxies: proxies.clone(),
            ..Cache::options()
        });
        fetcher.refresh(&one(lines).repos[0])
    };
    with("baseurl=http://repo.invalid/").unwrap();
    assert!(with("baseurl=http://other.invalid/").is_err());
    assert!(with("baseurl=http://repo.invalid/\nproxy=_none_").is_err());
}

#[test]
fn silence_and_slowness_end() {
    let repo = Repo::new();
    let server = Server::start(repo.path());
    let cache = Cache::new();
    server.fault("repomd.xml", Fault::Silence(Duration::from_secs(20)), 1);
    let set = at(&server, "timeout=0.3\nretries=1");
    let error = cache.fetcher().refresh(&set.repos[0]).unwrap_err();
    let RepoError::Unavailable { failures, .. } = &error else {
        panic!("{error}")
    };
    assert!(
        matches!(failures.0[0].cause, FetchCause::Timeout(_)),
        "{error}"
    );

    server.mend();
    server.fault("repomd.xml", Fault::Slow(10, Duration::from_millis(60)), 1);
    let set = at(&server, "timeout=0.3\nminrate=1M\nretries=1");
    let error = cache.fetcher().refresh(&set.repos[0]).unwrap_err();
    assert!(
        error.to_string().contains("minimum rate is 1048576"),
        "{error}"
    );
}

#[test]
fn nobody_listens() {
    let set = conf("[test]\nbaseurl=http://127.0.0.1:1/\nretries=2\n");
    let error = Cache::new().fetcher().refresh(&set.repos[0]).unwrap_err();
    let message = error.to_string().to_lowercase();
    assert!(message.contains("refused"), "{message}");
    assert!(message.contains("one more failed attempt"), "{message}");
}
