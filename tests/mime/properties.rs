//! The laws, for generated messages.

use proptest::prelude::*;

use crate::support::mail::laws::{Judged, check};
use crate::support::mail::{generator, inplace};

/// Choices that make parts, markup and text more often than noise.
fn choices() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![6 => 81u8.., 1 => 61u8..81, 1 => 35u8..61];
    let part = (0u8..34, any::<[u8; 4]>(), prop::collection::vec(text, 0..12));
    let part = part.prop_map(|(kind, choices, text)| [&[kind][..], &choices, &text].concat());
    let parts = prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat());
    (any::<[u8; 6]>(), parts).prop_map(|(start, parts)| [&start[..], &parts].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn generated_messages_obey_the_laws(choices in choices(), bits in any::<u8>()) {
        check(&generator::message(&choices), bits);
    }

    #[test]
    fn any_choices_obey_the_laws(choices: Vec<u8>, bits in any::<u8>()) {
        check(&generator::message(&choices), bits);
    }

    #[test]
    fn bodies_of_any_bytes(data: Vec<u8>) {
        inplace::quoted_printable(&data);
        inplace::base64(&data);
    }

    #[test]
    fn encoded_bodies(data: Vec<u8>) {
        inplace::quoted_printable(&inplace::encoded("quoted-printable", &data));
        inplace::base64(&inplace::encoded("base64", &data));
    }
}

/// The generator makes what the laws can judge: parts that the naive reader reads too, and parts to compare.
#[test]
fn generated_messages_are_worth_it() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut all = Vec::new();
    for _ in 0..1000 {
        let choices = choices().new_tree(&mut runner).expect("choices").current();
        all.push(check(&generator::message(&choices), 0));
    }
    let count = |what: fn(&Judged) -> bool| all.iter().filter(|judged| what(judged)).count();
    let (rewritten, read) = (count(|judged| judged.is_rewritten), count(|judged| judged.has_parts));
    let (compared, restored) = (count(|judged| judged.compared > 0), count(|judged| judged.restored > 0));
    println!("of 1000: {rewritten} rewritten, {read} read, {compared} compared, {restored} restored");
    assert!(rewritten > 150 && read > 700 && compared > 150 && restored > 150);
}
