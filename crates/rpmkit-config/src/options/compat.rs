//! Why an option of mock's does something else here, or nothing. Each row of the options that is not simply
//! acted on has its reason here; the page of documentation about it is made from both.

use super::{FEATURES, OptionSpec, PLUGINS, Support, plugin_instead, plugin_support};

/// Reasons that hold for all options whose names begin so.
const GROUPS: &[(&str, &str)] = &[
    (
        "yum_",
        "one package manager, built in, does what each of mock's does",
    ),
    (
        "dnf4_",
        "one package manager, built in, does what each of mock's does",
    ),
    (
        "dnf5_",
        "one package manager, built in, does what each of mock's does",
    ),
    (
        "microdnf_",
        "one package manager, built in, does what each of mock's does",
    ),
    (
        "bootstrap_",
        "the root that installs is the target's own rpm, made of the target's packages",
    ),
    (
        "buildroot_image_",
        "no image is asked for, so there is nothing to set up about it",
    ),
    ("image_", "internal to mock's image code"),
    (
        "use_bootstrap",
        "the target's own rpm always installs, from a root that is made of its packages",
    ),
];

/// Reasons of single options; these come first.
const REASONS: &[(&str, &str)] = &[
    (
        "build_log_fmt_name",
        "the log files have mock's default formats",
    ),
    (
        "build_log_fmt_str",
        "the log files have mock's default formats",
    ),
    (
        "buildroot_image",
        "the chroot is installed; without `buildroot_image_fallback` a run ends with 90",
    ),
    (
        "cache_alterations",
        "a changed root is a layer of its own and is not packed",
    ),
    (
        "createrepo_command",
        "`createrepo_on_rpms` makes the repository itself",
    ),
    ("dev_loop_count", "a chroot has no loop devices"),
    ("dnf_warning", "no program of the host's can be missing"),
    (
        "docker_unshare_warning",
        "namespaces that are refused end the run with 80 and what to do",
    ),
    (
        "internal_dev_setup",
        "each chroot has a `/dev` of its own, made when it is started",
    ),
    (
        "isolation",
        "there is one way of keeping chroots apart; other words than mock's are refused",
    ),
    ("local_repo_dir", "read by nobody in mock either"),
    (
        "log_config_file",
        "the log files have mock's default formats",
    ),
    (
        "nosync",
        "a layer is synced once, when it is done; nothing is synced before",
    ),
    (
        "nosync_force",
        "a layer is synced once, when it is done; nothing is synced before",
    ),
    (
        "nspawn_args",
        "the sandbox is built in; use `bind_mount` for what is to be seen inside",
    ),
    ("oci_platform_map", "images are not pulled"),
    (
        "opstimeout",
        "no command of the host's is waited for; `rpmbuild_timeout` limits builds",
    ),
    ("plugin_dir", "plugins are built in"),
    ("priorities.conf", "`priority` of a repository is built in"),
    (
        "recursion_limit",
        "templates are bounded by `jinja_max_recursion`",
    ),
    (
        "redhat_subscription_key_id",
        "name the key in `sslclientkey` and `sslclientcert` of each repository",
    ),
    (
        "redhat_subscription_required",
        "name the key in `sslclientkey` and `sslclientcert` of each repository",
    ),
    ("rhnplugin.conf", "there are no plugins of yum"),
    (
        "root_log_fmt_name",
        "the log files have mock's default formats",
    ),
    (
        "root_log_fmt_str",
        "the log files have mock's default formats",
    ),
    ("rpm_command", "the target's own rpm is asked"),
    ("seccomp", "the sandbox has a filter of its own"),
    (
        "shadow_utils_isolation_option",
        "users are written without the host's tools",
    ),
    (
        "ssl_extra_certs",
        "downloads use the host's certificates, or `sslcacert` of a repository",
    ),
    (
        "state_log_fmt_name",
        "the log files have mock's default formats",
    ),
    (
        "state_log_fmt_str",
        "the log files have mock's default formats",
    ),
    ("subscription-manager.conf", "there are no plugins of dnf's"),
    ("tar", "archives are read and written by rpmkit itself"),
    (
        "tar_binary",
        "archives are read and written by rpmkit itself",
    ),
    ("uniqueext", "read by nobody in mock either"),
    (
        "use_buildroot_image",
        "the chroot is installed; without `buildroot_image_fallback` a run ends with 90",
    ),
    ("use_nspawn", "there is one way of keeping chroots apart"),
    (
        "use_host_shadow_utils",
        "users are written without the host's tools",
    ),
];

/// Why an option is not simply acted on; nothing for one that is.
pub fn because(name: &str) -> Option<&'static str> {
    let single = REASONS.iter().find(|(known, _)| *known == name);
    let group = || GROUPS.iter().find(|(prefix, _)| name.starts_with(prefix));
    single.or_else(group).map(|(_, reason)| *reason)
}

/// `docs/mock-compat.md`.
pub fn page() -> String {
    let mut text = String::from(
        "# mock, row by row\n\n\
         What mock does, and what becomes of it here. *Yes*: as in mock. *Different*: setting it changes nothing, because what it steers is\n\
         done in another way. *No*: setting it to anything but its default is reported, with what to do instead.\n\
         *Refused*: such a run ends before any work. This page is made from the tables in\n\
         `crates/rpmkit-config/src/options/` by `cargo xtask man`.\n",
    );
    let mut chapter = "";
    for row in FEATURES {
        if row.chapter != chapter {
            chapter = row.chapter;
            text.push_str(&format!("\n## {chapter}\n\n| | here |\n| --- | --- |\n"));
        }
        let here = answer(row.support, row.because);
        text.push_str(&format!("| {} | {here} |\n", row.what));
    }
    text.push_str("\n## Options\n\n| option | what for | here |\n| --- | --- | --- |\n");
    let mut specs: Vec<&OptionSpec> = super::all().collect();
    specs.sort_by_key(|spec| spec.name);
    for spec in specs {
        let here = answer(spec.support, because(spec.name).unwrap_or_default());
        text.push_str(&format!("| `{}` | {} | {here} |\n", spec.name, spec.doc));
    }
    text.push_str("\n## Plugins\n\n| plugin | here |\n| --- | --- |\n");
    for name in PLUGINS.iter().filter(|name| !name.starts_with('_')) {
        if let Some(support) = plugin_support(name) {
            text.push_str(&format!(
                "| `{name}` | {} |\n",
                answer(support, plugin_instead(name))
            ));
        }
    }
    text
}

fn answer(support: Support, reason: &str) -> String {
    match support {
        Support::Used => "yes".to_owned(),
        Support::Moot => format!("different: {reason}"),
        Support::Missing => format!("no: {reason}"),
        Support::Refused => format!("refused: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_that_is_not_acted_on_has_a_reason() {
        for spec in super::super::all().filter(|spec| spec.support != Support::Used) {
            assert!(because(spec.name).is_some(), "{} has none", spec.name);
        }
        for (name, _) in REASONS {
            assert!(super::super::find(name).is_some(), "no option `{name}`");
        }
    }

    #[test]
    fn what_is_not_as_in_mock_has_a_reason() {
        for row in FEATURES {
            assert_eq!(
                row.because.is_empty(),
                row.support == Support::Used,
                "{}",
                row.what
            );
        }
    }

    #[test]
    fn the_page_has_a_row_for_each() {
        let page = page();
        let rows = page.lines().filter(|line| line.starts_with("| `")).count();
        let features = FEATURES
            .iter()
            .filter(|row| row.what.starts_with('`'))
            .count();
        let options = super::super::all().count();
        assert_eq!(rows, options + features + PLUGINS.len() - 1);
        assert!(page.contains("| `tmpfs` | yes |") && page.contains("| `lvm_root` | refused: "));
        let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/mock-compat.md");
        let kept = std::fs::read_to_string(kept).unwrap_or_default();
        assert!(page == kept, "stale: run `cargo xtask man`");
    }
}
