//! Signatures of repomd.xml and of packages.

use std::path::{Path, PathBuf};

use rpmkit_repo::{RepoError, SignatureProblem};
use rpmkit_types::{Setting, Trust, Unsigned, VerifyLevel};

use crate::{
    fixture::{Cache, Key, Repo, builder, one},
    server::Server,
};

fn sign_all(repo: &Repo, key: &Key) {
    for package in repo.packages("test") {
        let path = repo.path().join(&package.location.href);
        let mut rpm = rpm::Package::open(&path).unwrap();
        rpm.sign(key.signer()).unwrap();
        rpm.write_file(&path).unwrap();
    }
    repo.index();
}

fn problem(error: RepoError) -> SignatureProblem {
    match error {
        RepoError::Signature { problem, .. } => problem,
        other => panic!("{other}"),
    }
}

fn key_file(repo: &Repo, key: &Key, name: &str) -> PathBuf {
    let path = repo.path().join(name);
    key.public(&path);
    path
}

#[test]
fn a_signed_table_of_contents_is_checked() {
    let repo = Repo::new();
    let (key, stranger) = (Key::new(), Key::new());
    let good = key_file(&repo, &key, "good");
    let other = key_file(&repo, &stranger, "other");
    let repomd = repo.metadata("repomd.xml");
    let server = Server::start(repo.path());
    let set = |keys: &str| {
        one(&format!(
            "baseurl={}\nrepo_gpgcheck=1\ngpgkey={keys}",
            server.url("")
        ))
    };
    let refresh = |keys: &str| Cache::new().fetcher().refresh(&set(keys).repos[0]);
    let good = good.display().to_string();

    assert!(matches!(refresh("").unwrap_err(), RepoError::NoKeys { .. }));
    assert_eq!(
        problem(refresh(&good).unwrap_err()),
        SignatureProblem::Missing
    );

    key.sign_file(&repomd);
    refresh(&good).unwrap();
    // Of several keys one has to fit; one that does not exist is passed over. Keys by URL.
    refresh(&format!("/no/such/key {} {good}", other.display())).unwrap();
    refresh(&server.url("good")).unwrap();

    let error = refresh(&other.display().to_string()).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains(&key.id())
            && message.contains(&stranger.id())
            && message.contains("repomd.xml"),
        "{message}"
    );
    assert!(matches!(
        problem(error),
        SignatureProblem::UnknownKey { .. }
    ));
    let error = refresh("/no/such/key").unwrap_err();
    assert!(error.to_string().contains("/no/such/key"), "{error}");
    assert!(matches!(error, RepoError::Key { .. }));

    // A signature of a moment ago, then the right one.
    let asc = std::fs::read(repo.metadata("repomd.xml.asc")).unwrap();
    std::fs::write(repo.path().join("old"), "an older text").unwrap();
    key.sign_file(&repo.path().join("old"));
    let old = std::fs::read(repo.path().join("old.asc")).unwrap();
    assert_ne!(asc, old);
    server.fault("repomd.xml.asc", crate::server::Fault::Instead(old), 1);
    refresh(&good).unwrap();

    // The signature of another text.
    let mut text = std::fs::read(&repomd).unwrap();
    text.extend(b"<!-- x -->");
    std::fs::write(&repomd, text).unwrap();
    assert!(matches!(
        problem(refresh(&good).unwrap_err()),
        SignatureProblem::Wrong { .. }
    ));
}

#[test]
fn a_cache_filled_without_check_is_checked_when_asked() {
    let repo = Repo::new();
    let key = Key::new();
    let good = key_file(&repo, &key, "good");
    let server = Server::start(repo.path());
    let cache = Cache::new();
    let base = format!("metadata_expire=never\nbaseurl={}\n", server.url(""));
    cache.fetcher().refresh(&one(&base).repos[0]).unwrap();
    let signed = one(&format!("{base}repo_gpgcheck=1\ngpgkey={}", good.display()));
    let error = cache.fetcher().refresh(&signed.repos[0]).unwrap_err();
    assert_eq!(problem(error), SignatureProblem::Missing);
    key.sign_file(&repo.metadata("repomd.xml"));
    cache.fetcher().refresh(&signed.repos[0]).unwrap();
    server.requests();
    cache.fetcher().refresh(&signed.repos[0]).unwrap();
    assert!(server.paths().is_empty(), "checked once, then fresh");
}

#[test]
fn signed_packages_need_a_known_key() {
    let repo = Repo::new();
    let (key, stranger) = (Key::new(), Key::new());
    let good = key_file(&repo, &key, "good");
    let other = key_file(&repo, &stranger, "other");
    let set = |base: &str, key: &Path| {
        one(&format!(
            "baseurl={base}\ngpgcheck=1\ngpgkey={}",
            key.display()
        ))
    };
    let server = Server::start(repo.path());
    for base in [server.url(""), repo.path().display().to_string()] {
        let cache = Cache::new();
        let unsigned = builder("alpha", "1", |_| {}).build().unwrap();
        unsigned
            .write_file(repo.path().join("alpha-1-1.noarch.rpm"))
            .unwrap();
        let error = cache
            .fetcher()
            .download(&repo.packages("test"), &set(&base, &good))
            .unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("alpha-1-1.noarch.rpm") && message.contains("not signed"),
            "{message}"
        );

        sign_all(&repo, &key);
        let packages = repo.packages("test");
        cache
            .fetcher()
            .download(&packages, &set(&base, &good))
            .unwrap();
        // The same files, other keys: checked anew.
        let error = cache
            .fetcher()
            .download(&packages, &set(&base, &other))
            .unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(&key.id()) && message.contains(&stranger.id()),
            "{message}"
        );
        assert!(matches!(
            problem(error),
            SignatureProblem::UnknownKey { .. }
        ));
        cache
            .fetcher()
            .download(&packages, &set(&base, &good))
            .unwrap();
    }
}

#[test]
fn the_payload_is_covered_too() {
    let repo = Repo::new();
    let key = Key::new();
    let good = key_file(&repo, &key, "good");
    sign_all(&repo, &key);
    let path = repo.path().join("alpha-1-1.noarch.rpm");
    let data = std::fs::read(&path).unwrap();
    let set = one(&format!(
        "baseurl={}\ngpgcheck=1\ngpgkey={}",
        repo.path().display(),
        good.display()
    ));
    let download = || {
        // Metadata agrees with the file, as it would at a mirror that was broken into.
        repo.index();
        Cache::new()
            .fetcher()
            .download(&repo.packages("test")[..1], &set)
    };
    let mut payload = data.clone();
    *payload.last_mut().unwrap() ^= 1;
    std::fs::write(&path, payload).unwrap();
    let found = problem(download().unwrap_err());
    assert!(
        matches!(
            found,
            SignatureProblem::Digest {
                part: "payload",
                ..
            }
        ),
        "{found}"
    );

    // A changed letter of the header, with and without the unsigned digests beside it.
    let at = data
        .windows(14)
        .rposition(|w| w == b"A test package")
        .unwrap();
    let mut header = data.clone();
    header[at] = b'B';
    std::fs::write(&path, header).unwrap();
    let found = problem(download().unwrap_err());
    assert!(
        matches!(
            found,
            SignatureProblem::Digest { part: "header", .. } | SignatureProblem::Wrong { .. }
        ),
        "{found}"
    );
    std::fs::write(&path, &data).unwrap();
    download().unwrap();
}

#[test]
fn local_packages_are_checked_when_asked() {
    let repo = Repo::new();
    let key = Key::new();
    let good = key_file(&repo, &key, "good");
    let path = repo.path().join("alpha-1-1.noarch.rpm");
    let read = || rpmkit_repo::local::read_package(&path).unwrap();
    let set = |value: &str| {
        crate::fixture::conf(&format!(
            "[main]\nlocalpkg_gpgcheck={value}\n[r]\nbaseurl={}\ngpgkey={}\n",
            repo.path().display(),
            good.display()
        ))
    };
    let cache = Cache::new();
    let taken = cache.fetcher().download(&[read()], &set("0")).unwrap();
    assert_eq!(taken[0].path(), path);
    assert_eq!(*taken[0].trust(), Trust::Unsigned(Unsigned::LocalFile));
    let error = cache.fetcher().download(&[read()], &set("1")).unwrap_err();
    assert_eq!(problem(error), SignatureProblem::Missing);
    sign_all(&repo, &key);
    let taken = cache.fetcher().download(&[read()], &set("1")).unwrap();
    assert!(matches!(taken[0].trust(), Trust::Signed { .. }));
}

#[test]
fn what_stands_behind_a_package_is_known_before_it_is_fetched() {
    let repo = Repo::new();
    let good = key_file(&repo, &Key::new(), "good");
    let other = key_file(&repo, &Key::new(), "other");
    let trust = |main: &str, repository: &str| {
        let text = format!("[main]\n{main}\n[test]\nbaseurl=http://127.0.0.1:1/\n{repository}\n");
        let mut package = repo.packages("test").remove(0);
        package.location.href = "not-there.rpm".into();
        Cache::new()
            .fetcher()
            .trust(&package, &crate::fixture::conf(&text))
    };
    let off = |setting| Trust::Unsigned(Unsigned::GpgcheckOff(setting));
    assert_eq!(trust("", "").unwrap(), off(Setting::Default));
    assert_eq!(trust("gpgcheck=0", "").unwrap(), off(Setting::Main));
    assert_eq!(
        trust("gpgcheck=1", "gpgcheck=0").unwrap(),
        off(Setting::Repository)
    );
    let with = |key: &Path| trust("gpgcheck=1", &format!("gpgkey={}", key.display()));
    let signed = with(&good).unwrap();
    assert!(matches!(signed, Trust::Signed { .. }), "{signed:?}");
    assert_eq!(with(&good).unwrap(), signed);
    assert_ne!(with(&other).unwrap(), signed);
    assert!(matches!(
        trust("gpgcheck=1", "").unwrap_err(),
        RepoError::NoKeys { .. }
    ));

    // What a chain has built itself is told from what a repository does not sign.
    let mut set = crate::fixture::conf("[local_build_repo]\nbaseurl=/x\ngpgcheck=0\n");
    let package = repo.packages("local_build_repo").remove(0);
    let own = Cache::new().fetcher().trust(&package, &set).unwrap();
    assert_eq!(own, Trust::Unsigned(Unsigned::OwnResult));
    set.repos[0].common.gpgcheck = true;
    assert!(Cache::new().fetcher().trust(&package, &set).is_err());
}

/// Packages as rpm made them before 4.14: no digest of the payload in the header, but a signature
/// over header and payload.
#[test]
fn old_packages_are_checked_by_their_header_and_payload() {
    use rpm::{Header, HeaderEntry, IndexSignatureTag, IndexTag};
    let repo = Repo::new();
    let key = Key::new();
    let good = key_file(&repo, &key, "good");
    let path = repo.path().join("alpha-1-1.noarch.rpm");
    let digests = [
        IndexTag::RPMTAG_PAYLOADSHA256 as u32,
        IndexTag::RPMTAG_PAYLOADSHA256ALT as u32,
        IndexTag::RPMTAG_PAYLOAD_SHA512 as u32,
        IndexTag::RPMTAG_PAYLOAD_SHA512_ALT as u32,
        IndexTag::RPMTAG_PAYLOAD_SHA3_256 as u32,
        IndexTag::RPMTAG_PAYLOAD_SHA3_256_ALT as u32,
        IndexTag::RPMTAG_HEADERIMMUTABLE as u32,
    ];
    let mut package = builder("alpha", "1", |_| {}).build().unwrap();
    let entries = package.metadata.header.get_all_entries().unwrap();
    let kept = entries
        .into_iter()
        .filter(|(tag, _)| !digests.contains(tag))
        .map(|(tag, data)| HeaderEntry::new(tag, data));
    package.metadata.header = Header::from_entries(kept, IndexTag::RPMTAG_HEADERIMMUTABLE);
    let header = package.metadata.header_bytes().unwrap();
    let whole = [header.clone(), package.payload.clone()].concat();
    let mut write = |whole_signature: Option<&[u8]>, header_signature: Option<&[u8]>| {
        let entry = |tag: IndexSignatureTag, data: &[u8]| {
            HeaderEntry::new(tag as u32, rpm::IndexData::Bin(data.to_vec()))
        };
        let whole = whole_signature.map(|s| entry(IndexSignatureTag::RPMSIGTAG_PGP, s));
        let head = header_signature.map(|s| entry(IndexSignatureTag::RPMSIGTAG_RSA, s));
        package.metadata.signature = Header::from_entries(
            head.into_iter().chain(whole),
            IndexSignatureTag::HEADER_SIGNATURES,
        );
        package.write_file(&path).unwrap();
        repo.index();
    };
    let set = one(&format!(
        "baseurl={}\ngpgcheck=1\ngpgkey={}",
        repo.path().display(),
        good.display()
    ));
    let download = || {
        Cache::new()
            .fetcher()
            .download(&repo.packages("test")[..1], &set)
    };
    let (over_header, over_all) = (key.sign(&header), key.sign(&whole));
    write(Some(&over_all), None);
    download().unwrap();
    write(Some(&over_all), Some(&over_header));
    download().unwrap();
    write(None, Some(&over_header));
    assert_eq!(
        problem(download().unwrap_err()),
        SignatureProblem::NoPayloadDigest
    );
    write(Some(&over_header), Some(&over_header));
    let found = problem(download().unwrap_err());
    assert!(matches!(found, SignatureProblem::Wrong { .. }), "{found}");
}

/// Two signatures, as rpm 6 makes them, of which one is made with a key nobody knows.
#[test]
fn one_of_two_signatures_is_of_a_stranger() {
    let repo = Repo::new();
    let (key, stranger) = (Key::new(), Key::new());
    let good = key_file(&repo, &key, "good");
    let header = unsigned_header();
    let write = |signers: &[(&Key, &[u8])]| {
        let made = signers.iter().map(|(key, data)| key.sign(data));
        write_signed(&repo, &made.collect::<Vec<_>>());
    };
    let cache = Cache::new();
    let download = |level| {
        let mut set = one(&format!(
            "baseurl={}\ngpgcheck=1\ngpgkey={}",
            repo.path().display(),
            good.display()
        ));
        set.main.verify_level = level;
        cache
            .fetcher()
            .download(&repo.packages("test")[..1], &set)
            .map(|found| found[0].trust().clone())
    };
    write(&[(&key, &header), (&stranger, &header)]);
    let one_will_do = download(VerifyLevel::Signature).unwrap();
    let refused = problem(download(VerifyLevel::All).unwrap_err());
    assert!(
        matches!(refused, SignatureProblem::UnknownKey { .. }),
        "{refused}"
    );
    write(&[(&key, &header), (&key, &header)]);
    assert_ne!(download(VerifyLevel::All).unwrap(), one_will_do);
    // A wrong one is wrong at every level.
    write(&[(&key, &header), (&key, b"other")]);
    for level in [VerifyLevel::All, VerifyLevel::Signature] {
        let refused = problem(download(level).unwrap_err());
        assert!(
            matches!(refused, SignatureProblem::Wrong { .. }),
            "{refused}"
        );
    }
    write(&[(&stranger, &header)]);
    assert!(download(VerifyLevel::Signature).is_err());
}

/// The header of [`write_signed`]'s package.
fn unsigned_header() -> Vec<u8> {
    let package = builder("alpha", "1", |_| {}).build().unwrap();
    package.metadata.header_bytes().unwrap()
}

/// A package with these signatures, as rpm 6 keeps them.
fn write_signed(repo: &Repo, signatures: &[Vec<u8>]) {
    use base64::Engine;
    use rpm::{Header, HeaderEntry, IndexSignatureTag};
    let mut package = builder("alpha", "1", |_| {}).build().unwrap();
    let texts = signatures
        .iter()
        .map(|raw| base64::engine::general_purpose::STANDARD.encode(raw))
        .collect();
    let entry = HeaderEntry::new(
        IndexSignatureTag::RPMSIGTAG_OPENPGP as u32,
        rpm::IndexData::StringArray(texts),
    );
    package.metadata.signature =
        Header::from_entries([entry], IndexSignatureTag::HEADER_SIGNATURES);
    package
        .write_file(repo.path().join("alpha-1-1.noarch.rpm"))
        .unwrap();
    repo.index();
}

/// As rpm 6.1 judges packages with such signatures.
#[test]
fn a_place_for_a_signature_holds_one_signature_of_data() {
    let repo = Repo::new();
    let key = Key::new();
    let good = key_file(&repo, &key, "good");
    let header = unsigned_header();
    let download = |signatures: &[Vec<u8>], level| {
        write_signed(&repo, signatures);
        let mut set = one(&format!(
            "baseurl={}\ngpgcheck=1\ngpgkey={}",
            repo.path().display(),
            good.display()
        ));
        set.main.verify_level = level;
        Cache::new()
            .fetcher()
            .download(&repo.packages("test")[..1], &set)
            .map(drop)
    };
    let mine = || key.sign(&header);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let text = key.sign_as(&header, true, u32::try_from(now).unwrap());
    // Older than its key.
    let weak = || key.sign_as(&header, false, 1_000_000_000);
    let (all, one_of) = (VerifyLevel::All, VerifyLevel::Signature);
    for (what, signatures) in [
        ("two in one place", vec![[mine(), mine()].concat()]),
        (
            "something behind it",
            vec![[mine(), b"x".to_vec()].concat()],
        ),
        ("nothing", vec![Vec::new()]),
        ("of text", vec![text.clone()]),
        ("beside one of text", vec![mine(), text]),
        ("beside nothing", vec![mine(), Vec::new()]),
    ] {
        for level in [all, one_of] {
            let refused = problem(download(&signatures, level).unwrap_err());
            assert!(
                matches!(refused, SignatureProblem::Unreadable(_)),
                "{what}: {refused}"
            );
        }
    }
    // One that breaks a rule is made up for where one is enough.
    assert!(matches!(
        problem(download(&[mine(), weak()], all).unwrap_err()),
        SignatureProblem::Refused { .. }
    ));
    download(&[mine(), weak()], one_of).unwrap();
    assert!(download(&[weak()], one_of).is_err());
}

#[test]
fn what_an_older_policy_let_pass_is_looked_at_again() {
    let repo = Repo::new();
    let key = Key::new();
    let good = key_file(&repo, &key, "good");
    key.sign_file(&repo.metadata("repomd.xml"));
    let server = Server::start(repo.path());
    let set = one(&format!(
        "metadata_expire=never\nbaseurl={}\nrepo_gpgcheck=1\ngpgkey={}",
        server.url(""),
        good.display()
    ));
    let cache = Cache::new();
    cache.fetcher().refresh(&set.repos[0]).unwrap();
    // Another key in the same place, and the state of a version that noted where keys lie.
    key_file(&repo, &Key::new(), "good");
    assert!(matches!(
        problem(cache.fetcher().refresh(&set.repos[0]).unwrap_err()),
        SignatureProblem::UnknownKey { .. }
    ));
    key_file(&repo, &key, "good");
    cache.fetcher().refresh(&set.repos[0]).unwrap();
    let state = cache.files("state.json").remove(0);
    let text = std::fs::read_to_string(&state).unwrap();
    let mut old: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(old.as_object_mut().unwrap().remove("signed").is_some());
    old["signed_by"] = serde_json::json!([good.display().to_string()]);
    std::fs::write(&state, old.to_string()).unwrap();
    std::fs::remove_file(repo.metadata("repomd.xml.asc")).unwrap();
    assert!(cache.fetcher().refresh(&set.repos[0]).is_err());
}
