//! mock's `.cfg` files: a subset of Python, parsed by a real parser and evaluated as data.
//!
//! Nothing is run. What the subset holds is listed in `docs/configuration.md`; all else is refused
//! with its place and the way to write it as data.

mod calls;
mod expr;
mod fields;
mod format;
mod fstring;
mod guard;
mod include;
mod interp;
mod limits;
mod literal;
mod loading;
mod loops;
mod methods;
mod modules;
mod ops;
mod percent;
mod pure;
mod refuse;
mod regex;
mod run;
mod sequences;
mod text;
mod unit;

pub use literal::literal;
pub(super) use loading::Loading;
pub use percent::percent;
pub(super) use run::run;
pub(super) use unit::ParsedFiles;

pub(super) use super::template::parse_int;
