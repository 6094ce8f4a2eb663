//! The tests, one binary.

mod cli;
mod html;
mod mime;
mod support;
mod token;
