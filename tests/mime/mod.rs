//! Whole messages.

mod corpora;
mod fixtures;
mod laws;
mod properties;
mod python;
mod signatures;
