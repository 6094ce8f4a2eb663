#![no_main]

#[path = "../../tests/streams/bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::streams(data));
