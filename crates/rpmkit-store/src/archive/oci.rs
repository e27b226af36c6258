//! OCI images: <https://github.com/opencontainers/image-spec>, in one tar file as `podman save
//! --format oci-archive` makes it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, Write},
    path::Path,
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Labels, Pack, Tree, Unpack, Unpacked, apply, write_root};
use crate::ops::{OpAt, OpError};
use rpmkit_types::{ChecksumKind, Hasher, untar::Paced};

/// Layers of an image; runtimes stop at 128.
const MAX_LAYERS: usize = 500;
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MESSAGE: &str = "org.opencontainers.image.description";
/// What lies at the top of an image's archive, besides `blobs`; the last two are docker's.
const PARTS: [&str; 4] = ["oci-layout", "index.json", "manifest.json", "repositories"];
const TITLE: &str = "org.opencontainers.image.title";

/// Computes a digest of what passes.
struct Digesting<W> {
    inner: W,
    hasher: Hasher,
    length: u64,
}

impl<W: Write> Digesting<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            hasher: Hasher::new(ChecksumKind::Sha256),
            length: 0,
        }
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(data)?;
        self.hasher.update(&data[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes an image with one layer.
pub(crate) fn pack_oci(input: &Pack, file: File) -> Result<(), OpError> {
    let dir = input.dest.parent().unwrap_or(Path::new("/"));
    // The outer archive needs the size and digest before the data.
    let blob = tempfile::tempfile_in(dir).at("create a temporary file in", dir)?;
    let gzip = flate2::write::GzEncoder::new(Digesting::new(blob), flate2::Compression::fast());
    let mut tar = Digesting::new(gzip);
    write_root(input, &mut tar)?;
    let diff_id = tar.hasher.finish();
    let packed = tar.inner.finish().at("write", &input.dest)?;
    let (mut blob, size) = (packed.inner, packed.length);
    let digest = packed.hasher.finish();
    blob.rewind().at("read", &input.dest)?;

    let labels = &input.labels;
    let created = time(labels.created);
    let config = json!({
        "created": created,
        "architecture": architecture(&labels.machine),
        "os": "linux",
        "config": {
            "Cmd": ["/bin/sh"],
            "Labels": { TITLE: labels.name, MESSAGE: labels.message },
        },
        "rootfs": { "type": "layers", "diff_ids": [diff_id.to_string()] },
        "history": [{ "created": created, "created_by": "rpmkit snap export" }],
    });
    let (config, config_digest) = blob_of(&config).at("describe", &input.dest)?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": CONFIG, "digest": config_digest, "size": config.len() },
        "layers": [{ "mediaType": LAYER, "digest": digest.to_string(), "size": size }],
        "annotations": { TITLE: labels.name, MESSAGE: labels.message },
    });
    let (manifest, manifest_digest) = blob_of(&manifest).at("describe", &input.dest)?;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": MANIFEST,
            "digest": manifest_digest,
            "size": manifest.len(),
            "annotations": { "org.opencontainers.image.ref.name": reference(&labels.name) },
        }],
    });
    let (index, _) = blob_of(&index).at("describe", &input.dest)?;

    let mut out = tar::Builder::new(io::BufWriter::with_capacity(1 << 17, file));
    let mut add = |name: &str, size: u64, data: &mut dyn Read| {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(size);
        header.set_mtime(labels.created);
        out.append_data(&mut header, name, data)
    };
    let small = [
        (
            "oci-layout".to_owned(),
            br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
        ),
        ("index.json".to_owned(), index),
        (blob_name(&config_digest), config),
        (blob_name(&manifest_digest), manifest),
    ];
    for (name, data) in small {
        add(&name, data.len() as u64, &mut data.as_slice()).at("write", &input.dest)?;
    }
    add(&blob_name(&digest.to_string()), size, &mut blob).at("write", &input.dest)?;
    let file = out.into_inner().at("write", &input.dest)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error);
    file.and_then(|f| f.sync_all()).at("write", &input.dest)
}

fn blob_of(value: &Value) -> io::Result<(Vec<u8>, String)> {
    let text = serde_json::to_vec(value)?;
    let digest = rpmkit_types::Checksum::sha256(&text).to_string();
    Ok((text, digest))
}

fn blob_name(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

fn time(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|s| jiff::Timestamp::from_second(s).ok())
        .map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |t| t.to_string())
}

/// Go's name of a machine, as the specification wants it.
fn architecture(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "i386" | "i586" | "i686" => "386",
        "armv7l" | "armv7hl" => "arm",
        "loongarch64" => "loong64",
        other => other,
    }
}

/// An image name that registries accept.
fn reference(name: &str) -> String {
    let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
    let clean = |text: &str, more: &str| {
        text.chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || more.contains(c) {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect::<String>()
    };
    format!(
        "localhost/{}:{}",
        clean(repository, "/_.-"),
        clean(tag, "_.-")
    )
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: String,
    #[serde(default)]
    media_type: String,
}

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Descriptor>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Unpacks an image; `None` when the archive is none.
pub(crate) fn unpack_oci(input: &Unpack) -> Result<Option<Unpacked>, OpError> {
    let Some(index) = member(&input.archive, "index.json")? else {
        return Ok(None);
    };
    let index: Index = match serde_json::from_slice(&index) {
        Ok(index) => index,
        Err(_) => return Ok(None),
    };
    let [only] = index.manifests.as_slice() else {
        return Err(OpError::Bad(format!(
            "the archive holds {} images; one was expected",
            index.manifests.len()
        )));
    };
    let text = blob(&input.archive, only)?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|e| OpError::Bad(format!("the image's manifest does not read: {e}")))?;
    if manifest.layers.len() > MAX_LAYERS {
        return Err(OpError::Bad(format!(
            "the image has {} layers, at most {MAX_LAYERS} were expected",
            manifest.layers.len()
        )));
    }
    let mut tree = Tree::new(&input.fs);
    for layer in &manifest.layers {
        if !layer.media_type.contains("tar") {
            return Err(OpError::Bad(format!(
                "a layer is of the unknown kind `{}`",
                layer.media_type
            )));
        }
        apply_layer(&mut tree, &input.archive, layer)?;
    }
    let mut done = tree.finish()?;
    let text = |key: &str| manifest.annotations.get(key).cloned().unwrap_or_default();
    done.labels = Labels {
        name: text(TITLE),
        message: text(MESSAGE),
        ..Labels::default()
    };
    Ok(Some(done))
}

/// Streams a layer out of the archive; its digest is checked on the way.
fn apply_layer(tree: &mut Tree, archive: &Path, layer: &Descriptor) -> Result<(), OpError> {
    let wanted = blob_name(&layer.digest);
    // Spooled, so that nothing of a damaged layer is ever unpacked.
    let spool = tempfile::tempfile_in(archive.parent().unwrap_or(Path::new("/")))
        .or_else(|_| tempfile::tempfile())
        .at("create a temporary file for", archive)?;
    let mut spool = Digesting::new(spool);
    let found = with_member(archive, &wanted, |data| {
        io::copy(data, &mut spool).map(|_| ())
    })?;
    if found.is_none() {
        return Err(OpError::Bad(format!(
            "the image lacks its layer {}",
            layer.digest
        )));
    }
    let digest = spool.hasher.finish().to_string();
    if digest != layer.digest {
        return Err(OpError::Bad(format!(
            "a layer's digest is {digest}, but {} was expected",
            layer.digest
        )));
    }
    let mut spool = spool.inner;
    spool.rewind().at("read", archive)?;
    let reader = rpmkit_types::compress::reader(io::BufReader::new(spool)).at("read", archive)?;
    apply(tree, reader, archive)
}

fn blob(archive: &Path, of: &Descriptor) -> Result<Vec<u8>, OpError> {
    let name = blob_name(&of.digest);
    let text =
        member(archive, &name)?.ok_or_else(|| OpError::Bad(format!("the image lacks `{name}`")))?;
    let digest = rpmkit_types::Checksum::sha256(&text).to_string();
    if digest != of.digest {
        return Err(OpError::Bad(format!(
            "`{name}` has the digest {digest}; it is damaged"
        )));
    }
    Ok(text)
}

/// A small member of the archive as a whole.
fn member(archive: &Path, name: &str) -> Result<Option<Vec<u8>>, OpError> {
    const LIMIT: u64 = 16 << 20;
    let mut text = Vec::new();
    let found = with_member(archive, name, |data| {
        data.take(LIMIT).read_to_end(&mut text).map(|_| ())
    })?;
    Ok(found.map(|()| text))
}

fn with_member(
    archive: &Path,
    name: &str,
    mut take: impl FnMut(&mut dyn Read) -> io::Result<()>,
) -> Result<Option<()>, OpError> {
    let reader = rpmkit_types::compress::open(archive).at("read", archive)?;
    let (reader, pace) = Paced::new(reader);
    let mut tar = tar::Archive::new(reader);
    let mut entries = tar.entries().at("read", archive)?;
    loop {
        pace.headers();
        let Some(entry) = entries.next() else { break };
        pace.content();
        let mut entry = entry.at("read", archive)?;
        let path = entry.path().at("read", archive)?;
        let path = path.strip_prefix("./").unwrap_or(&path);
        if path == Path::new(name) {
            take(&mut entry).at("read", archive)?;
            return Ok(Some(()));
        }
        let top = path
            .components()
            .next()
            .and_then(|c| c.as_os_str().to_str());
        if !top.is_some_and(|t| t == "blobs" || PARTS.contains(&t)) {
            // A root file system: its gigabytes need not be looked through.
            return Ok(None);
        }
        io::copy(&mut entry, &mut io::sink()).at("read", archive)?;
    }
    Ok(None)
}
