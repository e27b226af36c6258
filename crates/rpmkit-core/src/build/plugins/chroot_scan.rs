//! `chroot_scan`: files of the chroot that tell what went wrong, copied to the result directory.
//!
//! Files are taken by programs inside: a link a build has left means what it means there, and brings no file
//! of the host into the results.

use std::{
    fs::File,
    io::{Seek, Write},
    path::{Path, PathBuf},
};

use rpmkit_fs::{Durability, HostDir, IfThere};
use rpmkit_sandbox::{Command, Output, RunAs, Stdin, Stream};

use super::{BuildError, Buildroot, Built, Plugin, Rebuild, failed};
use rpmkit_config::{Value, scan_patterns};
use rpmkit_types::event::Level;

/// Copies to `chroot_scan/`, or packs `chroot_scan.tar.gz`.
pub(super) struct ChrootScan;

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
        let target = resultdir.join("chroot_scan");
        let rootdir = root.settings().chroot.rootdir.clone();
        let below = below(&target, &rootdir);
        std::fs::create_dir_all(&below).map_err(bad)?;
        let mut archive = tar::Archive::new(packed);
        archive.set_preserve_mtime(false);
        archive.unpack(&below).map_err(bad)?;
        let events = root.engine().events();
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
        if tarball {
            let path = resultdir.join("chroot_scan.tar.gz");
            events.info(format!("chroot_scan: creating tarball {}", path.display()));
            compressed(&target, &path).map_err(bad)?;
            std::fs::remove_dir_all(&target).map_err(bad)?;
        }
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

fn compressed(dir: &Path, path: &Path) -> std::io::Result<()> {
    let (parent, name) = (path.parent(), path.file_name());
    let parent = HostDir::open(parent.unwrap_or(Path::new("/")))?;
    let made = parent.replace(name.unwrap_or_default(), 0o644)?;
    let gzip = flate2::write::GzEncoder::new(made.file(), flate2::Compression::default());
    let mut tar = tar::Builder::new(gzip);
    tar.follow_symlinks(false);
    tar.append_dir_all(dir.strip_prefix("/").unwrap_or(dir), dir)?;
    tar.into_inner()?.finish()?;
    Ok(made.commit(Durability::Content, IfThere::Replace)?)
}

#[cfg(test)]
mod tests {
    use super::*;

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
