//! Trees across the border of a chroot, as tar streams: the chroot's own `tar` at one end (it is in
//! every buildroot, since rpmbuild needs it), ours at the other.

use std::{
    fs::{self, File},
    io::{self, Seek, Write},
    path::{Component, Path, PathBuf},
};

/// Writes `source` as `name` into a tar stream, following symbolic links as mock does when it copies in.
pub fn pack(source: &Path, name: &str) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    tar.follow_symlinks(true);
    if source.is_dir() {
        tar.append_dir_all(name, source)?;
    } else {
        tar.append_path_with_name(source, name)?;
    }
    tar.into_inner()
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
        let (file, pace) = rpmkit_core::untar::Paced::new(self.file);
        let mut archive = tar::Archive::new(file);
        let mut directories = Vec::new();
        let mut entries = archive.entries()?;
        loop {
            pace.headers();
            let Some(entry) = entries.next() else { break };
            pace.content();
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            let Some(below) = below(&path, name) else {
                continue;
            };
            let to = if below.as_os_str().is_empty() {
                target.to_owned()
            } else {
                target.join(&below)
            };
            refuse_links(target, &below)?;
            if entry.header().entry_type().is_dir() {
                match fs::create_dir(&to) {
                    Ok(()) => directories.push((to, entry.header().mode()?)),
                    Err(e) if e.kind() == io::ErrorKind::AlreadyExists && to.is_dir() => {}
                    Err(e) => return Err(e),
                }
            } else if entry.header().entry_type().is_hard_link() {
                let first = entry
                    .link_name()?
                    .and_then(|link| self::below(&link, name))
                    .ok_or_else(|| io::Error::other("a hard link leaves the copied tree"))?;
                replace(&to)?;
                fs::copy(target.join(first), &to)?;
            } else {
                replace(&to)?;
                entry.unpack(&to)?;
            }
        }
        // Modes last and deepest first: a directory may forbid writing into it.
        for (dir, mode) in directories.into_iter().rev() {
            use std::os::unix::fs::PermissionsExt;
            // The copy is for its new owner, who must be able to delete it.
            fs::set_permissions(&dir, fs::Permissions::from_mode((mode & 0o777) | 0o700))?;
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

/// A link the stream made earlier must not lead a later entry out of the tree.
fn refuse_links(target: &Path, below: &Path) -> io::Result<()> {
    let mut at = target.to_owned();
    let parents = below.parent().map(Path::components).into_iter().flatten();
    for part in parents {
        at.push(part);
        if at.is_symlink() {
            return Err(io::Error::other(format!(
                "`{}` is a symbolic link",
                at.display()
            )));
        }
    }
    Ok(())
}

fn replace(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
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
        let tar = pack(&from, "tree").unwrap();
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
        let tar = pack(&dir.path().join("link"), "x").unwrap();
        received(dir.path(), &tar)
            .unpack("x", &dir.path().join("out"))
            .unwrap();
        assert!(!dir.path().join("out").is_symlink());
        assert_eq!(fs::read_to_string(dir.path().join("out")).unwrap(), "text");
    }

    #[test]
    fn a_stream_cannot_write_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        tar.append_data(&mut header, "x", io::empty()).unwrap();
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
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
