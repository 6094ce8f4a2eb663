//! Whole messages.

mod bombs;
mod corpora;
mod filled;
mod fixtures;
mod found;
mod laws;
mod parts;
mod properties;
mod python;
mod signatures;
mod templates;
mod text;
