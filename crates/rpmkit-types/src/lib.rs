//! The words of the field as types: EVR, NEVRA, dependency, checksum, names and paths; and what a run tells
//! whoever listens: events, hints, exit codes.

mod checksum;
pub mod compress;
mod dep;
pub mod event;
mod evr;
mod exit;
mod file_name;
mod hint;
mod name;
mod package;
mod packed;
mod path;
pub mod rooted;
pub mod scm;
mod toml_guard;
mod trust;
pub mod untar;

pub use checksum::{Checksum, ChecksumKind, Hasher};
pub use dep::{Dep, DepFlag};
pub use event::{Event, Events, Listener};
pub use evr::{Evr, Nevra, NevraError};
pub use exit::ExitCode;
pub use file_name::{is_source_package, source_stem};
pub use hint::{AnyCodedError, CodedError, Hint};
pub use name::{ChrootName, LayerId, NameError};
pub use package::{Location, Package, Requirement};
pub use packed::{Limited, MAX_METADATA, Packed};
pub use path::ChrootPath;
pub use toml_guard::check_toml;
pub use trust::{Setting, Trust, Unsigned, VerifyLevel};
