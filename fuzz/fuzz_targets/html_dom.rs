#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

// The first byte chooses whether the rest is HTML or choices of the generator.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((&bits, rest)) if bits & 1 == 0 => support::dom::check(rest),
        Some((_, rest)) => support::dom::check(&support::generator::document(rest)),
        None => {}
    }
});
