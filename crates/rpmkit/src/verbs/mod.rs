//! The front door's own verbs, one file each: arguments, whose comments are the help, and `run`.

pub mod build;
pub mod cache;
pub mod chain;
pub mod completions;
pub mod config;
pub mod diff;
pub mod doctor;
pub mod hint;
pub mod history;
pub mod log;
pub mod new;
pub mod repo;
pub mod shell;
pub mod why;
