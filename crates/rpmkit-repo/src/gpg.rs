//! OpenPGP keys and signatures of `repomd.xml` and of packages.
//!
//! A package's header is signed; its payload is covered only through the digest the header holds.
//! Both are checked here. Packages of old (before rpm 4.14) have no such digest: for those the
//! signature over header and payload together has to be there and right.

use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use pgp::{
    composed::{Deserializable, DetachedSignature, SignedPublicKey},
    packet::{Packet, PacketParser, Signature},
    types::{Fingerprint, KeyDetails, KeyId},
};
use rpm::{IndexSignatureTag, IndexTag, PackageMetadata};

use rpmkit_types::{Checksum, ChecksumKind, Hasher, Hint};

/// Version of the rules below. Raised when something is refused that was accepted before: then what
/// was found out by the old rules, and layers made by them, count no more.
pub(super) const POLICY: u32 = 1;

/// Why a signature is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureProblem {
    /// Nothing is signed.
    Missing,
    /// Signed by a key that is not among those given.
    UnknownKey {
        /// Key ids the signature names.
        found: Vec<String>,
        /// Key ids that would do.
        known: Vec<String>,
    },
    /// The key is right, the signature does not fit the data.
    Wrong {
        /// Key id.
        key: String,
        /// What the check said.
        reason: String,
    },
    /// The key may not sign.
    NotForSigning {
        /// Key id.
        key: String,
    },
    /// Signed, but the content is not the signed one.
    Digest {
        /// `header` or `payload`.
        part: &'static str,
        /// What the signed header says.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The header is signed, and nothing ties the payload to it.
    NoPayloadDigest,
    /// The signature cannot be read.
    Unreadable(String),
}

impl fmt::Display for SignatureProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("it is not signed"),
            Self::UnknownKey { found, known } => write!(
                f,
                "it is signed by key {}, expected {}",
                list(found),
                list(known)
            ),
            Self::Wrong { key, reason } => {
                write!(f, "it does not fit the content (key {key}): {reason}")
            }
            Self::NotForSigning { key } => write!(f, "key {key} is not made for signing"),
            Self::Digest {
                part,
                expected,
                found,
            } => write!(
                f,
                "the {part} is not the one that was signed: expected {expected}, found {found}"
            ),
            Self::NoPayloadDigest => {
                f.write_str("the signed header holds no digest of the payload")
            }
            Self::Unreadable(reason) => write!(f, "it cannot be read: {reason}"),
        }
    }
}

impl SignatureProblem {
    /// What the user can do about it.
    pub(super) fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Missing => vec![Hint::new(
                "set `gpgcheck=0` (for repomd.xml `repo_gpgcheck=0`) if the repository is never \
                 signed and you trust it",
            )],
            Self::UnknownKey { .. } => vec![Hint::new(
                "add the right key to `gpgkey`; repositories change keys with a new release",
            )],
            Self::Wrong { .. } | Self::Digest { .. } => vec![Hint::new(
                "do not use this file: it was changed after signing; another mirror may be sound",
            )],
            Self::NotForSigning { .. } | Self::NoPayloadDigest | Self::Unreadable(_) => Vec::new(),
        }
    }
}

fn list(ids: &[String]) -> String {
    match ids {
        [] => "(none)".to_owned(),
        ids => ids.join(" or "),
    }
}

/// Keys that are trusted for something.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<SignedPublicKey>,
}

impl Keyring {
    /// Adds every key of a file, armoured or not. The error says what is wrong with the file.
    pub fn add(&mut self, data: &[u8]) -> Result<(), String> {
        let mut found = 0;
        let mut refused = None;
        // A file may hold several armoured blocks one after the other.
        for block in blocks(data) {
            let keys = SignedPublicKey::from_reader_many(block)
                .map_err(|e| format!("it holds no OpenPGP key: {e}"))?
                .0;
            for key in keys {
                match key.and_then(|key| key.verify_bindings().map(|()| key)) {
                    Ok(key) if !key.details.revocation_signatures.is_empty() => {
                        refused = Some("the key is revoked".to_owned());
                    }
                    Ok(key) => {
                        self.keys.push(key);
                        found += 1;
                    }
                    Err(e) => refused = Some(e.to_string()),
                }
            }
        }
        match (found, refused) {
            (0, Some(reason)) => Err(reason),
            (0, None) => Err("it holds no OpenPGP key".to_owned()),
            _ => Ok(()),
        }
    }

    /// True without any key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Key ids of the main keys, sixteen hexadecimal digits each.
    pub fn ids(&self) -> Vec<String> {
        self.keys
            .iter()
            .map(|key| hex::encode(key.legacy_key_id()))
            .collect()
    }

    /// Checks a detached signature, armoured or not. One good signature is enough.
    pub fn verify_detached(&self, data: &[u8], signature: &[u8]) -> Result<(), SignatureProblem> {
        let (signatures, _) = DetachedSignature::from_reader_many(signature)
            .map_err(|e| SignatureProblem::Unreadable(e.to_string()))?;
        let mut problem = SignatureProblem::Missing;
        for signature in signatures {
            let checked = signature
                .map_err(|e| SignatureProblem::Unreadable(e.to_string()))
                .and_then(|detached| self.verify(&detached.signature, || data));
            match checked {
                Ok(()) => return Ok(()),
                Err(e) => problem = e,
            }
        }
        Err(problem)
    }

    /// Checks a package file: signature, header digests, payload digest.
    ///
    /// # Errors
    /// The outer error is about reading the file or its being no package, in words.
    pub fn verify_package(&self, path: &Path) -> Result<Result<(), SignatureProblem>, String> {
        let open = || File::open(path).map_err(|e| e.to_string());
        let mut file = BufReader::with_capacity(1 << 17, open()?);
        let meta = PackageMetadata::parse(&mut file).map_err(|e| e.to_string())?;
        let header = meta.header_bytes().map_err(|e| e.to_string())?;
        if let Err(problem) = header_digests(&meta, &header) {
            return Ok(Err(problem));
        }

        let whole = whole_signatures(&meta);
        let header_only = meta.raw_signatures().map_err(|e| e.to_string())?;
        if whole.is_empty() && header_only.is_empty() {
            return Ok(Err(SignatureProblem::Missing));
        }
        let mut problem = SignatureProblem::Missing;
        let mut header_signed = false;
        for raw in &header_only {
            match read_signature(raw).and_then(|s| self.verify(&s, || header.as_slice())) {
                Ok(()) => header_signed = true,
                Err(e) => problem = e,
            }
        }
        if header_signed {
            match payload_digest(&meta) {
                Some(expected) => return payload_is(&mut file, &expected),
                None => problem = SignatureProblem::NoPayloadDigest,
            }
        } else if !header_only.is_empty() && !matches!(problem, SignatureProblem::UnknownKey { .. })
        {
            // A wrong signature is wrong, whatever an older one beside it says.
            return Ok(Err(problem));
        }
        let start = meta.get_package_segment_offsets().payload;
        for raw in &whole {
            let checked = read_signature(raw).and_then(|signature| {
                self.verify(&signature, || {
                    header.as_slice().chain(FromOffset::new(path, start))
                })
            });
            match checked {
                Ok(()) => return Ok(Ok(())),
                Err(e) => problem = e,
            }
        }
        Ok(Err(problem))
    }

    /// Checks one signature against the keys it may be made with.
    fn verify<R: Read>(
        &self,
        signature: &Signature,
        data: impl Fn() -> R,
    ) -> Result<(), SignatureProblem> {
        let prints = signature.issuer_fingerprint();
        let ids = signature.issuer_key_id();
        let named = |print: &Fingerprint, id: &KeyId| {
            if prints.is_empty() && ids.is_empty() {
                return true;
            }
            prints.contains(&print) || (prints.is_empty() && ids.contains(&id))
        };
        let mut problem = None;
        for key in &self.keys {
            let id = key.legacy_key_id();
            if named(&key.fingerprint(), &id) {
                let own = key
                    .details
                    .direct_signatures
                    .iter()
                    .chain(key.details.users.iter().flat_map(|user| &user.signatures));
                if may_sign(own) {
                    match signature.verify(key, data()) {
                        Ok(()) => return Ok(()),
                        Err(e) => problem = Some(wrong(&id, &e)),
                    }
                } else {
                    problem = Some(SignatureProblem::NotForSigning {
                        key: hex::encode(id),
                    });
                }
            }
            for sub in &key.public_subkeys {
                let id = sub.key.legacy_key_id();
                if !named(&sub.key.fingerprint(), &id) {
                    continue;
                }
                if may_sign(sub.signatures.iter()) {
                    match signature.verify(&sub.key, data()) {
                        Ok(()) => return Ok(()),
                        Err(e) => problem = Some(wrong(&id, &e)),
                    }
                } else {
                    problem = problem.or(Some(SignatureProblem::NotForSigning {
                        key: hex::encode(id),
                    }));
                }
            }
        }
        Err(problem.unwrap_or_else(|| {
            let mut found: Vec<String> = ids.iter().map(hex::encode).collect();
            if found.is_empty() {
                found = prints.iter().map(ToString::to_string).collect();
            }
            SignatureProblem::UnknownKey {
                found,
                known: self.ids(),
            }
        }))
    }
}

fn wrong(id: &KeyId, error: &pgp::errors::Error) -> SignatureProblem {
    SignatureProblem::Wrong {
        key: hex::encode(id),
        reason: error.to_string(),
    }
}

/// Whether a key's self-signatures let it sign. Without any flags it is for everything (RFC 9580,
/// 5.2.3.29).
fn may_sign<'a>(signatures: impl Iterator<Item = &'a Signature>) -> bool {
    let mut flagged = false;
    for signature in signatures {
        let flags = signature.key_flags();
        if flags == pgp::packet::KeyFlags::default() {
            continue;
        }
        flagged = true;
        if flags.sign() {
            return true;
        }
    }
    !flagged
}

/// Splits a text of several armoured blocks; binary data is one block.
fn blocks(data: &[u8]) -> Vec<&[u8]> {
    const BEGIN: &[u8] = b"-----BEGIN PGP";
    let starts: Vec<usize> = data
        .windows(BEGIN.len())
        .enumerate()
        .filter(|(_, window)| *window == BEGIN)
        .map(|(at, _)| at)
        .collect();
    if starts.is_empty() {
        return vec![data];
    }
    starts
        .iter()
        .zip(starts[1..].iter().chain([&data.len()]))
        .map(|(from, to)| &data[*from..*to])
        .collect()
}

fn read_signature(raw: &[u8]) -> Result<Signature, SignatureProblem> {
    PacketParser::new(raw)
        .find_map(|packet| match packet {
            Ok(Packet::Signature(signature)) => Some(Ok(signature)),
            Ok(_) => None,
            Err(e) => Some(Err(SignatureProblem::Unreadable(e.to_string()))),
        })
        .unwrap_or_else(|| {
            Err(SignatureProblem::Unreadable(
                "there is no signature packet in it".to_owned(),
            ))
        })
}

/// Signatures over header and payload together, as rpm made them before version 4.
fn whole_signatures(meta: &PackageMetadata) -> Vec<Vec<u8>> {
    [
        IndexSignatureTag::RPMSIGTAG_PGP,
        IndexSignatureTag::RPMSIGTAG_GPG,
    ]
    .into_iter()
    .filter_map(|tag| meta.signature.get_entry_data_as_binary(tag).ok())
    .map(<[u8]>::to_vec)
    .collect()
}

/// The header's digests in the signature header, where they are.
fn header_digests(meta: &PackageMetadata, header: &[u8]) -> Result<(), SignatureProblem> {
    for (tag, kind) in [
        (IndexSignatureTag::RPMSIGTAG_SHA256, ChecksumKind::Sha256),
        (IndexSignatureTag::RPMSIGTAG_SHA1, ChecksumKind::Sha1),
    ] {
        let Ok(text) = meta.signature.get_entry_data_as_string(tag) else {
            continue;
        };
        let expected = Checksum::new(kind, text);
        let mut hasher = Hasher::new(kind);
        hasher.update(header);
        let found = hasher.finish();
        if expected != found {
            return Err(SignatureProblem::Digest {
                part: "header",
                expected: expected.to_string(),
                found: found.to_string(),
            });
        }
    }
    Ok(())
}

/// The payload's digest as the header has it, the strongest first.
fn payload_digest(meta: &PackageMetadata) -> Option<Checksum> {
    [
        (IndexTag::RPMTAG_PAYLOAD_SHA512, ChecksumKind::Sha512),
        (IndexTag::RPMTAG_PAYLOADSHA256, ChecksumKind::Sha256),
    ]
    .into_iter()
    .find_map(|(tag, kind)| {
        let one = meta.header.get_entry_data_as_string(tag).ok();
        let text = match one {
            Some(text) => text.to_owned(),
            None => meta
                .header
                .get_entry_data_as_string_array(tag)
                .ok()?
                .first()?
                .to_string(),
        };
        Some(Checksum::new(kind, &text))
    })
}

fn payload_is(
    file: &mut impl BufRead,
    expected: &Checksum,
) -> Result<Result<(), SignatureProblem>, String> {
    let mut hasher = Hasher::new(expected.kind);
    loop {
        let data = file.fill_buf().map_err(|e| e.to_string())?;
        if data.is_empty() {
            break;
        }
        hasher.update(data);
        let used = data.len();
        file.consume(used);
    }
    let found = hasher.finish();
    Ok(if found == *expected {
        Ok(())
    } else {
        Err(SignatureProblem::Digest {
            part: "payload",
            expected: expected.to_string(),
            found: found.to_string(),
        })
    })
}

/// A file from some byte on, opened when it is first read, so that a check can start over.
struct FromOffset<'a> {
    path: &'a Path,
    start: u64,
    file: Option<BufReader<File>>,
}

impl<'a> FromOffset<'a> {
    fn new(path: &'a Path, start: u64) -> Self {
        Self {
            path,
            start,
            file: None,
        }
    }
}

impl Read for FromOffset<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        use std::io::{Seek, SeekFrom};
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let mut file = File::open(self.path)?;
                file.seek(SeekFrom::Start(self.start))?;
                self.file.insert(BufReader::with_capacity(1 << 17, file))
            }
        };
        file.read(buffer)
    }
}
