//! Whole messages.

mod corpora;
mod fixtures;
mod laws;
mod parts;
mod properties;
mod python;
mod signatures;
mod text;
