//! Trees across the border of a chroot, as tar streams: the chroot's own `tar` at one end (it is in
//! every buildroot, since rpmbuild needs it), ours at the other.

use std::{
    fs::{self, File},
    io::{self, Seek, Write},
    path::{Component, Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use rpmkit_fs::{
    CopyOptions, Durability, EntryKind, HostDir, IfThere, Links, Meta, UntrustedTree, WalkOptions,
};
use tar::EntryType;

/// Writes `source` as `name` into a tar stream, following symbolic links as mock does when it copies in:
/// `source` itself wherever it leads, those in a directory while they stay there. The others stay links,
/// and are named in the answer: the directory may be a stranger's.
pub fn pack(source: &Path, name: &str) -> io::Result<(Vec<u8>, Vec<PathBuf>)> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut left = Vec::new();
    let real = fs::canonicalize(source)?;
    let whole = match UntrustedTree::open(&real, Links::Beneath) {
        Ok(tree) => tree,
        Err(_) => {
            let dir = HostDir::open(real.parent().unwrap_or(Path::new("/")))?;
            let mut file = dir.open_file_itself(real.file_name().unwrap_or_default())?;
            tar.append_file(name, &mut file)?;
            return Ok((tar.into_inner()?, left));
        }
    };
    tar.append_data(&mut directory(&whole.stat("")?), name, io::empty())?;
    let mut walk = whole.walk("", WalkOptions::default())?;
    while let Some(entry) = walk.next() {
        let entry = entry?;
        let path = Path::new(name).join(entry.path());
        match entry.kind() {
            EntryKind::Dir => {
                tar.append_data(&mut directory(&entry.metadata()?), &path, io::empty())?;
            }
            EntryKind::File => tar.append_file(&path, &mut entry.open_file()?)?,
            EntryKind::Link => match entry.open_followed() {
                Ok(mut file) => tar.append_file(&path, &mut file)?,
                Err(_) => {
                    let mut header = tar::Header::new_gnu();
                    header.set_entry_type(EntryType::Symlink);
                    header.set_size(0);
                    header.set_mode(0o777);
                    tar.append_link(&mut header, &path, entry.read_link()?)?;
                    left.push(entry.path().to_owned());
                }
            },
            // Pipes, sockets and devices have nothing to copy.
            _ => {}
        }
    }
    Ok((tar.into_inner()?, left))
}

fn directory(meta: &Meta) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(EntryType::Directory);
    header.set_mode(meta.mode());
    header.set_mtime(u64::try_from(meta.mtime().0).unwrap_or(0));
    header.set_size(0);
    header
}

/// A tar stream being received.
pub struct Received {
    file: File,
    failed: Option<io::Error>,
}

impl Received {
    /// An empty one, kept in `dir`.
    pub fn new(dir: &Path) -> io::Result<Self> {
        Ok(Self {
            file: tempfile::tempfile_in(dir)?,
            failed: None,
        })
    }

    /// Takes the next bytes. A failure shows when it is unpacked.
    pub fn push(&mut self, piece: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.file.write_all(piece).err();
        }
    }

    /// Unpacks: the tree called `name` in the stream becomes `target`, whose parent must exist.
    /// Directories that are there are filled. Nothing is written elsewhere, whatever the stream says.
    pub fn unpack(mut self, name: &str, target: &Path) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.file.rewind()?;
        // A directory the user named may be a link; nothing in it is followed.
        let target = match target.is_dir() {
            true => fs::canonicalize(target)?,
            false => target.to_owned(),
        };
        let top = Path::new(target.file_name().unwrap_or_default());
        let tree = UntrustedTree::open(target.parent().unwrap_or(Path::new("/")), Links::Never)?;
        let mut archive = tar::Archive::new(self.file);
        let mut directories = Vec::new();
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            let Some(to) = below(&path, name).map(|below| top.join(below)) else {
                continue;
            };
            let kind = entry.header().entry_type();
            if kind.is_dir() {
                match tree.mkdir(&to, 0o700) {
                    Ok(()) => directories.push((to, entry.header().mode()?)),
                    Err(e) if e.is_already_there() && tree.lstat(&to)?.is_dir() => {}
                    Err(e) => return Err(e.into()),
                }
            } else if kind.is_hard_link() {
                let first = entry
                    .link_name()?
                    .and_then(|link| below(&link, name))
                    .ok_or_else(|| io::Error::other("a hard link leaves the copied tree"))?;
                let options = CopyOptions {
                    there: IfThere::Replace,
                    ..CopyOptions::default()
                };
                tree.copy_file_itself(top.join(first), &tree, &to, &options)?;
            } else if kind.is_symlink() {
                let link = entry.link_name()?.unwrap_or_default().into_owned();
                tree.remove_file_if_there(&to)?;
                tree.symlink(link, &to)?;
            } else if kind.is_file() {
                let mode = entry.header().mode()? & 0o777;
                let time = entry.header().mtime()?;
                let mut file = tree.replace(&to, 0o600)?;
                io::copy(&mut entry, &mut file)?;
                file.set_mode(mode)?;
                file.commit(Durability::No, IfThere::Replace)?;
                tree.set_modified(&to, UNIX_EPOCH + Duration::from_secs(time))?;
            }
        }
        // Modes last and deepest first: a directory may forbid writing into it.
        for (dir, mode) in directories.into_iter().rev() {
            // The copy is for its new owner, who must be able to delete it.
            tree.set_mode(&dir, (mode & 0o777) | 0o700)?;
        }
        Ok(())
    }
}

/// The part of `path` below `name`; `None` for what is not, or tries to get, elsewhere.
fn below(path: &Path, name: &str) -> Option<PathBuf> {
    let mut parts = path.components().filter(|c| *c != Component::CurDir);
    if parts.next()? != Component::Normal(name.as_ref()) {
        return None;
    }
    let rest: PathBuf = parts.collect();
    rest.components()
        .all(|c| matches!(c, Component::Normal(_)))
        .then_some(rest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::os::unix::fs::symlink;

    use super::*;

    fn received(dir: &Path, bytes: &[u8]) -> Received {
        let mut received = Received::new(dir).unwrap();
        for piece in bytes.chunks(7) {
            received.push(piece);
        }
        received
    }

    #[test]
    fn trees_arrive_whole() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("sub")).unwrap();
        fs::write(from.join("sub/file"), "text").unwrap();
        let tar = pack(&from, "tree").unwrap().0;
        let to = dir.path().join("to");
        received(dir.path(), &tar).unpack("tree", &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("sub/file")).unwrap(), "text");
        // And once more onto what is there.
        received(dir.path(), &tar).unpack("tree", &to).unwrap();
    }

    #[test]
    fn links_are_followed_on_the_way_in() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("real"), "text").unwrap();
        symlink("real", dir.path().join("link")).unwrap();
        let tar = pack(&dir.path().join("link"), "x").unwrap().0;
        received(dir.path(), &tar)
            .unpack("x", &dir.path().join("out"))
            .unwrap();
        assert!(!dir.path().join("out").is_symlink());
        assert_eq!(fs::read_to_string(dir.path().join("out")).unwrap(), "text");
    }

    #[test]
    fn links_that_leave_a_directory_stay_links() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("sub")).unwrap();
        fs::write(dir.path().join("secret"), "hunter2").unwrap();
        fs::write(from.join("sub/a"), "a").unwrap();
        symlink("../secret", from.join("out")).unwrap();
        symlink("sub/a", from.join("in")).unwrap();
        let (tar, left) = pack(&from, "x").unwrap();
        assert_eq!(left, [Path::new("out")]);
        assert!(!tar.windows(7).any(|part| part == b"hunter2"));
        let to = dir.path().join("to");
        received(dir.path(), &tar).unpack("x", &to).unwrap();
        assert!(to.join("out").is_symlink() && !to.join("in").is_symlink());
    }

    #[test]
    fn a_hard_link_to_a_link_brings_nothing_of_the_host() {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secret");
        fs::write(&secret, "hunter2").unwrap();
        let mut tar = tar::Builder::new(Vec::new());
        let mut add = |kind: EntryType, name: &str, to: &Path| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_mode(0o755);
            header.set_size(0);
            match kind {
                EntryType::Directory => tar.append_data(&mut header, name, io::empty()),
                _ => tar.append_link(&mut header, name, to),
            }
            .unwrap();
        };
        add(EntryType::Directory, "x", Path::new(""));
        add(EntryType::Symlink, "x/a", &secret);
        add(EntryType::Link, "x/b", Path::new("x/a"));
        let tar = tar.into_inner().unwrap();
        let to = dir.path().join("to");
        received(dir.path(), &tar).unpack("x", &to).unwrap_err();
        assert!(!to.join("b").exists());
    }

    #[test]
    fn a_stream_cannot_write_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        tar.append_data(&mut header, "x", io::empty()).unwrap();
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(EntryType::Symlink);
        link.set_size(0);
        tar.append_link(&mut link, "x/link", &outside).unwrap();
        let mut file = tar::Header::new_gnu();
        file.set_mode(0o644);
        file.set_size(3);
        tar.append_data(&mut file, "x/link/bad", &b"bad"[..])
            .unwrap();
        let tar = tar.into_inner().unwrap();
        let to = dir.path().join("to");
        received(dir.path(), &tar).unpack("x", &to).unwrap_err();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        assert_eq!(below(Path::new("x/../../etc"), "x"), None);
        assert_eq!(below(Path::new("./x/a"), "x"), Some("a".into()));
    }
}
