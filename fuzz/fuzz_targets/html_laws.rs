#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

// The first byte chooses options and whether the rest is HTML or choices of the generator.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&bits, rest)) = data.split_first() else { return };
    let generated;
    let html = if bits & 128 == 0 {
        rest
    } else {
        generated = support::generator::document(rest);
        &generated
    };
    support::laws::check(html);
    support::laws::check_with_options(html, bits & 127);
});
