//! A checkout's sources, with the spec read by the chroot's own rpm.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rpmkit_core::{
    Error,
    build::{Buildroot, InChroot},
    config::Settings,
    srpm::{self, Prepared, TreeChoice},
};

use crate::{args::SourceArgs, failure::Failure, frame::Context};

/// Directory in a checkout that results go to; never part of an archive made of it.
pub const RESULTS: &str = "results";

/// What to make a source package of.
pub struct Checkout<'a> {
    /// The checkout's directory or a spec in it.
    pub path: &'a Path,
    /// Which state of it.
    pub source: &'a SourceArgs,
    /// The configuration it is built with.
    pub settings: &'a Settings,
}

/// Sources ready for rpmbuild.
pub struct Ready {
    /// Where they are and what the spec says.
    pub prepared: Prepared,
    /// The spec as the user knows it.
    pub shown: PathBuf,
}

impl Ready {
    /// `name-version-release`.
    pub fn name(&self) -> String {
        let spec = &self.prepared.expanded;
        format!("{}-{}-{}", spec.name, spec.version, spec.release)
    }

    /// Path to show and text of the spec.
    pub fn spec_text(&self) -> (PathBuf, String) {
        let text = fs::read_to_string(&self.prepared.spec).unwrap_or_default();
        (self.shown.clone(), text)
    }
}

/// The directory a checkout's results lie below: the checkout itself, or the spec's directory.
pub fn top(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    path.parent().unwrap_or(path).to_owned()
}

/// Finds the spec, reads it in the chroot, gathers and makes the sources.
pub fn prepare(
    cx: &Context,
    root: &mut Buildroot,
    checkout: &Checkout<'_>,
    scratch: &Path,
) -> Result<Ready, Failure> {
    if checkout.settings.clean {
        root.clean().map_err(Error::from)?;
    }
    root.init().map_err(Error::from)?;
    let source = checkout.source;
    let request = srpm::Request {
        path: checkout.path.to_owned(),
        spec: source.spec.clone(),
        sources: None,
        tree: match (&source.commit, &source.tag, source.dirty) {
            (Some(rev), ..) => TreeChoice::Commit(rev.clone()),
            (_, Some(tag), _) => TreeChoice::Tag(tag.clone()),
            (.., true) => TreeChoice::WorkingTree,
            _ => TreeChoice::Auto,
        },
        symlink_dereference: false,
        defines: Vec::new(),
        exclude: vec![RESULTS.into()],
    };
    let staging = scratch.join("sources");
    fs::create_dir_all(&staging)
        .map_err(|e| Failure::general(format!("cannot create `{}`: {e}", staging.display())))?;
    let mut ask = |specs: &[PathBuf]| choose(cx, specs);
    let choose: Option<&mut srpm::Choose<'_>> =
        if cx.printer.interactive() && cx.host.terminal.stdin {
            Some(&mut ask)
        } else {
            None
        };
    let prepared =
        srpm::prepare(&request, &staging, &mut InChroot(root), choose).map_err(Error::from)?;
    let name = prepared.spec.file_name().unwrap_or_default();
    Ok(Ready {
        shown: source.spec.clone().unwrap_or_else(|| name.into()),
        prepared,
    })
}

/// Asks which of several specs is meant.
fn choose(_: &Context, specs: &[PathBuf]) -> Option<usize> {
    let names: Vec<String> = specs.iter().map(|p| p.display().to_string()).collect();
    dialoguer::Select::new()
        .with_prompt("Which spec")
        .items(&names)
        .default(0)
        .interact_opt()
        .ok()
        .flatten()
}
