//! The tests, one binary.

mod smoke;
