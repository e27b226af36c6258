//! results: to come.
