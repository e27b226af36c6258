//! What becomes of each of mock's plugins here.

use super::Support;

/// How rpmkit takes a plugin that is switched on; `None` for one mock does not have either.
pub fn plugin_support(name: &str) -> Option<Support> {
    Some(match name {
        "bind_mount"
        | "mount"
        | "ccache"
        | "package_state"
        | "chroot_scan"
        | "compress_logs"
        | "sign"
        | "hw_info"
        | "procenv"
        | "showrc"
        | "buildroot_lock"
        | "expand_spec"
        | "overlayfs"
        | "rpkg_preprocessor"
        | "rpmautospec"
        | "system_monitor"
        | "tmpfs"
        | "export_buildroot_image" => Support::Used,
        // Layers take the place of caches; whatever SELinux means to the host,
        // the namespaces of a chroot have their own /sys.
        "root_cache" | "yum_cache" | "selinux" | "__init__" => Support::Moot,
        "lvm_root" => Support::Refused,
        "pm_request" | "unbreq" => Support::Missing,
        _ => return None,
    })
}

/// What to do instead of a plugin that is not there.
pub fn plugin_instead(name: &str) -> &'static str {
    match name {
        "root_cache" | "yum_cache" => "layers and downloads are kept without it",
        "selinux" => "no chroot sees the host's `/sys`",
        "lvm_root" => {
            "a run ends with 25: snapshots are there without it, by `--snapshot` and `--rollback-to`"
        }
        _ => "builds go on without it",
    }
}

#[cfg(test)]
mod tests {
    use super::{super::plugins, *};

    #[test]
    fn every_plugin_of_mock_has_an_answer() {
        for name in plugins::NAMES {
            assert!(plugin_support(name).is_some(), "{name}");
        }
    }
}
