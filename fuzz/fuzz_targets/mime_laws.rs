#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use support::mail::{generator, laws};

// The first byte chooses the delivery; the rest are choices of the generator.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&bits, rest)) = data.split_first() else { return };
    laws::check(&generator::message(rest), bits);
});
