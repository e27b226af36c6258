//! The parsers of foreign bytes, for tests that feed them anything. No part of the interface.
#![allow(missing_docs)]

use std::collections::BTreeSet;

use crate::{Rich, comps::Comps, filelists, modules::Modules, primary, xml::XmlError};

pub fn primary(data: &[u8]) {
    let _ = primary::read::<XmlError>(data, |package| {
        for dep in &package.deps {
            let _ = Rich::parse(package.get(dep.name));
        }
        Ok(())
    });
}

pub fn filelists(data: &[u8]) {
    let asked = BTreeSet::from(["/usr/lib/x".to_owned(), "/usr/share/*/y*".to_owned()]);
    let _ = filelists::search(data, asked);
}

pub fn comps(data: &[u8]) {
    let mut comps = Comps::default();
    if comps.add(data).is_ok() {
        let _ = comps.add(data);
    }
}

pub fn modules(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Modules::parse(text);
    }
}
