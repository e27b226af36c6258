//! mock's face: its whole command line, its lines, files and exit codes, on rpmkit's engine.
//!
//! [`cmdline`] reads words, [`request`] checks them as mock does, [`modes`] has a file a mode.

pub mod cmdline;
pub mod hermetic_repo;
pub mod mode;
pub mod modes;
pub mod request;
pub mod run;

pub use hermetic_repo::VERB as HERMETIC_REPO;
pub use run::VERB;
