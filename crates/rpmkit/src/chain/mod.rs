//! Chains of packages: what the verbs `chain` and `repo` share, and the worker that makes one build of a chain.
//!
//! [`inputs`] finds packages, [`plan`] makes source packages and reads specs, [`task`] is what a worker is told and
//! answers, [`worker`] does it, [`home`] is where results are kept by key, [`follow`] is what a person sees,
//! [`report`], [`junit`] and [`page`] what is left of a run.

pub mod follow;
pub mod home;
pub mod inputs;
pub mod junit;
pub mod key;
pub mod memory;
pub mod page;
pub mod plan;
pub mod report;
pub mod spool;
pub mod task;
pub mod worker;
