//! The tests, one binary.

mod cli;
mod smoke;
