//! Whole messages.

mod corpora;
mod laws;
mod python;
mod text;
