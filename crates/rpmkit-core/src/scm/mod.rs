//! scm: to come.
