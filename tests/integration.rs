//! The tests, one binary.

mod cli;
mod html;
mod mime;
mod streams;
mod support;
mod token;
