//! Single files by URL.

use rpmkit_repo::{Target, TransportOptions};
use rpmkit_types::Checksum;

use crate::{
    fixture::Cache,
    server::{Fault, Server},
};

#[test]
fn names_digests_and_resumption() {
    let root = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0..50_000_u32).map(|i| ((i * i) >> 5) as u8).collect();
    std::fs::write(root.path().join("v1.tar.gz"), &data).unwrap();
    let server = Server::start(root.path());
    let url = server.url("v1.tar.gz");
    let out = tempfile::tempdir().unwrap();
    let dir = Target::Directory(out.path());
    let cache = Cache::new();
    let fetcher = cache.fetcher();
    let options = TransportOptions::default();
    let get = |url: &str, target, sum: Option<&Checksum>| {
        fetcher.download_url(url, target, sum, &options)
    };

    let path = get(&url, dir, None).unwrap();
    assert_eq!(path, out.path().join("v1.tar.gz"));
    assert_eq!(std::fs::read(&path).unwrap(), data);
    let path = get(&format!("{url}#/pkg-1.tar.gz"), dir, None).unwrap();
    assert_eq!(path, out.path().join("pkg-1.tar.gz"));
    let header = "attachment; filename=\"../given.tgz\"".to_owned();
    server.fault("v1.tar.gz", Fault::Header("Content-Disposition", header), 1);
    assert_eq!(get(&url, dir, None).unwrap(), out.path().join("given.tgz"));
    server.fault("latest", Fault::Redirect(url.clone()), 1);
    assert_eq!(
        get(&server.url("latest"), dir, None).unwrap(),
        out.path().join("latest")
    );

    // Cut without a known digest: the entity tag guards the rest.
    server.requests();
    server.fault("v1.tar.gz", Fault::Truncate(10_000), 1);
    let file = out.path().join("exact");
    get(&url, Target::File(&file), None).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), data);
    let asked = server.requests();
    assert_eq!(asked[1].headers["range"], "bytes=10000-");
    assert!(asked[1].headers.contains_key("if-range"));
    // … and if the file is another by then, it comes whole.
    let other = vec![1; 40_000];
    server.fault("v1.tar.gz", Fault::Truncate(10_000), 1);
    server.fault("v1.tar.gz", Fault::Header("X", "y".into()), 1);
    let again = out.path().join("again");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // The first answer is the old content, cut.
            get(&url, Target::File(&again), None).unwrap();
        });
    });
    std::fs::write(root.path().join("v1.tar.gz"), &other).unwrap();

    let sum = Checksum::sha256(&other);
    server.requests();
    get(&url, Target::File(&again), Some(&sum)).unwrap();
    assert_eq!(std::fs::read(&again).unwrap(), other);
    get(&url, Target::File(&again), Some(&sum)).unwrap();
    assert_eq!(
        server.paths().len(),
        1,
        "what is there and right is not fetched"
    );
    let error = get(&url, Target::File(&file), Some(&Checksum::sha256(b"x"))).unwrap_err();
    assert!(error.to_string().contains("expected sha256:"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), data, "what was there stays");

    let left: Vec<_> = std::fs::read_dir(out.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_is_refused_leaves_no_file() {
    let cache = Cache::new();
    let out = tempfile::tempdir().unwrap();
    let target = Target::Directory(out.path());
    let options = TransportOptions::default();
    for (url, part) in [
        ("ftp://h/x", "`ftp` is not supported"),
        ("http://", "cannot be used"),
        ("/no/such/file", "no such file"),
    ] {
        let error = cache
            .fetcher()
            .download_url(url, target, None, &options)
            .unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = cache
        .offline()
        .download_url("http://h/x", target, None, &options)
        .unwrap_err();
    assert!(error.to_string().contains("switched off"), "{error}");
}
