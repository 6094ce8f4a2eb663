//! Addresses in header fields: RFC 5322 §3.4 with its obsolete forms (§4.4), and RFC 6532's characters beyond ASCII.

use std::fmt;

/// An address, as it is spelled but for comments and white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    text: String,
    /// Where the domain begins; the `@` stands before it.
    domain: usize,
}

impl Address {
    /// The part after the `@`; a domain literal keeps its brackets.
    pub(crate) fn domain(&self) -> &str {
        &self.text[self.domain..]
    }

    /// Whether both name one mailbox: domains have no case, what stands before them may have one (RFC 5321 §2.4).
    pub(crate) fn is_same(&self, other: &Address) -> bool {
        self.text[..self.domain] == other.text[..other.domain]
            && self.domain().to_lowercase() == other.domain().to_lowercase()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The value is not a list of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

type Result<T> = std::result::Result<T, Malformed>;

/// All of them.
#[cfg(test)]
pub(crate) fn parse(value: &[u8]) -> Result<Vec<Address>> {
    let mut addresses = Vec::new();
    each(value, |address| addresses.push(address))?;
    Ok(addresses)
}

/// Calls back with each address of an unfolded value, those in groups like any other; one by one, since a hostile header has
/// ten thousands.
pub(crate) fn each(value: &[u8], mut found: impl FnMut(Address)) -> Result<()> {
    let mut list = List { text: value, at: 0 };
    let mut in_group = false;
    loop {
        match list.address(in_group)? {
            Element::Nothing => {}
            Element::Address(address) => found(address),
            Element::Group if in_group => return Err(Malformed),
            Element::Group => {
                in_group = true;
                continue; // its first member follows without a comma
            }
        }
        if in_group && list.take(b';')? {
            in_group = false;
        }
        if !list.take(b',')? {
            break;
        }
    }
    match in_group || list.at < value.len() {
        true => Err(Malformed),
        false => Ok(()),
    }
}

enum Element {
    /// Obsolete lists have empty places.
    Nothing,
    Address(Address),
    /// The name of a group and its colon.
    Group,
}

struct List<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> List<'a> {
    fn address(&mut self, in_group: bool) -> Result<Element> {
        let start = self.at;
        let words = self.words()?;
        match self.peek() {
            Some(b'<') => {
                self.at += 1;
                self.route()?;
                let local = self.words()?;
                let address = self.rest_of_address(&local)?;
                match self.take(b'>')? {
                    true => Ok(Element::Address(address)),
                    false => Err(Malformed),
                }
            }
            Some(b'@') => Ok(Element::Address(self.rest_of_address(&words)?)),
            Some(b':') if !words.is_empty() && !in_group => {
                self.at += 1;
                Ok(Element::Group)
            }
            None | Some(b',' | b';') if words.is_empty() => Ok(Element::Nothing),
            _ => {
                debug_assert!(self.at >= start);
                Err(Malformed)
            }
        }
    }

    /// Words and dots up to the next other special: a display name, or what stands before the `@`.
    fn words(&mut self) -> Result<Vec<&'a [u8]>> {
        let mut words = Vec::new();
        loop {
            self.skip()?;
            let start = self.at;
            match self.peek() {
                Some(b'.') => self.at += 1,
                Some(b'"') => self.quoted()?,
                Some(byte) if is_atom(byte) => self.atom(),
                _ => return Ok(words),
            }
            words.push(&self.text[start..self.at]);
        }
    }

    /// `@` and the domain after these words.
    fn rest_of_address(&mut self, local: &[&[u8]]) -> Result<Address> {
        let (words, dots) = (local.iter().step_by(2), local.iter().skip(1).step_by(2));
        let is_local =
            local.len() % 2 == 1 && !{ words }.any(|word| *word == b".") && { dots }.all(|dot| *dot == b".");
        if !is_local || !self.take(b'@')? {
            return Err(Malformed);
        }
        let mut text = local.concat();
        text.push(b'@');
        let domain = text.len();
        self.domain(&mut text)?;
        let text = String::from_utf8(text).map_err(|_| Malformed)?;
        /// What a delivery takes at most.
        const LONGEST: usize = 998;
        let is_clean = |c: char| !c.is_control() && (c == ' ' || !c.is_whitespace());
        match text.len() <= LONGEST && text.chars().all(is_clean) {
            true => Ok(Address { text, domain }),
            false => Err(Malformed),
        }
    }

    fn domain(&mut self, text: &mut Vec<u8>) -> Result<()> {
        self.skip()?;
        if self.peek() == Some(b'[') {
            let rest = &self.text[self.at..];
            let length = rest.iter().position(|byte| *byte == b']').ok_or(Malformed)? + 1;
            let is_literal = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'[' | b']' | b'\\');
            if length < 3 || !rest[1..length - 1].iter().all(is_literal) {
                return Err(Malformed);
            }
            text.extend_from_slice(&rest[..length]);
            self.at += length;
            return Ok(());
        }
        loop {
            self.skip()?;
            let start = self.at;
            self.atom();
            if self.at == start {
                return Err(Malformed);
            }
            text.extend_from_slice(&self.text[start..self.at]);
            if !self.take(b'.')? {
                return Ok(());
            }
            text.push(b'.');
        }
    }

    /// §4.4: a route, `@a,@b:`, is ignored.
    fn route(&mut self) -> Result<()> {
        self.skip()?;
        if self.peek() != Some(b'@') {
            return Ok(());
        }
        let mut ignored = Vec::new();
        loop {
            if self.take(b'@')? {
                self.domain(&mut ignored)?;
                ignored.clear();
            } else if !self.take(b',')? {
                break;
            }
        }
        if self.take(b':')? { Ok(()) } else { Err(Malformed) }
    }

    fn atom(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(|byte| !is_atom(*byte)).unwrap_or(rest.len());
    }

    fn quoted(&mut self) -> Result<()> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') if self.at + 1 < self.text.len() => self.at += 2,
                Some(b'\\') | None => return Err(Malformed),
                Some(_) => self.at += 1,
            }
        }
    }

    /// Skips white space and comments; those in comments by counting, since they may be nested without end.
    fn skip(&mut self) -> Result<()> {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => self.at += 1,
                _ if depth > 0 => {}
                _ => return Ok(()),
            }
            self.at += 1;
        }
        if depth > 0 { Err(Malformed) } else { Ok(()) }
    }

    fn take(&mut self, byte: u8) -> Result<bool> {
        self.skip()?;
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        Ok(is_there)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// §3.2.3, and RFC 6532 §3.2: whatever is beyond ASCII.
fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(value: &str) -> Option<String> {
        let list: Vec<_> = parse(value.as_bytes()).ok()?.iter().map(ToString::to_string).collect();
        Some(list.join(" | "))
    }

    #[test]
    fn addresses_of_rfc_5322_and_of_life() {
        for (value, expected) in [
            // RFC 5322, appendix A.
            ("John Doe <jdoe@machine.example>", "jdoe@machine.example"),
            (
                "\"Joe Q. Public\" <john.q.public@example.com>, Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
                "john.q.public@example.com | mary@x.test | jdoe@example.org | one@y.test",
            ),
            (
                "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
                "boss@nil.test | sysservices@example.net",
            ),
            (
                "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
                "c@a.test | joe@where.test | jdoe@one.test",
            ),
            ("Undisclosed recipients:;", ""),
            ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "pete@silly.test"),
            (
                "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n joe@example.org,\r\n John <jdoe@one.test> (my dear friend); (the end of the group)",
                "c@public.example | joe@example.org | jdoe@one.test",
            ),
            ("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", ""),
            ("Joe Q. Public <john.q.public@example.com>", "john.q.public@example.com"),
            (
                "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
                "mary@example.net | jdoe@test.example",
            ),
            ("<@a.test,@b.test : c@d.test>", "c@d.test"),
            // Local parts and domains of other kinds.
            ("\"john doe\"@example.com", "\"john doe\"@example.com"),
            ("\"a@b\".c@example.com", "\"a@b\".c@example.com"),
            ("a@[192.0.2.1]", "a@[192.0.2.1]"),
            ("a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"),
            ("root@localhost", "root@localhost"),
            ("a+b=c/d@Example.COM", "a+b=c/d@Example.COM"),
            ("Jürgen <jürgen@bücher.example>", "jürgen@bücher.example"),
            ("用户@例子.广告", "用户@例子.广告"),
            ("=?utf-8?Q?J=C3=B6rg=2C_A=40B?= <j@example.org>", "j@example.org"),
            ("a@b.example,", "a@b.example"),
            (" , ,", ""),
            ("", ""),
        ] {
            assert_eq!(addresses(value).as_deref(), Some(expected), "{value}");
        }
    }

    /// What Python's `email.utils.getaddresses` finds in each value, without the names; `None` without Python.
    fn by_python(values: &[String]) -> Option<Vec<Vec<String>>> {
        use std::io::Write;
        use std::process::{Command, Stdio};

        const SCRIPT: &str = "import email.utils, json, sys
values = json.load(sys.stdin.buffer)
print(json.dumps([[a for _, a in email.utils.getaddresses([v]) if a] for v in values]))";
        let mut command = Command::new("python3");
        command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut python) = command.spawn() else {
            eprintln!("skipped: no python3 here");
            return None;
        };
        let input = serde_json::to_vec(values).unwrap();
        let mut stdin = python.stdin.take().unwrap();
        // In a thread of its own: neither pipe may fill up.
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = python.wait_with_output().unwrap();
        if writer.join().unwrap().is_err() || !output.status.success() {
            eprintln!("skipped: python3 has no email.utils here");
            return None;
        }
        Some(serde_json::from_slice(&output.stdout).unwrap())
    }

    #[test]
    fn as_python_reads_them() {
        use proptest::strategy::{Strategy, ValueTree};
        use proptest::test_runner::TestRunner;

        const NAMES: &str =
            "(|[A-Z][a-z]{0,3}( [A-Z]\\.?)?( [a-z]+)?|\"[a-z,@<>; .]{1,8}\"|=\\?utf-8\\?q\\?[A-Z]=2C\\?=)";
        const ADDRESS: &str = "([a-z0-9+_=/!-]{1,6}(\\.[a-zü]{1,4}){0,2}|\"[a-z @,]{1,6}\")@([a-zü-]{1,6}(\\.[a-z]{2,4}){0,2}|\\[192\\.0\\.2\\.1\\])";
        let mailbox = format!("({NAMES} <{ADDRESS}>|{ADDRESS})( \\([a-z @,]{{0,5}}\\))?");
        let list =
            format!("{mailbox}(, ?{mailbox}){{0,3}}|[A-Z][a-z]{{1,4}}: ?({mailbox}(, {mailbox}){{0,2}})?;");
        let mut runner = TestRunner::deterministic();
        let strategy = proptest::string::string_regex(&list).unwrap();
        let values: Vec<String> =
            (0..2000).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
        let Some(python) = by_python(&values) else { return };
        for (value, expected) in values.iter().zip(python) {
            let ours = parse(value.as_bytes()).map(|list| list.iter().map(ToString::to_string).collect());
            assert_eq!(ours, Ok(expected), "{value}");
        }
    }

    #[test]
    fn what_is_malformed() {
        for value in [
            "John Doe",
            "John Doe jdoe@example.org",
            "jdoe@example.org John",
            "a@b@c",
            "a@",
            "@b",
            "a@b.",
            "a@.b",
            ".a@b",
            "a.@b",
            "a..b@c",
            "<a@b",
            "a@b>",
            "<a@b> c",
            "<>",
            "<a>",
            "a@b c@d",
            "a@b; c@d",
            "a@x <b@y>",
            "a\\@b@c",
            "\"a@b",
            "(a@b",
            "a@b)",
            "group: a@b",
            "group: other: a@b;;",
            ":a@b;",
            "a@[1",
            "a@[]",
            "a@[a\\]b]",
            "a@b\0",
            "\"a\0b\"@c",
            "\"a\nb\"@c",
            "a\u{a0}b@c",
            "a@b\u{85}c",
            "<@a b@c>",
            "\"",
            "\"\\",
            "(\\",
        ] {
            assert_eq!(addresses(value), None, "{value:?}");
        }
        assert!(parse(b"J\xfcrgen <j@example.org>").is_ok(), "a name may be anything");
        assert!(parse(b"j\xfcrgen@example.org").is_err(), "an address is UTF-8");
        assert!(parse(format!("{}@b", "a".repeat(996)).as_bytes()).is_ok());
        assert!(parse(format!("{}@b", "a".repeat(997)).as_bytes()).is_err());
    }

    #[test]
    fn same_mailboxes() {
        let same = |one: &str, other: &str| {
            let of = |text: &str| parse(text.as_bytes()).unwrap().remove(0);
            of(one).is_same(&of(other))
        };
        assert!(same("a@Example.org", "A <a@example.ORG>"));
        assert!(!same("A@example.org", "a@example.org"));
    }

    #[test]
    fn hostile_lists_take_no_time() {
        let start = std::time::Instant::now();
        for piece in ["a@b,", "(", "a:", "\"", "<", ".", "@a,", "a ", "\\", "a@b;"] {
            let _ = parse(piece.repeat(250_000 / piece.len()).as_bytes());
        }
        let nested = format!("{}{}a@b", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(addresses(&nested).as_deref(), Some("a@b"));
        assert!(start.elapsed().as_secs() < 5);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

        #[test]
        fn an_address_reads_as_itself(value in "([ab.@<>,:;()\\[\\]\"\\\\ ü\n]|a@b|<a@b>|\"a b\"){0,12}") {
            for address in parse(value.as_bytes()).unwrap_or_default() {
                let again = parse(address.to_string().as_bytes());
                assert_eq!(again, Ok(vec![address]));
            }
        }
    }
}
