//! The definitions in `configs/`, compiled in so that one binary is enough. A file of the same name in
//! a configuration directory takes the place of the one here.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../configs/", $name)))),*]
    };
}

/// Names, relative to `configs/`, and texts.
const FILES: &[(&str, &str)] = files![
    "chroots.toml",
    "hermetic-build.toml",
    "templates/almalinux.toml",
    "templates/amazonlinux-2023.toml",
    "templates/arch-aarch64.toml",
    "templates/arch-armv7hl.toml",
    "templates/arch-i586.toml",
    "templates/arch-i686.toml",
    "templates/arch-ppc64.toml",
    "templates/arch-ppc64le.toml",
    "templates/arch-riscv64.toml",
    "templates/arch-s390x.toml",
    "templates/arch-x86_64.toml",
    "templates/arch-x86_64_v2.toml",
    "templates/azure-linux-3.toml",
    "templates/centos-stream.toml",
    "templates/el.toml",
    "templates/epel.toml",
    "templates/fedora-eln.toml",
    "templates/fedora-rawhide.toml",
    "templates/fedora.toml",
    "templates/mageia-cauldron.toml",
    "templates/mageia.toml",
    "templates/openeuler-24.03.toml",
    "templates/opensuse-leap-15.toml",
    "templates/opensuse-leap.toml",
    "templates/opensuse-tumbleweed.toml",
    "templates/rocky.toml",
];

/// The text of a compiled-in file.
pub(super) fn text(name: &str) -> Option<&'static str> {
    FILES
        .iter()
        .find(|(file, _)| *file == name)
        .map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{HostFacts, LoadRequest, Loader, Value};

    fn request(root: &str) -> LoadRequest {
        let host = HostFacts {
            arch: "x86_64".into(),
            fqdn: "host.example.org".into(),
            ..HostFacts::default()
        };
        let mut request = LoadRequest::new(root, host);
        request.system_dirs = Vec::new();
        request
    }

    #[test]
    fn every_file_of_the_directory_is_compiled_in() {
        let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let mut found: Vec<String> = std::fs::read_dir(top.join("templates"))
            .unwrap()
            .map(|entry| format!("templates/{}", entry.unwrap().file_name().to_string_lossy()))
            .collect();
        found.extend(["chroots.toml", "hermetic-build.toml"].map(String::from));
        found.sort();
        let mut listed: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        listed.sort_unstable();
        assert_eq!(found, listed);
    }

    #[test]
    fn every_definition_loads_and_makes_sense() {
        let mut loader = Loader::default();
        let names = crate::list::names(&mut loader, &request("none"));
        assert!(names.len() > 100, "{} definitions", names.len());
        for name in &names {
            let config = loader.load(&request(name)).unwrap();
            assert_eq!(
                config
                    .messages()
                    .iter()
                    .filter(|m| m.level > crate::Level::Info)
                    .count(),
                0,
                "{name}: {:?}",
                config.messages()
            );
            let settings = config.settings().unwrap();
            assert_eq!(&settings.chroot.root, name);
            let option = |option| config.get(option).unwrap().unwrap_or_default();
            assert!(
                option("description").truth() && option("dist").truth(),
                "{name}"
            );
            assert!(settings.repositories.releasever.is_some(), "{name}");
            assert!(settings.chroot.chroot_setup_cmd.len() > 1, "{name}");
            assert!(
                crate::repr(&option("legal_host_arches"))
                    .contains(&format!("'{}'", settings.chroot.target_arch)),
                "{name}"
            );
            assert!(
                !settings.repositories.dnf_conf.contains("{{")
                    && !settings.repositories.dnf_conf.contains("{%")
            );
            assert!(
                settings.repositories.dnf_conf.matches("gpgkey=").count() > 0,
                "{name}"
            );
            assert_eq!(config.get("nosuch").unwrap(), None::<Value>);
        }
    }
}
