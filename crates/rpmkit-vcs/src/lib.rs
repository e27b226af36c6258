//! From source control to a directory rpmbuild can use: checkouts (git, svn, cvs, dist-git) and
//! archives of them that are the same bytes on any day and for any user.
//!
//! Nothing here knows about chroots. [`archive`] turns a commit, a working tree or a plain
//! directory into a tarball; [`git`] opens, clones and asks repositories; the rest adds what
//! mock's SCM options mean on top. Paths inside repositories are bytes, as git has them.

pub mod archive;
pub mod distgit;
mod download;
pub mod error;
#[doc(hidden)]
pub mod fuzz;
pub mod git;
mod host;
pub mod options;
pub mod svn;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(any(test, feature = "testing"))]
pub mod testing_server;
mod url;

pub use archive::{ArchiveCompression, ArchiveOptions, FileTimes};
pub use download::Download;
pub use error::ScmError;
pub use host::{CommandEnv, run as run_on_host};
pub use options::{Method, ScmOptions};
