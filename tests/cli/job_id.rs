//! `job-id`: names that PowerMTA takes, and what is wrong with others.

use super::{Sandbox, run};

#[test]
fn each_character_becomes_one() {
    let sandbox = Sandbox::new();
    let of = |names: &[&str]| run(sandbox.command([&["job-id"], names].concat()), "").ok();
    assert_eq!(of(&["Spring sale"]), "Spring_sale\n");
    assert_eq!(of(&["a\"b`c", "Frühling 😀", ""]), "a_b_c\nFr_hling__\n\n");
    assert_eq!(of(&["--", "-x", "--check"]), "-x\n--check\n");
    let valid = r"AZaz09!#$%&'()*+,-./:;<=>?@[\]^_{|}~";
    assert_eq!(of(&[valid]), format!("{valid}\n"));
}

#[test]
fn lines_of_stdin() {
    let sandbox = Sandbox::new();
    // Invalid UTF-8 is one character for each piece that cannot be decoded, an empty line stays one.
    let run = sandbox.run("job-id", b" Spring sale\r\n\nplain\n\xff\xe2\x82x\xe4\nlast".as_slice());
    assert_eq!(run.ok(), "_Spring_sale\n\nplain\n__x_\nlast\n");
    assert_eq!(sandbox.run("job-id", "").ok(), "");
    let long = "a".repeat(256 * 1024);
    assert_eq!(sandbox.run("job-id", format!("{long}\n")).ok(), format!("{long}\n"));
    let run = sandbox.run("job-id", format!("a\n{long}a\nb\n"));
    assert_eq!((run.code, run.out.as_str()), (Some(65), "a\n"));
    assert_eq!(run.err, "openclick: job-id: line 2 has more than 262144 bytes\n");
}

#[test]
fn a_check_shows_where() {
    let sandbox = Sandbox::new();
    sandbox.run("job-id --check spring autumn", "").ok();
    sandbox.run("job-id --check", "spring\r\nautumn\n").ok();
    let checked =
        run(sandbox.command(["job-id", "--check", "spring", "spring sale", "\u{1b}[31m\u{202e}x"]), "");
    assert_eq!(checked.code, Some(1));
    insta::assert_snapshot!(checked.out, @r"
    2: character 7 is U+0020
      spring sale
            ^
    3: character 1 is U+001B
      \u{1b}[31m\u{202e}x
      ^
    ");
    assert_eq!(checked.err, "openclick: job-id: 2 of 3 not a job id\n");
    // No mail filter: 1 stays 1.
    assert_eq!(sandbox.run("job-id --check", "a b\n").code, Some(1));
    assert_eq!(sandbox.run("job-id --chekc", "").code, Some(64));
}
