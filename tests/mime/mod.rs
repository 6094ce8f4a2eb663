//! Whole messages.

mod corpora;
mod laws;
mod parts;
mod properties;
mod python;
mod signatures;
mod text;
