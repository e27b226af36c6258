//! libsolv's growing array of ids, freed when dropped.

use crate::ffi as c;

/// An owned queue.
pub(crate) struct Queue(c::Queue);

impl Queue {
    pub(crate) fn new() -> Self {
        let mut queue = std::mem::MaybeUninit::uninit();
        // SAFETY: queue_init fills all fields of the structure it is given.
        unsafe {
            c::queue_init(queue.as_mut_ptr());
            Self(queue.assume_init())
        }
    }

    pub(crate) fn push(&mut self, id: c::Id) {
        // SAFETY: the queue is initialised; inserting at its end is always allowed.
        unsafe { c::queue_insert(&raw mut self.0, self.0.count, id) }
    }

    pub(crate) fn ids(&self) -> &[c::Id] {
        if self.0.count <= 0 || self.0.elements.is_null() {
            return &[];
        }
        // SAFETY: `elements` points to `count` ids as long as the queue is not changed, which the
        // borrow of self prevents.
        unsafe { std::slice::from_raw_parts(self.0.elements, self.0.count as usize) }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut c::Queue {
        &raw mut self.0
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, freed only here.
        unsafe { c::queue_free(&raw mut self.0) }
    }
}
