//! What a result is found again by.

use std::collections::BTreeMap;

use rpmkit_core::{
    config::Settings,
    types::{Checksum, Package},
};
use serde::{Deserialize, Serialize};

/// Version of the keys: raised when results of an older rpmkit must not be used any more.
const KEY_FORMAT: u32 = 1;

/// Everything a build's results depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyParts {
    /// Version of the key.
    pub format: u32,
    /// Version of rpmkit.
    pub rpmkit: String,
    /// Name of the chroot.
    pub chroot: String,
    /// Digest of what the configuration and the command line say about builds.
    pub options: String,
    /// Spec and sources, with digests.
    pub sources: BTreeMap<String, String>,
    /// Packages of the build root, with digests.
    pub packages: BTreeMap<String, String>,
}

impl KeyParts {
    /// Of a build with these settings, sources and packages.
    pub fn new(
        settings: &Settings,
        sources: &BTreeMap<String, String>,
        packages: &[Package],
    ) -> Self {
        let digest = |package: &Package| {
            let sum = package.checksum.as_ref().map(ToString::to_string);
            (package.nevra.to_string(), sum.unwrap_or_default())
        };
        Self {
            format: KEY_FORMAT,
            rpmkit: env!("CARGO_PKG_VERSION").to_owned(),
            chroot: settings.chroot.chroot_name.clone(),
            options: options(settings),
            sources: sources.clone(),
            packages: packages.iter().map(digest).collect(),
        }
    }

    /// The key: SHA-256, lower-case hexadecimal.
    pub fn key(&self) -> String {
        // What is made of text, numbers and maps of them can be written.
        let text = serde_json::to_vec(self).unwrap_or_default();
        Checksum::sha256(&text).hex
    }

    /// What is different from `before`, a line each.
    pub fn differences(&self, before: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (what, now, then) in [
            ("rpmkit", &self.rpmkit, &before.rpmkit),
            ("chroot", &self.chroot, &before.chroot),
        ] {
            if now != then {
                lines.push(format!("{what}: {then} is now {now}"));
            }
        }
        if self.options != before.options {
            lines.push("options of the configuration or the command line".to_owned());
        }
        lines.extend(changed("source", &before.sources, &self.sources));
        lines.extend(changed("package", &before.packages, &self.packages));
        lines
    }
}

/// Added, removed and different entries. A package of another version is one gone and one new.
fn changed(
    what: &str,
    before: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, digest) in now {
        match before.get(name) {
            None => lines.push(format!("{what} `{name}` is new")),
            Some(old) if old != digest => lines.push(format!("{what} `{name}` has other content")),
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    lines.extend(gone.map(|name| format!("{what} `{name}` is gone")));
    lines
}

/// What of the settings reaches a build without being a package or a source.
fn options(settings: &Settings) -> String {
    let (build, chroot) = (&settings.build, &settings.chroot);
    let macrofile = build
        .macrofile
        .as_ref()
        .map(|path| std::fs::read(path).ok());
    let text = format!(
        "{:?}",
        (
            (&build.macros, macrofile, build.check, &build.rpmbuild_arch),
            (&build.rpmbuild_command, &build.rpmbuild_opts),
            (build.rpmbuild_networking, &build.short_circuit),
            (build.dynamic_buildrequires, chroot.use_host_resolv),
            (&chroot.target_arch, &chroot.forcearch, &chroot.chroothome),
            (chroot.chrootuid, chroot.chrootgid, &chroot.hostname),
            (&chroot.environment, &chroot.files),
        )
    );
    Checksum::sha256(text.as_bytes()).hex
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> KeyParts {
        let map = |pairs: &[(&str, &str)]| {
            let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
            pairs.iter().map(own).collect()
        };
        KeyParts {
            format: KEY_FORMAT,
            rpmkit: "1".into(),
            chroot: "c".into(),
            options: "o".into(),
            sources: map(&[("a.spec", "1"), ("a.tar", "2")]),
            packages: map(&[("gcc-1-1.x86_64", "3")]),
        }
    }

    #[test]
    fn every_part_makes_another_key_and_is_told() {
        let before = parts();
        let mut now = parts();
        assert_eq!(now.key(), before.key());
        now.sources.insert("a.spec".into(), "9".into());
        now.packages.clear();
        now.packages.insert("gcc-2-1.x86_64".into(), "4".into());
        now.options = "p".into();
        assert_ne!(now.key(), before.key());
        assert_eq!(
            now.differences(&before),
            [
                "options of the configuration or the command line",
                "source `a.spec` has other content",
                "package `gcc-2-1.x86_64` is new",
                "package `gcc-1-1.x86_64` is gone",
            ]
        );
    }
}
