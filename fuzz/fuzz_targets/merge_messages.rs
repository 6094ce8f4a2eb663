#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

// The first byte chooses the message around, the second whether the rest is HTML or choices of the generator, the next
// the fields and values.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [bits, how, rest @ ..] = data else { return };
    let (choices, rest) = rest.split_at(rest.len().min(21));
    let generated;
    let html = if how & 1 == 0 {
        rest
    } else {
        generated = support::generator::document(rest);
        &generated
    };
    support::mail::merge::any(*bits, choices, html);
});
