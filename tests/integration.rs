//! The tests, one binary.

mod cli;
mod html;
mod support;
mod token;
