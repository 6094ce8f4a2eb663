#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

// Any bytes as a message; the first one chooses the delivery.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&bits, rest)) = data.split_first() else { return };
    support::mail::laws::check(rest, bits);
});
