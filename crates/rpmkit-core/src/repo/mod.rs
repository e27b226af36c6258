//! repo: to come.
