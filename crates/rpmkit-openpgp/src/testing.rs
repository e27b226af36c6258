//! Keys and signatures for tests.
