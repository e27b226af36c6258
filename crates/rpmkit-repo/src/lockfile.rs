//! A local repository of exactly the packages a `buildroot_lock.json` names: what a hermetic build
//! installs from.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Fetcher, RepoError, Target, TransportOptions,
    create::{CreateOptions, Created, create},
    parallel,
};

/// Downloads at a time.
const PARALLEL: usize = 10;

/// What stays as it is in the last part of a URL: what RFC 3986 leaves unreserved.
const PLAIN: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The URL with its last part escaped: names of packages hold `+`, which some servers take for a blank.
fn escaped(url: &str) -> String {
    match url.rsplit_once('/') {
        Some((dir, name)) if !name.contains('%') => {
            format!("{dir}/{}", utf8_percent_encode(name, &PLAIN))
        }
        _ => url.to_owned(),
    }
}

impl Fetcher {
    /// Downloads `urls` into `dir`, which is made, and writes `repodata/` for them. `options` says how to
    /// talk to the host of a URL. Files that are there already stay and are not fetched again: each is
    /// renamed into place when it is whole.
    pub fn mirror(
        &self,
        urls: &[String],
        dir: &Path,
        options: impl Fn(&str) -> TransportOptions + Sync,
    ) -> Result<Created, RepoError> {
        fs::create_dir_all(dir).map_err(RepoError::io("create", dir))?;
        let stop = AtomicBool::new(false);
        let outcomes = parallel::map(PARALLEL, urls, |url| {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let name = url.rsplit('/').next().unwrap_or(url);
            let target = dir.join(name);
            if target.exists() {
                return Ok(());
            }
            let fetched =
                self.download_url(&escaped(url), Target::File(&target), None, &options(url));
            stop.fetch_or(fetched.is_err(), Ordering::Relaxed);
            fetched.map(drop)
        });
        outcomes.into_iter().collect::<Result<(), _>>()?;
        create(dir, &CreateOptions::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_escaped_and_nothing_else() {
        assert_eq!(
            escaped("http://h/a+b/g++-1~2-3.x86_64.rpm"),
            "http://h/a+b/g%2B%2B-1~2-3.x86_64.rpm"
        );
        assert_eq!(escaped("http://h/a%2B.rpm"), "http://h/a%2B.rpm");
    }
}
