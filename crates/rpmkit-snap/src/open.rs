//! From arguments to a store and a chroot.

use std::path::{Path, PathBuf};

use rpmkit_cli::{
    Context, Failure, Host,
    args::{BuildOptions, ChrootArgs},
    homes, setup,
};
use rpmkit_core::{
    ChrootName, Error, Events, NameError,
    chroot::Chroot,
    config::{Search, Settings},
    store::{
        Holder, Store,
        host::{Survey, survey},
    },
};

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
    /// Opens the store of this host and user, and the chroot that the arguments name. With `direct`, a
    /// home of layers, the name is the chroot's own, and no configuration is looked for.
    pub fn new(
        cx: &Context,
        args: &ChrootArgs,
        events: Events,
        direct: Option<&Path>,
    ) -> Result<Self, Failure> {
        let given = args.root.last().map(String::as_str);
        let text = given.unwrap_or("default");
        let ext = args.uniqueext.clone().unwrap_or_default();
        let (home, name) = match direct {
            Some(home) => (home.to_owned(), chroot_name(text)?),
            None => match configured(cx, args, text) {
                Ok(settings) => {
                    let name = settings.chroot.shared_root.parse();
                    let name = name.map_err(|e: NameError| Failure::command_line(e.to_string()))?;
                    (homes::of(&cx.host, &settings)?, name)
                }
                // Snapshots outlive the configuration they were made with; and what concerns the whole
                // store needs none.
                Err(failure) => {
                    let name = chroot_name(text)?;
                    match home_with(&cx.host, &name) {
                        Some(home) => (home, name),
                        None if given.is_some() => return Err(failure),
                        None => (homes::usual(&cx.host), name),
                    }
                }
            },
        };
        let (survey, store) = open_store(&cx.host, home, events)?;
        Ok(Self {
            chroot: Chroot::new(&store, name, &ext),
            survey,
            store,
        })
    }
}

/// The configuration that is named, as every other command reads it.
fn configured(cx: &Context, args: &ChrootArgs, text: &str) -> Result<Settings, Failure> {
    let overrides = setup::overrides(args, &BuildOptions::default());
    let configdir = args.configdir.as_deref();
    let configured = setup::configure(cx, text, Search::Rpmkit, configdir, &[], overrides)?;
    Ok(configured.settings)
}

/// The home that has something of a chroot of this name.
fn home_with(host: &Host, name: &ChrootName) -> Option<PathBuf> {
    homes::all(host).into_iter().find(|home| {
        let stores = std::fs::read_dir(home).into_iter().flatten().flatten();
        stores.map(|entry| entry.path()).any(|dir| {
            let chroots = Chroot::all_in(&dir);
            chroots.is_ok_and(|names| names.contains(name))
        })
    })
}

/// A configuration's name, from a name or the path of its file.
fn chroot_name(text: &str) -> Result<ChrootName, Failure> {
    let name = ["cfg", "toml"]
        .iter()
        .find_map(|e| text.strip_suffix(&format!(".{e}")))
        .map_or(text, |stem| stem.rsplit('/').next().unwrap_or(stem));
    name.parse()
        .map_err(|e: NameError| Failure::command_line(e.to_string()))
}

/// Opens the store of this host and user in a home of layers.
pub fn open_store(host: &Host, home: PathBuf, events: Events) -> Result<(Survey, Store), Failure> {
    let survey = survey(&home, host.uid).map_err(|e| setup::sandbox_failure(&e))?;
    let holder = Holder {
        pid: std::process::id(),
        command: setup::command_line(host),
        since: std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| d.as_secs()),
    };
    let store = Store::open_here(home, host.uid, &survey, rpmkit_core::OPS, holder, events)
        .map_err(Error::from)?;
    Ok((survey, store))
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
