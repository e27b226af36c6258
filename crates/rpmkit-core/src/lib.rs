//! Builds, on top of all that rpmkit knows: the crates below by the names of their rooms, and every error as one.
//!
//! Data flows one way: [`config`] → [`repo`] and [`solve`] → [`store`] → sandbox → [`build`] →
//! [`results`]. Nothing reaches back: each room is a crate, and cargo holds the direction. None of them prints,
//! exits or reads the environment: what a front end must know leaves through [`event`], what went wrong
//! through typed errors gathered in [`error`].

pub mod build;
pub mod definitions;
pub mod error;
pub mod ops;
pub mod project;

pub use rpmkit_config as config;
pub use rpmkit_pm as pm;
pub use rpmkit_repo as repo;
pub use rpmkit_results as results;
pub use rpmkit_rpmfile as rpmfile;
pub use rpmkit_solve as solve;
pub use rpmkit_sources::{srpm, template};
pub use rpmkit_store as store;
pub use rpmkit_store::chroot;
pub use rpmkit_types as types;
pub use rpmkit_types::{compress, event};

/// Source control, and what mock's SCM options make of it.
pub mod scm {
    pub use rpmkit_sources::worker::{ScmCheckout, ScmSources};
    pub use rpmkit_vcs::*;
}

pub use error::Error;
pub use ops::OPS;
pub use rpmkit_types::*;
