//! A tar stream into a directory.
//!
//! Archives are not trusted: names are resolved inside the tree, nothing is written through a link
//! that leads out of it, and no entry can smuggle in one of overlayfs's marks.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

use nix::{
    errno::Errno,
    sys::{
        stat::{Mode, SFlag, UtimensatFlags, makedev, mknod, utimensat},
        time::TimeSpec,
    },
};
use tar::{Archive, Entry, EntryType};

use super::Unpacked;
use crate::ops::{OpAt, OpError, RemoveTree, delete};
use rpmkit_types::{rooted::Rooted, untar::Paced};

/// Bytes of one file. A file with holes may be larger than its archive, and than the disk.
const MAX_SIZE: u64 = 1 << 40;

/// A tree being filled.
pub(crate) struct Tree {
    root: PathBuf,
    rooted: Rooted,
    /// Directory times, set when everything is there.
    times: Vec<(PathBuf, TimeSpec)>,
    done: Unpacked,
}

/// What the pax header of an entry adds.
#[derive(Default)]
struct Extra {
    mtime: Option<(i64, i64)>,
    xattrs: Vec<(String, Vec<u8>)>,
}

/// Applies one archive, which may be an OCI layer with whiteout files, to the tree.
pub(crate) fn apply(tree: &mut Tree, reader: impl Read, name: &Path) -> Result<(), OpError> {
    let mut mine = HashSet::new();
    let (reader, pace) = Paced::new(reader);
    let mut archive = Archive::new(reader);
    let mut entries = archive.entries().at("read", name)?;
    loop {
        pace.headers();
        let Some(entry) = entries.next() else { break };
        pace.content();
        let mut entry = entry.at("read", name)?;
        let path = entry.path().at("read", name)?.into_owned();
        if entry.size() > MAX_SIZE {
            return Err(OpError::Bad(format!(
                "`{}` in `{}` has {} bytes, at most {MAX_SIZE} were expected",
                path.display(),
                name.display(),
                entry.size()
            )));
        }
        tree.entry(&mut entry, &path, &mut mine)?;
        // What a link or a device carries is passed over here, where it is no header.
        io::copy(&mut entry, &mut io::sink()).at("read", name)?;
    }
    Ok(())
}

impl Tree {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            rooted: Rooted::new(root),
            times: Vec::new(),
            done: Unpacked::default(),
        }
    }

    pub(crate) fn finish(self) -> Result<Unpacked, OpError> {
        for (path, time) in self.times.iter().rev() {
            // It may have been replaced by a later entry.
            if fs::symlink_metadata(path).is_ok_and(|m| m.is_dir()) {
                set_time(path, *time)?;
            }
        }
        Ok(self.done)
    }

    fn entry(
        &mut self,
        entry: &mut Entry<'_, impl Read>,
        path: &Path,
        mine: &mut HashSet<PathBuf>,
    ) -> Result<(), OpError> {
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader) {
            return Ok(());
        }
        if path.components().any(|c| c == Component::ParentDir) {
            return Err(OpError::Bad(format!(
                "an entry is called `{}`, which leads out of the archive",
                path.display()
            )));
        }
        let relative: PathBuf = path
            .components()
            .filter(|c| matches!(c, Component::Normal(_)))
            .collect();
        let extra = extra(entry).at("read", path)?;
        if relative.as_os_str().is_empty() {
            return self.attributes(entry, &self.root.clone(), &extra);
        }
        let host = self.rooted.file(&relative).at("make room for", path)?;
        let name = host.file_name().map(|n| n.to_string_lossy().into_owned());
        if let Some(hidden) = name.as_deref().and_then(|n| n.strip_prefix(".wh.")) {
            return self.whiteout(&host, hidden, mine);
        }
        self.done.entries += 1;
        mine.insert(host.clone());
        if kind == EntryType::Directory {
            match fs::symlink_metadata(&host) {
                Ok(meta) if meta.is_dir() => {}
                Ok(_) => {
                    self.clear(&host)?;
                    fs::create_dir(&host).at("create directory", &host)?;
                }
                Err(_) => fs::create_dir(&host).at("create directory", &host)?,
            }
            return self.attributes(entry, &host, &extra);
        }
        if fs::symlink_metadata(&host).is_ok() {
            self.clear(&host)?;
        }
        match kind {
            EntryType::Link => {
                let target = link_name(entry, path)?;
                let target: PathBuf = target
                    .components()
                    .filter(|c| matches!(c, Component::Normal(_)))
                    .collect();
                let target = self.rooted.file(&target).at("find", &target)?;
                return fs::hard_link(&target, &host).at("link", &host);
            }
            EntryType::Symlink => {
                let target = link_name(entry, path)?;
                std::os::unix::fs::symlink(target, &host).at("create link", &host)?;
            }
            EntryType::Fifo => {
                mknod(&host, SFlag::S_IFIFO, Mode::S_IRUSR, 0).at("create", &host)?;
            }
            EntryType::Char | EntryType::Block => {
                if !self.device(entry, &host, kind)? {
                    return Ok(());
                }
            }
            _ => content(entry, &host).at("write", &host)?,
        }
        self.attributes(entry, &host, &extra)
    }

    /// OCI's marks for deleted names.
    fn whiteout(
        &mut self,
        mark: &Path,
        hidden: &str,
        mine: &HashSet<PathBuf>,
    ) -> Result<(), OpError> {
        let dir = mark.parent().unwrap_or(&self.root).to_owned();
        if matches!(hidden, "" | "." | "..") {
            return Err(OpError::Bad(format!(
                "`{}` in an archive says that no name, or its directory itself, was deleted",
                mark.display()
            )));
        }
        if hidden != ".wh..opq" {
            return self.clear(&dir.join(hidden));
        }
        for entry in fs::read_dir(&dir).at("list", &dir)? {
            let path = entry.at("list", &dir)?.path();
            if !mine.contains(&path) {
                self.clear(&path)?;
            }
        }
        Ok(())
    }

    /// Removes what is there. Directories that were resolved before may be links from now on.
    fn clear(&mut self, path: &Path) -> Result<(), OpError> {
        self.rooted = Rooted::new(&self.root);
        delete(RemoveTree {
            path: path.to_owned(),
        })
    }

    /// False when it cannot be made, which only real root can.
    fn device(
        &mut self,
        entry: &Entry<'_, impl Read>,
        host: &Path,
        kind: EntryType,
    ) -> Result<bool, OpError> {
        let header = entry.header();
        let number = |n: io::Result<Option<u32>>| n.ok().flatten().unwrap_or(0);
        let (major, minor) = (number(header.device_major()), number(header.device_minor()));
        let flag = if kind == EntryType::Char {
            SFlag::S_IFCHR
        } else {
            SFlag::S_IFBLK
        };
        // 0:0 would be a whiteout.
        let made = (major, minor) != (0, 0)
            && mknod(
                host,
                flag,
                Mode::S_IRUSR,
                makedev(u64::from(major), u64::from(minor)),
            )
            .is_ok();
        self.done.devices_lost += u64::from(!made);
        Ok(made)
    }

    fn attributes(
        &mut self,
        entry: &Entry<'_, impl Read>,
        host: &Path,
        extra: &Extra,
    ) -> Result<(), OpError> {
        let header = entry.header();
        let id = |n: io::Result<u64>| n.ok().and_then(|n| u32::try_from(n).ok());
        let owned = std::os::unix::fs::lchown(host, id(header.uid()), id(header.gid()));
        match owned {
            Ok(()) => {}
            Err(e)
                if [Errno::EPERM as i32, Errno::EINVAL as i32]
                    .contains(&e.raw_os_error().unwrap_or(0)) =>
            {
                self.done.owners_lost += 1;
            }
            Err(e) => return Err(e).at("change the owner of", host),
        }
        let kind = header.entry_type();
        if kind != EntryType::Symlink {
            let mode = header.mode().at("read the mode of", host)? & 0o7777;
            fs::set_permissions(host, fs::Permissions::from_mode(mode))
                .at("change the mode of", host)?;
        }
        for (name, value) in &extra.xattrs {
            let name = match name.strip_prefix("user.overlay.") {
                Some(inner) => format!("user.overlay.overlay.{inner}"),
                None => name.clone(),
            };
            let needed = name.starts_with("user.") || name == "security.capability";
            match xattr::set(host, &name, value) {
                Err(e) if needed => return Err(e).at("set attributes of", host),
                _ => {}
            }
        }
        let time = match extra.mtime {
            Some((seconds, nanos)) => TimeSpec::new(seconds, nanos),
            None => {
                let seconds = header.mtime().at("read the time of", host)?;
                TimeSpec::new(i64::try_from(seconds).unwrap_or(0), 0)
            }
        };
        if kind == EntryType::Directory {
            self.times.push((host.to_owned(), time));
            return Ok(());
        }
        set_time(host, time)
    }
}

fn link_name(entry: &Entry<'_, impl Read>, path: &Path) -> Result<PathBuf, OpError> {
    let link = entry.link_name().at("read", path)?;
    link.map(std::borrow::Cow::into_owned)
        .ok_or_else(|| OpError::Bad(format!("`{}` is a link to nothing", path.display())))
}

fn extra(entry: &mut Entry<'_, impl Read>) -> io::Result<Extra> {
    let mut out = Extra::default();
    let Some(records) = entry.pax_extensions()? else {
        return Ok(out);
    };
    for record in records {
        let record = record?;
        let Ok(key) = record.key() else { continue };
        if let Some(name) = key.strip_prefix("SCHILY.xattr.") {
            out.xattrs
                .push((name.to_owned(), record.value_bytes().to_vec()));
        } else if key == "mtime" {
            out.mtime = record.value().ok().and_then(parse_time);
        }
    }
    Ok(out)
}

/// `SECONDS[.FRACTION]`
fn parse_time(text: &str) -> Option<(i64, i64)> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    Some((seconds.parse().ok()?, digits.parse().ok()?))
}

/// Writes a file's data, leaving holes where it is zero for whole blocks.
fn content(from: &mut impl Read, to: &Path) -> io::Result<()> {
    const BLOCK: usize = 4096;
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    let mut buffer = vec![0u8; 16 * BLOCK];
    let mut length = 0u64;
    loop {
        let mut have = 0;
        while have < buffer.len() {
            match from.read(&mut buffer[have..])? {
                0 => break,
                n => have += n,
            }
        }
        if have == 0 {
            break;
        }
        for block in buffer[..have].chunks(BLOCK) {
            if block.len() == BLOCK && block.iter().all(|b| *b == 0) {
                file.seek(SeekFrom::Current(BLOCK as i64))?;
            } else {
                file.write_all(block)?;
            }
        }
        length += have as u64;
    }
    file.set_len(length)
}

fn set_time(path: &Path, time: TimeSpec) -> Result<(), OpError> {
    utimensat(
        nix::fcntl::AT_FDCWD,
        path,
        &time,
        &time,
        UtimensatFlags::NoFollowSymlink,
    )
    .at("set the time of", path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn marks_of_deleted_names_name_something_in_their_directory() {
        for mark in [".wh...", ".wh..", ".wh.", "sub/.wh..."] {
            let dir = tempfile::tempdir().unwrap();
            let (root, beside) = (dir.path().join("root"), dir.path().join("beside"));
            fs::create_dir_all(root.join("sub")).unwrap();
            fs::write(&beside, "").unwrap();
            let mut tar = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            tar.append_data(&mut header, mark, io::empty()).unwrap();
            let bytes = tar.into_inner().unwrap();
            let done = apply(&mut Tree::new(&root), bytes.as_slice(), Path::new("x.tar"));
            assert!(done.is_err(), "{mark}");
            assert!(beside.exists() && root.join("sub").exists(), "{mark}");
        }
    }
}
