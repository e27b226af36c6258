//! The chroot definition for the test distribution, as a file of rpmkit's own format.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::distro::{Stamp, extras, signatures};

/// Name of the chroot for a distribution.
pub fn name(stamp: &Stamp) -> String {
    format!("{}-{}", stamp.profile().chroot, stamp.arch)
}

/// What a chroot starts from.
pub const SETUP: &str = "install @buildsys-build";

/// Which repositories a chroot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum With {
    /// The distribution alone.
    Base,
    /// Compilers of other languages too.
    Extras,
}

impl With {
    /// Everything the distribution at `dist` has.
    pub fn all_of(dist: &Path) -> Self {
        if extras::present(dist) {
            Self::Extras
        } else {
            Self::Base
        }
    }
}

/// Writes the definition into `dir`; packages come from `base`, a URL that has `zst`, `gz`, `signed` and perhaps
/// `extras` below it.
pub fn write(dir: &Path, stamp: &Stamp, base: &str, with: With) -> Result<PathBuf> {
    std::fs::create_dir_all(dir)?;
    let name = name(stamp);
    let arch = &stamp.arch;
    let path = dir.join(format!("{name}.toml"));
    let extras = i32::from(with == With::Extras);
    let manager = stamp.profile().manager;
    let more = more(stamp, base);
    let text = format!(
        "# Made by cargo xtask; the address is that of the run which wrote it.\n\
         description = \"rpmkit test distribution\"\nroot = \"{name}\"\ntarget_arch = \"{arch}\"\n\
         legal_host_arches = [\"{arch}\"]\nchroot_setup_cmd = \"{SETUP}\"\ndist = \"td1\"\n\
         releasever = \"1\"\npackage_manager = \"{manager}\"\n\n[repos.testdist]\nname = \"Test distribution\"\n\
         baseurl = \"{base}/zst\"\n\n[repos.testdist-signed]\nname = \"Test distribution, signed\"\n\
         baseurl = \"{base}/signed\"\nenabled = 0\ngpgcheck = 1\nrepo_gpgcheck = 1\n\
         gpgkey = \"{base}/RPM-GPG-KEY-testdist\"\n\n[repos.testdist-extras]\n\
         name = \"Test distribution, extras\"\nbaseurl = \"{base}/extras\"\nenabled = {extras}\n{more}"
    );
    std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(path)
}

/// The repositories a suite has besides, none of them enabled.
fn more(stamp: &Stamp, base: &str) -> String {
    let mut out = format!(
        "\n[repos.testdist-old]\nname = \"Packages of older rpms\"\nbaseurl = \"{base}/old\"\nenabled = 0\n"
    );
    let keys: Vec<String> = signatures::keys(stamp.profile())
        .map(|kind| format!("{base}/signatures/keys/{kind}.asc"))
        .collect();
    if !keys.is_empty() {
        out += &format!(
            "\n[repos.testdist-modular]\nname = \"Test distribution, modules\"\nbaseurl = \"{base}/modular\"\n\
             enabled = 0\n\n[repos.testdist-signatures]\nname = \"Test distribution, signatures\"\n\
             baseurl = \"{base}/signatures\"\nenabled = 0\ngpgcheck = 1\ngpgkey = \"{}\"\n",
            keys.join(" ")
        );
    }
    out
}
