//! `rpmkit hermetic-repo`, and `mock-hermetic-repo` when called by that name: everything a lock file names,
//! as a local repository for `--hermetic-build`.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::OsString,
    fs,
    path::PathBuf,
};

use clap::{CommandFactory, FromArgMatches, Parser};
use rpmkit_cli::{
    Context, Face, Failure, Status, Verb, VerbResult, args::OutputArgs, frame, setup,
};
use rpmkit_core::{
    Error,
    repo::{Dirs, Fetcher, TransportOptions},
};
use serde_json::Value;

/// `rpmkit hermetic-repo`, `mock-hermetic-repo`.
pub static VERB: Verb = Verb {
    name: "hermetic-repo",
    face: Face::People,
    command: Args::command,
    run,
};

/// Download what a lock file names into a repository for `--hermetic-build`
///
/// The lock file is the `buildroot_lock.json` that `rpmkit mock --calculate-build-dependencies` writes.
/// Afterwards `rpmkit mock --hermetic-build LOCKFILE DIR SRPM` builds without a network.
#[derive(Debug, Parser)]
#[command(name = "mock-hermetic-repo", version, max_term_width = 100)]
struct Args {
    /// The lock file
    #[arg(long, value_name = "FILE", required = true, value_hint = clap::ValueHint::FilePath)]
    lockfile: PathBuf,

    /// Directory of the repository; made if missing, completed if an earlier run was cut off
    #[arg(long, value_name = "DIR", required = true, value_hint = clap::ValueHint::DirPath)]
    output_repo: PathBuf,

    /// Certificate for a host, and its key if that is a file of its own; may be repeated
    #[arg(long, value_names = ["HOST", "CERT", "KEY"], num_args = 2..=3, action = clap::ArgAction::Append)]
    client_cert_for: Vec<String>,

    #[command(flatten)]
    output: OutputArgs,
}

fn run(cx: &mut Context, args: Vec<OsString>) -> VerbResult {
    let matches = match Args::command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => return frame::usage(cx, &error),
    };
    let certs: Vec<Vec<String>> = matches
        .get_occurrences::<String>("client_cert_for")
        .map(|all| all.map(|one| one.cloned().collect()).collect())
        .unwrap_or_default();
    let args = match Args::from_arg_matches(&matches) {
        Ok(args) => args,
        Err(error) => return frame::usage(cx, &error),
    };
    let events = cx.listen(&args.output);
    let certs: HashMap<String, (PathBuf, Option<PathBuf>)> = certs
        .into_iter()
        .map(|words| {
            let path = |nth: usize| words.get(nth).map(|word| cx.host.cwd.join(word));
            let host = words.first().cloned().unwrap_or_default();
            (host, (path(1).unwrap_or_default(), path(2)))
        })
        .collect();
    if let Some(missing) = certs
        .values()
        .flat_map(|(cert, key)| std::iter::once(cert).chain(key))
        .find(|path| !path.is_file())
    {
        let mut failure = Failure::general(format!(
            "--client-cert-for: there is no file `{}`",
            missing.display()
        ));
        failure.code = rpmkit_core::ExitCode::Arguments.code();
        return Err(failure);
    }
    let lock = read(&cx.host.cwd.join(&args.lockfile))?;
    let urls = urls(&lock)?;
    if lock["bootstrap"]["pull_digest"].is_string() {
        events.warn(
            "the lock file pins a bootstrap image, which is not fetched: rpmkit builds without one. For mock \
             itself, fetch it with `skopeo sync`",
        );
    }
    let fetcher = Fetcher::new(
        Dirs::below(&cx.host.dirs.cache),
        setup::fetch_options(&cx.host, false),
        events,
    );
    let dir = cx.host.cwd.join(&args.output_repo);
    let made = fetcher
        .mirror(&urls, &dir, |url| options(url, &certs))
        .map_err(|error| Failure {
            code: rpmkit_core::ExitCode::General.code(),
            ..Error::from(error).into()
        })?;
    cx.printer.say(format!(
        "{} packages in {}",
        made.packages,
        args.output_repo.display()
    ));
    Ok(Status::OK)
}

fn read(path: &std::path::Path) -> Result<Value, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::general(format!("cannot read `{}`: {error}", path.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::general(format!("lock file `{}`: {error}", path.display())))
}

/// The addresses of all packages, each once.
fn urls(lock: &Value) -> Result<Vec<String>, Failure> {
    let rpms = lock["buildroot"]["rpms"].as_array().ok_or_else(|| {
        Failure::general("the lock file has no list `buildroot.rpms`")
            .hint("`rpmkit mock --calculate-build-dependencies` writes lock files")
    })?;
    let mut urls = BTreeSet::new();
    for rpm in rpms {
        let url = rpm["url"].as_str().ok_or_else(|| {
            Failure::general(format!(
                "package {} of the lock file has no url",
                rpm["name"]
            ))
        })?;
        urls.insert(url.to_owned());
    }
    Ok(urls.into_iter().collect())
}

/// How to talk to the host of a URL: `HOST:PORT` counts before `HOST`.
fn options(url: &str, certs: &HashMap<String, (PathBuf, Option<PathBuf>)>) -> TransportOptions {
    let mut options = TransportOptions::default();
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let bare = host.split(':').next().unwrap_or_default();
    if let Some((cert, key)) = certs.get(host).or_else(|| certs.get(bare)) {
        options.sslclientkey = Some(key.clone().unwrap_or_else(|| cert.clone()));
        options.sslclientcert = Some(cert.clone());
    }
    options
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_of_a_lock_file() {
        let lock = json!({"buildroot": {"rpms": [{"name": "b", "url": "u/b"}, {"name": "a", "url": "u/a"}]}});
        assert_eq!(urls(&lock).unwrap(), ["u/a", "u/b"]);
        assert!(urls(&json!({"buildroot": {"rpms": [{"name": "b"}]}})).is_err());
        assert!(urls(&json!({})).is_err());
    }

    #[test]
    fn certificates_belong_to_hosts() {
        let certs = HashMap::from([
            ("h".to_owned(), (PathBuf::from("/c"), None)),
            (
                "h:8".to_owned(),
                (PathBuf::from("/d"), Some(PathBuf::from("/k"))),
            ),
        ]);
        assert_eq!(
            options("https://h/x.rpm", &certs).sslclientkey,
            Some("/c".into())
        );
        assert_eq!(
            options("https://h:8/x.rpm", &certs).sslclientkey,
            Some("/k".into())
        );
        assert_eq!(options("https://i/x.rpm", &certs).sslclientcert, None);
    }
}
