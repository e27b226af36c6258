//! From arguments to a store and a chroot.

use std::path::Path;

use rpmkit_cli::{Context, Failure, Host, args::ChrootArgs};
use rpmkit_core::{
    Error, Events, ExitCode,
    chroot::Chroot,
    store::{
        Holder, Store,
        host::{Survey, survey},
    },
};
use rpmkit_sandbox::SandboxError;

/// What every verb works on.
pub struct Opened {
    /// Mode and driver of this host.
    pub survey: Survey,
    /// The layers.
    pub store: Store,
    /// The chroot meant.
    pub chroot: Chroot,
}

impl Opened {
    /// Opens the store of this host and user, and the chroot that the arguments name.
    pub fn new(cx: &Context, args: &ChrootArgs, events: Events) -> Result<Self, Failure> {
        let name = chroot_name(args.root.last().map_or("default", String::as_str))?;
        let (survey, store) = open_store(&cx.host, events)?;
        let ext = args.uniqueext.clone().unwrap_or_default();
        Ok(Self {
            chroot: Chroot::new(&store, name, &ext),
            survey,
            store,
        })
    }
}

/// A configuration's name, from a name or the path of its file.
fn chroot_name(text: &str) -> Result<rpmkit_core::ChrootName, Failure> {
    let name = ["cfg", "toml"]
        .iter()
        .find_map(|e| text.strip_suffix(&format!(".{e}")))
        .map_or(text, |stem| stem.rsplit('/').next().unwrap_or(stem));
    name.parse()
        .map_err(|e: rpmkit_core::NameError| Failure::command_line(e.to_string()))
}

/// Opens the store of this host and user.
pub fn open_store(host: &Host, events: Events) -> Result<(Survey, Store), Failure> {
    let home = host.dirs.cache.join("layers");
    let survey = survey(&home, host.uid).map_err(|e| sandbox_failure(&e))?;
    let holder = Holder {
        pid: std::process::id(),
        command: command_line(host),
        since: std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| d.as_secs()),
    };
    let store = Store::open_here(home, host.uid, &survey, holder, events).map_err(Error::from)?;
    Ok((survey, store))
}

/// How this process was called, for those who have to wait for it.
fn command_line(host: &Host) -> String {
    let mut words = host.args.iter().map(|a| a.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let program = Path::new(&program)
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mut out = program;
    for word in words {
        out.push(' ');
        out.push_str(&word);
    }
    out
}

/// A failure of the kernel work, with its advice.
pub(crate) fn sandbox_failure(error: &SandboxError) -> Failure {
    let mut failure = Failure::new(ExitCode::Unshare, rpmkit_cli::failure::chain(error));
    failure = failure.hint("`rpmkit doctor` shows what this host lacks");
    failure
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_come_from_names_and_paths() {
        for (text, name) in [
            ("fedora-43-x86_64", "fedora-43-x86_64"),
            ("koji/x", "koji/x"),
            ("./dir/mine.cfg", "mine"),
            ("mine.toml", "mine"),
        ] {
            assert_eq!(chroot_name(text).unwrap().as_str(), name);
        }
        assert!(chroot_name("").is_err());
    }
}
