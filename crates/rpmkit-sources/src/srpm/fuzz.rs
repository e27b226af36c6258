//! See [`crate::fuzz`].
#![allow(missing_docs)]

use std::path::Path;

pub fn packit(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = super::packit::Packit::parse(text, Path::new("packit.yaml"));
    }
}

pub fn rpkg(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = super::rpkg::calls(Path::new("x.spec"), text);
    }
}

pub fn tito(data: &[u8]) {
    super::tito::settings(&String::from_utf8_lossy(data));
}
