//! Roots that hold packages nobody verified, under a configuration that asks for signatures.
//!
//! Layers of ours are found by what was trusted, and made anew. What a user made, a snapshot or a root
//! that was written to, nobody can make anew: it is not built in, and looking at it is told.

use std::collections::BTreeSet;

use super::Buildroot;
use crate::build::{BuildError, error::repository_named};
use rpmkit_pm::Doubts;
use rpmkit_store::{Layer, LayerKind};

/// What somebody wants of a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To build in it, or to change it.
    Work,
    /// To look around, or to copy something.
    Look,
}

impl Buildroot {
    /// Leaves packages behind that were installed under `gpgcheck=0`, once their repository asks for
    /// signatures: an untouched root goes back to what it had before them.
    pub(super) fn leave_unverified(&mut self, purpose: Purpose) -> Result<(), BuildError> {
        if self.doubts()?.none() {
            return Ok(());
        }
        let label = self.session.chroot().label();
        let top = |root: &Self| root.session.top().cloned();
        if let Some(top) = top(self).filter(|_| self.session.is_pristine())
            && top.meta().kind == LayerKind::BuildDeps
        {
            self.engine.events().warn(format!(
                "chroot `{label}` holds packages that were installed under `gpgcheck=0`; they are \
                 taken out, as their signatures are to be checked now"
            ));
            let below = self.engine.store().ancestry(&top)?;
            let kept = |layer: &&Layer| layer.meta().kind != LayerKind::BuildDeps;
            if let Some(layer) = below.iter().find(kept) {
                self.stop()?;
                self.session.move_to(layer)?;
                self.packages = None;
            }
        }
        let base = top(self).is_some_and(|top| top.meta().kind == LayerKind::Base);
        if base && self.session.is_pristine() {
            // Whoever prepares the root looks for another one.
            return Ok(());
        }
        let doubts = self.doubts()?;
        if doubts.none() {
            return Ok(());
        }
        let what = match self.session.is_pristine() {
            true => "its snapshot",
            false => "its root",
        };
        if doubts.unverified.is_empty() || purpose == Purpose::Look {
            self.engine.events().warn(told(&label, what, &doubts));
            return Ok(());
        }
        Err(BuildError::Unverified {
            chroot: label,
            what,
            repos: doubts.unverified.into_iter().collect(),
        })
    }

    fn doubts(&self) -> Result<Doubts, BuildError> {
        Ok(self.pm.doubts(&self.session.unchecked()?))
    }
}

fn told(label: &str, what: &str, doubts: &Doubts) -> String {
    let list = |repos: &BTreeSet<String>| {
        let names: Vec<String> = repos.iter().map(|id| repository_named(id)).collect();
        names.join(", ")
    };
    let reason = if !doubts.unverified.is_empty() {
        let repos = list(&doubts.unverified);
        format!("holds packages of {repos} that were installed under `gpgcheck=0`")
    } else if !doubts.strange.is_empty() {
        let repos = list(&doubts.strange);
        format!(
            "holds packages whose signatures nobody looked at, of {repos}, which this configuration does not have"
        )
    } else {
        "was made by an older rpmkit, which did not write down whose signatures it checked"
            .to_owned()
    };
    format!("chroot `{label}`: {what} {reason}; `--scrub=all` drops it with its snapshots")
}
