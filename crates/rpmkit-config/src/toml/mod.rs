//! Our own format: the same options under the same names, as TOML.

mod read;
mod repos;
mod value;
mod write;

pub(super) use read::{Chroots, apply, beside, candidates, extends, parse};
pub(super) use repos::Repos;
pub(super) use write::Literal;
pub use write::to_toml;
