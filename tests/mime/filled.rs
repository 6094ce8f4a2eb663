//! Merge fields in the parts of a message.

use proptest::prelude::*;

use crate::support::generator;
use crate::support::mail::merge;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_render_is_a_rewrite_of_the_filled_message(
        bits: u8,
        values: [u8; 9],
        fields in prop::collection::vec(any::<[u8; 3]>(), 1..5),
        html in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        merge::any(bits, &[&values[..], &fields.concat()].concat(), &generator::document(&html));
    }

    #[test]
    fn in_any_bytes(bits: u8, values: [u8; 9], fields: [u8; 6], html: Vec<u8>) {
        merge::any(bits, &[&values[..], &fields].concat(), &html);
    }
}
