//! The plugins mock has: which are on, and their own options.

use crate::{Dict, HostFacts, Value};

/// The names in mock's order of calling. The last two are what mock finds by looking at the file
/// names of its plugin directory.
pub const NAMES: &[&str] = &[
    "tmpfs",
    "root_cache",
    "yum_cache",
    "mount",
    "bind_mount",
    "ccache",
    "selinux",
    "package_state",
    "chroot_scan",
    "lvm_root",
    "compress_logs",
    "sign",
    "pm_request",
    "hw_info",
    "procenv",
    "showrc",
    "rpkg_preprocessor",
    "rpmautospec",
    "buildroot_lock",
    "export_buildroot_image",
    "unbreq",
    "expand_spec",
    "system_monitor",
    "__init__",
    "overlayfs",
];

/// The plugins that are on unless switched off.
const ENABLED: &[&str] = &[
    "yum_cache",
    "root_cache",
    "bind_mount",
    "mount",
    "selinux",
    "package_state",
    "hw_info",
];

pub(super) fn names(_: &HostFacts) -> Option<Value> {
    Some(NAMES.to_vec().into())
}

pub(super) fn conf(_: &HostFacts) -> Option<Value> {
    let mut conf = Dict::new();
    for name in NAMES {
        conf.set(format!("{name}_enable"), ENABLED.contains(name));
        conf.set(format!("{name}_opts"), options(name));
    }
    Some(conf.into())
}

fn options(plugin: &str) -> Dict {
    let mut opts = Dict::new();
    match plugin {
        "ccache" => {
            opts.set("max_cache_size", "4G");
            opts.set("compress", Value::None);
            opts.set("dir", "{{cache_topdir}}/{{root}}/ccache/u{{chrootuid}}/");
            opts.set("hashdir", true);
            opts.set("debug", false);
            opts.set("show_stats", false);
        }
        "yum_cache" => {
            opts.set("max_age_days", 30_i64);
            opts.set("max_metadata_age_days", 30_i64);
            opts.set("online", true);
        }
        "root_cache" => {
            opts.set("age_check", true);
            opts.set("max_age_days", 15_i64);
            opts.set("dir", "{{cache_topdir}}/{{root}}/root_cache/");
            opts.set("compress_program", "pigz");
            opts.set("decompress_program", Value::None);
            opts.set(
                "exclude_dirs",
                vec![
                    "./proc",
                    "./sys",
                    "./dev",
                    "./tmp/ccache",
                    "./var/cache/yum",
                    "./var/cache/dnf",
                    "./var/log",
                ],
            );
            opts.set("extension", ".gz");
        }
        "bind_mount" => {
            opts.set("dirs", Value::List(Vec::new()));
            opts.set("create_dirs", false);
        }
        "mount" => opts.set("dirs", Value::List(Vec::new())),
        "tmpfs" => {
            opts.set("required_ram_mb", 900_i64);
            opts.set("max_fs_size", Value::None);
            opts.set("mode", "0755");
            opts.set("keep_mounted", false);
        }
        "package_state" => {
            opts.set("available_pkgs", false);
            opts.set("installed_pkgs", true);
        }
        "lvm_root" => opts.set("pool_name", "mockbuild"),
        "chroot_scan" => {
            opts.set("regexes", vec![r"^[^k]?core(\.\d+)?$", r"\.log$"]);
            opts.set("only_failed", true);
            opts.set("write_tar", false);
        }
        "sign" => {
            opts.set("cmd", "rpmsign");
            opts.set("opts", "--addsign %(rpms)s");
        }
        "compress_logs" => opts.set("command", "gzip"),
        "rpkg_preprocessor" => {
            opts.set("requires", vec!["preproc-rpmspec"]);
            opts.set(
                "cmd",
                "/usr/bin/preproc-rpmspec %(source_spec)s --output %(target_spec)s",
            );
        }
        "rpmautospec" => {
            opts.set("requires", vec!["rpmautospec"]);
            opts.set("cmd_base", vec!["/usr/bin/rpmautospec", "process-distgit"]);
        }
        "unbreq" => opts.set("exclude_accessed_files", Value::List(Vec::new())),
        "expand_spec" => opts.set("rpmspec_opts", Value::List(Vec::new())),
        "system_monitor" => opts.set("interval", 2_i64),
        _ => {}
    }
    opts
}
