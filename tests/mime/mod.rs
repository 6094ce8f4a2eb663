//! Whole messages.

mod bombs;
mod corpora;
mod fixtures;
mod found;
mod laws;
mod properties;
mod python;
mod signatures;
