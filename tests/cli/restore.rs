//! `openclick restore`.
