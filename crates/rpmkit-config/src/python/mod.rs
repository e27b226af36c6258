//! mock's `.cfg` files: a subset of Python, parsed by a real parser and evaluated as data.
//!
//! Nothing is run. What the subset holds is listed in `docs/configuration.md`; all else is refused
//! with its place and the way to write it as data.

mod calls;
mod expr;
mod format;
mod fstring;
mod guard;
mod include;
mod interp;
mod limits;
mod literal;
mod loading;
mod methods;
mod modules;
mod ops;
mod percent;
mod refuse;
mod run;
mod unit;

pub use literal::literal;
pub(super) use loading::Loading;
pub use percent::percent;
pub(super) use run::run;
pub(super) use unit::Cache;

pub(super) use super::template::parse_int;
