//! Keys that are trusted for something, and what is signed with them.

use std::io::Read;

use pgp::{
    packet::{Packet, Signature, SignatureType},
    types::{Fingerprint, KeyDetails, KeyId},
};

use crate::{
    armour::{self, Form},
    cert::{Cert, CertBuilder, Standing, Subkey, ends},
    packets::{MOST, Packets},
    policy::{self, Grade, SKEW, created},
    problem::{Refusal, SignatureProblem, date},
    signature::ParsedSignature,
};

/// Something odd about one key of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its id, or its place in the file where it has no readable id.
    pub key: String,
    /// What is odd.
    pub text: String,
    /// It is used nevertheless.
    pub kept: bool,
}

/// A signature that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Id of the key that made it.
    pub key: String,
    /// What rpm 6 would not accept, in a sentence.
    pub weak: Option<String>,
}

/// Keys that are trusted for something.
#[derive(Debug, Default)]
pub struct Keyring {
    certs: Vec<Cert>,
    sha1: bool,
}

impl Keyring {
    /// An empty ring that also takes keys whose own signatures are of SHA-1, from before February 2023. rpm 6
    /// refuses them; the keys of EL 7 and 8 are such.
    pub fn with_sha1_keys() -> Self {
        Self {
            sha1: true,
            ..Self::default()
        }
    }

    /// Adds the keys of a file, armoured or not, and tells what is odd about single ones; `now` is
    /// in seconds since 1970.
    ///
    /// Refused are keys that no valid signature of their own stands behind and keys too weak for
    /// any use. One that has expired or is revoked is kept: what it is good for is seen when
    /// something signed with it turns up.
    ///
    /// # Errors
    /// No key of the file can be used; the text says why.
    pub fn add(&mut self, data: &[u8], now: u64) -> Result<Vec<Note>, String> {
        if data.len() > MOST {
            return Err("it is larger than any file of keys".to_owned());
        }
        let mut file = FileReader::new(now, self.sha1);
        match armour::read(data) {
            Form::Binary => file.packets(data),
            Form::Blocks(blocks) => {
                for block in blocks {
                    match block.data {
                        _ if block.kind != "PUBLIC KEY BLOCK" => {}
                        Ok(data) => file.packets(&data),
                        Err(reason) => file.odd(reason),
                    }
                }
            }
        }
        if file.certs.is_empty() {
            let mut reasons: Vec<String> = file.notes.iter().map(ToString::to_string).collect();
            reasons.dedup();
            return Err(match reasons.is_empty() {
                true => "it holds no OpenPGP key".to_owned(),
                false => reasons.join("; "),
            });
        }
        self.certs.append(&mut file.certs);
        Ok(file.notes)
    }

    /// True without any key.
    pub fn is_empty(&self) -> bool {
        self.certs.is_empty()
    }

    /// Key ids of the main keys, sixteen hexadecimal digits each.
    pub fn ids(&self) -> Vec<String> {
        self.certs.iter().map(|cert| id(&cert.primary)).collect()
    }

    /// Checks a signature of `data`, which may be asked for several times; `now` is in seconds
    /// since 1970.
    pub fn verify<R: Read>(
        &self,
        signature: &ParsedSignature,
        data: impl Fn() -> R,
        now: u64,
    ) -> Result<Accepted, SignatureProblem> {
        let signature = &signature.0;
        let signers: Vec<Signer<'_>> = self.signers(signature).collect();
        let named = || match (signers.first(), signature.issuer_key_id().first()) {
            (Some(signer), _) => signer.id(),
            (None, Some(id)) => hex::encode(id),
            (None, None) => "unknown".to_owned(),
        };
        let made =
            judge(signature, now).map_err(|why| SignatureProblem::Refused { key: named(), why })?;
        let mut problem = None;
        for signer in &signers {
            let standing = match signer.standing(made, now) {
                Ok(standing) => standing,
                Err(found) => {
                    problem.get_or_insert(found);
                    continue;
                }
            };
            let fits = match signer.sub {
                Some(sub) => signature.verify(&sub.key, data()),
                None => signature.verify(&signer.cert.primary, data()),
            };
            let key = signer.id();
            if fits.is_ok() {
                let weak = standing
                    .old
                    .map(|digest| format!("key {key} vouches for itself with {digest} only"));
                return Ok(Accepted { key, weak });
            }
            problem = Some(SignatureProblem::Wrong { key });
        }
        Err(problem.unwrap_or_else(|| SignatureProblem::UnknownKey {
            found: issuers(signature),
            known: self.ids(),
        }))
    }

    /// Keys that may have made a signature, by what it says.
    fn signers<'a>(&'a self, signature: &'a Signature) -> impl Iterator<Item = Signer<'a>> {
        let prints = signature.issuer_fingerprint();
        let ids = signature.issuer_key_id();
        let named = move |print: Fingerprint, id: KeyId| {
            prints.contains(&&print) || (prints.is_empty() && ids.contains(&&id))
        };
        self.certs
            .iter()
            .flat_map(move |cert| {
                let subs = cert.subkeys.iter().map(Some);
                std::iter::once(None).chain(subs).map(move |sub| Signer {
                    cert,
                    sub,
                    sha1: self.sha1,
                })
            })
            .filter(move |signer| match signer.sub {
                Some(sub) => named(sub.key.fingerprint(), sub.key.legacy_key_id()),
                None => {
                    let key = &signer.cert.primary;
                    named(key.fingerprint(), key.legacy_key_id())
                }
            })
    }
}

/// Judges a signature apart from its key; gives the time it was made.
fn judge(signature: &Signature, now: u64) -> Result<u64, Refusal> {
    if !matches!(
        signature.typ(),
        Some(SignatureType::Binary | SignatureType::Text)
    ) {
        return Err(Refusal::Kind);
    }
    policy::data_digest(signature)?;
    policy::conditions(signature)?;
    let made = created(signature)
        .filter(|made| *made <= now + SKEW)
        .ok_or(Refusal::Time)?;
    match ends(signature) {
        Some(end) if end <= now => Err(Refusal::Expired(end)),
        _ => Ok(made),
    }
}

fn issuers(signature: &Signature) -> Vec<String> {
    let ids: Vec<String> = signature.issuer_key_id().iter().map(hex::encode).collect();
    match ids.is_empty() {
        true => signature
            .issuer_fingerprint()
            .iter()
            .map(ToString::to_string)
            .collect(),
        false => ids,
    }
}

/// A main key, or one of its subkeys.
struct Signer<'a> {
    cert: &'a Cert,
    sub: Option<&'a Subkey>,
    sha1: bool,
}

impl Signer<'_> {
    fn id(&self) -> String {
        match self.sub {
            Some(sub) => id(&sub.key),
            None => id(&self.cert.primary),
        }
    }

    /// What stands behind the key at the time of signing, or, where older signatures were cut out
    /// of the key file, now; with old digests only where there is nothing else.
    fn standing(&self, made: u64, now: u64) -> Result<Standing, SignatureProblem> {
        let refused = |why| SignatureProblem::Refused {
            key: self.id(),
            why,
        };
        policy::algorithm(&self.cert.primary, now).map_err(refused)?;
        let ways = [
            (made, Grade::Strict),
            (now, Grade::Strict),
            (made, Grade::Old),
            (now, Grade::Old),
        ];
        let ways = &ways[..if self.sha1 { 4 } else { 2 }];
        let (at, main) = ways
            .iter()
            .find_map(|(at, grade)| Some((*at, self.cert.standing(*at, *grade)?)))
            .ok_or_else(|| refused(Refusal::Unbound))?;
        self.alive(&self.cert.primary, &main, made, at)?;
        let Some(sub) = self.sub else {
            return match main.signs {
                true => Ok(main),
                false => Err(SignatureProblem::NotForSigning { key: self.id() }),
            };
        };
        policy::algorithm(&sub.key, now).map_err(refused)?;
        // Both have to hold at one time.
        let found = |signs: bool| {
            let ways = ways.iter().filter(|(time, _)| *time == at);
            ways.map(|(at, grade)| self.cert.sub_standing(sub, *at, *grade))
                .find_map(|standing| standing.filter(|own| own.signs || !signs))
        };
        // Only its own signature of an old digest may make it one for signing.
        let own = found(true)
            .or_else(|| found(false))
            .ok_or_else(|| refused(Refusal::Unbound))?;
        self.alive(&sub.key, &own, made, at)?;
        match own.signs {
            true => Ok(Standing {
                old: own.old.or(main.old),
                ..own
            }),
            false => Err(SignatureProblem::NotForSigning { key: self.id() }),
        }
    }

    fn alive(
        &self,
        key: &impl KeyDetails,
        standing: &Standing,
        made: u64,
        at: u64,
    ) -> Result<(), SignatureProblem> {
        let why = if standing.revoked {
            Refusal::KeyRevoked
        } else if u64::from(key.created_at().as_secs()) > made {
            Refusal::KeyTooYoung
        } else {
            match standing.expires {
                Some(end) if end <= at => Refusal::KeyExpired(end),
                _ => return Ok(()),
            }
        };
        let key = self.id();
        Err(SignatureProblem::Refused { key, why })
    }
}

/// Sixteen hexadecimal digits.
fn id(key: &impl KeyDetails) -> String {
    hex::encode(key.legacy_key_id())
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.key, self.text)
    }
}

/// Reads one file.
struct FileReader {
    certs: Vec<Cert>,
    notes: Vec<Note>,
    /// Keys met so far.
    count: usize,
    now: u64,
    sha1: bool,
}

impl FileReader {
    fn new(now: u64, sha1: bool) -> Self {
        Self {
            sha1,
            certs: Vec::new(),
            notes: Vec::new(),
            count: 0,
            now,
        }
    }

    /// A key that cannot even be named.
    fn odd(&mut self, text: &str) {
        self.count += 1;
        self.note(format!("number {}", self.count), text, false);
    }

    fn note(&mut self, key: String, text: impl Into<String>, kept: bool) {
        let text = text.into();
        self.notes.push(Note { key, text, kept });
    }

    fn packets(&mut self, data: &[u8]) {
        let mut building: Option<CertBuilder> = None;
        for raw in Packets::new(data) {
            let raw = match raw {
                Ok(raw) => raw,
                Err(reason) => {
                    self.finish(building.take());
                    return self.odd(reason);
                }
            };
            match (raw.tag, raw.parse()) {
                (6, packet) => {
                    self.finish(building.take());
                    match packet {
                        Some(Packet::PublicKey(key)) => {
                            self.count += 1;
                            building = Some(CertBuilder::new(key));
                        }
                        _ => self.odd("it is damaged, or of a kind that is not known"),
                    }
                }
                (5, _) => {
                    self.finish(building.take());
                    self.odd("it is a secret key");
                }
                (tag, packet) => {
                    if let Some(builder) = &mut building {
                        builder.add(tag, packet);
                    }
                }
            }
        }
        self.finish(building);
    }

    fn finish(&mut self, builder: Option<CertBuilder>) {
        let Some(cert) = builder.map(CertBuilder::finish) else {
            return;
        };
        let key = id(&cert.primary);
        if let Err(why) = policy::algorithm(&cert.primary, self.now) {
            return self.note(key, why.to_string(), false);
        }
        let strict = cert.standing(self.now, Grade::Strict);
        let old = || cert.standing(self.now, Grade::Old);
        let Some(standing) = strict.or_else(|| self.sha1.then(old).flatten()) else {
            let why = match old() {
                Some(_) => Refusal::Sha1Only,
                None => Refusal::Unbound,
            };
            return self.note(key, why.to_string(), false);
        };
        if let Some(digest) = &standing.old {
            let text = format!("it vouches for itself with {digest} only, which rpm 6 refuses");
            self.note(key.clone(), text, true);
        }
        match standing.expires {
            _ if standing.revoked => self.note(key, "it is revoked", true),
            Some(end) if end <= self.now => {
                self.note(key, format!("it expired on {}", date(end)), true);
            }
            _ => {}
        }
        self.certs.push(cert);
    }
}
