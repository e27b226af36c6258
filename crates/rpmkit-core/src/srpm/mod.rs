//! srpm: to come.
