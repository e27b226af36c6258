//! Source packages: taken apart without rpm.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    FileKind, FileRecord, PackageFile, RpmFileError,
    budget::{Budget, room},
    cpio::{EntryName, Walker},
};

/// A source package laid out on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpackedSrpm {
    /// The spec file.
    pub spec: PathBuf,
    /// Everything else, in package order.
    pub sources: Vec<PathBuf>,
    /// Names of sources it lists and does not hold (`NoSource:`, `NoPatch:`).
    pub left_out: Vec<PathBuf>,
}

/// Unpacks `srpm`: its spec into `specs`, all other files into `sources`; both must exist. The spec is
/// the file the header marks as such, whatever its name; a source may well be called `x.spec`.
///
/// Errors when the file is no package, is a binary package, is not as its own digests say, has no spec, or
/// names files with directories in them.
pub fn unpack_source(
    srpm: &Path,
    specs: &Path,
    sources: &Path,
) -> Result<UnpackedSrpm, RpmFileError> {
    let bad = |reason: &str| RpmFileError::Header {
        path: srpm.to_owned(),
        reason: reason.to_owned(),
    };
    let package = PackageFile::open(srpm)?;
    if !package.metadata().is_source_package() {
        return Err(bad("it is a binary package, a source package was expected"));
    }
    package.check_header()?;
    let files = package.files()?;
    let spec = marked_spec(&files)
        .map_err(|reason| bad(&reason))?
        .to_owned();
    let payload = |e: std::io::Error| RpmFileError::Payload {
        path: srpm.to_owned(),
        reason: e.to_string(),
    };
    for place in [specs, sources] {
        room(files.iter(), place, srpm)?;
    }
    let mut walker = Walker::new(package.payload()?, Budget::of(&files));
    // A header may name millions.
    let records: HashMap<&Path, &FileRecord> =
        files.iter().map(|f| (f.path.as_path(), f)).collect();
    let mut held = HashSet::new();
    let mut tree = UnpackedSrpm {
        spec: PathBuf::new(),
        sources: Vec::new(),
        left_out: Vec::new(),
    };
    while let Some(entry) = walker
        .next(|index| FileRecord::payload_size(&files, index))
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
        let is_spec = Path::new(&name) == spec;
        let target = if is_spec { specs } else { sources }.join(&name);
        let record = records.get(Path::new(&name));
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
        held.insert(PathBuf::from(name));
    }
    walker.finish().map_err(payload)?;
    if tree.spec.as_os_str().is_empty() {
        return Err(bad(&format!(
            "its spec `{}` is not in the payload",
            spec.display()
        )));
    }
    tree.left_out = files
        .into_iter()
        .filter(|file| file.kind == FileKind::Regular)
        .map(|file| file.path)
        .filter(|path| path.file_name() == Some(path.as_os_str()))
        .filter(|path| !held.contains(path) && *path != spec)
        .collect();
    Ok(tree)
}

/// The spec among a source package's files: the first with rpm's flag `RPMFILE_SPECFILE`, as rpm
/// itself takes it. Packages of old tools have no flags; there the only `.spec` is meant.
fn marked_spec(files: &[FileRecord]) -> Result<&Path, String> {
    let regular = |file: &&FileRecord| file.kind == FileKind::Regular;
    if let Some(marked) = files.iter().filter(regular).find(|file| file.spec) {
        return Ok(&marked.path);
    }
    let named: Vec<&Path> = files
        .iter()
        .filter(regular)
        .map(|file| file.path.as_path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "spec"))
        .collect();
    match named.as_slice() {
        [only] => Ok(only),
        [] => Err("it holds no spec file".to_owned()),
        several => Err(format!(
            "its header marks no file as the spec, and {} are called so: {}; exactly one was expected",
            several.len(),
            several
                .iter()
                .map(|path| format!("`{}`", path.display()))
                .collect::<Vec<_>>()
                .join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rpm::{FileOptions, PackageBuilder};

    use super::{
        super::testing::{GHOST, Indexed, SPEC, indexed_package, source_package},
        *,
    };

    /// Unpacks a source package of files with their flags; gives the spec's name and its sources'.
    fn unpacked(files: &[(&str, u32)]) -> Result<(String, Vec<String>), RpmFileError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.src.rpm");
        fs::write(&path, source_package(files)).unwrap();
        let (specs, sources) = (dir.path().join("specs"), dir.path().join("sources"));
        fs::create_dir(&specs).unwrap();
        fs::create_dir(&sources).unwrap();
        let tree = unpack_source(&path, &specs, &sources)?;
        let name = |path: &PathBuf, dir: &Path| {
            let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            assert_eq!(fs::read_to_string(path).unwrap(), name);
            name
        };
        Ok((
            name(&tree.spec, &specs),
            tree.sources.iter().map(|p| name(p, &sources)).collect(),
        ))
    }

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

    #[test]
    fn what_is_listed_and_not_there_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.nosrc.rpm");
        let files = [("a", 0), ("blob", GHOST), ("a.spec", SPEC)];
        fs::write(&path, source_package(&files)).unwrap();
        let tree = unpack_source(&path, dir.path(), dir.path()).unwrap();
        assert_eq!(tree.sources, [dir.path().join("a")]);
        assert_eq!(tree.left_out, [PathBuf::from("blob")]);
    }

    #[test]
    fn the_spec_is_the_file_with_the_flag() {
        let of = |files| unpacked(files).unwrap();
        let (spec, sources) = of(&[("a-template.spec", 0), ("zreal.spec", SPEC)]);
        assert_eq!(
            (spec.as_str(), sources),
            ("zreal.spec", vec!["a-template.spec".into()])
        );
        let (spec, sources) = of(&[("a.spec", 0), ("recipe", SPEC)]);
        assert_eq!((spec.as_str(), sources), ("recipe", vec!["a.spec".into()]));
    }

    #[test]
    fn sources_are_found_by_index() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.src.rpm");
        let file = |path, inode, content| Indexed {
            path,
            mode: 0o100_644,
            inode,
            content,
        };
        let files = [file("a.spec", 1, "Name: a\n"), file("a.tar", 2, "tar")];
        fs::write(&path, indexed_package(&files)).unwrap();
        let out = dir.path().join("out");
        fs::create_dir(&out).unwrap();
        let tree = unpack_source(&path, &out, &out).unwrap();
        assert_eq!(fs::read_to_string(&tree.spec).unwrap(), "Name: a\n");
        assert_eq!(fs::read_to_string(&tree.sources[0]).unwrap(), "tar");
    }

    #[test]
    fn a_package_that_is_not_as_it_says_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.src.rpm");
        let mut builder = PackageBuilder::new("a", "1", "MIT", "noarch", "test");
        builder.build().unwrap().write_file(&path).unwrap();
        let check = || PackageFile::open(&path).unwrap().check();
        check().unwrap();
        let sound = fs::read(&path).unwrap();
        let mut bytes = sound.clone();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, &bytes).unwrap();
        let said = check().unwrap_err().to_string();
        assert!(said.contains("the payload has the digest"), "{said}");
        // The same in the header: the summary is in it.
        let mut bytes = sound;
        let at = bytes.windows(4).position(|w| w == b"test").unwrap();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let said = check().unwrap_err().to_string();
        assert!(said.contains("the header has the digest"), "{said}");
    }

    #[test]
    fn without_a_flag_the_only_spec_is_meant() {
        let (spec, sources) = unpacked(&[("a.tar", 0), ("a.spec", 0)]).unwrap();
        assert_eq!((spec.as_str(), sources), ("a.spec", vec!["a.tar".into()]));
        for (files, words) in [
            (
                &[("a.spec", 0), ("b.spec", 0)][..],
                &["a.src.rpm", "`a.spec`, `b.spec`"],
            ),
            (&[("a.tar", 0)], &["a.src.rpm", "no spec file"]),
        ] {
            let said = unpacked(files).unwrap_err().to_string();
            for word in words {
                assert!(said.contains(word), "{said}");
            }
        }
    }
}
