//! The digests a package carries of itself.
//!
//! The signature header holds digests of the header, the header those of the compressed payload; before
//! rpm 4.14 there was an MD5 of both together instead. Of several the strongest is checked, which in
//! packages of format v6 is SHA3-256. They tell a damaged file from a sound one and prove nothing about
//! who made it: that is what signatures and the digests of repositories are for. Sources: rpm's
//! description of its file formats v4 and v6, `rpmtag.h`.

use std::io::{self, BufRead, Read};

use rpm::{Header, IndexSignatureTag, IndexTag, PackageMetadata, Tag};
use rpmkit_types::{Checksum, ChecksumKind, Hasher};

/// What a package says of its header, the strongest first.
const OF_HEADER: [(IndexSignatureTag, ChecksumKind); 3] = [
    (
        IndexSignatureTag::RPMSIGTAG_SHA3_256,
        ChecksumKind::Sha3_256,
    ),
    (IndexSignatureTag::RPMSIGTAG_SHA256, ChecksumKind::Sha256),
    (IndexSignatureTag::RPMSIGTAG_SHA1, ChecksumKind::Sha1),
];

/// What a package says of its payload as it lies in the file, the strongest first.
const OF_PAYLOAD: [(IndexTag, ChecksumKind); 3] = [
    (IndexTag::RPMTAG_PAYLOAD_SHA3_256, ChecksumKind::Sha3_256),
    (IndexTag::RPMTAG_PAYLOAD_SHA512, ChecksumKind::Sha512),
    (IndexTag::RPMTAG_PAYLOADSHA256, ChecksumKind::Sha256),
];

/// A digest that is expected, with what was hashed so far.
pub(super) struct Expected {
    part: &'static str,
    digest: Checksum,
    hasher: Hasher,
}

impl Expected {
    fn new(part: &'static str, digest: Checksum) -> Self {
        let hasher = Hasher::new(digest.kind);
        Self {
            part,
            digest,
            hasher,
        }
    }

    /// Says what is wrong.
    fn check(self) -> Result<(), String> {
        let found = self.hasher.finish();
        if found == self.digest {
            return Ok(());
        }
        Err(format!(
            "the {} has the digest {found}, the package says {}",
            self.part, self.digest
        ))
    }
}

/// A tag with one digest, which is a text or a list with one text in it.
fn text<T: Tag>(header: &Header<T>, tag: T) -> Option<String> {
    if let Ok(text) = header.get_entry_data_as_string(tag) {
        return Some(text.to_owned());
    }
    let list = header.get_entry_data_as_string_array(tag).ok()?;
    list.first().map(ToString::to_string)
}

/// Checks the header. One without any digest passes, as with rpm.
pub(super) fn header(metadata: &PackageMetadata) -> Result<(), String> {
    let claim = OF_HEADER.into_iter().find_map(|(tag, kind)| {
        text(&metadata.signature, tag).map(|hex| Checksum::new(kind, &hex))
    });
    let Some(claim) = claim else { return Ok(()) };
    let mut expected = Expected::new("header", claim);
    let bytes = metadata.header_bytes().map_err(|e| e.to_string())?;
    expected.hasher.update(&bytes);
    expected.check()
}

/// What the compressed payload is to be held against, if there is anything.
pub(super) fn payload(metadata: &PackageMetadata) -> Option<Expected> {
    let claim = OF_PAYLOAD
        .into_iter()
        .find_map(|(tag, kind)| text(&metadata.header, tag).map(|hex| Checksum::new(kind, &hex)));
    if let Some(claim) = claim {
        return Some(Expected::new("payload", claim));
    }
    let tag = IndexSignatureTag::RPMSIGTAG_MD5;
    let md5 = metadata.signature.get_entry_data_as_binary(tag).ok()?;
    let hex: String = md5.iter().map(|byte| format!("{byte:02x}")).collect();
    let claim = Checksum::new(ChecksumKind::Md5, &hex);
    let mut expected = Expected::new("header with payload", claim);
    expected.hasher.update(&metadata.header_bytes().ok()?);
    Some(expected)
}

/// Passes bytes on and, at the end of them, fails when they are not those that were expected.
pub(super) struct Checked<R> {
    input: R,
    expected: Option<Expected>,
}

impl<R: BufRead> Checked<R> {
    pub fn new(input: R, expected: Option<Expected>) -> Self {
        Self { input, expected }
    }

    /// Reads what nobody has read, for the sake of the digest.
    pub fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self, &mut io::sink()).map(drop)
    }
}

impl<R: BufRead> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Checked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.input.fill_buf()?.is_empty()
            && let Some(expected) = self.expected.take()
        {
            expected
                .check()
                .map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))?;
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if let Some(expected) = &mut self.expected
            && let Ok(data) = self.input.fill_buf()
        {
            expected.hasher.update(&data[..count.min(data.len())]);
        }
        self.input.consume(count);
    }
}
