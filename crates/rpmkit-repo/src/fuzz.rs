//! The parsers of foreign bytes, for tests that feed them anything. No part of the interface.
#![allow(missing_docs)]

use crate::{mirrors, repomd::Repomd};

pub fn repomd(data: &[u8]) {
    let _ = Repomd::parse(data);
}

pub fn metalink(data: &[u8]) {
    let _ = mirrors::parse_metalink(data);
}

pub fn mirrorlist(data: &[u8]) {
    let _ = mirrors::parse_list(&String::from_utf8_lossy(data));
}
