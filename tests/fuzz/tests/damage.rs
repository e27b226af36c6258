//! Packages and metadata, damaged in every place: said so, in little memory, and nothing is installed.
//!
//! With `RPMKIT_DAMAGE=wide` in the environment every byte is changed in ten ways instead of one, and
//! metadata in ten times as many places.

use std::{fs, path::Path, time::Duration};

use rpmkit_fuzz::small_package;
use rpmkit_repo::{
    CacheDirs, FetchOptions, Fetcher, RepoSet, Vars,
    create::{CreateOptions, create},
    local,
};
use rpmkit_rpmfile::unpack_set;
use rpmkit_solve::{SolveRepo, SolveRequest, Solver};
use rpmkit_types::{Package, event::Events};

/// Bytes this process may ever have had in memory.
const MEMORY: u64 = 512 << 20;

fn set(dir: &Path) -> RepoSet {
    let text = format!("[r]\nbaseurl=file://{}\nretries=1\n", dir.display());
    RepoSet::parse(&text, &Vars::default()).unwrap()
}

/// A directory in memory, where there is one: caches are synced, and there are thousands.
fn temporary() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

fn fetcher(cache: &Path) -> Fetcher {
    let options = FetchOptions {
        wait: Duration::ZERO,
        ..FetchOptions::default()
    };
    Fetcher::new(CacheDirs::below(cache), options, Events::silent())
}

/// How many ways of damage are tried.
fn ways() -> usize {
    match std::env::var_os("RPMKIT_DAMAGE") {
        Some(word) if word == "wide" => MASKS.len(),
        _ => 1,
    }
}

/// What a byte is changed by.
const MASKS: [u8; 10] = [0xff, 1, 0x80, 2, 4, 8, 0x10, 0x20, 0x40, 0x7f];

/// A key, and the package signed with it.
fn signed_package(dir: &Path) -> Vec<u8> {
    use pgp::composed::{ArmorOptions, KeyType, SecretKeyParamsBuilder, SignedPublicKey};
    let mut params = SecretKeyParamsBuilder::default();
    params
        .key_type(KeyType::Ed25519Legacy)
        .can_certify(true)
        .can_sign(true)
        .primary_user_id("Test".into());
    let params = params.build().unwrap();
    let key = params.generate(rand::thread_rng()).unwrap();
    let text = key.to_armored_string(ArmorOptions::default()).unwrap();
    let signer = rpm::signature::pgp::Signer::from_asc(&text).unwrap();
    let public = SignedPublicKey::from(key);
    let text = public.to_armored_string(ArmorOptions::default()).unwrap();
    fs::write(dir.join("key"), text).unwrap();
    let mut package = rpm::Package::parse(&mut small_package().as_slice()).unwrap();
    package.sign(signer).unwrap();
    let mut out = Vec::new();
    package.write(&mut out).unwrap();
    out
}

/// The package's file installed by way of the repository, as far as it comes.
fn installs(package: &Package, dir: &Path) -> bool {
    let cache = temporary();
    let got = fetcher(cache.path()).download(std::slice::from_ref(package), &set(dir));
    let Ok(files) = got else { return false };
    let paths: Vec<_> = files.iter().map(|file| file.path().to_owned()).collect();
    let root = cache.path().join("root");
    fs::create_dir(&root).unwrap();
    unpack_set(&paths, &root, 1).is_ok()
}

fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib << 10
}

#[test]
fn a_package_flipped_or_cut_at_every_offset() {
    let dir = temporary();
    let good = signed_package(dir.path());
    let path = dir.path().join("small-1-1.noarch.rpm");
    fs::write(&path, &good).unwrap();
    let mut package = local::read_package(&path).unwrap();
    package.repo = "r".to_owned();
    package.location.href = "small-1-1.noarch.rpm".to_owned();
    assert!(installs(&package, dir.path()));
    // Read without a digest, as a file the user names or a build left: refused or read, and no more. Where
    // its signature is asked for, what is signed is what is taken.
    let text = format!(
        "[main]\nlocalpkg_gpgcheck=1\n[r]\nbaseurl=file://{0}\ngpgkey=file://{0}/key\n",
        dir.path().display()
    );
    let strict = RepoSet::parse(&text, &Vars::default()).unwrap();
    let cache = temporary();
    let keyring = fetcher(cache.path());
    let bare = |data: &[u8]| {
        fs::write(&path, data).unwrap();
        let Ok(file) = local::read_header(&path) else {
            return false;
        };
        let root = temporary();
        let _ = unpack_set(std::slice::from_ref(&path), root.path(), 1);
        keyring.download(&[file], &strict).is_ok()
    };
    assert!(bare(&good));
    // Lead, padding and the signature's own tags are in no digest; all behind them is signed.
    let magic = [0x8e, 0xad, 0xe8, 1];
    let start = good.windows(4).rposition(|bytes| bytes == magic).unwrap();
    // Four bytes of no meaning follow the header's magic number.
    let header = start + 8;
    for at in 0..good.len() {
        for way in 0..ways() {
            let mut flipped = good.clone();
            flipped[at] ^= MASKS[(at + way) % MASKS.len()];
            let taken = bare(&flipped);
            assert!(!taken || at < header, "taken with byte {at} changed");
            assert!(!installs(&package, dir.path()), "flipped at {at}");
        }
        assert!(!bare(&good[..at]), "cut at {at}");
        assert!(!installs(&package, dir.path()), "cut at {at}");
    }
    assert!(most_memory() < MEMORY, "{}", most_memory());
}

#[test]
fn metadata_damaged_in_two_thousand_places() {
    let dir = temporary();
    fs::write(dir.path().join("small.rpm"), small_package()).unwrap();
    create(dir.path(), &CreateOptions::default()).unwrap();
    let files: Vec<_> = fs::read_dir(dir.path().join("repodata"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let goods: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    let cache = temporary();
    let mut solved = 0;
    for n in 0..2000 * ways() {
        let (path, good) = (&files[n % files.len()], &goods[n % files.len()]);
        let at = n * 7919 % good.len();
        let mut bad = good.clone();
        match n / files.len() % 3 {
            0 => bad[at] ^= 1 << (n % 8),
            1 => bad[at] = b'<',
            _ => bad.truncate(at),
        }
        fs::write(path, &bad).unwrap();
        // Whatever gets past the digests, as it would in a repository that was made so.
        let mut repo = SolveRepo::new("r", "");
        let primary = files
            .iter()
            .find(|path| path.to_string_lossy().contains("-primary"));
        repo.primary = primary.map(|path| path.as_path().into());
        let mut solver = Solver::new("x86_64", &[repo], &[], cache.path());
        let request = SolveRequest {
            install: vec!["small".to_owned()],
            ..SolveRequest::default()
        };
        solved += usize::from(solver.solve(&request).is_ok());
        let set = set(dir.path());
        let own = temporary();
        let data = set
            .enabled()
            .next()
            .map(|repo| fetcher(own.path()).refresh(repo));
        let used = path.to_string_lossy().contains("-primary");
        assert!(!used || bad == *good || data.unwrap().is_err(), "{n}");
        fs::write(path, good).unwrap();
    }
    assert!(solved > 0);
    assert!(most_memory() < MEMORY, "{}", most_memory());
}
