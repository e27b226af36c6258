//! Chroot definitions from elsewhere: a directory, an archive, a package, or the URL of one of these.
//!
//! What is downloaded is a stranger's: only plain files are taken out of it, of bounded size, into a directory of
//! their own; [`crate::config::update()`] looks them over.

#![allow(
    clippy::disallowed_methods,
    reason = "the user's own definitions, and a directory of ours that archives of them are unpacked in"
)]

use std::{
    fs,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use rpmkit_repo::Fetcher;
use rpmkit_rpmfile::unpack_set;
use rpmkit_vcs::Download;

use crate::Error;

/// More than all definitions there are, unpacked.
const MOST: u64 = 64 << 20;

/// Where definitions come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file or directory.
    Path(PathBuf),
    /// Something to download.
    Url(String),
}

impl Source {
    /// Takes what has a scheme for a URL, all else for a path below `cwd`.
    pub fn new(text: &str, cwd: &Path) -> Self {
        match text.split_once("://") {
            Some(("file", path)) => Self::Path(path.into()),
            Some(("http" | "https", _)) => Self::Url(text.to_owned()),
            _ => Self::Path(cwd.join(text)),
        }
    }
}

/// A directory with definitions.
pub enum DefinitionDir {
    /// The user's.
    There(PathBuf),
    /// One that goes when this does.
    Unpacked(tempfile::TempDir, PathBuf),
}

impl DefinitionDir {
    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::There(path) | Self::Unpacked(_, path) => path,
        }
    }
}

/// Gets them, and unpacks them below `temp` where they are packed.
pub fn fetch(source: &Source, fetcher: &Fetcher, temp: &Path) -> Result<DefinitionDir, Error> {
    let io_at = |action, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    };
    if let Source::Path(path) = source
        && path.is_dir()
    {
        return Ok(DefinitionDir::There(path.clone()));
    }
    let dir = tempfile::tempdir_in(temp).map_err(io_at("create a directory in", temp))?;
    let file = match source {
        Source::Path(path) => path.clone(),
        Source::Url(url) => {
            let file = dir.path().join("download");
            Download::download(fetcher, url, &file, None)?;
            file
        }
    };
    let tree = dir.path().join("tree");
    fs::create_dir(&tree).map_err(io_at("create", &tree))?;
    let mut magic = [0; 4];
    let is_package = fs::File::open(&file)
        .map_err(io_at("open", &file))?
        .read_exact(&mut magic)
        .is_ok_and(|()| magic == [0xed, 0xab, 0xee, 0xdb]);
    if is_package {
        unpack_set(std::slice::from_ref(&file), &tree, 1).map_err(rpmkit_pm::PmError::from)?;
    } else {
        unpack(&file, &tree).map_err(io_at("unpack", &file))?;
    }
    let top = only_directory(&tree).unwrap_or(tree);
    Ok(DefinitionDir::Unpacked(dir, top))
}

/// Archives of repositories have everything in one directory.
fn only_directory(tree: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(tree).ok()?.flatten();
    let first = entries.next()?;
    let alone = entries.next().is_none() && first.file_name() != "etc";
    (alone && first.file_type().ok()?.is_dir()).then(|| first.path())
}

/// Takes the plain files out of an archive, compressed or not.
fn unpack(file: &Path, tree: &Path) -> io::Result<()> {
    let input = rpmkit_types::compress::open(file)?.take(MOST);
    let (input, pace) = rpmkit_types::untar::Paced::new(input);
    let mut archive = tar::Archive::new(input);
    let mut entries = archive.entries()?;
    loop {
        pace.headers();
        let Some(entry) = entries.next() else { break };
        pace.content();
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        let inside = name
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !entry.header().entry_type().is_file() || !inside {
            continue;
        }
        let target = tree.join(&name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        io::copy(&mut entry, &mut fs::File::create(&target)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
    use rpmkit_repo::{CacheDirs, FetchOptions};

    use super::*;
    use crate::event::Events;

    fn fetched(file: &Path, temp: &Path) -> Result<DefinitionDir, Error> {
        let fetcher = Fetcher::new(
            CacheDirs::below(temp),
            FetchOptions::default(),
            Events::silent(),
        );
        fetch(&Source::new(file.to_str().unwrap(), temp), &fetcher, temp)
    }

    #[test]
    fn an_archive_of_a_repository_is_unpacked_and_nothing_leaves_it() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("a.tar.gz");
        let packed = flate2::write::GzEncoder::new(
            fs::File::create(&file).unwrap(),
            flate2::Compression::fast(),
        );
        let mut builder = tar::Builder::new(packed);
        for name in ["top-1/etc/mock/a.cfg", "top-1/README"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, &b"#"[..]).unwrap();
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o644);
        header.as_gnu_mut().unwrap().name[..9].copy_from_slice(b"../escape");
        header.set_cksum();
        builder.append(&header, &b"#"[..]).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder
            .append_link(&mut header, "top-1/link.cfg", "/etc/passwd")
            .unwrap();
        builder.into_inner().unwrap().finish().unwrap();
        let ready = fetched(&file, temp.path()).unwrap();
        assert!(ready.path().join("etc/mock/a.cfg").is_file());
        assert!(fs::symlink_metadata(ready.path().join("link.cfg")).is_err());
        let DefinitionDir::Unpacked(dir, _) = &ready else {
            panic!("not unpacked")
        };
        assert!(!dir.path().join("escape").exists());
    }

    #[test]
    fn a_directory_stays_where_it_is() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(
            fetched(temp.path(), temp.path()).unwrap().path(),
            temp.path()
        );
        assert!(fetched(&temp.path().join("none"), temp.path()).is_err());
        assert_eq!(
            Source::new("https://x/y.tar.gz", temp.path()),
            Source::Url("https://x/y.tar.gz".into())
        );
    }
}
