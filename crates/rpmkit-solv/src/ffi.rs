//! The bindings, and the few functions of the same static library they leave out.

pub(crate) use rattler_libsolv_c::*;

unsafe extern "C" {
    /// Compares two EVR ids by rpm's rules. `mode` 0 is the full comparison.
    pub(crate) fn pool_evrcmp(
        pool: *const Pool,
        evr1: Id,
        evr2: Id,
        mode: std::ffi::c_int,
    ) -> std::ffi::c_int;
}
