#![no_main]

#[path = "../../tests/token/bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::token_decode(data));
