//! Key files, slots and rotation.

use openclick::{
    DecodeError, DecodeErrorKind, Decoder, ErrorKind, EventKind, KeyFile, KeyRing, KeyState, Token,
    TokenFields,
};

use super::{domain, writer};

const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";

fn sealed(keys: &KeyRing) -> String {
    writer("t.example.com", keys).url(&TokenFields::new(EventKind::Open, "m"), None).unwrap()
}

fn opened(keys: &KeyRing, url: &str) -> Result<Token, DecodeError> {
    Decoder::new(keys.clone()).tracking_domain(domain("t.example.com")).decode(url)
}

#[test]
fn slots_have_their_own_keys() {
    let file = |a: &str, b: &str| KeyRing::parse(&format!("4 {a} {ONE}\n31 {b} {TWO}\n")).unwrap();
    let (first, second) = (file("active", "accept"), file("accept", "active"));
    for (keys, slot) in [(&first, 4), (&second, 31)] {
        assert_eq!(keys.active_slot(), slot);
        for reader in [&first, &second] {
            assert_eq!(opened(reader, &sealed(keys)).unwrap().slot(), slot);
        }
    }
    let retired = file("retired", "active");
    assert_eq!(opened(&retired, &sealed(&first)).unwrap_err().kind(), DecodeErrorKind::RetiredKey(4));
    let gone = KeyRing::parse(&format!("31 active {TWO}\n")).unwrap();
    assert_eq!(opened(&gone, &sealed(&first)).unwrap_err().kind(), DecodeErrorKind::UnknownKey(4));
    // The right key in the wrong slot is the wrong key.
    let moved = KeyRing::parse(&format!("5 active {ONE}\n4 accept {TWO}\n")).unwrap();
    assert_eq!(opened(&moved, &sealed(&first)).unwrap_err().kind(), DecodeErrorKind::NotAuthentic);
}

#[test]
fn a_rotation_breaks_no_link() {
    let mut file = KeyFile::new();
    let before = KeyRing::parse(&file.text()).unwrap();
    let old = sealed(&before);
    let slot = file.add(None).unwrap();
    let deployed = KeyRing::parse(&file.text()).unwrap();
    file.promote(slot).unwrap();
    let promoted = KeyRing::parse(&file.text()).unwrap();
    let new = sealed(&promoted);
    // While the promoted file is on its way, machines with the deployed one read both.
    for keys in [&deployed, &promoted] {
        assert!(opened(keys, &old).is_ok() && opened(keys, &new).is_ok());
    }
    assert_eq!(opened(&before, &new).unwrap_err().kind(), DecodeErrorKind::UnknownKey(1));
    file.retire(0).unwrap();
    let retired = KeyRing::parse(&file.text()).unwrap();
    assert_eq!(opened(&retired, &old).unwrap_err().kind(), DecodeErrorKind::RetiredKey(0));
    assert!(opened(&retired, &new).is_ok());
}

#[test]
fn not_after_stops_sealing_and_never_opening() {
    let keys = KeyRing::parse(&format!("0 active {ONE} 2026-12-29\n")).unwrap();
    let end = 20_817 * 86_400;
    assert!(keys.check_sealing(end - 1).is_ok());
    let error = keys.check_sealing(end).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    assert!(
        error.to_string().contains("slot 0") && error.to_string().contains("2026-12-29T23:59:59Z"),
        "{error}"
    );
    assert!(opened(&keys, &sealed(&keys)).is_ok());
    let exact = KeyRing::parse(&format!("0 active {ONE} 2026-12-29T12:00:00Z\n")).unwrap();
    assert!(exact.check_sealing(20_816 * 86_400 + 43_200).is_ok());
    assert!(exact.check_sealing(20_816 * 86_400 + 43_201).is_err());
    assert!(KeyRing::from_bytes([1; 32]).check_sealing(u64::MAX).is_ok());
}

#[test]
fn errors_name_line_and_offset_and_no_secret() {
    for (line, why) in [
        (format!("x active {TWO}"), "slot from 0 to 31, found \"x\""),
        (format!("32 active {TWO}"), "slot from 0 to 31"),
        (format!("-1 active {TWO}"), "slot from 0 to 31"),
        (format!("+1 active {TWO}"), "slot from 0 to 31"),
        (format!("1 aktiv {TWO}"), "found \"aktiv\""),
        (format!("1 {TWO} accept"), "expected active, accept or retired after the slot"),
        ("1 accept".to_owned(), "key is missing"),
        (format!("1 accept {TWO}A"), "32 bytes"),
        (format!("1 accept {}", &TWO[1..]), "32 bytes"),
        (format!("1 accept {TWO}="), "32 bytes"),
        (format!("1 accept {}J", &TWO[..42]), "32 bytes"),
        (format!("1 accept {TWO} tomorrow"), "expected a date"),
        (format!("1 accept {TWO} 2027-02-29"), "expected a date"),
        (format!("1 accept {TWO} 2027-01-31 x"), "four fields"),
        (format!("0 accept {TWO}"), "slot 0 stands twice"),
        (format!("1 accept {ONE}"), "slots 0 and 1 have the same key"),
        (format!("1 retired {ONE}"), "slots 0 and 1 have the same key"),
        (format!("1 active {TWO}"), "both active"),
    ] {
        let start = format!("# comment\r\n\n  0  active\t{ONE}   # note\n");
        let error = KeyRing::parse(&format!("{start}{line}\n")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Key);
        assert_eq!(error.offset(), Some(start.len() as u64), "{line}");
        assert!(error.to_string().starts_with("line 4: "), "{error}");
        assert!(error.to_string().contains(why), "{line}: {error}");
        assert!(!error.to_string().contains(&TWO[..20]), "{error}");
    }
    for none in ["", "# nothing\n", &format!("0 accept {ONE}\n1 retired {TWO}\n")] {
        let error = KeyRing::parse(none).unwrap_err();
        assert_eq!(error.to_string(), "expected one active key, found none");
    }
}

#[test]
fn edits_keep_comments_and_dates() {
    let text = format!("# first\n\n0 active {ONE} 2027-01-31 # note\n  # last\n");
    let mut file = KeyFile::parse(&text).unwrap();
    assert_eq!(*file.text(), text);
    assert_eq!(file.add(None).unwrap(), 1);
    file.promote(1).unwrap();
    let text = file.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], ["# first", ""]);
    assert_eq!(lines[2], format!("0 accept {ONE} 2027-01-31 # note"));
    assert_eq!(lines[3], "  # last");
    assert!(lines[4].starts_with("1 active ") && lines[4].len() == "1 active ".len() + 43);
    let states: Vec<_> = file.list().iter().map(|entry| (entry.slot, entry.state, entry.not_after)).collect();
    assert_eq!(states, [(0, KeyState::Accept, Some(20_849 * 86_400 + 86_399)), (1, KeyState::Active, None)]);
}

#[test]
fn edits_that_would_break_links_are_refused() {
    let mut file = KeyFile::parse(&format!("0 active {ONE}\n7 retired {TWO}\n")).unwrap();
    let refused = |result: Result<(), openclick::Error>, why: &str| {
        let error = result.unwrap_err();
        assert!(error.kind() == ErrorKind::Key && error.to_string().contains(why), "{error}");
    };
    refused(file.promote(0), "active already");
    refused(file.promote(7), "is retired");
    refused(file.promote(3), "no key");
    refused(file.retire(0), "promote another");
    refused(file.retire(7), "retired already");
    refused(file.retire(3), "no key");
    refused(file.add(Some(0)).map(drop), "only a retired");
    refused(file.add(Some(3)).map(drop), "no key");
    assert_eq!(file.add(Some(7)).unwrap(), 7);
    assert_eq!(file.list()[1].state, KeyState::Accept);
    assert!(!file.text().contains(TWO), "a new key");
    for slot in (1..7).chain(8..32) {
        assert_eq!(file.add(None).unwrap(), slot);
    }
    refused(file.add(None).map(drop), "--reuse-slot");
    assert_eq!(file.list().len(), 32);
}

#[test]
fn the_steps_of_a_rotation_name_the_right_slots() {
    let mut file = KeyFile::new();
    let steps = file.rotation_steps();
    for step in ["1. openclick key add\n", "3. openclick key promote 1\n", "openclick key retire 0, and"] {
        assert!(steps.contains(step), "{steps}");
    }
    file.add(None).unwrap();
    let steps = file.rotation_steps();
    assert!(steps.contains("slot 1 is there already") && steps.contains("promote 1\n"), "{steps}");
    file.promote(1).unwrap();
    let steps = file.rotation_steps();
    assert!(steps.contains("promote 2\n") && steps.contains("retire 1, and"), "{steps}");
}

#[test]
fn debug_shows_no_secret() {
    let text = format!("0 active {ONE}\n3 retired {TWO}\n");
    assert_eq!(format!("{:?}", KeyRing::parse(&text).unwrap()), "KeyRing { 0: active, 3: retired }");
    let shown = format!("{:?}", KeyFile::parse(&text).unwrap());
    assert!(!shown.contains("AQEB") && shown.contains("Retired"), "{shown}");
}

#[cfg(unix)]
mod files {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_that_others_can_read_or_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("KEYS");
        KeyFile::new().write(&path).unwrap();
        for good in [0o600, 0o400, 0o640, 0o440] {
            set_mode(&path, good);
            KeyRing::from_file(&path).unwrap();
            KeyFile::read(&path).unwrap();
        }
        for (bad, why, mended) in [
            (0o644, "others can read it", "0640"),
            (0o604, "others can read it", "0600"),
            (0o660, "its group can write it", "0640"),
            (0o620, "its group can write it", "0600"),
            (0o602, "others than its owner can write it", "0600"),
            (0o666, "others than its owner can write it", "0640"),
            (0o777, "others than its owner can write it", "0640"),
            (0o444, "others can read it", "0440"),
        ] {
            set_mode(&path, bad);
            let error = KeyRing::from_file(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Key);
            for part in [why, &format!("has mode {bad:04o}"), &format!("`chmod {mended} {}`", path.display())]
            {
                assert!(error.to_string().contains(part), "{bad:o}: {error}");
            }
            assert!(KeyFile::read(&path).is_err());
            KeyRing::from_open_file(&path).unwrap();
            set_mode(&path, u32::from_str_radix(mended, 8).unwrap() & 0o700 | 0o200 & bad);
        }
    }

    #[test]
    fn writing_replaces_at_once_and_keeps_the_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("KEYS");
        KeyFile::new().write(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        set_mode(&path, 0o640);
        let mut file = KeyFile::read(&path).unwrap();
        file.add(None).unwrap();
        let link = folder.path().join("LINK");
        std::os::unix::fs::symlink("KEYS", &link).unwrap();
        file.write(&link).unwrap();
        assert_eq!(mode(&path), 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(KeyFile::read(&path).unwrap().list().len(), 2);
        let mut names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["KEYS", "LINK"], "no temporary file is left");
    }

    #[test]
    fn what_cannot_be_read_or_written() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none/KEYS");
        let error = KeyRing::from_file(&missing).unwrap_err();
        assert!(error.kind() == ErrorKind::Io && error.to_string().contains("none/KEYS"), "{error}");
        assert_eq!(KeyFile::new().write(&missing).unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(KeyRing::from_open_file(folder.path()).unwrap_err().kind(), ErrorKind::Io);
        let big = folder.path().join("BIG");
        fs::write(&big, "#".repeat(70_000)).unwrap();
        assert!(KeyRing::from_open_file(&big).unwrap_err().to_string().contains("more than 65536 bytes"));
        let bad = folder.path().join("BAD");
        fs::write(&bad, "\n0 active x\n").unwrap();
        let error = KeyRing::from_open_file(&bad).unwrap_err();
        assert!(error.to_string().contains("BAD: line 2: ") && error.offset() == Some(1), "{error}");
    }
}
