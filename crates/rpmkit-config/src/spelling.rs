//! Misspelt keys where any key is allowed: in `dnf.conf`, and among the options of plugins. A key that is
//! near to no known one is left alone, for dnf has more of them than are listed here.

use crate::{lint::closest, options};

/// Keys of `[main]` and of repositories, from dnf.conf(5) and dnf5.conf(5).
const KEYS: &[&str] = &[
    "allow_vendor_change",
    "arch",
    "assumeyes",
    "bandwidth",
    "baseurl",
    "best",
    "bugtracker_url",
    "cachedir",
    "clean_requirements_on_remove",
    "cost",
    "countme",
    "debuglevel",
    "deltarpm",
    "diskspacecheck",
    "enabled",
    "enabled_metadata",
    "enablegroups",
    "errorlevel",
    "exactarch",
    "exclude",
    "excludepkgs",
    "failovermethod",
    "fastestmirror",
    "gpgcheck",
    "gpgkey",
    "group_package_types",
    "ignorearch",
    "includepkgs",
    "install_weak_deps",
    "installonly_limit",
    "installonlypkgs",
    "ip_resolve",
    "keepcache",
    "localpkg_gpgcheck",
    "logdir",
    "logfile",
    "max_parallel_downloads",
    "mdpolicy",
    "mediaid",
    "metadata_expire",
    "metalink",
    "minrate",
    "mirrorlist",
    "module_hotfixes",
    "module_platform_id",
    "multilib_policy",
    "name",
    "obsoletes",
    "password",
    "persistdir",
    "pkg_gpgcheck",
    "plugins",
    "pluginpath",
    "priority",
    "protected_packages",
    "proxy",
    "proxy_auth_method",
    "proxy_password",
    "proxy_username",
    "releasever",
    "repo_gpgcheck",
    "reposdir",
    "retries",
    "rpmverbosity",
    "skip_broken",
    "skip_if_unavailable",
    "skip_unavailable",
    "sslcacert",
    "sslclientcert",
    "sslclientkey",
    "sslverify",
    "strict",
    "syslog_device",
    "syslog_ident",
    "throttle",
    "timeout",
    "tolerant",
    "tsflags",
    "type",
    "user_agent",
    "username",
    "varsdir",
    "zchunk",
];

/// What looks misspelt in the text of a `dnf.conf`, one sentence each, with its line from 1.
pub(crate) fn dnf_conf(text: &str) -> Vec<String> {
    let mut said = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            if let Some(id) = section.0.strip_prefix("repo.") {
                said.push(format!(
                    "line {number} of dnf.conf: section `[repo.{id}]`: a repository's section is its name alone, `[{id}]`"
                ));
            }
            continue;
        }
        // A line that goes on begins with a blank; a comment has no key.
        let Some((key, _)) = line.split_once('=').filter(|(key, _)| {
            !key.starts_with([' ', '\t', '#', ';']) && !key.contains(['{', '%'])
        }) else {
            continue;
        };
        let key = key.trim();
        if let Some(near) = near(key, KEYS.iter().copied()) {
            said.push(format!(
                "line {number} of dnf.conf: unknown key `{key}`: did you mean `{near}`?"
            ));
        }
    }
    said
}

/// What looks misspelt among the keys of `plugin_conf`: each plugin has `NAME_enable` and `NAME_opts`.
pub(crate) fn plugin_keys<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<String> {
    let known: Vec<String> = options::PLUGINS
        .iter()
        .flat_map(|name| [format!("{name}_enable"), format!("{name}_opts")])
        .collect();
    keys.filter_map(|key| {
        // What ends as it should is judged by the plugin's name, elsewhere.
        if key.ends_with("_enable") {
            return None;
        }
        let near = near(key, known.iter().map(String::as_str))?;
        Some(format!(
            "unknown option `{key}` in `plugin_conf`: did you mean `{near}`?"
        ))
    })
    .collect()
}

/// The known word a word is a misspelling of, if it is none itself.
fn near<'a>(word: &str, mut known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    if known.clone().any(|one| one == word) {
        return None;
    }
    closest(word, &mut known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_dnf_conf_are_spelt_right() {
        let text = "[main]\nbest=1\n# gpgchek=1\nsome_key_of_a_plugin=1\n[repo.x]\nbasurl=http://h\ngpgchek=0\nincludepkgs=a,\n b=c\n";
        assert_eq!(
            dnf_conf(text),
            [
                "line 5 of dnf.conf: section `[repo.x]`: a repository's section is its name alone, `[x]`",
                "line 6 of dnf.conf: unknown key `basurl`: did you mean `baseurl`?",
                "line 7 of dnf.conf: unknown key `gpgchek`: did you mean `gpgcheck`?",
            ]
        );
    }

    #[test]
    fn options_of_plugins_are_spelt_right() {
        let keys = ["ccache_enable", "ccache_opts", "ccache_enabled", "my_thing"];
        assert_eq!(
            plugin_keys(keys.into_iter()),
            ["unknown option `ccache_enabled` in `plugin_conf`: did you mean `ccache_enable`?"]
        );
    }
}
