//! Addresses: files of this machine or URLs, with repository-relative paths joined on.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use url::Url;

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A file or directory of this machine.
    Local(PathBuf),
    /// Something a server gives, by http or https.
    Remote(Url),
}

/// Whether a URL is free of control characters, as they stand and after decoding: in what is built
/// from it (headers, what credential helpers are told) they would begin another line.
pub fn is_clean(url: &str) -> bool {
    !url.bytes()
        .chain(percent_decode_str(url))
        .any(|byte| byte.is_ascii_control())
}

impl Address {
    /// Reads a URL or an absolute path. The error says why not.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Ok(Self::Local(PathBuf::from(text)));
        }
        if let Some(rest) = text.strip_prefix("file:") {
            // `file:/path`, `file:///path` and `file://localhost/path` are all in use.
            let path = match rest.strip_prefix("//") {
                Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
                None => rest,
            };
            if !path.starts_with('/') {
                return Err("a file URL needs an absolute path: file:///…".to_owned());
            }
            let bytes: Vec<u8> = percent_decode_str(path).collect();
            return Ok(Self::Local(PathBuf::from(
                <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes),
            )));
        }
        if !is_clean(text) {
            return Err("it holds a control character".to_owned());
        }
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self::Remote(url)),
            "http" | "https" => Err("it names no host".to_owned()),
            scheme => Err(format!("`{scheme}` is not supported")),
        }
    }

    /// The file `relative` below this directory. `relative` may itself be a whole URL.
    pub fn join(&self, relative: &str) -> Result<Self, String> {
        if relative.contains("://") {
            return Self::parse(relative);
        }
        let relative = relative.trim_start_matches('/');
        match self {
            Self::Local(dir) => {
                // Metadata holds paths as URLs have them; a file on disk is rarely escaped.
                let plain = dir.join(relative);
                if relative.contains('%') && !plain.exists() {
                    let decoded = percent_decode_str(relative).decode_utf8_lossy();
                    return Ok(Self::Local(dir.join(decoded.as_ref())));
                }
                Ok(Self::Local(plain))
            }
            Self::Remote(base) => {
                // Not `Url::join`: a query in the base (tokens of private mirrors) must stay.
                let mut url = base.clone();
                let path = format!("{}/{relative}", base.path().trim_end_matches('/'));
                url.set_path(&path);
                Ok(Self::Remote(url))
            }
        }
    }

    /// The address as text, without a password.
    pub fn shown(&self) -> String {
        match self {
            Self::Local(path) => path.display().to_string(),
            Self::Remote(url) => {
                if url.password().is_none() {
                    return url.to_string();
                }
                let mut url = url.clone();
                // Setting a password fails only for URLs without a host, which `parse` refuses.
                let _ = url.set_password(Some("***"));
                url.to_string()
            }
        }
    }

    /// The path, when it is of this machine.
    pub fn local(&self) -> Option<&Path> {
        match self {
            Self::Local(path) => Some(path),
            Self::Remote(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn local_addresses_are_known_in_every_form() {
        for text in [
            "/srv/a b",
            "file:///srv/a%20b",
            "file:/srv/a b",
            "file://localhost/srv/a b",
        ] {
            assert_eq!(
                Address::parse(text),
                Ok(Address::Local("/srv/a b".into())),
                "{text}"
            );
        }
        assert!(Address::parse("file://srv/a").is_err());
        assert!(Address::parse("ftp://h/a").unwrap_err().contains("ftp"));
        assert!(Address::parse("srv/a").is_err());
    }

    #[test]
    fn joining_keeps_queries_and_hides_passwords() {
        let base = Address::parse("https://me:secret@h/r?token=1").unwrap();
        let file = base.join("Packages/a+b~1.rpm").unwrap();
        assert_eq!(
            file.shown(),
            "https://me:***@h/r/Packages/a+b~1.rpm?token=1"
        );
        let base = Address::parse("http://h/os/").unwrap();
        assert_eq!(
            base.join("repodata/x").unwrap().shown(),
            "http://h/os/repodata/x"
        );
        assert_eq!(base.join("http://o/y").unwrap().shown(), "http://o/y");
    }
}
