//! What a user types, as root, as a user with sub-ids and as one without.
#![allow(missing_docs)]

mod after_failure;
mod bad_input;
mod builds;
mod generations;
mod joined;
mod killed;
mod new_specs;
mod repositories;
mod roots;
mod source_packages;
mod sources;
