//! The caller's environment, and how much of it a program gets.

use std::ffi::{OsStr, OsString};

/// The environment the caller was started with. Nothing but a front end reads the real one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(Vec<(OsString, OsString)>);

/// Kinds of programs, by what they need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// git, its credential helpers, and ssh below it.
    Git,
    /// svn.
    Svn,
    /// cargo and go: where rustup has them, and how the network is reached.
    Vendor,
    /// What the user's configuration names, or the user typed. What such a program needs only they
    /// know: it gets everything, as from their shell.
    Users,
    /// A set-uid helper, which needs nothing.
    Bare,
}

/// What every program but a set-uid one may know.
const COMMON: &[&str] = &[
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "TERM",
];

/// Proxies and certificates, in libcurl's and OpenSSL's words.
const NETWORK: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
];

/// How people are asked for passwords: by agents, by windows.
const ASKING: &[&str] = &[
    "SSH_*",
    "XDG_*",
    "DISPLAY",
    "XAUTHORITY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "GPG_TTY",
    "GPG_AGENT_INFO",
    "GNUPGHOME",
    "KRB5*",
    "GCM_*",
];

/// Neither a home nor what cargo's own variables could hold: tokens of registries.
const VENDOR: &[&str] = &[
    "PATH",
    "LANG",
    "LC_*",
    "TZ",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "CARGO_NET_*",
    "CARGO_HTTP_*",
    "GOPROXY",
    "GOSUMDB",
];

/// git's variables that name a repository: these would be that of whoever called us.
const OF_A_REPOSITORY: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INTERNAL_SUPER_PREFIX",
];

impl Environment {
    /// A variable's value; empty ones are there.
    pub fn var(&self, name: &str) -> Option<&OsString> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// Sets a variable, in place of one of the name.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let (name, value) = (name.into(), value.into());
        self.0.retain(|(key, _)| *key != name);
        self.0.push((name, value));
    }

    /// What a program of a kind gets of it.
    pub fn of(&self, tool: Tool) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_os_str(), value.as_os_str()))
            .filter(move |(key, _)| tool.gets(key))
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self(
            pairs
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl Tool {
    fn gets(self, name: &OsStr) -> bool {
        // A name that is no text is no variable a program of ours asks for.
        let Some(name) = name.to_str() else {
            return self == Self::Users;
        };
        let any = |lists: &[&[&str]]| lists.iter().any(|list| list.iter().any(|p| fits(p, name)));
        match self {
            Self::Git => {
                any(&[COMMON, NETWORK, ASKING])
                    || (name.starts_with("GIT_") && !OF_A_REPOSITORY.contains(&name))
            }
            Self::Svn => any(&[COMMON, NETWORK, ASKING, &["SVN_*"]]),
            Self::Vendor => any(&[VENDOR, NETWORK]),
            Self::Users => true,
            Self::Bare => false,
        }
    }
}

/// Whether a name is a pattern: itself, or anything after its beginning where `*` ends it.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_gets_what_it_needs() {
        let all = [
            "PATH",
            "LC_ALL",
            "SSH_AUTH_SOCK",
            "GIT_CONFIG_COUNT",
            "GIT_DIR",
            "https_proxy",
            "AWS_SECRET_ACCESS_KEY",
            "LD_PRELOAD",
            "CARGO_HOME",
        ];
        let environment: Environment = all.iter().map(|name| (*name, "x")).collect();
        let of = |tool| -> Vec<&str> {
            let names = environment.of(tool).map(|(name, _)| name.to_str());
            names.map(Option::unwrap_or_default).collect()
        };
        let git = [
            "PATH",
            "LC_ALL",
            "SSH_AUTH_SOCK",
            "GIT_CONFIG_COUNT",
            "https_proxy",
        ];
        assert_eq!(of(Tool::Git), git);
        assert_eq!(
            of(Tool::Svn),
            ["PATH", "LC_ALL", "SSH_AUTH_SOCK", "https_proxy"]
        );
        assert_eq!(of(Tool::Vendor), ["PATH", "LC_ALL", "https_proxy"]);
        assert_eq!(of(Tool::Users), all);
        assert!(of(Tool::Bare).is_empty());
    }
}
