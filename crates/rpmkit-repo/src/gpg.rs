//! Signatures of `repomd.xml` and of packages.
//!
//! A package's header is signed; its payload is covered only through the digest the header holds.
//! Both are checked here. Packages of old (before rpm 4.14) have no such digest: for those the
//! signature over header and payload together has to be there and right. Which keys and signatures
//! are good is `rpmkit-openpgp`'s to say.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use rpm::{IndexSignatureTag, IndexTag, PackageMetadata};
use rpmkit_openpgp::{Keyring, ParsedSignature, SignatureProblem, signatures};
use rpmkit_rpmfile::read_metadata;
use rpmkit_types::{Checksum, ChecksumKind, Hasher, Hint, VerifyLevel};

use super::state::now;

pub(super) use rpmkit_openpgp::POLICY;

/// What the user can do about a signature that is not accepted.
pub(super) fn hints(problem: &SignatureProblem) -> Vec<Hint> {
    use SignatureProblem as P;
    match problem {
        P::Missing => vec![Hint::new(
            "set `gpgcheck=0` (for repomd.xml `repo_gpgcheck=0`) if the repository is never \
             signed and you trust it",
        )],
        P::UnknownKey { .. } => vec![Hint::new(
            "add the right key to `gpgkey`; repositories change keys with a new release",
        )],
        P::Wrong { .. } | P::Digest { .. } => vec![Hint::new(
            "do not use this file: it was changed after signing; another mirror may be sound",
        )],
        P::Refused { .. } => vec![Hint::new(
            "ask the repository's owners for a new key or signature; rpm 6 refuses this one, too",
        )],
        P::NotForSigning { .. } | P::NoPayloadDigest | P::Unreadable(_) => Vec::new(),
    }
}

/// What a file that is good was accepted with all the same, in sentences.
pub(super) type TrustWarnings = Vec<String>;

/// Checks a detached signature, armoured or not. One good signature is enough.
pub(super) fn verify_detached(
    ring: &Keyring,
    data: &[u8],
    signature: &[u8],
) -> Result<TrustWarnings, SignatureProblem> {
    let mut problem = SignatureProblem::Missing;
    for signature in signatures(signature) {
        match signature.and_then(|s| ring.verify(&s, || data, now().as_secs())) {
            Ok(accepted) => return Ok(accepted.weak.into_iter().collect()),
            Err(e) => problem = e,
        }
    }
    Err(problem)
}

/// Checks a package file: signature, header digests, payload digest.
///
/// # Errors
/// The outer error is about reading the file or its being no package, in words.
pub(super) fn verify_package(
    ring: &Keyring,
    path: &Path,
    level: VerifyLevel,
) -> Result<Result<TrustWarnings, SignatureProblem>, String> {
    let open = || File::open(path).map_err(|e| e.to_string());
    let mut file = BufReader::with_capacity(1 << 17, open()?);
    // Of this header nothing is known yet.
    let meta = read_metadata(&mut file).map_err(|e| e.to_string())?;
    let header = meta.header_bytes().map_err(|e| e.to_string())?;
    if let Err(problem) = header_digests(&meta, &header) {
        return Ok(Err(problem));
    }
    let over_header: Vec<_> = header_signatures(&meta)?
        .iter()
        .map(|raw| only(raw).and_then(|s| ring.verify(&s, || header.as_slice(), now().as_secs())))
        .collect();
    let mut warnings = TrustWarnings::new();
    let mut problem = None;
    let mut signed = false;
    for checked in over_header {
        match checked {
            Ok(accepted) => {
                signed = true;
                warnings.extend(accepted.weak);
            }
            // Of several problems one that says more than that a key is missing counts.
            Err(e) => match problem {
                Some(SignatureProblem::UnknownKey { .. }) | None => problem = Some(e),
                Some(_) => {}
            },
        }
    }
    // A wrong signature is wrong, whatever others beside it say; of those nobody can check, and of those
    // that break a rule, a good one makes up for the others where one is enough.
    let harmless = match problem {
        Some(SignatureProblem::UnknownKey { .. }) => !signed || level == VerifyLevel::Signature,
        Some(SignatureProblem::Refused { .. }) => signed && level == VerifyLevel::Signature,
        _ => false,
    };
    let mut problem = match problem {
        Some(problem) if !harmless => return Ok(Err(problem)),
        problem => problem.unwrap_or(SignatureProblem::Missing),
    };
    if signed {
        match payload_digest(&meta) {
            Some(expected) => {
                return Ok(payload_is(&mut file, &expected)?.map(|()| warnings));
            }
            None => problem = SignatureProblem::NoPayloadDigest,
        }
    }
    let start = meta.get_package_segment_offsets().payload;
    for raw in whole_signatures(&meta) {
        let checked = only(&raw).and_then(|signature| {
            let data = || header.as_slice().chain(FromOffset::new(path, start));
            ring.verify(&signature, data, now().as_secs())
        });
        match checked {
            Ok(accepted) => {
                warnings.extend(accepted.weak);
                return Ok(Ok(warnings));
            }
            Err(e) => problem = e,
        }
    }
    Ok(Err(problem))
}

/// Signatures over the header: rpm 6's list, else the one of each kind that rpm 4 makes.
fn header_signatures(meta: &PackageMetadata) -> Result<Vec<Vec<u8>>, String> {
    use IndexSignatureTag as T;
    if meta
        .signature
        .get_entry_data_as_string_array(T::RPMSIGTAG_OPENPGP)
        .is_ok()
    {
        let list = meta.raw_signatures().map_err(|e| e.to_string())?;
        return Ok(list.into_iter().map(|raw| raw.into_owned()).collect());
    }
    Ok(binary(meta, [T::RPMSIGTAG_RSA, T::RPMSIGTAG_DSA]))
}

/// Signatures over header and payload together, as rpm made them before version 4.
fn whole_signatures(meta: &PackageMetadata) -> Vec<Vec<u8>> {
    use IndexSignatureTag as T;
    binary(meta, [T::RPMSIGTAG_PGP, T::RPMSIGTAG_GPG])
}

fn binary(meta: &PackageMetadata, tags: [IndexSignatureTag; 2]) -> Vec<Vec<u8>> {
    tags.into_iter()
        .filter_map(|tag| meta.signature.get_entry_data_as_binary(tag).ok())
        .map(<[u8]>::to_vec)
        .collect()
}

/// The signature in one place of a package: one, and of data, for rpm reads no more.
fn only(raw: &[u8]) -> Result<ParsedSignature, SignatureProblem> {
    let unreadable = |reason: &str| Err(SignatureProblem::Unreadable(reason.to_owned()));
    let mut found = signatures(raw);
    match (found.pop(), found.is_empty()) {
        (Some(Ok(signature)), true) if signature.is_of_text() => {
            unreadable("it signs text, and packages are data")
        }
        (Some(signature), true) => signature,
        (Some(_), false) => unreadable("something follows it"),
        (None, _) => unreadable("it holds no signature"),
    }
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
