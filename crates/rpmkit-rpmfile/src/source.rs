//! Source packages: taken apart without rpm.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    PackageFile, RpmFileError,
    cpio::{EntryName, Walker},
};

/// A source package laid out on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTree {
    /// The spec file.
    pub spec: PathBuf,
    /// Everything else, in package order.
    pub sources: Vec<PathBuf>,
}

/// Unpacks `srpm`: its spec into `specs`, all other files into `sources`; both must exist.
///
/// Errors when the file is no package, is a binary package, has no spec, or names files with
/// directories in them.
pub fn unpack_source(
    srpm: &Path,
    specs: &Path,
    sources: &Path,
) -> Result<SourceTree, RpmFileError> {
    let bad = |reason: &str| RpmFileError::Header {
        path: srpm.to_owned(),
        reason: reason.to_owned(),
    };
    let package = PackageFile::open(srpm)?;
    if !package.metadata().is_source_package() {
        return Err(bad("it is a binary package, a source package was expected"));
    }
    let files = package.files()?;
    let payload = |e: std::io::Error| RpmFileError::Payload {
        path: srpm.to_owned(),
        reason: e.to_string(),
    };
    let mut walker = Walker::new(package.payload()?);
    let mut tree = SourceTree {
        spec: PathBuf::new(),
        sources: Vec::new(),
    };
    while let Some(entry) = walker
        .next(|index| files.get(index).map(|f| f.size))
        .map_err(payload)?
    {
        let name = match &entry.name {
            EntryName::Path(path) => path.clone(),
            EntryName::Index(index) => files
                .get(*index)
                .map(|f| f.path.to_string_lossy().into_owned())
                .unwrap_or_default(),
        };
        if name.is_empty() || name.contains('/') || name == ".." {
            return Err(bad(&format!("file name `{name}` has a directory in it")));
        }
        let is_spec = tree.spec.as_os_str().is_empty() && name.ends_with(".spec");
        let target = if is_spec { specs } else { sources }.join(&name);
        let record = files.iter().find(|f| f.path == Path::new(&name));
        let write = |action, source| RpmFileError::Write {
            action,
            target: target.clone(),
            package: srpm.to_owned(),
            source,
        };
        let _ = fs::remove_file(&target);
        let mut out = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(record.map_or(0o644, |f| f.mode & 0o777 | 0o600))
            .open(&target)
            .map_err(|e| write("create", e))?;
        let mut failed = None;
        let copied = walker.copy(entry.size, |piece| {
            if failed.is_none() {
                failed = out.write_all(piece).err();
            }
            Ok(())
        });
        if let Some(e) = failed {
            return Err(write("write", e));
        }
        copied.map_err(payload)?;
        if let Some(record) = record {
            let time = Duration::from_secs(record.mtime.unsigned_abs());
            let _ = out.set_modified(SystemTime::UNIX_EPOCH + time);
        }
        if is_spec {
            tree.spec = target;
        } else {
            tree.sources.push(target);
        }
    }
    if tree.spec.as_os_str().is_empty() {
        return Err(bad("it holds no spec file"));
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rpm::{FileOptions, PackageBuilder};

    use super::*;

    #[test]
    fn a_binary_package_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.rpm");
        let mut builder = PackageBuilder::new("a", "1", "MIT", "x86_64", "test");
        builder
            .with_file_contents("x", FileOptions::new("/a.spec"))
            .unwrap();
        builder.build().unwrap().write_file(&path).unwrap();
        let error = unpack_source(&path, dir.path(), dir.path()).unwrap_err();
        assert!(error.to_string().contains("binary package"), "{error}");
    }
}
