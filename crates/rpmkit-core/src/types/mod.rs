//! The words of the field as types: EVR, NEVRA, dependency, checksum, names and paths.

mod checksum;
mod dep;
mod evr;
mod name;
mod package;
mod path;
mod trust;

pub use checksum::{Checksum, ChecksumKind, Hasher};
pub use dep::{Dep, DepFlag};
pub use evr::{Evr, Nevra, NevraError};
pub use name::{ChrootName, LayerId, NameError};
pub use package::{Location, Package, Requirement};
pub use path::ChrootPath;
pub use trust::{Setting, Trust, Unsigned};
