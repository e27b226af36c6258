//! `chroot_scan`: files of the chroot that tell what went wrong, copied to the result directory.
//!
//! Files are taken by programs inside: a link a build has left means what it means there, and brings no file
//! of the host into the results.

use std::{
    fs::File,
    io::{Seek, Write},
    path::{Component, Path, PathBuf},
};

use rpmkit_fs::{Durability, IfThere, Links, UntrustedTree};
use rpmkit_sandbox::{Command, Output, RunAs, Stdin, Stream};

use super::{BuildError, Buildroot, Built, Plugin, Rebuild, failed};
use rpmkit_config::{Value, scan_patterns};
use rpmkit_types::event::Level;
use rpmkit_types::untar::Paced;

/// Copies to `chroot_scan/`, or packs `chroot_scan.tar.gz`.
pub(super) struct ChrootScan;

/// What the copies lie below, and the tarball is called.
const NAME: &str = "chroot_scan";

/// What is no part of the chroot's own files.
const LIST: &str = "find / \\( -path /proc -o -path /sys -o -path /dev \\) -prune -o \\( -type f -o -type l -xtype f \\) -print0";

impl Plugin for ChrootScan {
    fn name(&self) -> &'static str {
        "chroot_scan"
    }

    fn postbuild(
        &self,
        root: &mut Buildroot,
        job: &Rebuild,
        built: Option<&Built>,
    ) -> Result<(), BuildError> {
        if flag(root, "only_failed") && built.is_some() {
            return Ok(());
        }
        let resultdir = job.resultdir.clone();
        self.scan(root, &resultdir)
    }
}

/// What mock's hook `initfailed` does.
pub(super) fn after_failed_init(root: &mut Buildroot) -> Result<(), BuildError> {
    // Without a shell in the root there is nobody to look, and hardly anything to find.
    if root
        .quietly(["/bin/sh", "-c", ":"].map(str::to_owned).to_vec())
        .is_err()
    {
        return Ok(());
    }
    let resultdir = root.settings().build.resultdir.clone();
    ChrootScan.scan(root, &resultdir)
}

fn flag(root: &Buildroot, key: &str) -> bool {
    root.settings()
        .plugins
        .option("chroot_scan", key)
        .is_some_and(|value| value.to_string() == "True")
}

impl ChrootScan {
    fn scan(&self, root: &mut Buildroot, resultdir: &Path) -> Result<(), BuildError> {
        let tarball = flag(root, "write_tar");
        let patterns: Vec<String> = root
            .settings()
            .plugins
            .option(self.name(), "regexes")
            .and_then(Value::items)
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        let found = self.list(root, &patterns)?;
        if found.is_empty() {
            return Ok(());
        }
        let bad = |e: std::io::Error| failed(self.name(), e);
        let packed = self.pack(root, &found)?;
        let rootdir = root.settings().chroot.rootdir.clone();
        let target = resultdir.join(NAME);
        // Another user may write in the directory: none of its links is followed.
        let results =
            UntrustedTree::open(resultdir, Links::Never).map_err(|e| failed(self.name(), e))?;
        let below = below(Path::new(NAME), &rootdir);
        let events = root.engine().events();
        if tarball {
            let name = format!("{NAME}.tar.gz");
            let path = resultdir.join(&name);
            events.info(format!("chroot_scan: creating tarball {}", path.display()));
            let inside = target.strip_prefix("/").unwrap_or(&target);
            let inside = inside.join(below.strip_prefix(NAME).unwrap_or(&below));
            compressed(packed, &inside, &results, &name).map_err(bad)?;
        } else {
            unpack(packed, &results, &below).map_err(bad)?;
        }
        events.info(format!(
            "chroot_scan: {} files copied to {}",
            found.len(),
            target.display()
        ));
        let copied: Vec<String> = found
            .iter()
            .map(|path| format!("{}{path}", rootdir.display()))
            .collect();
        events.narrate(Level::Info, copied.join("\n"));
        Ok(())
    }
}

impl ChrootScan {
    /// Files whose base names match one of the patterns.
    fn list(&self, root: &mut Buildroot, patterns: &[String]) -> Result<Vec<String>, BuildError> {
        let regex = scan_patterns(patterns).map_err(|reason| failed(self.name(), reason))?;
        let argv = ["/bin/sh", "-c", LIST].map(str::to_owned).to_vec();
        let ran = root.quietly(argv)?;
        if !ran.exit.success() && ran.output.is_empty() {
            let reason = ran.tail.join("; ");
            return Err(failed(
                self.name(),
                format!("the chroot's files cannot be listed: {reason}"),
            ));
        }
        let text = String::from_utf8_lossy(&ran.output);
        Ok(text
            .split('\0')
            .filter(|path| regex.is_match(path.rsplit('/').next().unwrap_or_default()))
            .filter(|path| !path.is_empty())
            .map(str::to_owned)
            .collect())
    }

    /// Those files as an archive, streamed to a file without a name.
    fn pack(&self, root: &mut Buildroot, files: &[String]) -> Result<File, BuildError> {
        let bad = |e: std::io::Error| failed(self.name(), e);
        let mut out = tempfile::tempfile_in(root.engine().scratch()?.path()).map_err(bad)?;
        let tar = "tar";
        let words = [
            "-C",
            "/",
            "--null",
            "--no-recursion",
            "--dereference",
            "-cf",
            "-",
            "-T",
            "-",
        ];
        let mut command = Command::new(std::iter::once(tar).chain(words))
            .user(RunAs::Root)
            .output(Output::Separate);
        let list: Vec<u8> = files
            .iter()
            .flat_map(|path| [path.trim_start_matches('/').as_bytes(), b"\0"].concat())
            .collect();
        command.stdin = Stdin::Bytes(list);
        command.env = vec![("PATH".into(), "/usr/bin:/bin".into())];
        let mut outcome = Ok(());
        let mut said = Vec::new();
        let exit = root.start()?.run(&command, |stream, piece| match stream {
            Stream::Stdout if outcome.is_ok() => outcome = out.write_all(piece),
            Stream::Stdout => {}
            _ => said.extend_from_slice(piece),
        })?;
        outcome.map_err(bad)?;
        // A file that changed meanwhile is status 1 and no loss.
        if exit.shell_code() > 1 {
            let said = String::from_utf8_lossy(&said).trim().replace('\n', "; ");
            return Err(failed(self.name(), format!("`{tar}` failed: {said}")));
        }
        out.rewind().map_err(bad)?;
        Ok(out)
    }
}

/// mock copies with the whole path of the host, so that is where people look.
fn below(target: &Path, rootdir: &Path) -> PathBuf {
    target.join(rootdir.strip_prefix("/").unwrap_or(rootdir))
}

/// The plain files of an archive that the chroot's tar wrote: the build may have had a hand in that.
fn each_file(
    packed: File,
    mut take: impl FnMut(PathBuf, tar::Entry<'_, Paced<File>>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    // The chroot's own tar made it.
    let (packed, pace) = Paced::new(packed);
    let mut archive = tar::Archive::new(packed);
    let mut entries = archive.entries()?;
    loop {
        pace.headers();
        let Some(entry) = entries.next() else { break };
        pace.content();
        let entry = entry?;
        let path = entry.path()?.into_owned();
        let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if entry.header().entry_type().is_file() && path.components().all(plain) {
            take(path, entry)?;
        }
    }
    Ok(())
}

/// Permission bits a copy has of what an archive says: its owner may read it.
fn mode(entry: &tar::Entry<'_, Paced<File>>) -> std::io::Result<u32> {
    Ok((entry.header().mode()? & 0o777) | 0o600)
}

fn unpack(packed: File, results: &UntrustedTree, below: &Path) -> std::io::Result<()> {
    each_file(packed, |path, mut entry| {
        let to = below.join(path);
        results.mkdir_all(to.parent().unwrap_or(below), 0o755)?;
        let mut file = results.replace(&to, 0o600)?;
        std::io::copy(&mut entry, &mut file)?;
        file.set_mode(mode(&entry)?)?;
        Ok(file.commit(Durability::No, IfThere::Replace)?)
    })
}

fn compressed(
    packed: File,
    inside: &Path,
    results: &UntrustedTree,
    name: &str,
) -> std::io::Result<()> {
    let made = results.replace(name, 0o644)?;
    let gzip = flate2::write::GzEncoder::new(made.file(), flate2::Compression::default());
    let mut tar = tar::Builder::new(gzip);
    each_file(packed, |path, mut entry| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode(&entry)?);
        header.set_size(entry.size());
        header.set_mtime(entry.header().mtime()?);
        tar.append_data(&mut header, inside.join(path), &mut entry)
    })?;
    tar.into_inner()?.finish()?;
    Ok(made.commit(Durability::Content, IfThere::Replace)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn copies_go_through_no_link_and_only_below() {
        let dir = tempfile::tempdir().unwrap();
        let (results, host) = (dir.path().join("r"), dir.path().join("host"));
        for made in [&results, &host] {
            std::fs::create_dir(made).unwrap();
        }
        let archive = || {
            let mut tar = tar::Builder::new(tempfile::tempfile().unwrap());
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o4755);
            header.set_size(1);
            tar.append_data(&mut header, "log/a", &b"a"[..]).unwrap();
            let mut link = tar::Header::new_gnu();
            link.set_entry_type(tar::EntryType::Symlink);
            link.set_size(0);
            tar.append_link(&mut link, "log/b", &host).unwrap();
            let mut file = tar.into_inner().unwrap();
            file.rewind().unwrap();
            file
        };
        let tree = UntrustedTree::open(&results, Links::Never).unwrap();
        unpack(archive(), &tree, Path::new("chroot_scan/root")).unwrap();
        let copies = results.join("chroot_scan/root/log");
        assert_eq!(std::fs::read_dir(&copies).unwrap().count(), 1);
        assert_eq!(tree.stat("chroot_scan/root/log/a").unwrap().mode(), 0o755);
        compressed(archive(), Path::new("x/root"), &tree, "c.tar.gz").unwrap();
        let packed = File::open(results.join("c.tar.gz")).unwrap();
        let mut read = tar::Archive::new(flate2::read::GzDecoder::new(packed));
        let names: Vec<PathBuf> = read
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().into_owned())
            .collect();
        assert_eq!(names, [Path::new("x/root/log/a")]);
        std::fs::remove_dir_all(results.join("chroot_scan")).unwrap();
        symlink(&host, results.join("chroot_scan")).unwrap();
        assert!(unpack(archive(), &tree, Path::new("chroot_scan/root")).is_err());
        assert_eq!(std::fs::read_dir(&host).unwrap().count(), 0);
    }

    #[test]
    fn patterns_of_mock_are_understood() {
        for pattern in [r"^[^k]?core(\.\d+)?$", r"\.log$"] {
            assert_eq!(rpmkit_config::bad_pattern(pattern), None);
        }
        assert!(rpmkit_config::bad_pattern("(").is_some());
        assert_eq!(
            below(
                Path::new("/r/chroot_scan"),
                Path::new("/var/lib/mock/x/root")
            ),
            Path::new("/r/chroot_scan/var/lib/mock/x/root")
        );
    }
}
