//! `qsort_r` as a merge sort.
//!
//! libsolv sorts candidates with `qsort_r` and its answer depends on equal elements keeping their
//! order. dnf's answers come from a glibc whose `qsort_r` was a merge sort; newer glibcs and musl
//! sort otherwise and would choose other packages. The definition here takes the place of the C
//! library's in every program that links this crate, so that no host decides.

use std::{
    ffi::{c_int, c_void},
    sync::atomic::{AtomicU64, Ordering},
};

/// The comparison function C hands over.
type Compare = unsafe extern "C" fn(*const c_void, *const c_void, *mut c_void) -> c_int;

static CALLS: AtomicU64 = AtomicU64::new(0);

/// How often the process has sorted through this definition. Lets a test prove that it is linked.
pub fn calls() -> u64 {
    CALLS.load(Ordering::Relaxed)
}

/// Sorts `count` elements of `size` bytes at `base`, keeping the order of equal ones.
///
/// # Safety
/// As for C's `qsort_r`: `base` points to `count * size` bytes nobody else uses meanwhile, and
/// `compare` may be called with pointers to elements there and with `argument`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qsort_r(
    base: *mut c_void,
    count: usize,
    size: usize,
    compare: Compare,
    argument: *mut c_void,
) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let Some(total) = count.checked_mul(size) else {
        return;
    };
    if count < 2 || size == 0 {
        return;
    }
    let mut spare = vec![0u8; total];
    // SAFETY: `base` covers `total` bytes as the caller promises, and `spare` is as long.
    unsafe {
        halves(
            base.cast(),
            count,
            size,
            compare,
            argument,
            spare.as_mut_ptr(),
        )
    }
}

/// Sorts the two halves, then merges them through `spare`.
///
/// # Safety
/// `base` and `spare` each cover `count * size` bytes and do not overlap.
unsafe fn halves(
    base: *mut u8,
    count: usize,
    size: usize,
    compare: Compare,
    argument: *mut c_void,
    spare: *mut u8,
) {
    if count < 2 {
        return;
    }
    let left = count / 2;
    // SAFETY: both halves lie within what `base` covers; `spare` is large enough for either.
    let mut second = unsafe { base.add(left * size) };
    // SAFETY: as above.
    unsafe {
        halves(base, left, size, compare, argument, spare);
        halves(second, count - left, size, compare, argument, spare);
    }
    let (mut first, mut out) = (base, spare);
    let (mut in_first, mut in_second) = (left, count - left);
    while in_first > 0 && in_second > 0 {
        // SAFETY: both point at elements not yet taken, inside `base`.
        let order = unsafe { compare(first.cast(), second.cast(), argument) };
        let from = if order <= 0 { &mut first } else { &mut second };
        // SAFETY: `from` is an element of `base`; `out` has room, as no more elements are written
        // than `count`; the two buffers do not overlap.
        unsafe {
            out.copy_from_nonoverlapping(*from, size);
            *from = from.add(size);
            out = out.add(size);
        }
        if order <= 0 {
            in_first -= 1;
        } else {
            in_second -= 1;
        }
    }
    // What is left of the second half already stands where it belongs.
    // SAFETY: `in_first` elements remain at `first`, and that many are still free at `out`.
    unsafe {
        out.copy_from_nonoverlapping(first, in_first * size);
        base.copy_from_nonoverlapping(spare, (count - in_second) * size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn by_first(a: *const c_void, b: *const c_void, _: *mut c_void) -> c_int {
        // SAFETY: the tests below sort pairs of i32.
        let (a, b) = unsafe { (*a.cast::<[i32; 2]>(), *b.cast::<[i32; 2]>()) };
        a[0].cmp(&b[0]) as c_int
    }

    #[test]
    fn libsolv_sorts_through_ours_and_stably() {
        let mut seed = 7u32;
        for len in [0usize, 1, 2, 3, 10, 257, 1000] {
            let mut data: Vec<[i32; 2]> = (0..len)
                .map(|i| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    [(seed >> 24) as i32 % 7, i as i32]
                })
                .collect();
            let mut want = data.clone();
            want.sort_by_key(|pair| pair[0]);
            let before = calls();
            // SAFETY: the vector holds `len` pairs and the comparison reads only pairs.
            unsafe {
                rattler_libsolv_c::solv_sort(
                    data.as_mut_ptr().cast(),
                    len,
                    size_of::<[i32; 2]>(),
                    Some(by_first),
                    std::ptr::null_mut(),
                );
            }
            assert!(
                calls() > before,
                "libsolv's solv_sort did not come through our qsort_r"
            );
            assert_eq!(data, want);
        }
    }

    #[test]
    fn an_inconsistent_order_does_no_harm() {
        unsafe extern "C" fn odd(_: *const c_void, _: *const c_void, n: *mut c_void) -> c_int {
            // SAFETY: the argument is the counter below.
            let n = unsafe { &mut *n.cast::<i32>() };
            *n += 1;
            *n % 3 - 1
        }
        let mut data: Vec<i32> = (0..100).collect();
        let mut counter = 0i32;
        // SAFETY: the vector holds 100 elements of four bytes; the argument outlives the call.
        unsafe {
            qsort_r(
                data.as_mut_ptr().cast(),
                100,
                4,
                odd,
                (&raw mut counter).cast(),
            );
        }
        data.sort_unstable();
        assert_eq!(data, (0..100).collect::<Vec<i32>>());
    }
}
