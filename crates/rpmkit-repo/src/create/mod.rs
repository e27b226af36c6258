//! Making a repository of a directory of packages: what createrepo does, for chain builds and
//! `createrepo_on_rpms`.
//!
//! A reader always finds a whole repository: metadata files carry their digest in their names,
//! `repomd.xml` is renamed into place after them, and the files of the previous state stay until
//! the next change, for readers that have just read the previous `repomd.xml`.

mod records;
mod reuse;

use std::{
    collections::HashSet,
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use records::{Chunks, attribute, chunks};
use reuse::Previous;
use rpmkit_fs::{HostDir, WriteOptions};
use walkdir::WalkDir;

use super::{disk::Lock, error::RepoError, parallel, repomd::Repomd};
use rpmkit_types::Checksum;

/// Compression of the metadata files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// gzip: every dnf and yum reads it.
    #[default]
    Gzip,
    /// zstd: smaller and faster; needs dnf of 2018 or later.
    Zstd,
}

/// How to make a repository.
#[derive(Debug, Clone, Default)]
pub struct CreateOptions {
    /// Compression of the metadata files.
    pub compression: Compression,
    /// Take over what the present metadata says of files whose size and time have not changed.
    pub update: bool,
    /// Leave out source packages.
    pub exclude_sources: bool,
    /// Groups (a comps file) to offer.
    pub groups: Option<PathBuf>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Packages in the repository.
    pub packages: usize,
    /// Those whose entries were taken over.
    pub reused: usize,
    /// SHA-256 of `repomd.xml`.
    pub key: String,
}

/// Writes `repodata/` for all packages in and below `dir`.
///
/// # Errors
/// A file named `*.rpm` that is no package, or input and output.
pub fn create(dir: &Path, options: &CreateOptions) -> Result<Created, RepoError> {
    let repodata = dir.join("repodata");
    std::fs::create_dir_all(&repodata).map_err(RepoError::io("create", &repodata))?;
    // Two makers of one repository wait for each other.
    let _lock = Lock::directory(&repodata)?;

    let files = packages_in(dir, options.exclude_sources)?;
    let previous = if options.update {
        Previous::read(dir)
    } else {
        Previous::default()
    };
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let outcomes = parallel::map(threads, &files, |href| {
        if let Some(known) = previous.find(dir, href) {
            return Ok((known, true));
        }
        chunks(dir, href).map(|made| (made, false))
    });
    let mut entries = Vec::with_capacity(outcomes.len());
    let mut reused = 0;
    for outcome in outcomes {
        let (entry, old) = outcome?;
        reused += usize::from(old);
        entries.push(entry);
    }
    let key = write(dir, &repodata, &entries, options)?;
    Ok(Created {
        packages: files.len(),
        reused,
        key,
    })
}

/// Relative paths of the packages, sorted.
fn packages_in(dir: &Path, exclude_sources: bool) -> Result<Vec<String>, RepoError> {
    let mut files = Vec::new();
    for entry in WalkDir::new(dir).follow_links(true) {
        let entry = entry.map_err(|e| {
            let path = e.path().unwrap_or(dir).to_owned();
            RepoError::io("read", path)(e.into())
        })?;
        let name = entry.file_name().to_string_lossy();
        let source = name.ends_with(".src.rpm") || name.ends_with(".nosrc.rpm");
        if !entry.file_type().is_file()
            || !name.ends_with(".rpm")
            || name.starts_with('.')
            || (exclude_sources && source)
        {
            continue;
        }
        if let Ok(relative) = entry.path().strip_prefix(dir) {
            files.push(relative.to_string_lossy().into_owned());
        }
    }
    files.sort();
    Ok(files)
}

/// A metadata file that was written.
struct Written {
    kind: &'static str,
    name: String,
    checksum: Checksum,
    size: usize,
    open_checksum: Checksum,
    open_size: usize,
}

fn write(
    dir: &Path,
    repodata: &Path,
    entries: &[Chunks],
    options: &CreateOptions,
) -> Result<String, RepoError> {
    let count = entries.len();
    let whole = |head: &str, tail: &str, part: fn(&Chunks) -> &str| {
        let mut text =
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{head} packages=\"{count}\">\n");
        for entry in entries {
            text.push_str(part(entry));
            text.push('\n');
        }
        text.push_str(tail);
        text.push('\n');
        text
    };
    const DUKE: &str = "http://linux.duke.edu/metadata";
    let primary = whole(
        &format!("<metadata xmlns=\"{DUKE}/common\" xmlns:rpm=\"{DUKE}/rpm\""),
        "</metadata>",
        |entry| &entry.primary,
    );
    let filelists = whole(
        &format!("<filelists xmlns=\"{DUKE}/filelists\""),
        "</filelists>",
        |entry| &entry.filelists,
    );
    let other = whole(
        &format!("<otherdata xmlns=\"{DUKE}/other\""),
        "</otherdata>",
        |entry| &entry.other,
    );
    let mut all = vec![
        store(repodata, "primary", primary.as_bytes(), options.compression)?,
        store(
            repodata,
            "filelists",
            filelists.as_bytes(),
            options.compression,
        )?,
        store(repodata, "other", other.as_bytes(), options.compression)?,
    ];
    if let Some(path) = &options.groups {
        let text = std::fs::read(path).map_err(RepoError::io("read", path))?;
        all.push(store(repodata, "group", &text, options.compression)?);
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs();
    let path = repodata.join("repomd.xml");
    let before = std::fs::read(&path).unwrap_or_default();
    if unchanged(&before, &all) {
        // The same content keeps its name, and whatever was derived from it.
        return Ok(Checksum::sha256(&before).hex);
    }
    let repomd = repomd_text(&all, now);
    publish(&path, repomd.as_bytes())?;
    let mut keep: HashSet<String> = all.iter().map(|w| w.name.clone()).collect();
    keep.insert("repomd.xml".to_owned());
    if let Ok(old) = Repomd::parse(&before) {
        keep.extend(
            old.records
                .iter()
                .filter_map(|record| record.href.rsplit('/').next())
                .map(str::to_owned),
        );
    }
    sweep(dir, repodata, &keep)?;
    Ok(Checksum::sha256(repomd.as_bytes()).hex)
}

/// Whether the table of contents that is there names just these files.
fn unchanged(before: &[u8], all: &[Written]) -> bool {
    Repomd::parse(before).is_ok_and(|old| {
        old.records.len() == all.len()
            && all.iter().all(|one| {
                let href = format!("repodata/{}", one.name);
                old.records
                    .iter()
                    .any(|record| record.kind == one.kind && record.href == href)
            })
    })
}

fn repomd_text(all: &[Written], now: u64) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <repomd xmlns=\"http://linux.duke.edu/metadata/repo\" \
         xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">\n  <revision>{now}</revision>\n"
    );
    for one in all {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "  <data type=\"{}\">\n    <checksum type=\"sha256\">{}</checksum>\n    \
             <open-checksum type=\"sha256\">{}</open-checksum>\n    \
             <location href=\"repodata/{}\"/>\n    <timestamp>{now}</timestamp>\n    \
             <size>{}</size>\n    <open-size>{}</open-size>\n  </data>\n",
            one.kind,
            one.checksum.hex,
            one.open_checksum.hex,
            attribute(&one.name),
            one.size,
            one.open_size,
        );
    }
    text.push_str("</repomd>\n");
    text
}

fn store(
    repodata: &Path,
    kind: &'static str,
    text: &[u8],
    compression: Compression,
) -> Result<Written, RepoError> {
    let failed = |e| RepoError::io("compress", repodata.join(kind))(e);
    let (packed, suffix) = match compression {
        Compression::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            encoder.write_all(text).map_err(failed)?;
            (encoder.finish().map_err(failed)?, "gz")
        }
        Compression::Zstd => (zstd::stream::encode_all(text, 9).map_err(failed)?, "zst"),
    };
    let checksum = Checksum::sha256(&packed);
    let base = if kind == "group" { "comps" } else { kind };
    let name = format!("{}-{base}.xml.{suffix}", checksum.hex);
    let path = repodata.join(&name);
    if std::fs::metadata(&path).map_or(true, |meta| meta.len() != packed.len() as u64) {
        publish(&path, &packed)?;
    }
    Ok(Written {
        kind,
        name,
        checksum,
        size: packed.len(),
        open_checksum: Checksum::sha256(text),
        open_size: text.len(),
    })
}

/// Writes a file for everybody to read, whole or not at all.
fn publish(path: &Path, data: &[u8]) -> Result<(), RepoError> {
    rpmkit_fs::write_file(path, data, &WriteOptions::with_mode(0o644))
        .map_err(|e| RepoError::io("write", path)(e.into_system()))
}

/// Removes metadata of earlier states, and what a killed maker left.
fn sweep(dir: &Path, repodata: &Path, keep: &HashSet<String>) -> Result<(), RepoError> {
    let entries = std::fs::read_dir(repodata).map_err(RepoError::io("read", repodata))?;
    for entry in entries {
        let entry = entry.map_err(RepoError::io("read", dir))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = name.starts_with(".new-")
            || [".xml.gz", ".xml.zst"]
                .iter()
                .any(|end| name.ends_with(end));
        if ours && !keep.contains(&name) {
            let path = entry.path();
            std::fs::remove_file(&path).map_err(RepoError::io("remove", &path))?;
        }
    }
    HostDir::open(repodata)
        .and_then(|dir| dir.sweep_unfinished(""))
        .map_err(|e| RepoError::io("read", repodata)(e.into_system()))?;
    // A signature of the state before does not fit any more.
    let signature = repodata.join("repomd.xml.asc");
    match std::fs::remove_file(&signature) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(RepoError::io("remove", signature)(e))
        }
        _ => Ok(()),
    }
}
