//! Packages as older rpms made them, for definitions of distributions that are still built for: everything up to the
//! transaction can be tried on them, and each can be read, unpacked and verified.
//!
//! A package of the `rpm` crate is taken apart and put together as the old rpm would have done it: fewer digests,
//! another payload compression, no tags that did not exist. They are small; those of the group are empty but for
//! one file, since nothing is to be run in such a root.

use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use md5::Md5;
use rpm::CompressionWithLevel;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::header::Header;
use super::rpmwrite::{File, Spec};
use super::{comps, repodata, write_whole};

/// How a payload is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payload {
    Gzip,
    Xz,
    Lzma,
}

/// An old rpm.
#[derive(Debug, Clone, Copy)]
struct Age {
    /// Part of the names of packages that show it.
    name: &'static str,
    /// Its version.
    rpm: &'static str,
    payload: Payload,
    /// Whether files have MD5 digests, or SHA-256.
    md5: bool,
    /// Whether header and payload have SHA-256 digests, or only SHA-1 and MD5.
    sha256: bool,
}

const AGES: &[Age] = &[
    Age {
        name: "4.8-md5",
        rpm: "4.8.0",
        payload: Payload::Gzip,
        md5: true,
        sha256: false,
    },
    Age {
        name: "4.8-lzma",
        rpm: "4.8.0",
        payload: Payload::Lzma,
        md5: true,
        sha256: false,
    },
    Age {
        name: "4.8",
        rpm: "4.8.0",
        payload: Payload::Xz,
        md5: false,
        sha256: false,
    },
    Age {
        name: "4.11",
        rpm: "4.11.3",
        payload: Payload::Xz,
        md5: false,
        sha256: false,
    },
    Age {
        name: "4.14",
        rpm: "4.14.3",
        payload: Payload::Xz,
        md5: false,
        sha256: true,
    },
];

mod tag {
    pub const SIG_SIZE: u32 = 1000;
    pub const SIG_MD5: u32 = 1004;
    pub const SIG_PAYLOAD_SIZE: u32 = 1007;
    pub const SIG_SHA1: u32 = 269;
    pub const SIG_SHA256: u32 = 273;
    pub const FILE_DIGESTS: u32 = 1035;
    pub const REQUIRE_FLAGS: u32 = 1048;
    pub const REQUIRE_NAMES: u32 = 1049;
    pub const REQUIRE_VERSIONS: u32 = 1050;
    pub const RPM_VERSION: u32 = 1064;
    pub const BASE_NAMES: u32 = 1117;
    pub const COMPRESSOR: u32 = 1125;
    pub const FILE_DIGEST_ALGORITHM: u32 = 5011;
    pub const ENCODING: u32 = 5062;
    pub const PAYLOAD_DIGEST: u32 = 5092;
    pub const PAYLOAD_DIGEST_ALGORITHM: u32 = 5093;
    pub const PAYLOAD_DIGEST_OPEN: u32 = 5097;
}

/// Writes the repository: one package per age, and the members of the group in ages by turns.
pub fn make(repository: &Path, arch: &str) -> Result<()> {
    let packages = repository.join("Packages");
    std::fs::create_dir_all(&packages)?;
    for age in AGES {
        let name = format!("testdist-old-{}", age.name);
        put(&spec(&name, arch), age, &packages)?;
    }
    for (name, age) in comps::OLD_GROUP.iter().zip(AGES.iter().cycle()) {
        put(&spec(name, arch), age, &packages)?;
    }
    repodata::of(None, repository, repodata::Packing::Gzip, &comps::old_xml())
}

fn spec(name: &str, arch: &str) -> Spec {
    let mut spec = Spec::own(name, "1", arch, "As an older rpm made it");
    spec.evr.release = "1.el0".to_owned();
    let text = format!("{name}\n").repeat(50);
    spec.files = vec![File::text(
        &format!("/usr/share/testdist-old/{name}"),
        &text,
        0o644,
    )];
    spec
}

fn put(spec: &Spec, age: &Age, dir: &Path) -> Result<()> {
    let mut bytes = Vec::new();
    let package = spec.clone().build_with(CompressionWithLevel::Gzip(9))?;
    package.write(&mut bytes)?;
    let aged = aged(&bytes, spec, age).with_context(|| format!("cannot age `{}`", spec.name))?;
    write_whole(&dir.join(spec.file_name()), &aged)
}

/// The package as the old rpm would have made it.
fn aged(bytes: &[u8], spec: &Spec, age: &Age) -> Result<Vec<u8>> {
    const LEAD: usize = 96;
    let rest = bytes.get(LEAD..).context("no lead")?;
    let (_, length) = Header::read(rest)?;
    let rest = rest
        .get(length.next_multiple_of(8)..)
        .context("no header")?;
    let (mut header, length) = Header::read(rest)?;
    let mut archive = Vec::new();
    flate2::read::GzDecoder::new(&rest[length..]).read_to_end(&mut archive)?;
    header.put_string(tag::RPM_VERSION, age.rpm);
    header.remove(&[tag::PAYLOAD_DIGEST_OPEN, tag::ENCODING]);
    if !age.sha256 {
        header.remove(&[tag::PAYLOAD_DIGEST, tag::PAYLOAD_DIGEST_ALGORITHM]);
    }
    if age.md5 {
        header.remove(&[tag::FILE_DIGEST_ALGORITHM]);
        let digests = md5_digests(&header, spec);
        header.put_strings(tag::FILE_DIGESTS, &digests);
    }
    let (payload, compressor, feature) = match age.payload {
        Payload::Gzip => (rest[length..].to_vec(), "gzip", None),
        Payload::Xz => (packed(&archive, false)?, "xz", Some("rpmlib(PayloadIsXz)")),
        Payload::Lzma => (
            packed(&archive, true)?,
            "lzma",
            Some("rpmlib(PayloadIsLzma)"),
        ),
    };
    header.put_string(tag::COMPRESSOR, compressor);
    if age.sha256 {
        let digest = hex::encode(Sha256::digest(&payload));
        header.put_strings(tag::PAYLOAD_DIGEST, &[digest]);
    }
    features(&mut header, age, feature);
    let header = header.write();
    let mut signature = Header::of_signatures();
    let size = u32::try_from(header.len() + payload.len())?;
    signature.put_number(tag::SIG_SIZE, size);
    signature.put_number(tag::SIG_PAYLOAD_SIZE, u32::try_from(archive.len())?);
    signature.put_bytes(
        tag::SIG_MD5,
        &Md5::new()
            .chain_update(&header)
            .chain_update(&payload)
            .finalize(),
    );
    signature.put_string(tag::SIG_SHA1, &hex::encode(Sha1::digest(&header)));
    if age.sha256 {
        signature.put_string(tag::SIG_SHA256, &hex::encode(Sha256::digest(&header)));
    }
    let mut signature = signature.write();
    signature.resize(signature.len().next_multiple_of(8), 0);
    Ok([&bytes[..LEAD], &signature, &header, &payload].concat())
}

fn packed(archive: &[u8], alone: bool) -> Result<Vec<u8>> {
    use liblzma::stream::{Check, LzmaOptions, Stream};
    let stream = if alone {
        Stream::new_lzma_encoder(&LzmaOptions::new_preset(6)?)?
    } else {
        Stream::new_easy_encoder(6, Check::Crc32)?
    };
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(archive)?;
    Ok(encoder.finish()?)
}

/// What the package asks of rpm itself: its compression, and no digests that are not there.
fn features(header: &mut Header, age: &Age, feature: Option<&str>) {
    /// A feature of rpm itself, of this version or an older one.
    const FLAGS: u32 = 0x0100_000a;
    let names = header.strings(tag::REQUIRE_NAMES);
    let versions = header.strings(tag::REQUIRE_VERSIONS);
    let flags = header.numbers(tag::REQUIRE_FLAGS);
    let mut all: Vec<(String, String, u32)> = names
        .into_iter()
        .zip(versions)
        .zip(flags)
        .map(|((name, version), flags)| (name, version, flags))
        .filter(|(name, ..)| !(age.md5 && name == "rpmlib(FileDigests)"))
        .collect();
    if let Some(feature) = feature {
        let version = if age.payload == Payload::Xz {
            "5.2-1"
        } else {
            "4.4.6-1"
        };
        all.push((feature.to_owned(), version.to_owned(), FLAGS));
    }
    all.sort();
    let column =
        |pick: fn(&(String, String, u32)) -> String| all.iter().map(pick).collect::<Vec<_>>();
    header.put_strings(tag::REQUIRE_NAMES, &column(|one| one.0.clone()));
    header.put_strings(tag::REQUIRE_VERSIONS, &column(|one| one.1.clone()));
    let flags: Vec<u32> = all.iter().map(|one| one.2).collect();
    header.put_numbers(tag::REQUIRE_FLAGS, &flags);
}

/// Digests in the order of the header's files; what is no regular file has none.
fn md5_digests(header: &Header, spec: &Spec) -> Vec<String> {
    header
        .strings(tag::BASE_NAMES)
        .iter()
        .map(|name| {
            spec.files
                .iter()
                .find(|file| file.path.rsplit('/').next() == Some(name))
                .and_then(File::bytes)
                .map_or_else(String::new, |bytes| hex::encode(Md5::digest(bytes)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_age_is_a_package_with_the_digests_of_its_time() -> Result<()> {
        let dir = tempfile::tempdir()?;
        for age in AGES {
            let spec = spec(age.name, "noarch");
            put(&spec, age, dir.path())?;
            let bytes = std::fs::read(dir.path().join(spec.file_name()))?;
            let package = rpm::Package::parse(&mut bytes.as_slice())?;
            package.verify_digests()?;
            let (signature, _) = Header::read(&bytes[96..])?;
            assert_eq!(
                signature.strings(tag::SIG_SHA256).is_empty(),
                !age.sha256,
                "{}",
                age.name
            );
            assert_eq!(signature.strings(tag::SIG_SHA1).len(), 1);
            assert_eq!(package.metadata.get_file_entries()?.len(), 1);
        }
        Ok(())
    }
}
