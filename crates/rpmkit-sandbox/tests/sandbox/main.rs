//! Containers on this very kernel, in the best mode of the user who runs the tests; started by root, all of it once more as a
//! user with subordinate ids and as one without (see `users.rs`).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod border;
mod budget;
mod commands;
mod death;
mod emulate;
mod identity;
mod interactive;
mod local;
mod mounts;
mod ops;
mod place;
mod refused;
mod users;

rpmkit_sandbox::reexec_in_tests!(ops::OPS);
