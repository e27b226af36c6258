//! Everything rpmkit knows about RPM, configurations, repositories, layers and builds.
//!
//! Data flows one way: [`config`] → [`repo`] and [`solve`] → [`store`] → sandbox → [`build`] →
//! [`results`]. Nothing reaches back. The crate never prints, never exits and never reads the
//! environment: what a front end must know leaves through [`event`], what went wrong through
//! typed errors gathered in [`error`].

pub mod compress;
pub mod error;
pub mod event;
pub mod ops;
mod rooted;
pub mod types;

pub mod build;
pub mod chroot;
pub mod config;
pub mod pm;
pub mod project;
pub mod repo;
pub mod results;
pub mod rpmfile;
pub mod scm;
pub mod solve;
pub mod srpm;
pub mod store;
pub mod template;

pub use error::{Error, ExitCode, Hint};
pub use event::{Event, Events, Listener};
pub use ops::OPS;
pub use types::*;
