//! The tests, one binary.

mod cli;
mod html;
mod streams;
mod support;
mod token;
