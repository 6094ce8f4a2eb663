//! quoted-printable (RFC 2045, section 6.7), decoded as leniently as mail clients do, and edited in place.

mod decode;
mod edit;
mod line;
mod moved;

pub(super) use self::decode::{Checkpoint, decode, locate, offset};
pub(crate) use self::edit::Changed;
pub(super) use self::edit::{Ways, apply};
pub(crate) use self::moved::{Moved, Side};
