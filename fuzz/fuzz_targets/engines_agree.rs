#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

// The first byte chooses options and whether the rest is HTML or choices of the generator.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((&bits, rest)) if bits & 128 == 0 => support::engines::agree(rest, bits & 127),
        Some((&bits, rest)) => support::engines::agree(&support::generator::document(rest), bits & 127),
        None => {}
    }
});
