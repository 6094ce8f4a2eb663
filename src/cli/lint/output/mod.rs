//! How findings are told: to people, to programs, to code scanning.

pub(super) mod explain;
pub(super) mod json;
pub(super) mod sarif;
pub(super) mod text;
