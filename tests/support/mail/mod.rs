//! Messages: made from choices, read naively, and judged.

pub(crate) mod codec;
pub(crate) mod generator;
pub(crate) mod inplace;
pub(crate) mod laws;
pub(crate) mod merge;
pub(crate) mod part;
pub(crate) mod reader;
pub(crate) mod template;
