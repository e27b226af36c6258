//! chroot: to come.
