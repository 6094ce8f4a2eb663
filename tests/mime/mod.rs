//! Whole messages.

mod corpora;
mod laws;
