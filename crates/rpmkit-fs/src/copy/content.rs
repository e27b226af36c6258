//! A file's data, its holes as holes.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use rustix::{
    fs::{SeekFrom as Find, seek},
    io::Errno,
};

use crate::Meta;

/// Copies at most what `meta` says the file holds; how many bytes of data.
pub(super) fn copy_data(mut from: &File, mut to: &File, meta: &Meta) -> io::Result<u64> {
    let size = meta.len();
    if meta.on_disk() >= size {
        // The library uses copy_file_range(2), which shares extents on btrfs and xfs.
        return io::copy(&mut from.take(size), &mut to);
    }
    let mut at = 0;
    let mut copied = 0;
    while at < size {
        let start = match seek(from, Find::Data(at)) {
            Ok(start) => start,
            // A hole up to the end.
            Err(Errno::NXIO) => break,
            // The file system does not tell.
            Err(Errno::INVAL) if at == 0 => return io::copy(&mut from.take(size), &mut to),
            Err(e) => return Err(e.into()),
        };
        if start >= size {
            break;
        }
        let end = seek(from, Find::Hole(start))?.min(size);
        from.seek(SeekFrom::Start(start))?;
        to.seek(SeekFrom::Start(start))?;
        copied += io::copy(&mut from.take(end - start), &mut to)?;
        at = end;
    }
    to.set_len(size)?;
    Ok(copied)
}
