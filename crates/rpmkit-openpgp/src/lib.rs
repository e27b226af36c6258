//! OpenPGP keys and signatures: which keys are taken from a file, which signatures are accepted.
//!
//! The rules are those of rpm 6.1, whose reader is Sequoia's with its standard policy; where we go
//! on with a [`Note`] and rpm does not is said in `docs/signatures.md`. The mathematics and the
//! format of single packets are the `pgp` crate's; what belongs to a key, and what is good enough,
//! is decided here.
//!
//! Nothing here looks at a clock: the time is an argument, in seconds since 1970.

mod armour;
mod cert;
mod keyring;
mod packets;
mod policy;
mod problem;
mod signature;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use keyring::{Accepted, Keyring, Note};
pub use problem::{Refusal, SignatureProblem};
pub use signature::{ParsedSignature, signatures};

/// Version of the rules. Raised when something is refused that was accepted before: then what was
/// found out by the old rules, and layers made by them, count no more.
pub const POLICY: u32 = 3;
