//! solve: to come.
