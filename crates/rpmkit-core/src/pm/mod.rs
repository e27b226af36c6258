//! pm: to come.
