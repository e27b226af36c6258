//! mock's face: its whole command line, its lines, files and exit codes, on rpmkit's engine.
//!
//! [`cmdline`] reads words, [`request`] checks them as mock does, [`modes`] has a file a mode.

pub mod chain_name;
pub mod cmdline;
pub mod hermetic_repo;
pub mod mode;
pub mod modes;
pub mod parse_buildlog;
pub mod request;
pub mod run;

pub use chain_name::VERB as CHAIN;
pub use hermetic_repo::VERB as HERMETIC_REPO;
pub use parse_buildlog::VERB as PARSE_BUILDLOG;
pub use run::VERB;
