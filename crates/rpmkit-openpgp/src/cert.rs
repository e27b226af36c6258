//! One key with what it says about itself: names, subkeys, times, revocations. Of all signatures in
//! a key file only the key's own are kept, and of those only the valid ones; what others certify,
//! and what cannot be read, is as if it were not there.

use pgp::{
    packet::{
        KeyFlags, Packet, PublicKey, PublicSubkey, RevocationCode, Signature, SignatureType,
        UserAttribute, UserId,
    },
    types::{KeyDetails, Tag},
};

use crate::policy::{self, Grade, created};

/// A main key and all that belongs to it.
#[derive(Debug)]
pub(crate) struct Cert {
    pub primary: PublicKey,
    direct: Claims,
    users: Vec<Claims>,
    pub subkeys: Vec<Subkey>,
}

/// A subkey that the main key may vouch for.
#[derive(Debug)]
pub(crate) struct Subkey {
    pub key: PublicSubkey,
    claims: Claims,
}

/// What the main key signed about one thing.
#[derive(Debug, Default)]
struct Claims {
    bindings: Vec<Signature>,
    revocations: Vec<Signature>,
}

/// What holds for a key at some time.
#[derive(Debug)]
pub(crate) struct Standing {
    /// End of its life, in seconds since 1970.
    pub expires: Option<u64>,
    /// It was revoked.
    pub revoked: bool,
    /// It may sign data.
    pub signs: bool,
    /// It is held only by a signature of an old digest, which is this.
    pub old: Option<String>,
}

/// The signatures that hold for the main key at some time.
struct Held<'a> {
    /// The one that says most: of the main name, or of the key itself.
    first: &'a Signature,
    /// That of the key itself.
    direct: Option<&'a Signature>,
}

/// What the signatures that follow belong to.
enum Part {
    Key,
    User(UserId),
    Picture(UserAttribute),
    Subkey,
    Unknown,
}

/// Puts a key together.
pub(crate) struct CertBuilder {
    cert: Cert,
    part: Part,
}

impl CertBuilder {
    pub fn new(primary: PublicKey) -> Self {
        let cert = Cert {
            primary,
            direct: Claims::default(),
            users: Vec::new(),
            subkeys: Vec::new(),
        };
        let part = Part::Key;
        Self { cert, part }
    }

    /// Takes the next packet of the key.
    pub fn add(&mut self, tag: u8, packet: Option<Packet>) {
        match (tag, packet) {
            (2, Some(Packet::Signature(signature))) => self.signature(signature),
            (13, Some(Packet::UserId(user))) => {
                self.cert.users.push(Claims::default());
                self.part = Part::User(user);
            }
            (17, Some(Packet::UserAttribute(picture))) => {
                self.cert.users.push(Claims::default());
                self.part = Part::Picture(picture);
            }
            (14, Some(Packet::PublicSubkey(key))) => {
                let claims = Claims::default();
                self.cert.subkeys.push(Subkey { key, claims });
                self.part = Part::Subkey;
            }
            (13 | 14 | 17, _) => self.part = Part::Unknown,
            _ => {}
        }
    }

    pub fn finish(self) -> Cert {
        self.cert
    }

    fn signature(&mut self, signature: Signature) {
        use SignatureType as T;
        let Some(kind) = signature.typ() else { return };
        let primary = &self.cert.primary;
        let revokes = matches!(
            kind,
            T::KeyRevocation | T::CertRevocation | T::SubkeyRevocation
        );
        let (claims, checked) = match (&self.part, kind) {
            // A revocation of the key may stand anywhere.
            (_, T::Key | T::KeyRevocation) => {
                (Some(&mut self.cert.direct), signature.verify_key(primary))
            }
            (Part::User(user), _) if is_certification(kind) => (
                self.cert.users.last_mut(),
                signature.verify_certification(primary, Tag::UserId, user),
            ),
            (Part::Picture(picture), _) if is_certification(kind) => (
                self.cert.users.last_mut(),
                signature.verify_certification(primary, Tag::UserAttribute, picture),
            ),
            (Part::Subkey, T::SubkeyBinding | T::SubkeyRevocation) => {
                let Some(sub) = self.cert.subkeys.last_mut() else {
                    return;
                };
                let checked = signature.verify_subkey_binding(primary, &sub.key);
                (Some(&mut sub.claims), checked)
            }
            _ => return,
        };
        // A condition that is not understood takes away what was allowed, not what was forbidden.
        let understood = revokes || policy::conditions(&signature).is_ok();
        if let (Some(claims), Ok(()), true) = (claims, checked, understood) {
            match revokes {
                true => claims.revocations.push(signature),
                false => claims.bindings.push(signature),
            }
        }
    }
}

fn is_certification(kind: SignatureType) -> bool {
    use SignatureType as T;
    matches!(
        kind,
        T::CertGeneric | T::CertPersona | T::CertCasual | T::CertPositive | T::CertRevocation
    )
}

impl Cert {
    /// What holds for the main key at `at`; `None` when nothing vouches for it then.
    pub fn standing(&self, at: u64, grade: Grade) -> Option<Standing> {
        let held = self.held(at, grade)?;
        let made = u64::from(self.primary.created_at().as_secs());
        let span = life(held.first).or_else(|| held.direct.and_then(life));
        let flags = flags(held.first).or_else(|| held.direct.and_then(flags));
        Some(Standing {
            expires: span.map(|span| made + span),
            revoked: self.direct.revoked(Some(held.first), at),
            signs: for_signing(flags.as_ref(), grade),
            old: old(held.first),
        })
    }

    /// What holds for a subkey at `at`, apart from what holds for the main key.
    pub fn sub_standing(&self, sub: &Subkey, at: u64, grade: Grade) -> Option<Standing> {
        let held = sub.claims.best(at, grade)?;
        let made = u64::from(sub.key.created_at().as_secs());
        // A key for signing has to say itself that it belongs to the main key, or anyone could
        // take signatures of another for his own.
        let back = held
            .embedded_signature()
            .filter(|back| policy::key_digest(back, grade) && lives(back, at))
            .filter(|back| {
                back.verify_primary_key_binding(&sub.key, &self.primary)
                    .is_ok()
            });
        Some(Standing {
            expires: life(held).map(|span| made + span),
            revoked: sub.claims.revoked(Some(held), at),
            signs: back.is_some() && for_signing(flags(held).as_ref(), grade),
            old: old(held).or_else(|| back.and_then(old)),
        })
    }

    fn held(&self, at: u64, grade: Grade) -> Option<Held<'_>> {
        let direct = self.direct.best(at, grade);
        let user = self
            .users
            .iter()
            .filter_map(|claims| {
                let best = claims.best(at, grade)?;
                let kept = !claims.revoked(Some(best), at);
                Some(((kept, best.is_primary(), created(best)), best))
            })
            .max_by_key(|(rank, _)| *rank)
            .map(|(_, best)| best);
        let first = user.or(direct)?;
        Some(Held { first, direct })
    }
}

impl Claims {
    /// The newest signature that holds at `at`.
    fn best(&self, at: u64, grade: Grade) -> Option<&Signature> {
        self.bindings
            .iter()
            .filter(|signature| policy::key_digest(signature, grade))
            .filter(|signature| lives(signature, at))
            .max_by_key(|signature| created(signature))
    }

    /// Whether it is revoked at `at`: for ever if the key is lost to others or no reason is given,
    /// else from then on until it is vouched for anew.
    fn revoked(&self, best: Option<&Signature>, at: u64) -> bool {
        self.revocations.iter().any(|revocation| {
            let soft = matches!(
                revocation.revocation_reason_code(),
                Some(
                    RevocationCode::KeySuperseded
                        | RevocationCode::KeyRetired
                        | RevocationCode::CertUserIdInvalid
                )
            );
            let taken_back = best.is_some_and(|best| created(best) > created(revocation));
            !soft || (lives(revocation, at) && !taken_back)
        })
    }
}

/// Whether a signature was there at `at` and had not expired.
fn lives(signature: &Signature, at: u64) -> bool {
    created(signature).is_some_and(|made| {
        let end = ends(signature).unwrap_or(u64::MAX);
        made <= at && at < end
    })
}

/// When a signature loses its force.
pub(crate) fn ends(signature: &Signature) -> Option<u64> {
    let span = u64::from(signature.signature_expiration_time()?.as_secs());
    (span > 0).then_some(created(signature)? + span)
}

/// Seconds a key lives from its making.
fn life(signature: &Signature) -> Option<u64> {
    let span = u64::from(signature.key_expiration_time()?.as_secs());
    (span > 0).then_some(span)
}

fn flags(signature: &Signature) -> Option<KeyFlags> {
    let flags = signature.key_flags();
    (flags != KeyFlags::default()).then_some(flags)
}

/// Whether a key says that it is for signing. Keys of old say nothing about their use.
fn for_signing(flags: Option<&KeyFlags>, grade: Grade) -> bool {
    flags.map_or(grade == Grade::Old, KeyFlags::sign)
}

fn old(signature: &Signature) -> Option<String> {
    (!policy::key_digest(signature, Grade::Strict)).then(|| policy::digest_name(signature))
}
