//! `openclick preview`: what a rewrite would do to a mail.

pub(super) mod look;
