//! Repositories, keys and fetchers for tests.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use pgp::{
    composed::{ArmorOptions, DetachedSignature, KeyType, SecretKeyParamsBuilder, SignedSecretKey},
    crypto::hash::HashAlgorithm,
    types::{KeyDetails, Password},
};
use rpm::{BuildConfig, CompressionWithLevel, FileOptions, PackageBuilder};
use rpmkit_repo::{
    CacheDirs, FetchOptions, Fetcher, RepoSet, Vars,
    create::{self, CreateOptions},
    local,
};
use rpmkit_types::{
    Package,
    event::{Event, Events, Listener},
};

/// A directory with a repository of a few packages.
pub struct Repo {
    pub temp: tempfile::TempDir,
}

impl Repo {
    /// Two packages, `alpha-1-1` and `beta-2-1`, and groups.
    pub fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let repo = Self { temp };
        repo.add("alpha", "1", |_| {});
        repo.add("beta", "2", |_| {});
        let comps = repo.path().join("comps.xml");
        std::fs::write(&comps, "<comps/>\n").unwrap();
        repo.index();
        repo
    }

    pub fn path(&self) -> &Path {
        self.temp.path()
    }

    /// Adds a package file; the repository has to be indexed again.
    pub fn add(
        &self,
        name: &str,
        version: &str,
        with: impl FnOnce(&mut PackageBuilder),
    ) -> PathBuf {
        let package = builder(name, version, with).build().unwrap();
        let path = self.path().join(format!("{name}-{version}-1.noarch.rpm"));
        package.write_file(&path).unwrap();
        path
    }

    pub fn index(&self) {
        let options = CreateOptions {
            groups: Some(self.path().join("comps.xml")),
            ..CreateOptions::default()
        };
        create::create(self.path(), &options).unwrap();
    }

    /// The packages as solving would name them, from repository `id`.
    pub fn packages(&self, id: &str) -> Vec<Package> {
        let mut names: Vec<PathBuf> = std::fs::read_dir(self.path())
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "rpm"))
            .collect();
        names.sort();
        names
            .iter()
            .map(|path| {
                let mut package = local::read_package(path).unwrap();
                package.repo = id.to_owned();
                package.location.href = path.file_name().unwrap().to_str().unwrap().to_owned();
                package
            })
            .collect()
    }

    /// Path of a metadata file by the middle of its name.
    pub fn metadata(&self, part: &str) -> PathBuf {
        std::fs::read_dir(self.path().join("repodata"))
            .unwrap()
            .map(|e| e.unwrap().path())
            .find(|p| p.to_str().unwrap().contains(part))
            .unwrap()
    }
}

/// A package with one file in `/usr/share/NAME` and one in `/usr/bin`.
pub fn builder(
    name: &str,
    version: &str,
    with: impl FnOnce(&mut PackageBuilder),
) -> PackageBuilder {
    let mut builder = PackageBuilder::new(name, version, "MIT", "noarch", "A test package");
    builder
        .using_config(
            BuildConfig::v4()
                .compression(CompressionWithLevel::Gzip(1))
                .source_date(1_700_000_000),
        )
        .release("1")
        .description("Text with <angles> & more.");
    // Not compressible, so that the file is long enough to be cut.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let noise: Vec<u8> = (0..60_000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8 ^ name.as_bytes()[0]
        })
        .collect();
    builder
        .with_file_contents(noise, FileOptions::new(format!("/usr/share/{name}/data")))
        .unwrap()
        .with_file_contents("#!/bin/sh\n", FileOptions::new(format!("/usr/bin/{name}")))
        .unwrap();
    with(&mut builder);
    builder
}

/// Parses a `dnf.conf`.
pub fn conf(text: &str) -> RepoSet {
    RepoSet::parse(text, &Vars::for_target("x86_64", "40")).unwrap()
}

/// A `dnf.conf` with one repository `test` and these lines in it.
pub fn one(lines: &str) -> RepoSet {
    conf(&format!("[test]\nmetadata_expire=0\nretries=3\n{lines}\n"))
}

/// A fetcher with an empty cache.
pub struct Cache {
    pub temp: tempfile::TempDir,
    pub events: Arc<Mutex<Vec<Event>>>,
}

struct Collect(Arc<Mutex<Vec<Event>>>);

impl Listener for Collect {
    fn on_event(&self, _: SystemTime, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Cache {
    pub fn new() -> Self {
        Self {
            temp: tempfile::tempdir().unwrap(),
            events: Arc::default(),
        }
    }

    pub fn options() -> FetchOptions {
        FetchOptions {
            wait: Duration::from_millis(1),
            ..FetchOptions::default()
        }
    }

    pub fn fetcher(&self) -> Fetcher {
        self.with(Self::options())
    }

    pub fn offline(&self) -> Fetcher {
        self.with(FetchOptions {
            offline: true,
            ..Self::options()
        })
    }

    pub fn with(&self, options: FetchOptions) -> Fetcher {
        let events = Events::new(Collect(Arc::clone(&self.events)));
        Fetcher::new(CacheDirs::below(self.temp.path()), options, events)
    }

    /// What was warned of.
    pub fn warnings(&self) -> Vec<String> {
        let warning = |event: &Event| match event {
            Event::Message {
                level: rpmkit_types::event::Level::Warning,
                text,
                ..
            } => Some(text.clone()),
            _ => None,
        };
        self.events
            .lock()
            .unwrap()
            .iter()
            .filter_map(warning)
            .collect()
    }

    /// Every file below the cache whose path contains `part`.
    pub fn files(&self, part: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut todo = vec![self.temp.path().to_owned()];
        while let Some(dir) = todo.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    todo.push(path);
                } else if path.to_str().unwrap().contains(part) {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

/// A signing key.
pub struct Key(pub SignedSecretKey);

impl Key {
    pub fn new() -> Self {
        let mut params = SecretKeyParamsBuilder::default();
        params
            .key_type(KeyType::Ed25519Legacy)
            .can_certify(true)
            .can_sign(true)
            .primary_user_id("Test <test@example.com>".into());
        let key = params
            .build()
            .unwrap()
            .generate(rand::thread_rng())
            .unwrap();
        Self(key)
    }

    pub fn id(&self) -> String {
        self.0
            .legacy_key_id()
            .as_ref()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect()
    }

    /// Writes the public key, armoured.
    pub fn public(&self, path: &Path) {
        let public = pgp::composed::SignedPublicKey::from(self.0.clone());
        let text = public.to_armored_string(ArmorOptions::default()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Signs a file into `FILE.asc`.
    pub fn sign_file(&self, path: &Path) {
        let text = self
            .detached(&std::fs::read(path).unwrap())
            .to_armored_string(ArmorOptions::default())
            .unwrap();
        std::fs::write(format!("{}.asc", path.display()), text).unwrap();
    }

    /// A signature of these bytes, not armoured.
    pub fn sign(&self, data: &[u8]) -> Vec<u8> {
        use pgp::ser::Serialize;
        self.detached(data).to_bytes().unwrap()
    }

    /// The same, of text or data, at this time in seconds since 1970.
    pub fn sign_as(&self, data: &[u8], text: bool, at: u32) -> Vec<u8> {
        use pgp::{
            packet::{PacketTrait, SignatureConfig, SignatureType, Subpacket, SubpacketData},
            types::Timestamp,
        };
        let kind = match text {
            true => SignatureType::Text,
            false => SignatureType::Binary,
        };
        let primary = &self.0.primary_key;
        let mut config = SignatureConfig::v4(kind, primary.algorithm(), HashAlgorithm::Sha256);
        config.hashed_subpackets = vec![
            Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::from_secs(
                at,
            )))
            .unwrap(),
            Subpacket::regular(SubpacketData::IssuerFingerprint(primary.fingerprint())).unwrap(),
        ];
        let mut out = Vec::new();
        config
            .sign(primary, &Password::empty(), data)
            .unwrap()
            .to_writer_with_header(&mut out)
            .unwrap();
        out
    }

    fn detached(&self, data: &[u8]) -> DetachedSignature {
        DetachedSignature::sign_binary_data(
            rand::thread_rng(),
            &self.0.primary_key,
            &Password::empty(),
            HashAlgorithm::Sha256,
            data,
        )
        .unwrap()
    }

    pub fn signer(&self) -> rpm::signature::pgp::Signer {
        let text = self.0.to_armored_string(ArmorOptions::default()).unwrap();
        rpm::signature::pgp::Signer::from_asc(&text).unwrap()
    }
}
