//! Names and passwords for http servers: from the URL, from `~/.netrc`, else from git, which asks
//! its credential helpers, `GIT_ASKPASS` and, on a terminal, the user (gitcredentials).

use base64::Engine;
use git2::CredentialHelper;
use rpmkit_host::HostCommand;
use url::Url;

use crate::{CommandEnv, ScmError, host::converse, url::without_secret};

/// A name and a password, and what they are for.
pub(super) struct Credentials {
    name: String,
    password: String,
    /// The URL they were looked up for.
    url: Url,
    /// Whether git gave them and wants to hear whether they were right.
    from_git: bool,
}

impl Credentials {
    /// Looks them up for `url`, which `asked` may have been redirected to.
    ///
    /// # Errors
    /// [`ScmError::Http`] when nobody has any.
    pub fn find(url: &str, asked: &str, host: &CommandEnv) -> Result<Self, ScmError> {
        let refused = |more: &str| ScmError::Http {
            url: without_secret(url),
            reason: format!("the server wants a name and a password, {more}"),
        };
        let nobody = || refused("and no git credential helper has them");
        let mut parsed = Url::parse(url).map_err(|_| nobody())?;
        // What stands in the URL holds on the server it names.
        if let Ok(asked) = Url::parse(asked)
            && asked.origin() == parsed.origin()
            && parsed.username().is_empty()
            && parsed.set_username(asked.username()).is_ok()
        {
            let _ = parsed.set_password(asked.password());
        }
        let decode = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let name = decode(parsed.username());
        let found = |(name, password), from_git| Self {
            name,
            password,
            url: parsed.clone(),
            from_git,
        };
        if let Some(password) = parsed.password() {
            return Ok(found((name, decode(password)), false));
        }
        if let Some(pair) = netrc(&parsed, &name, host) {
            return Ok(found(pair, false));
        }
        if let Ok(git) = git("fill", host) {
            let answer = converse(&git, description(&parsed, &name).as_bytes()).map_err(
                |error| match error {
                    ScmError::Command { last, .. } if !last.is_empty() => {
                        refused(&format!("and git has none: {last}"))
                    }
                    _ => nobody(),
                },
            )?;
            let answer = String::from_utf8_lossy(&answer).into_owned();
            let field = |key: &str| {
                answer
                    .lines()
                    .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
                    .map(str::to_owned)
            };
            let pair = field("username")
                .zip(field("password"))
                .ok_or_else(nobody)?;
            return Ok(found(pair, true));
        }
        // Without git its helpers may still be there.
        let mut helper = CredentialHelper::new(parsed.as_str());
        // The user's, not the repository's: helpers are programs.
        if let Ok(config) = git2::Config::open_default() {
            helper.config(&config);
        }
        if !name.is_empty() {
            helper.username(Some(&name));
        }
        Ok(found(helper.execute().ok_or_else(nobody)?, false))
    }

    /// Whether these are what there is for a URL.
    pub fn is_for(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| {
            (url.scheme(), url.host_str(), url.port())
                == (self.url.scheme(), self.url.host_str(), self.url.port())
        })
    }

    /// The value of `Authorization`.
    pub fn header(&self) -> String {
        let pair = format!("{}:{}", self.name, self.password);
        format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(pair)
        )
    }

    /// Tells git's helpers whether these were right: they keep or forget them.
    pub fn report(&self, right: bool, host: &CommandEnv) {
        if !self.from_git {
            return;
        }
        let verb = if right { "approve" } else { "reject" };
        let text = format!(
            "{}password={}\n",
            description(&self.url, &self.name),
            self.password
        );
        // A helper that cannot store is no reason for a clone to fail.
        if let Ok(git) = git(verb, host) {
            let _ = converse(&git, text.as_bytes());
        }
    }
}

fn git(verb: &str, host: &CommandEnv) -> Result<HostCommand, ScmError> {
    Ok(host.git()?.args(["credential", verb]))
}

/// A URL as git-credential wants it.
fn description(url: &Url, name: &str) -> String {
    let mut text = format!("protocol={}\n", url.scheme());
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => text.push_str(&format!("host={host}:{port}\n")),
        None => text.push_str(&format!("host={host}\n")),
    }
    let path = url.path().trim_matches('/');
    if !path.is_empty() {
        text.push_str(&format!("path={path}\n"));
    }
    if !name.is_empty() {
        text.push_str(&format!("username={name}\n"));
    }
    text
}

/// The entry of `~/.netrc` for a host, as curl and so git read it; `name` must fit if there is one.
fn netrc(url: &Url, name: &str, host: &CommandEnv) -> Option<(String, String)> {
    let path = std::path::Path::new(host.env.var("HOME")?).join(".netrc");
    #[allow(clippy::disallowed_methods, reason = "the user's own file")]
    let text = std::fs::read_to_string(path).ok()?;
    find_in_netrc(&text, url.host_str()?, name)
}

fn find_in_netrc(text: &str, wanted: &str, name: &str) -> Option<(String, String)> {
    let words: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect();
    let (mut here, mut login, mut password) = (false, None, None);
    let mut words = words.into_iter();
    let whole = |login: Option<&str>, password: Option<&str>| {
        let login = login.unwrap_or(name);
        password
            .filter(|_| name.is_empty() || name == login)
            .map(|password| (login.to_owned(), password.to_owned()))
    };
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if here && let Some(found) = whole(login, password) {
                    return Some(found);
                }
                (login, password) = (None, None);
                here = word == "default" || words.next() == Some(wanted);
            }
            "login" if here => login = words.next(),
            "password" if here => password = words.next(),
            _ => {}
        }
    }
    if here { whole(login, password) } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use super::*;

    #[test]
    fn netrc_is_searched_by_host_and_name() {
        let text = "# machine h login no password no\nmachine h login ada password one\n\
                    machine h\n login eve\n password two\ndefault login any password three\n";
        let of = |host, name| find_in_netrc(text, host, name);
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(of("h", ""), pair("ada", "one"));
        assert_eq!(of("h", "eve"), pair("eve", "two"));
        assert_eq!(of("other", ""), pair("any", "three"));
        assert_eq!(of("other", "bob"), None);
        assert_eq!(find_in_netrc("machine h login a", "h", ""), None);
    }

    #[test]
    fn urls_are_told_to_git() {
        let url = Url::parse("https://h:8443/a/b.git").unwrap();
        assert_eq!(
            description(&url, "ada"),
            "protocol=https\nhost=h:8443\npath=a/b.git\nusername=ada\n"
        );
    }
}
