#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

// The first byte chooses options and whether the rest is HTML or choices of the generator, the next the fields and values.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&bits, rest)) = data.split_first() else { return };
    let (choices, rest) = rest.split_at(rest.len().min(20));
    let generated;
    let html = if bits & 128 == 0 {
        rest
    } else {
        generated = support::generator::document(rest);
        &generated
    };
    support::merge::any(bits & 127, choices, html);
});
