//! Which packages to install: exactly what dnf would choose, or in words why nothing can be.
//!
//! [`Solver`] takes repositories ([`SolveRepo`]: verified local metadata files and settings), the
//! installed set and a place for caches. [`Solver::solve`] answers a [`SolveRequest`] with a
//! [`Solution`], or with [`SolveError::Unsolvable`], which explains itself.
//!
//! Metadata is parsed once per state of a repository and kept in libsolv's binary form; an answer
//! is kept by everything it depends on, so that the same question costs a file read. Both caches
//! are only caches: on any doubt the metadata itself is read again.
//!
//! ```no_run
//! # use rpmkit_solve::{SolveRequest, Solver, SolveRepo};
//! # fn f() -> Result<(), rpmkit_solve::SolveError> {
//! let mut repo = SolveRepo::new("fedora", "<sha256 of repomd.xml>");
//! repo.primary = Some("primary.xml.zst".into());
//! let mut solver = Solver::new("x86_64", &[repo], &[], "/var/cache/rpmkit/solve".as_ref());
//! let request = SolveRequest {
//!     install: vec!["@buildsys-build".to_owned(), "gcc >= 5".to_owned()],
//!     weak_deps: false,
//!     ..SolveRequest::default()
//! };
//! for package in solver.solve(&request)?.install {
//!     println!("{}", package.nevra);
//! }
//! # Ok(())
//! # }
//! ```

mod available;
mod cache;
mod comps;
mod error;
mod explain;
mod filelists;
mod fill;
mod filter;
#[doc(hidden)]
pub mod fuzz;
mod glob;
mod goal;
mod kernels;
mod load;
mod modules;
mod near;
mod primary;
mod repo;
mod request;
mod rich;
mod solution;
mod solver;
mod subject;
mod xml;
mod yaml;

pub use available::{Available, Relation, available, available_with_relations};
pub use comps::{Comps, CompsEnvironment, Group, Member, MemberKind};
pub use error::SolveError;
pub use explain::{Obstacle, Unsolvable};
pub use filelists::{HeldFile, holders};
pub use glob::glob_matches;
pub use modules::{ModuleStream, module_streams};
pub use near::similar;
pub use repo::{Filelists, SolveRepo};
pub use request::{GroupTypes, HandOver, SolveRequest, Update};
pub use rich::{Rich, RichError};
pub use solution::{Reason, Replacement, Solution};
pub use solver::{Solver, basearch};
pub use xml::XmlError;
