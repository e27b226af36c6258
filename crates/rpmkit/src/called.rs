//! The other programs of the suite, when this one is called by their names: in a distribution of one file
//! they are links to it.

use std::{ffi::OsStr, path::Path};

use rpmkit_cli::Verb;

/// The program a first word names, if it is one of the others'.
pub fn by_name(word: &OsStr) -> Option<&'static Verb> {
    match Path::new(word).file_name()?.to_str()? {
        "mock" | "rpmkit-mock" => Some(&rpmkit_mock::VERB),
        "mock-hermetic-repo" | "rpmkit-hermetic-repo" => Some(&rpmkit_mock::HERMETIC_REPO),
        "mock-parse-buildlog" => Some(&rpmkit_mock::PARSE_BUILDLOG),
        "mockchain" => Some(&rpmkit_mock::CHAIN),
        "rpmkit-scm" | "mock-scm" => Some(&rpmkit_scm::VERB),
        "rpmkit-snap" => Some(&rpmkit_snap::VERB),
        "rpmkit-srpm" => Some(&rpmkit_srpm::VERB),
        _ => None,
    }
}
