//! Which emulator a build for a foreign architecture runs with.

#![allow(clippy::disallowed_methods, reason = "programs of the host")]

use std::path::{Path, PathBuf};

use rpmkit_config::ChrootSettings;
use rpmkit_sandbox::Emulation;

/// Where distributions put static emulators. Never looked for in `PATH`: what stands there runs as root of the
/// chroot.
const PLACES: [&str; 2] = ["/usr/bin", "/usr/local/bin"];

/// The emulator for `forcearch`, where this machine does not run such programs itself. One that is not installed
/// is named all the same: the sandbox says what to do about it.
pub(super) fn of(chroot: &ChrootSettings) -> Option<Emulation> {
    let arch = chroot.forcearch.as_deref()?;
    let emulator = find(arch, &chroot.qemu_user_static_mapping, |path| {
        path.is_file()
    })?;
    Some(emulator)
}

fn find(
    arch: &str,
    names: &[(String, String)],
    exists: impl Fn(&Path) -> bool,
) -> Option<Emulation> {
    if runs_itself(std::env::consts::ARCH, arch) {
        return None;
    }
    let mapped = names.iter().find(|(known, _)| known == arch);
    let name = match mapped {
        Some((_, name)) => name.as_str(),
        None => Emulation::qemu_name(arch).unwrap_or(arch),
    };
    let candidates: Vec<PathBuf> = PLACES
        .iter()
        .flat_map(|dir| ["-static", ""].map(|end| Path::new(dir).join(format!("qemu-{name}{end}"))))
        .collect();
    let found = candidates.iter().find(|path| exists(path));
    Some(Emulation {
        arch: arch.to_owned(),
        interpreter: found.or(candidates.first())?.clone(),
    })
}

/// Whether a machine runs the programs of an architecture without help.
fn runs_itself(machine: &str, arch: &str) -> bool {
    let same = |family: &[&str]| family.contains(&arch);
    match machine {
        "x86_64" => same(&["x86_64", "i386", "i486", "i586", "i686", "noarch"]),
        "powerpc64" => same(&["ppc64", "ppc64le", "noarch"]),
        other => arch == other || arch == "noarch",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(arch: &str, installed: &[&str]) -> Option<String> {
        let names = [("armv7hl".to_owned(), "arm".to_owned())];
        let exists = |path: &Path| installed.iter().any(|one| Path::new(one) == path);
        find(arch, &names, exists).map(|found| found.interpreter.display().to_string())
    }

    #[test]
    fn emulators_are_found_by_qemus_names() {
        let foreign = if cfg!(target_arch = "s390x") {
            "aarch64"
        } else {
            "s390x"
        };
        let plain = format!("/usr/bin/qemu-{foreign}");
        let fixed = format!("{plain}-static");
        assert_eq!(path(foreign, &[]), Some(fixed.clone()));
        assert_eq!(path(foreign, &[&plain]), Some(plain.clone()));
        assert_eq!(path(foreign, &[&plain, &fixed]), Some(fixed));
        assert_eq!(
            path("armv7hl", &[]).as_deref(),
            Some("/usr/bin/qemu-arm-static")
        );
        assert_eq!(path(std::env::consts::ARCH, &[]), None);
    }

    #[test]
    fn a_64_bit_machine_runs_its_32_bit_sibling() {
        assert!(runs_itself("x86_64", "i686") && !runs_itself("x86_64", "aarch64"));
        assert!(runs_itself("aarch64", "aarch64") && !runs_itself("aarch64", "armv7hl"));
    }
}
