//! Keys and signatures for tests, with any time, digest and condition.

#![allow(clippy::unwrap_used)]

use std::sync::OnceLock;

use pgp::{
    composed::{KeyType, SecretKeyParamsBuilder, SignedSecretKey, SubkeyParamsBuilder},
    crypto::hash::HashAlgorithm,
    packet::{
        KeyFlags, PacketTrait, RevocationCode, SecretKey, SecretSubkey, Signature, SignatureConfig,
        SignatureType, Subpacket, SubpacketData, UserId,
    },
    types::{
        Duration, KeyDetails, KeyVersion, PacketHeaderVersion, Password, SigningKey, Tag, Timestamp,
    },
};

/// 1 January 2020: when all keys here were made.
pub const MADE: u64 = 1_577_836_800;
pub const DAY: u64 = 86_400;

/// What a signature says.
#[derive(Clone)]
pub struct Claim {
    pub at: u64,
    pub digest: HashAlgorithm,
    pub more: Vec<Subpacket>,
}

impl Claim {
    pub fn at(at: u64) -> Self {
        let (digest, more) = (HashAlgorithm::Sha256, Vec::new());
        Self { at, digest, more }
    }

    pub fn digest(mut self, digest: HashAlgorithm) -> Self {
        self.digest = digest;
        self
    }

    pub fn with(mut self, data: SubpacketData) -> Self {
        self.more.push(Subpacket::regular(data).unwrap());
        self
    }

    pub fn critical(mut self, data: SubpacketData) -> Self {
        self.more.push(Subpacket::critical(data).unwrap());
        self
    }

    /// For keys: use for signing.
    pub fn signs(self) -> Self {
        let mut flags = KeyFlags::default();
        flags.set_sign(true);
        self.with(SubpacketData::KeyFlags(flags))
    }

    /// For keys: days they live.
    pub fn lives(self, days: u64) -> Self {
        let span = Duration::from_secs(u32::try_from(days * DAY).unwrap());
        self.with(SubpacketData::KeyExpirationTime(span))
    }

    pub fn because(self, code: RevocationCode) -> Self {
        self.with(SubpacketData::RevocationReason(code, Vec::new().into()))
    }

    fn config(&self, kind: SignatureType, key: &impl SigningKey) -> SignatureConfig {
        let mut config = match key.version() {
            KeyVersion::V6 => {
                SignatureConfig::v6(rand::thread_rng(), kind, key.algorithm(), self.digest).unwrap()
            }
            _ => SignatureConfig::v4(kind, key.algorithm(), self.digest),
        };
        let time = Timestamp::from_secs(u32::try_from(self.at).unwrap());
        config.hashed_subpackets = [
            SubpacketData::SignatureCreationTime(time),
            SubpacketData::IssuerFingerprint(key.fingerprint()),
        ]
        .map(|data| Subpacket::regular(data).unwrap())
        .into_iter()
        .chain(self.more.clone())
        .collect();
        config
    }
}

/// A main key with one subkey.
pub struct Maker {
    secret: SignedSecretKey,
}

impl Maker {
    pub fn new(kind: KeyType, version: KeyVersion) -> Self {
        let made = Timestamp::from_secs(u32::try_from(MADE).unwrap());
        let mut subkey = SubkeyParamsBuilder::default();
        subkey
            .version(version)
            .key_type(kind.clone())
            .created_at(made)
            .can_sign(true);
        let mut params = SecretKeyParamsBuilder::default();
        params
            .version(version)
            .key_type(kind)
            .created_at(made)
            .can_certify(true)
            .can_sign(true)
            .primary_user_id("Test".into())
            .subkey(subkey.build().unwrap());
        let secret = params.build().unwrap();
        let secret = secret.generate(rand::thread_rng()).unwrap();
        Self { secret }
    }

    pub fn ed25519() -> Self {
        Self::new(KeyType::Ed25519Legacy, KeyVersion::V4)
    }

    /// One for all tests: making it takes a second. With old digests only RSA signs.
    pub fn rsa() -> &'static Self {
        static RSA: OnceLock<Maker> = OnceLock::new();
        RSA.get_or_init(|| Self::new(KeyType::Rsa(2048), KeyVersion::V4))
    }

    pub fn primary(&self) -> &SecretKey {
        &self.secret.primary_key
    }

    pub fn subkey(&self) -> &SecretSubkey {
        &self.secret.secret_subkeys[0].key
    }

    pub fn id(&self) -> String {
        hex::encode(self.primary().legacy_key_id())
    }

    /// The main key with a name, which these claims vouch for.
    pub fn named(&self, claims: &[Claim]) -> Vec<u8> {
        let mut out = bytes(self.primary().public_key());
        let user = UserId::from_str(PacketHeaderVersion::New, "Test").unwrap();
        out.extend(bytes(&user));
        for claim in claims {
            out.extend(bytes(&self.certify(self, claim)));
        }
        out
    }

    /// A signature over the name of `other`.
    pub fn certify(&self, other: &Self, claim: &Claim) -> Signature {
        let user = UserId::from_str(PacketHeaderVersion::New, "Test").unwrap();
        claim
            .config(SignatureType::CertPositive, self.primary())
            .sign_certification_third_party(
                self.primary(),
                &Password::empty(),
                other.primary().public_key(),
                Tag::UserId,
                &user,
            )
            .unwrap()
    }

    /// A second name, which `claim` vouches for.
    pub fn user(&self, name: &str, claim: &Claim) -> Vec<u8> {
        let user = UserId::from_str(PacketHeaderVersion::New, name).unwrap();
        let mut out = bytes(&user);
        out.extend(self.over_name(SignatureType::CertPositive, &user, claim));
        out
    }

    /// A revocation of the name in [`Self::named`].
    pub fn revoked_name(&self, claim: &Claim) -> Vec<u8> {
        let user = UserId::from_str(PacketHeaderVersion::New, "Test").unwrap();
        self.over_name(SignatureType::CertRevocation, &user, claim)
    }

    fn over_name(&self, kind: SignatureType, user: &UserId, claim: &Claim) -> Vec<u8> {
        let key = self.primary();
        let signature = claim
            .config(kind, key)
            .sign_certification(key, key.public_key(), &Password::empty(), Tag::UserId, user)
            .unwrap();
        bytes(&signature)
    }

    /// What the main key says of itself without a name.
    pub fn direct(&self, claim: &Claim) -> Vec<u8> {
        let key = self.primary();
        let signature = claim
            .config(SignatureType::Key, key)
            .sign_key(key, &Password::empty(), key.public_key())
            .unwrap();
        bytes(&signature)
    }

    /// A revocation of the main key.
    pub fn revoked(&self, claim: &Claim) -> Vec<u8> {
        let key = self.primary();
        let signature = claim
            .config(SignatureType::KeyRevocation, key)
            .sign_key(key, &Password::empty(), key.public_key())
            .unwrap();
        bytes(&signature)
    }

    /// The subkey, bound by these claims; its own signature over the main key is of `back`.
    pub fn bound(&self, claims: &[Claim], back: Option<&Claim>) -> Vec<u8> {
        let mut out = bytes(self.subkey().public_key());
        let back = back.map(|claim| {
            claim
                .config(SignatureType::KeyBinding, self.subkey())
                .sign_primary_key_binding(
                    self.subkey(),
                    self.subkey().public_key(),
                    &Password::empty(),
                    self.primary().public_key(),
                )
                .unwrap()
        });
        for claim in claims {
            let claim = match &back {
                Some(back) => claim
                    .clone()
                    .with(SubpacketData::EmbeddedSignature(Box::new(back.clone()))),
                None => claim.clone(),
            };
            out.extend(self.over_subkey(SignatureType::SubkeyBinding, &claim));
        }
        out
    }

    pub fn over_subkey(&self, kind: SignatureType, claim: &Claim) -> Vec<u8> {
        let signature = claim
            .config(kind, self.primary())
            .sign_subkey_binding(
                self.primary(),
                self.primary().public_key(),
                &Password::empty(),
                self.subkey().public_key(),
            )
            .unwrap();
        bytes(&signature)
    }
}

/// A signature of some kind over data.
pub fn sign_as(key: &impl SigningKey, claim: &Claim, kind: SignatureType, data: &[u8]) -> Vec<u8> {
    let config = claim.config(kind, key);
    bytes(&config.sign(key, &Password::empty(), data).unwrap())
}

/// A signature over data.
pub fn sign(key: &impl SigningKey, claim: &Claim, data: &[u8]) -> Vec<u8> {
    let config = claim.config(SignatureType::Binary, key);
    bytes(&config.sign(key, &Password::empty(), data).unwrap())
}

/// A packet as it is in a file.
pub fn bytes(packet: &impl PacketTrait) -> Vec<u8> {
    let mut out = Vec::new();
    packet.to_writer_with_header(&mut out).unwrap();
    out
}
