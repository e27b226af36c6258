//! The parsers of foreign bytes, for tests that feed them anything. No part of the interface.
#![allow(missing_docs)]

use std::path::Path;

use crate::srpm::ExpandedSpec;
pub use crate::srpm::fuzz::{packit, rpkg, tito};

pub fn expanded_spec(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(spec) = ExpandedSpec::parse(text, Path::new("x.spec"))
    {
        let _ = (spec.main_source(), spec.archive_prefix());
    }
}
