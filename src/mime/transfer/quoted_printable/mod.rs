//! quoted-printable (RFC 2045, section 6.7), decoded as leniently as mail clients do, and edited in place.

mod decode;
mod edit;
mod line;

pub(super) use self::decode::{Checkpoint, decode, locate, offset};
pub(super) use self::edit::apply;
