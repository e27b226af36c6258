//! `cargo xtask dist`: the suite as one static program, with links, man pages and completions, in an
//! archive that is the same bytes whenever it is made of the same commit.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

/// Static glibc: the host needs nothing.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Bytes of the archive that are too many.
const LIMIT: usize = 25 << 20;

/// zstd's level: the slowest that needs no special memory to unpack.
const LEVEL: i32 = 19;

/// The names the one program answers to, beside `rpmkit`.
pub const NAMES: [&str; 5] = [
    "rpmkit-hermetic-repo",
    "rpmkit-mock",
    "rpmkit-scm",
    "rpmkit-snap",
    "rpmkit-srpm",
];

/// Builds, packs and writes `dist/`. With `check`, builds in two directories and compares.
pub fn run(root: &Path, target: &Path, check: bool, say: &dyn Fn(&str)) -> Result<PathBuf> {
    let epoch = epoch(root)?;
    let dir = target.join("dist-1");
    let archive = pack(&entries(root, &build(root, &dir, epoch)?)?, epoch)?;
    if check {
        let again = build(root, &target.join("dist-2"), epoch)?;
        ensure!(
            pack(&entries(root, &again)?, epoch)? == archive,
            "built twice, the archive is not the same bytes"
        );
        say("built twice: the same bytes");
    }
    ensure!(
        archive.len() < LIMIT,
        "the archive has {} bytes, more than {LIMIT}",
        archive.len()
    );
    let out = target.join("dist");
    let name = format!("{}.tar.zst", stem());
    fs::create_dir_all(&out).with_context(|| format!("cannot make `{}`", out.display()))?;
    let path = out.join(&name);
    for (path, bytes) in [
        (path.clone(), archive.as_slice()),
        (out.join("SHA256SUMS"), sums(&name, &archive).as_bytes()),
    ] {
        fs::write(&path, bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    say(&format!("{} bytes", archive.len()));
    Ok(path)
}

/// The archive's name without its ending, and the directory in it.
fn stem() -> String {
    format!("rpmkit-{}-x86_64-linux", env!("CARGO_PKG_VERSION"))
}

/// When the commit was made, in seconds: the time of everything in the archive.
fn epoch(root: &Path) -> Result<u64> {
    if let Ok(named) = std::env::var("SOURCE_DATE_EPOCH") {
        return named
            .parse()
            .with_context(|| format!("`SOURCE_DATE_EPOCH={named}` is no number of seconds"));
    }
    let out = Command::new("git")
        .args(["log", "-1", "--format=%ct"])
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    let text = String::from_utf8_lossy(&out.stdout);
    text.trim()
        .parse()
        .context("git does not tell when the last commit was made; SOURCE_DATE_EPOCH says it")
}

/// Builds the one program below `dir`; gives its bytes.
fn build(root: &Path, dir: &Path, epoch: u64) -> Result<Vec<u8>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--locked", "--profile", "dist", "--target", TARGET])
        .args(["--package", "rpmkit", "--target-dir"])
        .arg(dir)
        .current_dir(root)
        .env("SOURCE_DATE_EPOCH", epoch.to_string())
        .env("CARGO_INCREMENTAL", "0")
        // Archives of objects carry no time of day.
        .env("ZERO_AR_DATE", "1")
        .env_remove("RUSTFLAGS");
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .context("where cargo keeps its crates is not known; CARGO_HOME says it")?;
    for (name, value) in flags(&[(dir, "/target"), (root, "/rpmkit"), (&home, "/cargo")]) {
        command.env(name, value);
    }
    ensure!(
        command.status().context("cannot run cargo")?.success(),
        "the suite does not build; a static glibc is in the package `libc6-dev` or `glibc-static`"
    );
    let program = dir.join(TARGET).join("dist/rpmkit");
    fs::read(&program).with_context(|| format!("cannot read `{}`", program.display()))
}

/// What makes rustc and cc link statically and write no directory of this machine into the program.
fn flags(places: &[(&Path, &str)]) -> [(&'static str, OsString); 3] {
    // Separated by a byte no path has, where a space may be in one. rustc takes the last that fits, so the
    // innermost come last.
    let mut rust = OsString::from("-Ctarget-feature=+crt-static");
    let mut c = OsString::new();
    for (from, to) in places.iter().rev() {
        rust.push("\u{1f}--remap-path-prefix=");
        rust.push(from);
        rust.push(format!("={to}"));
    }
    for (from, to) in places {
        c.push("-ffile-prefix-map=");
        c.push(from);
        c.push(format!("={to} "));
    }
    [
        ("CARGO_ENCODED_RUSTFLAGS", rust),
        ("CFLAGS", c.clone()),
        ("CXXFLAGS", c),
    ]
}

/// Something in the archive.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    File { bytes: Vec<u8>, mode: u32 },
    Link(&'static str),
}

/// Everything in the archive, by path and in order.
fn entries(root: &Path, program: &[u8]) -> Result<Vec<(String, Entry)>> {
    let file = |bytes, mode| Entry::File { bytes, mode };
    let mut all = vec![("bin/rpmkit".to_owned(), file(program.to_owned(), 0o755))];
    all.extend(NAMES.map(|name| (format!("bin/{name}"), Entry::Link("rpmkit"))));
    for name in ["LICENSE-MIT", "README.md"] {
        all.push((
            format!("share/doc/rpmkit/{name}"),
            file(read(&root.join(name))?, 0o644),
        ));
    }
    for (from, to) in crate::install::DATA {
        let dir = root.join(from);
        let list =
            fs::read_dir(&dir).with_context(|| format!("cannot list `{}`", dir.display()))?;
        for entry in list {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // mock's own stay mock's.
            if name != ".gitkeep" && !crate::install::of_mock(&name) {
                all.push((format!("{to}/{name}"), file(read(&dir.join(&name))?, 0o644)));
            }
        }
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(all)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// The archive: nobody's name, one time, one order.
fn pack(entries: &[(String, Entry)], epoch: u64) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(zstd::Encoder::new(Vec::new(), LEVEL)?);
    for (path, entry) in entries {
        let path = format!("{}/{path}", stem());
        let mut header = tar::Header::new_gnu();
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        match entry {
            Entry::File { bytes, mode } => {
                header.set_mode(*mode);
                header.set_size(bytes.len() as u64);
                tar.append_data(&mut header, path, bytes.as_slice())?;
            }
            Entry::Link(to) => {
                header.set_mode(0o777);
                header.set_size(0);
                header.set_entry_type(tar::EntryType::Symlink);
                tar.append_link(&mut header, path, to)?;
            }
        }
    }
    let done = tar.into_inner()?.finish()?;
    if done.is_empty() {
        bail!("the archive is empty");
    }
    Ok(done)
}

/// A line for `sha256sum -c`.
fn sums(name: &str, bytes: &[u8]) -> String {
    format!("{}  {name}\n", hex::encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_archive_holds_one_program_and_is_the_same_twice() {
        let root = crate::workspace();
        let made = entries(root, b"program").unwrap();
        let archive = pack(&made, 1_700_000_000).unwrap();
        assert_eq!(
            archive,
            pack(&entries(root, b"program").unwrap(), 1_700_000_000).unwrap()
        );
        let unpacked = zstd::decode_all(archive.as_slice()).unwrap();
        let mut tar = tar::Archive::new(unpacked.as_slice());
        let mut seen = Vec::new();
        for entry in tar.entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(
                (header.mtime().unwrap(), header.uid().unwrap()),
                (1_700_000_000, 0)
            );
            let path = entry.path().unwrap().display().to_string();
            let to = entry
                .link_name()
                .unwrap()
                .map(|to| to.display().to_string());
            seen.push((path, header.mode().unwrap(), to));
        }
        let has = |path: &str, mode, to: Option<&str>| {
            seen.contains(&(format!("{}/{path}", stem()), mode, to.map(str::to_owned)))
        };
        assert!(has("bin/rpmkit", 0o755, None));
        assert!(has("bin/rpmkit-snap", 0o777, Some("rpmkit")));
        assert!(has("share/man/man1/rpmkit-build.1", 0o644, None));
        assert!(has("share/zsh/site-functions/_rpmkit", 0o644, None));
        assert!(!has("share/man/man1/mock.1", 0o644, None));
    }

    #[test]
    fn flags_link_statically_and_hide_directories() {
        let places = [
            (Path::new("/src/target"), "/target"),
            (Path::new("/src"), "/rpmkit"),
        ];
        let [(_, rust), (name, c), _] = flags(&places);
        assert_eq!(
            rust.to_str().unwrap().split('\u{1f}').collect::<Vec<_>>(),
            [
                "-Ctarget-feature=+crt-static",
                "--remap-path-prefix=/src=/rpmkit",
                "--remap-path-prefix=/src/target=/target",
            ]
        );
        assert_eq!(name, "CFLAGS");
        assert!(
            c.to_str()
                .unwrap()
                .starts_with("-ffile-prefix-map=/src/target=/target ")
        );
    }

    #[test]
    fn sums_are_as_sha256sum_reads_them() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sums("a.tar.zst", b""), format!("{empty}  a.tar.zst\n"));
    }
}
