//! The command `openclick`.

fn main() {}
