//! What is good enough: digests, key sizes, conditions. The values are those of Sequoia's standard
//! policy (version 2.4), which rpm 6.1 uses where the system has no policy of its own.

use pgp::{
    crypto::hash::HashAlgorithm,
    packet::{Signature, SubpacketData},
    ser::Serialize,
    types::{EcdsaPublicParams, EddsaLegacyPublicParams, KeyDetails, KeyVersion, PublicParams},
};

use crate::problem::Refusal;

/// 1 February 2023: since then a key's signature over itself may not be made with SHA-1.
pub(crate) const SHA1_END: u64 = 1_675_209_600;
/// 1 February 2030: since then DSA is not accepted.
const DSA_END: u64 = 1_896_134_400;
/// Clocks may differ by this many seconds.
pub(crate) const SKEW: u64 = 300;
/// The shortest RSA and DSA keys, in bits.
const BITS: u16 = 2048;

/// How much is asked of the signatures a key makes over itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grade {
    /// As rpm 6 does.
    Strict,
    /// SHA-1 of the time when that was usual, too. To use this against a key one has to find a
    /// second text for a digest that is given, which nobody can; making two texts of one digest,
    /// which is possible, does not help.
    Old,
}

/// Judges the digest of a signature over data.
pub(crate) fn data_digest(signature: &Signature) -> Result<(), Refusal> {
    if is_strong(signature) {
        return Ok(());
    }
    Err(Refusal::Digest(digest_name(signature)))
}

/// Whether the digest of a signature over a key is good enough.
pub(crate) fn key_digest(signature: &Signature, grade: Grade) -> bool {
    let old = signature.hash_alg() == Some(HashAlgorithm::Sha1)
        && created(signature).is_some_and(|time| time < SHA1_END);
    is_strong(signature) || (grade == Grade::Old && old)
}

/// The digest's usual name.
pub(crate) fn digest_name(signature: &Signature) -> String {
    match signature.hash_alg() {
        Some(HashAlgorithm::Md5) => "MD5".to_owned(),
        Some(HashAlgorithm::Sha1) => "SHA-1".to_owned(),
        Some(HashAlgorithm::Ripemd160) => "RIPEMD-160".to_owned(),
        Some(other) => format!("the unknown digest {}", u8::from(other)),
        None => "an unknown digest".to_owned(),
    }
}

fn is_strong(signature: &Signature) -> bool {
    matches!(
        signature.hash_alg(),
        Some(
            HashAlgorithm::Sha224
                | HashAlgorithm::Sha256
                | HashAlgorithm::Sha384
                | HashAlgorithm::Sha512
                | HashAlgorithm::Sha3_256
                | HashAlgorithm::Sha3_512
        )
    )
}

/// Finds a condition that must be understood and is not (RFC 9580, 5.2.3.7). Others that are not
/// known are passed over.
pub(crate) fn conditions(signature: &Signature) -> Result<(), Refusal> {
    let hashed = signature.config().map(|config| &config.hashed_subpackets);
    for packet in hashed.into_iter().flatten().filter(|p| p.is_critical) {
        let number = match &packet.data {
            SubpacketData::Notation(_) => 20,
            SubpacketData::SignatureTarget(..) => 31,
            SubpacketData::Experimental(number, _) | SubpacketData::Other(number, _) => *number,
            _ => continue,
        };
        return Err(Refusal::Critical(number));
    }
    Ok(())
}

/// Judges kind and size of a key.
pub(crate) fn algorithm(key: &impl KeyDetails, now: u64) -> Result<(), Refusal> {
    let refused = |what: String| Err(Refusal::Algorithm(what));
    if !matches!(key.version(), KeyVersion::V4 | KeyVersion::V6) {
        return refused(format!("of version {}", u8::from(key.version())));
    }
    match key.public_params() {
        PublicParams::RSA(_) => match bits(key.public_params()) {
            bits if bits < BITS => refused(format!("RSA of {bits} bits")),
            _ => Ok(()),
        },
        PublicParams::DSA(_) => match bits(key.public_params()) {
            bits if bits < BITS => refused(format!("DSA of {bits} bits")),
            _ if now >= DSA_END => refused("DSA".to_owned()),
            _ => Ok(()),
        },
        PublicParams::ECDSA(
            EcdsaPublicParams::P256 { .. }
            | EcdsaPublicParams::P384 { .. }
            | EcdsaPublicParams::P521 { .. },
        )
        | PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. })
        | PublicParams::Ed25519(_)
        | PublicParams::Ed448(_) => Ok(()),
        PublicParams::ECDSA(other) => refused(format!("of the curve {}", other.curve().name())),
        _ => refused(format!("of the kind {}", u8::from(key.algorithm()))),
    }
}

/// Length of a key's first number: the modulus of RSA, the prime of DSA.
fn bits(params: &PublicParams) -> u16 {
    match params.to_bytes().unwrap_or_default().get(..2) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => 0,
    }
}

/// When a signature says it was made.
pub(crate) fn created(signature: &Signature) -> Option<u64> {
    signature.created().map(|time| u64::from(time.as_secs()))
}
