//! Headers that used to end the reader, and each limit on its own.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::{lead_and_signature, raw_header};

const OFFSET: &[u8] = include_bytes!("../../../../tests/fixtures/crash/header-offset.src.rpm");
const COUNT: &[u8] = include_bytes!("../../../../tests/fixtures/crash/header-count.src.rpm");

fn read(mut bytes: &[u8]) -> Result<PackageMetadata, HeaderError> {
    read_metadata(&mut bytes)
}

/// What is said about a package with this header behind a good signature.
fn about(index: &[[u32; 4]], store: &[u8]) -> String {
    let mut bytes = lead_and_signature();
    bytes.extend(raw_header(index, store));
    match read(&bytes) {
        Ok(_) => "good".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn packages_that_panicked_are_refused() {
    let error = read(OFFSET).unwrap_err();
    assert!(matches!(error, HeaderError::Tag { .. }), "{error}");
    let error = read(COUNT).unwrap_err();
    assert!(
        matches!(error, HeaderError::Tag { .. } | HeaderError::TooMuch { .. }),
        "{error}"
    );
}

#[test]
fn every_number_of_the_index_is_looked_at() {
    let name = [1000, 6, 0, 1];
    assert_eq!(about(&[name], b"x\0"), "good");
    for (entry, what) in [
        ([1000, 6, 3, 1], "outside"),
        ([1000, 6, u32::MAX, 1], "outside"),
        ([1000, 6, 1, 1], "good"),
        ([1000, 6, 2, 1], "does not end"),
        ([1000, 6, 0, 2], "another count"),
        ([1000, 8, 0, 2], "does not end"),
        ([1000, 8, 0, u32::MAX], "texts"),
        ([1000, 4, 0, 1], "does not end"),
        ([1000, 4, 0, u32::MAX], "does not end"),
        ([1000, 5, 0, u32::MAX], "does not end"),
        ([1000, 7, 0, u32::MAX], "does not end"),
        ([1000, 0, 0, 1], "no type"),
        ([1000, 10, 0, 1], "no type"),
    ] {
        let said = about(&[entry], b"x\0");
        assert!(said.contains(what), "{entry:?}: {said}");
    }
    assert!(about(&[name, name], b"x\0").contains("overlaps"));
}

#[test]
fn sizes_are_limited_before_anything_is_allocated() {
    for (tags, data, what) in [
        (0x1_0000_u32, 0_u32, "65536 tags"),
        (u32::MAX, 0, "tags"),
        (0, (256 << 20) + 1, "bytes"),
        (0, u32::MAX, "bytes"),
        (0xffff, 256 << 20, "ends inside the header"),
    ] {
        let mut bytes = lead_and_signature();
        bytes.extend(HEADER_MAGIC);
        bytes.extend([0; 4]);
        bytes.extend(tags.to_be_bytes());
        bytes.extend(data.to_be_bytes());
        let said = read(&bytes).unwrap_err().to_string();
        assert!(said.contains(what), "{tags} {data}: {said}");
    }
}

#[test]
fn one_long_directory_of_many_files_is_too_much() {
    let files = 200_000_u32;
    let names = files as usize * 2;
    let mut store = b"x\0".repeat(files as usize);
    store.extend(vec![b'd'; 4000]);
    store.push(0);
    store.resize(store.len().next_multiple_of(4), 0);
    let indexes = store.len();
    store.resize(indexes + 4 * files as usize, 0);
    let index = [
        [DIRINDEXES, 4, indexes as u32, files],
        [BASENAMES, 8, 0, files],
        [DIRNAMES, 8, names as u32, 1],
    ];
    assert!(about(&index, &store).contains("paths together"));
}
