//! rpmfile: to come.
