//! The rules as a table: what was signed when, with which key, and what is said of it.

#![allow(clippy::unwrap_used)]

use pgp::{
    composed::KeyType,
    crypto::{ecc_curve::ECCCurve, hash::HashAlgorithm as Digest},
    packet::{Notation, RevocationCode as Reason, SignatureType, SubpacketData},
    types::{Duration, KeyVersion},
};

use crate::{
    Keyring, SignatureProblem, signatures,
    testing::{Claim, DAY, MADE, Maker, bytes, sign},
};

const DATA: &[u8] = b"data";
/// 1 January 2026.
const NOW: u64 = 1_767_225_600;

/// `good`, `good (warning)`, or why not.
fn verdict(keys: &[u8], signature: &[u8]) -> String {
    verdict_of(Keyring::default(), keys, signature)
}

fn verdict_of(mut ring: Keyring, keys: &[u8], signature: &[u8]) -> String {
    if let Err(reason) = ring.add(keys, NOW) {
        return format!("no key: {reason}");
    }
    let signature = signatures(signature).remove(0).unwrap();
    match ring.verify(&signature, || DATA, NOW) {
        Ok(accepted) => match accepted.weak {
            Some(weak) => format!("good ({weak})"),
            None => "good".to_owned(),
        },
        Err(problem) => problem.to_string(),
    }
}

fn check(cases: &[(&str, Vec<u8>, Vec<u8>, &str)]) {
    for (what, keys, signature, expected) in cases {
        let found = verdict(keys, signature);
        let fits = match *expected {
            "good" => found == "good",
            part => found.contains(part),
        };
        assert!(fits, "{what}: expected {expected}, found {found}");
    }
}

#[test]
fn digests_and_times_of_signatures() {
    let key = Maker::rsa();
    let plain = || key.named(&[Claim::at(MADE).signs()]);
    let made = |claim: Claim| sign(key.primary(), &claim, DATA);
    let later = || Claim::at(MADE + DAY);
    let span = |days: u64| {
        let span = Duration::from_secs(u32::try_from(days * DAY).unwrap());
        SubpacketData::SignatureExpirationTime(span)
    };
    let notation = || {
        SubpacketData::Notation(Notation {
            readable: true,
            name: "x@example.org".into(),
            value: "y".into(),
        })
    };
    let unknown = || SubpacketData::Other(99, vec![1].into());
    let mut cases = Vec::new();
    for digest in [
        Digest::Sha224,
        Digest::Sha256,
        Digest::Sha384,
        Digest::Sha512,
        Digest::Sha3_256,
        Digest::Sha3_512,
    ] {
        cases.push(("digest", plain(), made(later().digest(digest)), "good"));
    }
    for (digest, name) in [
        (Digest::Md5, "made with MD5"),
        (Digest::Sha1, "made with SHA-1"),
        (Digest::Ripemd160, "made with RIPEMD-160"),
    ] {
        cases.push(("digest", plain(), made(later().digest(digest)), name));
    }
    cases.extend([
        (
            "other data",
            plain(),
            sign(key.primary(), &later(), b"other"),
            "does not fit",
        ),
        (
            "of tomorrow",
            plain(),
            made(Claim::at(NOW + DAY)),
            "lies in the future",
        ),
        ("a fast clock", plain(), made(Claim::at(NOW + 60)), "good"),
        (
            "expired",
            plain(),
            made(later().with(span(30))),
            "expired on 2020-02-01",
        ),
        (
            "not yet expired",
            plain(),
            made(later().with(span(9000))),
            "good",
        ),
        (
            "before its key",
            plain(),
            made(Claim::at(MADE - DAY)),
            "older than its key",
        ),
        (
            "an unknown remark",
            plain(),
            made(later().with(unknown())),
            "good",
        ),
        (
            "an unknown condition",
            plain(),
            made(later().critical(notation())),
            "condition",
        ),
        (
            "a stranger's",
            plain(),
            sign(Maker::ed25519().primary(), &later(), DATA),
            "it is signed by key",
        ),
    ]);
    check(&cases);
}

#[test]
fn lives_of_keys() {
    let key = Maker::rsa();
    let at = |day: u64| sign(key.primary(), &Claim::at(MADE + day * DAY), DATA);
    let short = || Claim::at(MADE).signs().lives(100);
    let longer = || Claim::at(MADE + 90 * DAY).signs().lives(9000);
    let revoked = |day: u64, reason: Reason| {
        let claim = Claim::at(MADE + day * DAY).because(reason);
        let mut out = bytes(key.primary().public_key());
        out.extend(key.revoked(&claim));
        let named = key.named(&[Claim::at(MADE).signs()]);
        out.extend(&named[bytes(key.primary().public_key()).len()..]);
        out
    };
    let quiet = |day: u64| {
        let mut out = bytes(key.primary().public_key());
        out.extend(key.revoked(&Claim::at(MADE + day * DAY)));
        let named = key.named(&[Claim::at(MADE).signs()]);
        out.extend(&named[bytes(key.primary().public_key()).len()..]);
        out
    };
    check(&[
        ("while it lived", key.named(&[short()]), at(50), "good"),
        (
            "after its end",
            key.named(&[short()]),
            at(150),
            "had expired on 2020-04-10",
        ),
        (
            "prolonged",
            key.named(&[short(), longer()]),
            at(150),
            "good",
        ),
        (
            "only the new claim left",
            key.named(&[longer()]),
            at(50),
            "good",
        ),
        (
            "lost, before",
            revoked(60, Reason::KeyCompromised),
            at(50),
            "is revoked",
        ),
        ("no reason, before", quiet(60), at(50), "is revoked"),
        (
            "retired, before",
            revoked(60, Reason::KeyRetired),
            at(50),
            "good",
        ),
        (
            "retired, after",
            revoked(60, Reason::KeyRetired),
            at(70),
            "is revoked",
        ),
        (
            "superseded, after",
            revoked(60, Reason::KeySuperseded),
            at(70),
            "is revoked",
        ),
        (
            "no claim",
            key.named(&[]),
            at(50),
            "no valid self-signature",
        ),
        (
            "of SHA-1",
            key.named(&[short().digest(Digest::Sha1)]),
            at(50),
            "with SHA-1 only",
        ),
        (
            "of MD5",
            key.named(&[short().digest(Digest::Md5)]),
            at(50),
            "no valid self-signature",
        ),
        (
            "of SHA-1, lately",
            key.named(&[Claim::at(NOW - DAY).signs().digest(Digest::Sha1)]),
            at(50),
            "no valid self-signature",
        ),
        (
            "of SHA-1, and of SHA-256",
            key.named(&[short().digest(Digest::Sha1), longer()]),
            at(50),
            "good",
        ),
    ]);
}

#[test]
fn subkeys() {
    let key = Maker::rsa();
    let at = |day: u64| sign(key.subkey(), &Claim::at(MADE + day * DAY), DATA);
    let main = || key.named(&[Claim::at(MADE).signs()]);
    let claim = || Claim::at(MADE).signs();
    let with = |claims: &[Claim], back: Option<&Claim>| [main(), key.bound(claims, back)].concat();
    let back = Some(Claim::at(MADE));
    let revoked = |day: u64, reason: Option<Reason>| {
        let mut claim = Claim::at(MADE + day * DAY);
        if let Some(reason) = reason {
            claim = claim.because(reason);
        }
        let own = key.over_subkey(SignatureType::SubkeyRevocation, &claim);
        [
            with(&[Claim::at(MADE).signs()], Some(&Claim::at(MADE))),
            own,
        ]
        .concat()
    };
    let mut main_is_lost = bytes(key.primary().public_key());
    main_is_lost.extend(key.revoked(&Claim::at(MADE + 60 * DAY)));
    main_is_lost.extend(&with(&[claim()], back.as_ref())[main_is_lost_prefix(key)..]);
    let old = Claim::at(MADE).digest(Digest::Sha1);
    check(&[
        ("bound", with(&[claim()], back.as_ref()), at(50), "good"),
        (
            "not bound",
            with(&[], None),
            at(50),
            "no valid self-signature",
        ),
        (
            "does not bind itself",
            with(&[claim()], None),
            at(50),
            "not made for signing",
        ),
        (
            "for something else",
            with(&[Claim::at(MADE).with(certifies())], back.as_ref()),
            at(50),
            "not made for signing",
        ),
        (
            "expired",
            with(&[claim().lives(100)], back.as_ref()),
            at(150),
            "had expired",
        ),
        (
            "while it lived",
            with(&[claim().lives(100)], back.as_ref()),
            at(50),
            "good",
        ),
        ("revoked, before", revoked(60, None), at(50), "is revoked"),
        (
            "retired, before",
            revoked(60, Some(Reason::KeyRetired)),
            at(50),
            "good",
        ),
        (
            "retired, after",
            revoked(60, Some(Reason::KeyRetired)),
            at(70),
            "is revoked",
        ),
        ("its main key is lost", main_is_lost, at(50), "is revoked"),
        (
            "bound with SHA-1",
            with(&[claim().digest(Digest::Sha1)], back.as_ref()),
            at(50),
            "no valid self-signature",
        ),
        (
            "binds itself with SHA-1",
            with(&[claim()], Some(&old)),
            at(50),
            "not made for signing",
        ),
    ]);
    for keys in [
        with(&[claim().digest(Digest::Sha1)], back.as_ref()),
        with(&[claim()], Some(&old)),
    ] {
        let found = verdict_of(Keyring::with_sha1_keys(), &keys, &at(50));
        assert!(found.starts_with("good (key"), "{found}");
    }
}

fn main_is_lost_prefix(key: &Maker) -> usize {
    bytes(key.primary().public_key()).len()
}

fn certifies() -> SubpacketData {
    let mut flags = pgp::packet::KeyFlags::default();
    flags.set_certify(true);
    SubpacketData::KeyFlags(flags)
}

#[test]
fn kinds_of_keys() {
    let v4 = |kind| Maker::new(kind, KeyVersion::V4);
    for (what, key, expected) in [
        ("P-256", v4(KeyType::ECDSA(ECCCurve::P256)), "good"),
        ("P-384", v4(KeyType::ECDSA(ECCCurve::P384)), "good"),
        ("P-521", v4(KeyType::ECDSA(ECCCurve::P521)), "good"),
        (
            "secp256k1",
            v4(KeyType::ECDSA(ECCCurve::Secp256k1)),
            "of the curve",
        ),
        ("Ed25519", v4(KeyType::Ed25519), "good"),
        (
            "Ed25519, v6",
            Maker::new(KeyType::Ed25519, KeyVersion::V6),
            "good",
        ),
        (
            "Ed448, v6",
            Maker::new(KeyType::Ed448, KeyVersion::V6),
            "good",
        ),
    ] {
        let digest = match what {
            "P-384" => Digest::Sha384,
            "P-521" | "Ed448, v6" => Digest::Sha512,
            _ => Digest::Sha256,
        };
        let claim = Claim::at(MADE).digest(digest);
        let signature = sign(key.primary(), &Claim::at(MADE + DAY).digest(digest), DATA);
        check(&[(what, key.named(&[claim.signs()]), signature, expected)]);
    }
}

#[test]
fn short_and_old_keys() {
    let packet = |version: u8, bits: u16| {
        let mut body = vec![version, 0x5e, 0x0b, 0xe1, 0];
        if version == 3 {
            body.extend([0, 0]);
        }
        body.push(1);
        body.extend(bits.to_be_bytes());
        body.extend(vec![0xff; usize::from(bits) / 8]);
        body.extend([0, 17, 1, 0, 1]);
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [vec![0x99], length.to_vec(), body].concat()
    };
    for (packet, part) in [
        (packet(4, 1024), "RSA of 1024 bits, which is not accepted"),
        (packet(3, 2048), "of version 3, which is not accepted"),
        (packet(4, 2048), "no valid self-signature"),
    ] {
        let error = Keyring::default().add(&packet, NOW).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn files_of_keys() {
    let (good, other, stranger) = (Maker::ed25519(), Maker::ed25519(), Maker::ed25519());
    let claim = Claim::at(MADE).signs();
    let named = good.named(std::slice::from_ref(&claim));
    let read = |data: &[u8]| {
        let mut ring = Keyring::default();
        let notes = ring.add(data, NOW)?;
        Ok::<_, String>((ring.ids(), notes))
    };
    let armour = |data: &[u8]| {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(data);
        format!(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{text}\n-----END PGP PUBLIC KEY BLOCK-----\n"
        )
    };

    // What others certify is passed over, and so is what cannot be read.
    let mut certified = named.clone();
    certified.extend(bytes(&stranger.certify(&good, &claim)));
    certified.extend([0xc2, 3, 9, 9, 9]);
    certified.extend([0xfc, 2, 1, 1]);
    assert_eq!(read(&certified).unwrap(), (vec![good.id()], vec![]));

    // One odd key of three, with text around them.
    let odd = other.named(&[]);
    let text = format!(
        "Keys\n{}text\n{}",
        armour(&named),
        armour(&[odd, named.clone()].concat())
    );
    let (ids, notes) = read(format!("{text}bye: {{}}\n").as_bytes()).unwrap();
    assert_eq!(ids, [good.id(), good.id()]);
    assert_eq!(notes.len(), 1);
    assert!(!notes[0].kept && notes[0].key == other.id(), "{notes:?}");

    // Nothing that can be used: said in words.
    for (data, part) in [
        (&b""[..], "holds no OpenPGP key"),
        (b"<html>no</html>", "is no OpenPGP data"),
        (&other.named(&[])[..], "no valid self-signature"),
        (&named[..20], "cut short"),
        (armour(b"nonsense").as_bytes(), "is no OpenPGP data"),
    ] {
        let error = read(data).unwrap_err();
        assert!(error.contains(part) && !error.contains('['), "{error}");
    }

    // Expired and revoked ones are kept and noted.
    let (_, notes) = read(&good.named(&[claim.clone().lives(9)])).unwrap();
    assert!(
        notes[0].kept && notes[0].text.contains("2020-01-10"),
        "{notes:?}"
    );
}

#[test]
fn signatures_that_cannot_be_read() {
    assert!(signatures(b"").is_empty());
    for data in [&b"text"[..], &[0xc2, 3, 9, 9, 9], &[0xc2, 200]] {
        let found = signatures(data).remove(0).unwrap_err();
        assert!(matches!(found, SignatureProblem::Unreadable(_)), "{found}");
        assert!(!found.to_string().contains("Error"), "{found}");
    }
}

mod edge;
