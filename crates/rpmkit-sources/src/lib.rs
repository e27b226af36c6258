//! From a checkout to what rpmbuild needs: a spec and its sources.
//!
//! [`srpm`] follows the conventions of a checkout, [`template`] writes specs for projects that have none,
//! [`worker`] does what mock's SCM options ask for.

#[doc(hidden)]
pub mod fuzz;
pub mod srpm;
pub mod template;
pub mod worker;
