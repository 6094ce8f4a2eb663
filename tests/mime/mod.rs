//! Whole messages.

mod corpora;
mod laws;
mod properties;
mod python;
mod signatures;
