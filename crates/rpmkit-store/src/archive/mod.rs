//! Root file systems as archives: a plain tar, or an OCI image that podman loads.
//!
//! Both hold the merged view of a snapshot, with the directories that are kept off the overlay put
//! back in their places. Owners, modes, times, hard links, holes, capabilities, ACLs and `user.*`
//! attributes survive the way out and in; overlayfs's marks are not part of it.

mod oci;
mod read;
mod write;

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::ops::OpError;
pub(crate) use oci::{pack_oci, unpack_oci};
pub(crate) use read::{Tree, apply};
pub(crate) use write::write_root;

/// What an archive says about itself besides its files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// Chroot and snapshot, such as `fedora-43-x86_64:postinit`.
    pub name: String,
    /// What the user said about it.
    pub message: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The machine, as `uname -m` says it.
    pub machine: String,
}

/// Shape of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// The root's files in a tar file, compressed as the name's ending says.
    Tar,
    /// An OCI image layout in a tar file.
    Oci,
}

/// Writes an archive.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pack {
    /// Roots of the layers, top first.
    pub layers: Vec<PathBuf>,
    /// Directories that stand at places of their own: host path, path inside.
    pub volumes: Vec<(PathBuf, String)>,
    /// The file, which must not be there yet.
    pub dest: PathBuf,
    /// How.
    pub shape: Shape,
    /// What the archive says about itself.
    pub labels: Labels,
    /// What the file is going to be called; its ending chooses the compression.
    pub name: String,
}

/// Reads an archive, of either shape and any compression, into an empty directory.
#[derive(Debug, Serialize, Deserialize)]
pub struct Unpack {
    /// The file.
    pub archive: PathBuf,
    /// Where its files go.
    pub fs: PathBuf,
    /// Directories whose content is kept elsewhere: host path, path inside.
    pub volumes: Vec<(PathBuf, String)>,
}

/// What was found in an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpacked {
    /// What the archive says about itself.
    pub labels: Labels,
    /// Number of files, directories and the rest.
    pub entries: u64,
    /// How many had an owner this mode cannot give them.
    pub owners_lost: u64,
    /// How many devices could not be made.
    pub devices_lost: u64,
}

pub(crate) fn pack(input: Pack) -> Result<(), OpError> {
    let file = File::options()
        .write(true)
        .create_new(true)
        .open(&input.dest)
        .map_err(|e| bad("create", &input.dest, &e))?;
    match input.shape {
        Shape::Tar => {
            let mut out =
                compressor(&input.name, file).map_err(|e| bad("write", &input.dest, &e))?;
            write_root(&input, &mut out)?;
            let file = out.finish().map_err(|e| bad("write", &input.dest, &e))?;
            file.sync_all().map_err(|e| bad("sync", &input.dest, &e))
        }
        Shape::Oci => pack_oci(&input, file),
    }
}

/// Letters of a name an archive proposes.
const MAX_NAME: usize = 200;

/// As the operation does it, for tests that feed it anything; `None` when it fails.
#[doc(hidden)]
pub fn unpack_here(archive: &Path, fs: &Path) -> Option<Unpacked> {
    unpack(Unpack {
        archive: archive.to_owned(),
        fs: fs.to_owned(),
        volumes: Vec::new(),
    })
    .ok()
}

pub(crate) fn unpack(input: Unpack) -> Result<Unpacked, OpError> {
    let mut done = match unpack_oci(&input)? {
        Some(done) => done,
        None => {
            let mut tree = Tree::new(&input.fs);
            let reader = rpmkit_types::compress::open(&input.archive)
                .map_err(|e| bad("read", &input.archive, &e))?;
            apply(&mut tree, reader, &input.archive)?;
            tree.finish()?
        }
    };
    if done.entries == 0 {
        return Err(OpError::Bad(format!(
            "`{}` holds no files",
            input.archive.display()
        )));
    }
    done.labels.name = done.labels.name.chars().take(MAX_NAME).collect();
    for (host, place) in &input.volumes {
        take_side(&input.fs, host, place)?;
    }
    Ok(done)
}

/// Moves a directory's content out of the tree, to where it is kept.
fn take_side(fs: &Path, host: &Path, place: &str) -> Result<(), OpError> {
    let inside = fs.join(place.trim_start_matches('/'));
    if !std::fs::symlink_metadata(&inside).is_ok_and(|m| m.is_dir()) {
        return Ok(());
    }
    let meta = std::fs::symlink_metadata(&inside).map_err(|e| bad("look at", &inside, &e))?;
    super::ops::attributes(&inside, &meta, host)?;
    for entry in std::fs::read_dir(&inside).map_err(|e| bad("list", &inside, &e))? {
        let entry = entry.map_err(|e| bad("list", &inside, &e))?;
        let to = host.join(entry.file_name());
        std::fs::rename(entry.path(), &to).map_err(|e| bad("move", &entry.path(), &e))?;
    }
    Ok(())
}

fn bad(action: &'static str, path: &Path, e: &io::Error) -> OpError {
    OpError::Bad(format!("cannot {action} `{}`: {e}", path.display()))
}

/// A stream that compresses, or does not.
pub(crate) enum Compressor {
    Plain(io::BufWriter<File>),
    Gzip(flate2::write::GzEncoder<File>),
    Zstd(zstd::stream::write::Encoder<'static, File>),
    Xz(liblzma::write::XzEncoder<File>),
}

fn compressor(name: &str, file: File) -> io::Result<Compressor> {
    let ends = |endings: &[&str]| endings.iter().any(|e| name.ends_with(e));
    Ok(if ends(&[".gz", ".tgz"]) {
        Compressor::Gzip(flate2::write::GzEncoder::new(
            file,
            flate2::Compression::fast(),
        ))
    } else if ends(&[".zst", ".tzst"]) {
        Compressor::Zstd(zstd::stream::write::Encoder::new(file, 3)?)
    } else if ends(&[".xz", ".txz"]) {
        Compressor::Xz(liblzma::write::XzEncoder::new(file, 3))
    } else {
        Compressor::Plain(io::BufWriter::with_capacity(1 << 17, file))
    })
}

impl Compressor {
    fn finish(self) -> io::Result<File> {
        match self {
            Self::Plain(w) => w.into_inner().map_err(io::IntoInnerError::into_error),
            Self::Gzip(w) => w.finish(),
            Self::Zstd(w) => w.finish(),
            Self::Xz(w) => w.finish(),
        }
    }
}

impl Write for Compressor {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(w) => w.write(data),
            Self::Gzip(w) => w.write(data),
            Self::Zstd(w) => w.write(data),
            Self::Xz(w) => w.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(w) => w.flush(),
            Self::Gzip(w) => w.flush(),
            Self::Zstd(w) => w.flush(),
            Self::Xz(w) => w.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rpmkit_types::Checksum;

    fn tar_of(members: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, data) in members {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(data.len() as u64);
            builder
                .append_data(&mut header, name, data.as_slice())
                .unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn an_image_may_have_any_name() {
        let dir = tempfile::tempdir().unwrap();
        let blob = |data: &[u8]| {
            let hex = Checksum::sha256(data).hex;
            (format!("blobs/sha256/{hex}"), data.to_vec())
        };
        let layer = tar_of(&[("a".to_owned(), b"x".to_vec())]);
        // Cut between the bytes of a letter it would be no text.
        let title = "x".to_owned() + &"\u{e9}".repeat(300);
        let manifest = serde_json::json!({
            "layers": [{ "digest": Checksum::sha256(&layer).to_string(), "mediaType": "tar", "size": layer.len() }],
            "annotations": { "org.opencontainers.image.title": title },
        });
        let manifest = manifest.to_string().into_bytes();
        let index = serde_json::json!({
            "manifests": [{ "digest": Checksum::sha256(&manifest).to_string(), "mediaType": "m", "size": manifest.len() }],
        });
        let image = tar_of(&[
            ("index.json".to_owned(), index.to_string().into_bytes()),
            blob(&manifest),
            blob(&layer),
        ]);
        let archive = dir.path().join("image.tar");
        std::fs::write(&archive, image).unwrap();
        let fs = dir.path().join("fs");
        std::fs::create_dir(&fs).unwrap();
        let done = unpack_here(&archive, &fs).unwrap();
        assert_eq!(done.labels.name.chars().count(), MAX_NAME);
    }
}
