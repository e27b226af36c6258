//! Ids libsolv fixes at pool creation, looked up by the strings they stand for.

use crate::ffi as c;

/// Attribute names, markers and architectures used here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownIds {
    pub prereq_marker: c::Id,
    pub file_marker: c::Id,
    pub filelist: c::Id,
    pub src: c::Id,
    pub nosrc: c::Id,
    pub checksum: c::Id,
    pub size: c::Id,
    pub installed_size: c::Id,
    pub build_time: c::Id,
    pub base: c::Id,
    pub md5: c::Id,
    pub sha1: c::Id,
    pub sha224: c::Id,
    pub sha256: c::Id,
    pub sha384: c::Id,
    pub sha512: c::Id,
}

impl KnownIds {
    /// # Safety
    /// `pool` is a live pool.
    pub(crate) unsafe fn of(pool: *mut c::Pool) -> Self {
        let id = |text: &std::ffi::CStr| {
            // SAFETY: the pool is live, the text ends in NUL.
            unsafe { c::pool_str2id(pool, text.as_ptr(), 1) }
        };
        Self {
            prereq_marker: id(c"solvable:prereqmarker"),
            file_marker: id(c"solvable:filemarker"),
            filelist: id(c"solvable:filelist"),
            src: id(c"src"),
            nosrc: id(c"nosrc"),
            checksum: id(c"solvable:checksum"),
            size: id(c"solvable:downloadsize"),
            installed_size: id(c"solvable:installsize"),
            build_time: id(c"solvable:buildtime"),
            base: id(c"solvable:mediabase"),
            md5: id(c"repokey:type:md5"),
            sha1: id(c"repokey:type:sha1"),
            sha224: id(c"repokey:type:sha224"),
            sha256: id(c"repokey:type:sha256"),
            sha384: id(c"repokey:type:sha384"),
            sha512: id(c"repokey:type:sha512"),
        }
    }
}
