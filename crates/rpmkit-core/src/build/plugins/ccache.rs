//! `ccache`: compilers whose results are kept between builds of one chroot.

#![allow(
    clippy::disallowed_methods,
    reason = "a directory of the user's configuration"
)]

use std::path::PathBuf;

use rpmkit_sandbox::Mount;

use super::{BuildError, Buildroot, Built, Plugin, Rebuild, failed};
use crate::build::{
    Engine, ItemOwner,
    transfer::{CopyIn, Follow},
};
use rpmkit_config::{ChrootSettings, Dict, Plugins, Value, python::percent};
use rpmkit_types::event::Log;

/// Where the cache is inside.
const INSIDE: &str = "/var/tmp/ccache";

/// The package that has ccache's links named like compilers.
pub(crate) const PACKAGE: &str = "ccache";

/// The cache of a chroot.
#[derive(Debug, Clone)]
pub(crate) struct CompilerCache {
    dir: PathBuf,
    env: Vec<(String, String)>,
}

impl CompilerCache {
    /// The cache of a configuration that has one, its directory made and the build user's.
    pub(crate) fn open(
        engine: &Engine,
        chroot: &ChrootSettings,
        plugins: &Plugins,
    ) -> Result<Option<Self>, BuildError> {
        if !plugins.enabled("ccache") {
            return Ok(None);
        }
        let none = Dict::new();
        let opts = plugins.options("ccache").unwrap_or(&none);
        let dir = place(engine, chroot, opts);
        let bad = |e: std::io::Error| failed("ccache", format!("`{}`: {e}", dir.display()));
        std::fs::create_dir_all(&dir).map_err(bad)?;
        let job = CopyIn {
            directories: Vec::new(),
            base: dir.clone(),
            items: Vec::new(),
            texts: Vec::new(),
            wipe: None,
            owner: ItemOwner {
                uid: chroot.chrootuid,
                gid: chroot.chrootgid,
            },
            follow: Follow::Nothing,
        };
        engine.operate("copy-in", &job)?;
        Ok(Some(Self {
            dir,
            env: environment(opts),
        }))
    }

    /// What the chroot sees of it.
    pub(crate) fn mount(&self) -> Mount {
        Mount::bind(&self.dir, INSIDE)
    }

    /// Variables that ccache reads.
    pub(crate) fn env(&self) -> &[(String, String)] {
        &self.env
    }
}

/// The option `dir`, or a place of the caller's own when they may not write there.
fn place(engine: &Engine, chroot: &ChrootSettings, opts: &Dict) -> PathBuf {
    let text = opts.get("dir").map(ToString::to_string).unwrap_or_default();
    let mut known = opts.clone();
    known.set("chrootuid", i64::from(chroot.chrootuid));
    let text = percent(&text, &Value::Dict(known)).unwrap_or(text);
    let wished = PathBuf::from(text.trim_end_matches('/'));
    let usable = wished.is_absolute() && std::fs::create_dir_all(&wished).is_ok();
    if usable {
        return wished;
    }
    let own = engine.surroundings().cache.join("ccache");
    own.join(&chroot.shared_root)
        .join(format!("u{}", chroot.chrootuid))
}

fn environment(opts: &Dict) -> Vec<(String, String)> {
    let on = |key: &str| opts.get(key).is_some_and(Value::truth);
    let mut env = vec![
        ("CCACHE_DIR", INSIDE.to_owned()),
        ("CCACHE_UMASK", "002".into()),
    ];
    if let Some(value) = opts.get("compress").filter(|value| **value != Value::None) {
        env.push(("CCACHE_COMPRESS", value.to_string()));
    }
    for (key, yes, no) in [
        ("hashdir", "CCACHE_HASHDIR", "CCACHE_NOHASHDIR"),
        ("debug", "CCACHE_DEBUG", "CCACHE_NODEBUG"),
    ] {
        env.push((if on(key) { yes } else { no }, "1".to_owned()));
    }
    env.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

/// The calls around a build.
pub(super) struct Ccache;

impl Ccache {
    fn call(&self, root: &mut Buildroot, words: &[&str]) -> Result<(), BuildError> {
        let argv = words.iter().map(|&word| word.to_owned()).collect();
        let mut run = root.command(argv, root.build_user());
        run.log = Some(Log::Root);
        let ran = root.run(&run)?;
        if ran.exit.success() {
            return Ok(());
        }
        Err(failed(self.name(), ran.tail.join("; ")))
    }

    fn stats(&self, root: &Buildroot) -> bool {
        let option = root.settings().plugins.option(self.name(), "show_stats");
        option.is_some_and(Value::truth)
    }
}

impl Plugin for Ccache {
    fn name(&self) -> &'static str {
        "ccache"
    }

    fn prebuild(&self, root: &mut Buildroot, _: &Rebuild) -> Result<(), BuildError> {
        let size = root
            .settings()
            .plugins
            .option(self.name(), "max_cache_size");
        let size = size.map_or_else(|| "4G".to_owned(), ToString::to_string);
        self.call(root, &["ccache", "-M", &size])?;
        if self.stats(root) {
            root.engine().events().info("Zero ccache stats:");
            self.call(root, &["ccache", "--zero-stats"])?;
        }
        Ok(())
    }

    fn postbuild(
        &self,
        root: &mut Buildroot,
        _: &Rebuild,
        _: Option<&Built>,
    ) -> Result<(), BuildError> {
        if self.stats(root) {
            root.engine().events().info("ccache stats:");
            self.call(root, &["ccache", "--show-stats"])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_variables() {
        let mut opts = Dict::new();
        opts.set("hashdir", true);
        opts.set("compress", Value::None);
        let env = environment(&opts);
        let names: Vec<&str> = env.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "CCACHE_DIR",
                "CCACHE_UMASK",
                "CCACHE_HASHDIR",
                "CCACHE_NODEBUG"
            ]
        );
    }
}
