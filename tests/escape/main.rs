//! What strangers hand us: checkouts, specs, configurations, archives, results. Each reaches for the
//! host, as root, as a user with sub-ids and as one without: no file of the host is read, changed or run.
#![allow(missing_docs)]

mod checkouts;
mod limits;
mod probes;
mod repositories;
mod results;
mod victim;
