//! Whole messages.

mod corpora;
mod laws;
mod parts;
mod python;
mod text;
