//! What git's configuration and environment say about one server: `http.*`, `http.URL.*` and the
//! `GIT_SSL_*` variables (git-config's manual).

use std::path::PathBuf;

use git2::Repository;
use url::Url;

use crate::{CommandEnv, ScmError};
use rpmkit_fetch::TransportOptions;

/// How to talk to one server.
#[derive(Debug, Clone, Default)]
pub(super) struct HttpOptions {
    /// Certificates and proxy.
    pub transport: TransportOptions,
    /// Headers for every request.
    pub headers: Vec<(String, String)>,
}

impl HttpOptions {
    /// Reads what holds for `url`. `repo` gives the configuration: its own, the user's, the system's.
    pub fn read(repo: &Repository, url: &str, host: &CommandEnv) -> Result<Self, ScmError> {
        let mut options = Self::default();
        for (key, value) in settings(repo, url)? {
            options.set(&key, &value, host);
        }
        let variable = |name: &str| {
            host.env
                .var(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let transport = &mut options.transport;
        // libcurl takes SSL_CERT_FILE where nobody says more.
        transport.sslcacert = variable("GIT_SSL_CAINFO")
            .or_else(|| variable("GIT_SSL_CAPATH"))
            .or(transport.sslcacert.take())
            .or_else(|| variable("SSL_CERT_FILE"))
            .or_else(|| variable("SSL_CERT_DIR"));
        transport.sslclientcert = variable("GIT_SSL_CERT").or(transport.sslclientcert.take());
        transport.sslclientkey = variable("GIT_SSL_KEY").or(transport.sslclientkey.take());
        if host.env.var("GIT_SSL_NO_VERIFY").is_some() {
            transport.sslverify = false;
        }
        Ok(options)
    }

    fn set(&mut self, key: &str, value: &str, host: &CommandEnv) {
        let path = || (!value.is_empty()).then(|| home_path(value, host));
        match key {
            "sslverify" => {
                self.transport.sslverify = !matches!(
                    value.to_ascii_lowercase().as_str(),
                    "false" | "no" | "off" | "0"
                );
            }
            "sslcainfo" | "sslcapath" => self.transport.sslcacert = path(),
            "sslcert" => self.transport.sslclientcert = path(),
            "sslkey" => self.transport.sslclientkey = path(),
            // An empty one means none, whatever the environment says.
            "proxy" => {
                self.transport.proxy = Some((!value.is_empty()).then(|| value.to_owned()));
            }
            // An empty one takes back those before it.
            "extraheader" if value.is_empty() => self.headers.clear(),
            "extraheader" => {
                if let Some((name, value)) = value.split_once(':') {
                    self.headers
                        .push((name.trim().to_owned(), value.trim().to_owned()));
                }
            }
            _ => {}
        }
    }
}

/// Keys below `http` that hold for `url`, in lower case, with their values; what counts most last.
fn settings(repo: &Repository, url: &str) -> Result<Vec<(String, String)>, ScmError> {
    let read = || ScmError::git("read the configuration of", repo.path());
    let Ok(target) = Url::parse(url) else {
        return Ok(Vec::new());
    };
    let config = repo.config().map_err(read())?;
    let entries = config.entries(Some("^http\\.")).map_err(read())?;
    let mut found = Vec::new();
    entries
        .for_each(|entry| {
            let (Ok(name), value) = (entry.name(), entry.value().unwrap_or("true")) else {
                return;
            };
            let rest = name.strip_prefix("http.").unwrap_or(name);
            let (weight, key) = match rest.rsplit_once('.') {
                None => (Some(0), rest),
                Some((pattern, key)) => (matches(pattern, &target), key),
            };
            if let Some(weight) = weight {
                // The URL that says most wins, then the nearest file, then the last line.
                found.push((
                    weight,
                    entry.level() as i32,
                    key.to_owned(),
                    value.to_owned(),
                ));
            }
        })
        .map_err(read())?;
    found.sort_by_key(|(weight, level, ..)| (*weight, *level));
    Ok(found
        .into_iter()
        .map(|(.., key, value)| (key.to_ascii_lowercase(), value))
        .collect())
}

/// Whether a configured URL covers `target`, and how much of it it says: scheme, host (where `*`
/// stands for one label) and port must be equal, the path one of its beginnings.
fn matches(pattern: &str, target: &Url) -> Option<usize> {
    let pattern = Url::parse(pattern).ok()?;
    let labels = |url: &Url| -> Option<Vec<String>> {
        Some(url.host_str()?.split('.').map(str::to_owned).collect())
    };
    let (want, have) = (labels(&pattern)?, labels(target)?);
    let path = pattern.path().trim_end_matches('/');
    let below = target.path().strip_prefix(path)?;
    let same = pattern.scheme() == target.scheme()
        && pattern.port_or_known_default() == target.port_or_known_default()
        && want.len() == have.len()
        && want
            .iter()
            .zip(&have)
            .all(|(want, have)| want == "*" || want == have)
        && (below.is_empty() || below.starts_with('/'))
        && (pattern.username().is_empty() || pattern.username() == target.username());
    same.then(|| {
        let host: usize = want.iter().filter(|label| *label != "*").count();
        1 + 1000 * host + 2 * path.len() + usize::from(!pattern.username().is_empty())
    })
}

fn home_path(value: &str, host: &CommandEnv) -> PathBuf {
    match (value.strip_prefix("~/"), host.env.var("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(value),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use super::*;
    use crate::testing::TestRepo;

    #[test]
    fn patterns_cover_what_git_says_they_do() {
        let target = Url::parse("https://git.example.org/team/x.git").unwrap();
        for (pattern, covers) in [
            ("https://git.example.org", true),
            ("https://git.example.org/team", true),
            ("https://git.example.org/team/", true),
            ("https://git.example.org/te", false),
            ("https://git.example.org:443", true),
            ("https://git.example.org:8443", false),
            ("http://git.example.org", false),
            ("https://*.example.org", true),
            ("https://example.org", false),
            ("https://ada@git.example.org", false),
        ] {
            assert_eq!(matches(pattern, &target).is_some(), covers, "{pattern}");
        }
        assert!(
            matches("https://git.example.org/team", &target)
                > matches("https://*.example.org/team", &target)
        );
    }

    #[test]
    fn the_nearest_url_wins_and_the_environment_over_all() {
        let repo = TestRepo::new();
        for (key, value) in [
            ("http.sslCAInfo", "/general.pem"),
            ("http.https://h.sslCAInfo", "~/host.pem"),
            ("http.https://h.sslVerify", "false"),
            ("http.https://other.proxy", "http://p:1"),
            ("http.extraHeader", "X-One: 1"),
        ] {
            repo.git(&["config", "--add", key, value]);
        }
        let mut host = CommandEnv {
            env: [("HOME", "/home/ada")].into_iter().collect(),
        };
        let of =
            |host: &CommandEnv| HttpOptions::read(&repo.repository(), "https://h/x", host).unwrap();
        let options = of(&host);
        assert_eq!(
            options.transport.sslcacert,
            Some(PathBuf::from("/home/ada/host.pem"))
        );
        assert!(!options.transport.sslverify);
        assert_eq!(options.transport.proxy, None);
        assert_eq!(options.headers, [("X-One".to_owned(), "1".to_owned())]);
        host.env.set("GIT_SSL_CAINFO", "/env.pem");
        assert_eq!(
            of(&host).transport.sslcacert,
            Some(PathBuf::from("/env.pem"))
        );
    }
}
