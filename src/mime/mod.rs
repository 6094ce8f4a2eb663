//! Whole messages (RFC 5322 and MIME).

pub(crate) mod transfer;
