//! Single files by URL: sources of a spec, source packages named on the command line.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::{
    disk::{CacheLock, make_parent},
    error::RepoError,
    fetcher::{Fetcher, address, as_cause},
    packages::hash_file,
    progress::Meter,
};
use rpmkit_fetch::{
    Address, FetchCause, Mirrors, TransportOptions,
    transfer::{self, Arrived, Expect},
};
use rpmkit_types::{Checksum, ChecksumKind, event::Phase};

/// Where a downloaded file is to be.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// Exactly here.
    File(&'a Path),
    /// In this directory, under the name the server gives it (`Content-Disposition`), else the one
    /// at the end of the URL.
    Directory(&'a Path),
}

impl Fetcher {
    /// Downloads one file with retries, going on where an earlier, killed attempt stopped. With
    /// `expected` the digest is checked and a file that is there and right is not fetched again.
    /// Gives the file's path.
    pub fn download_url(
        &self,
        url: &str,
        target: Target<'_>,
        expected: Option<&Checksum>,
        options: &TransportOptions,
    ) -> Result<PathBuf, RepoError> {
        let source = address("", url)?;
        if let (Target::File(path), Some(sum)) = (target, expected)
            && hash_file(path, sum).is_ok_and(|found| found == *sum)
        {
            return Ok(path.to_owned());
        }
        self.may_connect("", &source, url)?;
        self.check("", &source, options)?;

        let dir = match target {
            Target::File(path) => path.parent().unwrap_or(Path::new(".")),
            Target::Directory(dir) => dir,
        };
        let name = Checksum::new(ChecksumKind::Sha256, &Checksum::sha256(url.as_bytes()).hex).hex;
        let part = dir.join(format!(".{}.part", &name[..24]));
        make_parent(&part)?;
        // The lock lies in the cache, so that the directory of sources holds nothing of ours
        // besides the part file.
        let stripe = self.dirs.metadata.join("url-locks").join(&name[..3]);
        let _lock = CacheLock::take(&stripe)?;

        let meter = Meter::new(&self.events, Phase::Sources, url, 0);
        let expect = Expect {
            checksum: expected,
            size: None,
            at_most: None,
        };
        let server = Mirrors::new(vec![source]);
        let fetched = server.each("", options, self.options.wait, |file| {
            let arrived = transfer::to_part(&self.agents, file, options, &part, expect, &|n| {
                meter.add(n);
            })?;
            let path = match target {
                Target::File(path) => path.to_owned(),
                Target::Directory(dir) => dir.join(
                    file_name(url, &arrived)
                        .ok_or_else(|| FetchCause::Content("it has no file name".to_owned()))?,
                ),
            };
            std::fs::rename(&part, &path)
                .map_err(|e| as_cause(RepoError::io("rename into", &path)(e)))?;
            transfer::discard_note(&part);
            Ok(path)
        });
        match fetched {
            Ok((path, _)) => {
                meter.finish();
                Ok(path)
            }
            Err(failures) => {
                // An empty beginning is of no use to a later attempt.
                if std::fs::metadata(&part).is_ok_and(|data| data.len() == 0) {
                    let _ = transfer::discard(&part);
                }
                Err(RepoError::Unavailable {
                    repo: String::new(),
                    what: url.to_owned(),
                    failures,
                })
            }
        }
    }
}

/// The name for a file: the server's, else what stands after `#/` (rpm's way to name a source),
/// else the end of the address it was asked for, else of the one it was found at.
fn file_name(url: &str, arrived: &Arrived) -> Option<String> {
    let given = arrived.disposition.as_deref().and_then(disposition_name);
    let fragment = url.rsplit_once("#/").map(|(_, name)| name.to_owned());
    given
        .or(fragment)
        .or_else(|| address_name(&Address::parse(url).ok()?))
        .or_else(|| address_name(&arrived.address))
        .filter(|name| sane(name))
}

fn address_name(address: &Address) -> Option<String> {
    match address {
        Address::Local(path) => Some(path.file_name()?.to_string_lossy().into_owned()),
        Address::Remote(url) => {
            let last = url.path_segments()?.next_back()?;
            let name = percent_decode_str(last).decode_utf8_lossy().into_owned();
            (!name.is_empty()).then_some(name)
        }
    }
}

/// A server must not choose where we write.
fn sane(name: &str) -> bool {
    !name.is_empty()
        && name != "."
        && name != ".."
        && !name.contains(['/', '\0'])
        && name.len() <= 255
}

/// The file name of a `Content-Disposition` header (RFC 6266): `filename*` before `filename`.
fn disposition_name(header: &str) -> Option<String> {
    let mut plain = None;
    for parameter in split_parameters(header) {
        let Some((key, value)) = parameter.split_once('=') else {
            continue;
        };
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "filename*" => {
                let mut parts = value.splitn(3, '\'');
                let (Some(_charset), Some(_language), Some(text)) =
                    (parts.next(), parts.next(), parts.next())
                else {
                    continue;
                };
                return Some(percent_decode_str(text).decode_utf8_lossy().into_owned());
            }
            "filename" => {
                let text = value
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'))
                    .unwrap_or(value);
                // Some servers put a whole path there.
                let last = text.rsplit(['/', '\\']).next().unwrap_or(text);
                plain = Some(last.to_owned());
            }
            _ => {}
        }
    }
    plain
}

/// Splits at semicolons outside of quotes.
fn split_parameters(header: &str) -> Vec<&str> {
    let mut quoted = false;
    header
        .split(|c: char| {
            if c == '"' {
                quoted = !quoted;
            }
            c == ';' && !quoted
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_servers_give_stay_inside() {
        for (header, want) in [
            ("attachment; filename=\"a;b-1.tar.gz\"", "a;b-1.tar.gz"),
            ("attachment; filename=x.zip; size=3", "x.zip"),
            (
                "attachment; filename=\"e.gz\"; filename*=UTF-8''%c3%a9.gz",
                "é.gz",
            ),
            ("inline; filename=\"/etc/passwd\"", "passwd"),
        ] {
            assert_eq!(disposition_name(header).as_deref(), Some(want));
        }
        assert_eq!(disposition_name("attachment"), None);
        assert!(!sane("..") && !sane("") && !sane("a/b") && sane("a..b"));
    }
}
