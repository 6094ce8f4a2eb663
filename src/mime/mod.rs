//! Whole messages.

pub(crate) mod charset;
