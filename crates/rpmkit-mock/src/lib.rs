//! mock's face: its whole command line, its lines, files and exit codes, on rpmkit's engine.
//!
//! [`cmdline`] reads words, [`request`] checks them as mock does, [`modes`] has a file a mode.

pub mod cmdline;
pub mod mode;
pub mod modes;
pub mod request;
pub mod run;

pub use run::VERB;
