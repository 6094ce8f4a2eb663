#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use support::mail::inplace;

// The last byte chooses whether the rest is a body or choices of the HTML generator, which are encoded.
libfuzzer_sys::fuzz_target!(|data: &[u8]| match data.split_last() {
    Some((&bits, rest)) if bits & 1 == 0 => inplace::quoted_printable(rest),
    Some((_, rest)) => inplace::quoted_printable(&inplace::encoded("quoted-printable", rest)),
    None => {}
});
