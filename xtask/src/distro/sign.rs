//! The distribution's key: made once, kept beside the distribution, so that rebuilt packages keep their signer.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use pgp::composed::{
    ArmorOptions, Deserializable, DetachedSignature, KeyType, SecretKeyParamsBuilder,
};
use rpm::Timestamp;
use rpm::signature::Signing;
use rpm::signature::pgp::Signer;

/// Who signs.
const USER: &str = "rpmkit test distribution <testdist@localhost>";

/// RSA as Fedora's, but shorter: there is nothing to protect.
const BITS: u32 = 2048;

/// Loads the key from `dir`, making it first if need be; also returns the public half, armoured.
pub fn key(dir: &Path) -> Result<(Signer, String)> {
    let secret = dir.join("secret.asc");
    let public = dir.join("RPM-GPG-KEY-testdist");
    if !secret.exists() || !public.exists() {
        std::fs::create_dir_all(dir)?;
        std::fs::set_permissions(dir, PermissionsExt::from_mode(0o700))?;
        let params = SecretKeyParamsBuilder::default()
            .key_type(KeyType::Rsa(BITS))
            .can_certify(true)
            .can_sign(true)
            .primary_user_id(USER.into())
            .build()
            .map_err(|error| anyhow!("cannot describe the key: {error}"))?;
        let made = params
            .generate(rand::thread_rng())
            .context("cannot make a key")?;
        // The secret half last: its presence says that both are whole.
        super::write_whole(
            &public,
            made.to_public_key()
                .to_armored_string(ArmorOptions::default())?
                .as_bytes(),
        )?;
        super::write_whole(
            &secret,
            made.to_armored_string(ArmorOptions::default())?.as_bytes(),
        )?;
    }
    let signer = Signer::from_asc_file(&secret)
        .with_context(|| format!("cannot read `{}`", secret.display()))?;
    Ok((signer, std::fs::read_to_string(&public)?))
}

/// A detached, armoured signature of `data`.
pub fn detached(signer: &Signer, data: &[u8]) -> Result<String> {
    let packet = signer.sign(data, Timestamp::now())?;
    Ok(DetachedSignature::from_bytes(packet.as_slice())?
        .to_armored_string(ArmorOptions::default())?)
}
