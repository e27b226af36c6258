//! Paths of a tree under construction, with the tree's own symbolic links followed inside it.

use std::{
    collections::HashMap,
    io,
    path::{Component, Path, PathBuf},
};

/// Resolves directories below a root; absolute links and `..` never lead outside.
pub struct Rooted {
    root: PathBuf,
    known: HashMap<PathBuf, PathBuf>,
}

/// Links followed before a path is called a loop; the kernel's own limit (path_resolution(7)).
const MAX_LINKS: u32 = 40;

impl Rooted {
    /// Resolves below `root`, a path of the host.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            known: HashMap::new(),
        }
    }

    /// Host path of the directory `dir` (relative to the root), its last component included in the
    /// resolution. Directories that do not exist are made, open to their owner.
    pub fn directory(&mut self, dir: &Path) -> io::Result<PathBuf> {
        if let Some(known) = self.known.get(dir) {
            return Ok(known.clone());
        }
        let mut links = 0;
        let inside = self.walk(PathBuf::new(), dir, &mut links)?;
        let host = self.root.join(inside);
        self.known.insert(dir.to_owned(), host.clone());
        Ok(host)
    }

    /// Host path of a file: its directory resolved, its own name not.
    pub fn file(&mut self, path: &Path) -> io::Result<PathBuf> {
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        Ok(self
            .directory(path.parent().unwrap_or_else(|| Path::new("")))?
            .join(name))
    }

    fn walk(&self, mut at: PathBuf, rest: &Path, links: &mut u32) -> io::Result<PathBuf> {
        for part in rest.components() {
            let name = match part {
                Component::Normal(name) => name,
                Component::ParentDir => {
                    at.pop();
                    continue;
                }
                Component::RootDir => {
                    at = PathBuf::new();
                    continue;
                }
                _ => continue,
            };
            let next = at.join(name);
            let host = self.root.join(&next);
            match std::fs::symlink_metadata(&host) {
                Ok(meta) if meta.is_symlink() => {
                    *links += 1;
                    if *links > MAX_LINKS {
                        return Err(io::Error::from_raw_os_error(nix::libc::ELOOP));
                    }
                    let target = std::fs::read_link(&host)?;
                    at = self.walk(at, &target, links)?;
                }
                Ok(meta) if meta.is_dir() => at = next,
                Ok(_) => return Err(io::Error::from(io::ErrorKind::NotADirectory)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => match std::fs::create_dir(&host) {
                    Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
                    _ => at = next,
                },
                Err(e) => return Err(e),
            }
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn links_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/usr/lib", dir.path().join("lib")).unwrap();
        std::os::unix::fs::symlink("../../../../etc", dir.path().join("up")).unwrap();
        let mut rooted = Rooted::new(dir.path());
        assert_eq!(
            rooted.file(Path::new("lib/x.so")).unwrap(),
            dir.path().join("usr/lib/x.so")
        );
        assert_eq!(
            rooted.file(Path::new("up/passwd")).unwrap(),
            dir.path().join("etc/passwd")
        );
        std::os::unix::fs::symlink("loop", dir.path().join("loop")).unwrap();
        assert!(rooted.file(Path::new("loop/x")).is_err());
    }
}
