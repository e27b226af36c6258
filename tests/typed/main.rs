//! What a user types, as root, as a user with sub-ids and as one without.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod bad_input;
mod builds;
mod killed;
mod repositories;
