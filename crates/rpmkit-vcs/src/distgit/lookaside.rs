//! Where dist-gits keep their files.

use std::path::Path;

use super::ListedSource;

/// A package in a dist-git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePackage {
    /// Its name.
    pub name: String,
    /// What stands before the name in the remote's path, such as `rpms`.
    pub namespace: String,
}

impl RemotePackage {
    /// Reads it off the remote's path, or off the directory's name where there is no remote.
    pub fn of(remote: Option<&str>, dir: &Path) -> Self {
        let path = remote.map(|remote| {
            let after = remote.split_once("://").map_or(remote, |(_, rest)| rest);
            let path = after.split_once(['/', ':']).map_or("", |(_, path)| path);
            let path = path.trim_matches('/');
            path.strip_suffix(".git").unwrap_or(path).to_owned()
        });
        match path.filter(|path| !path.is_empty()) {
            Some(path) => {
                let (namespace, name) = path.rsplit_once('/').unwrap_or(("", &path));
                Self {
                    name: name.to_owned(),
                    namespace: namespace.to_owned(),
                }
            }
            None => Self {
                name: dir
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default(),
                namespace: "rpms".to_owned(),
            },
        }
    }
}

/// A lookaside cache, as a pattern of its URLs: `{name}`, `{namespace}`, `{file}`, `{hashtype}`
/// and `{hash}` stand for what they say. `%(name)s` and so on, as in rpkg's configuration, work too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookaside(pub String);

/// Remotes by a part of their URL, and where their files are. Sources: the clients'
/// configurations (`fedpkg.conf`, `centpkg.conf`, `rfpkg.conf`) and the distributions'
/// documentation of their dist-gits.
const KNOWN: &[(&str, &str)] = &[
    (
        "src.fedoraproject.org/",
        "https://src.fedoraproject.org/repo/pkgs/{namespace}/{name}/{file}/{hashtype}/{hash}/{file}",
    ),
    (
        "pkgs.fedoraproject.org/",
        "https://src.fedoraproject.org/repo/pkgs/{namespace}/{name}/{file}/{hashtype}/{hash}/{file}",
    ),
    (
        "gitlab.com/redhat/centos-stream/",
        "https://sources.stream.centos.org/sources/rpms/{name}/{file}/{hashtype}/{hash}/{file}",
    ),
    (
        "gitlab.com:redhat/centos-stream/",
        "https://sources.stream.centos.org/sources/rpms/{name}/{file}/{hashtype}/{hash}/{file}",
    ),
    (
        "gitlab.com/CentOS/",
        "https://sources.stream.centos.org/sources/rpms/{name}/{file}/{hashtype}/{hash}/{file}",
    ),
    ("git.almalinux.org/", "https://sources.almalinux.org/{hash}"),
    (
        "git.rockylinux.org/",
        "https://rocky-linux-sources-staging.a1.rockylinux.org/{hash}",
    ),
    (
        "pkgs.rpmfusion.org/",
        "https://pkgs.rpmfusion.org/repo/pkgs/{namespace}/{name}/{file}/{hashtype}/{hash}/{file}",
    ),
    (
        "copr-dist-git.fedorainfracloud.org/",
        "https://copr-dist-git.fedorainfracloud.org/repo/pkgs/{namespace}/{name}/{file}/{hashtype}/{hash}/{file}",
    ),
];

impl Lookaside {
    /// The configured one, or the one known for a remote.
    pub fn choose(configured: Option<&str>, remote: Option<&str>) -> Option<Self> {
        if let Some(pattern) = configured.filter(|pattern| !pattern.is_empty()) {
            return Some(Self(pattern.to_owned()));
        }
        let remote = remote?;
        KNOWN
            .iter()
            .find(|(part, _)| remote.contains(part))
            .map(|(_, pattern)| Self((*pattern).to_owned()))
    }

    /// The URL of one file. A pattern without `{file}` and `{hash}` is a base that rpkg's usual
    /// layout follows.
    pub fn url(&self, package: &RemotePackage, source: &ListedSource) -> String {
        let mut pattern = self.0.clone();
        if !pattern.contains("{file}") && !pattern.contains("{hash}") && !pattern.contains("%(") {
            pattern = format!(
                "{}/{{name}}/{{file}}/{{hashtype}}/{{hash}}/{{file}}",
                pattern.trim_end_matches('/')
            );
        }
        // Names with a `+` or a `%` must not change their meaning in a URL.
        let file = percent_encoding::utf8_percent_encode(&source.file, NAME).to_string();
        for (key, other, value) in [
            ("name", "name", package.name.as_str()),
            (
                "namespace",
                "namespace",
                package.namespace.trim_start_matches("forks/"),
            ),
            ("file", "filename", file.as_str()),
            ("hashtype", "hashtype", source.digest.kind.name()),
            ("hash", "hash", source.digest.hex.as_str()),
        ] {
            pattern = pattern
                .replace(&format!("{{{key}}}"), value)
                .replace(&format!("%({other})s"), value);
        }
        pattern
    }
}

const NAME: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
