//! From arguments to a store and a chroot.

use rpmkit_cli::{
    Context, Failure, Host,
    args::{BuildOptions, ChrootArgs},
    setup,
};
use rpmkit_core::{
    Error, Events,
    chroot::Chroot,
    config::Search,
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
    /// Opens the store of this host and user, and the chroot that the arguments name. With `direct`
    /// the name is the chroot's own, and no configuration is looked for.
    pub fn new(
        cx: &Context,
        args: &ChrootArgs,
        events: Events,
        direct: bool,
    ) -> Result<Self, Failure> {
        let (survey, store) = open_store(&cx.host, events)?;
        let given = args.root.last().map(String::as_str);
        let text = given.unwrap_or("default");
        let ext = args.uniqueext.clone().unwrap_or_default();
        let configured = if direct {
            chroot_name(text)
        } else {
            configured_name(cx, args, text)
        };
        let name = match configured {
            Ok(name) => name,
            // Snapshots outlive the configuration they were made with; and what concerns the whole
            // store needs none.
            Err(failure) => {
                let name = chroot_name(text)?;
                let known = Chroot::all(&store).map_err(Error::from)?;
                if given.is_some() && !known.contains(&name) {
                    return Err(failure);
                }
                name
            }
        };
        Ok(Self {
            chroot: Chroot::new(&store, name, &ext),
            survey,
            store,
        })
    }
}

/// The name of the chroot of a configuration: its option `root`, as every other command has it.
fn configured_name(
    cx: &Context,
    args: &ChrootArgs,
    text: &str,
) -> Result<rpmkit_core::ChrootName, Failure> {
    let overrides = setup::overrides(args, &BuildOptions::default());
    let configdir = args.configdir.as_deref();
    let configured = setup::configure(cx, text, Search::Rpmkit, configdir, &[], overrides)?;
    let name = configured.settings.shared_root.parse();
    name.map_err(|e: rpmkit_core::NameError| Failure::command_line(e.to_string()))
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
    let survey = survey(&home, host.uid).map_err(|e| setup::sandbox_failure(&e))?;
    let holder = Holder {
        pid: std::process::id(),
        command: setup::command_line(host),
        since: std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| d.as_secs()),
    };
    let store = Store::open_here(home, host.uid, &survey, holder, events).map_err(Error::from)?;
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
