//! Real mail, and generated hostile mail.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use mailparse::ParsedMail;
use mailparse::body::Body;

use super::super::{Kind, Structure, Untouched, scan};
use super::assert_spans;

fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/mail");
    if !folder.is_dir() {
        println!("corpus mail not present, skipped");
        return None;
    }
    Some(folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// The hostile messages, with whether an HTML part of each is to be rewritten.
fn hostile() -> Option<Vec<(String, Vec<u8>, bool)>> {
    let generator = corpus()?.join("nasty.py");
    let folder = tempfile::tempdir().unwrap();
    let Ok(output) = Command::new("python3").arg(generator).arg(folder.path()).output() else {
        println!("skipped: no python3");
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    let expected = std::fs::read(folder.path().join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
    let read = |case: &serde_json::Value| {
        let name = case["name"].as_str().unwrap().to_owned();
        let message = std::fs::read(folder.path().join(format!("{name}.eml"))).unwrap();
        (name, message, case["rewritten"] == 1)
    };
    Some(expected.as_array().unwrap().iter().map(read).collect())
}

/// Where the part to be rewritten is not the message or its first part.
const PLACES: [(&str, &str); 10] = [
    ("amp", "3"),
    ("boundary_lf_only", "2"),
    ("boundary_prefix", "1.2"),
    ("boundary_prefix2", "1.2"),
    ("mixed_eol", "2"),
    ("no_close", "2"),
    ("no_close_inner", "1.2"),
    ("related_start", "2"),
    ("same_boundary_nested", "1.1"),
    ("signed_in_mixed", "2"),
];

/// What passes through for a reason that is not in the structure: the body, the charset, the message's header.
const NOT_STRUCTURE: [&str; 6] =
    ["b64_concat", "b64_footer", "b64_junk", "dkim_signed", "pgp_inline_html", "utf7"];

/// Why the others pass through: the verdict on the last part.
const REASONS: [(&str, Untouched); 26] = [
    ("after_close", Untouched::NotHtml),
    ("attach_html", Untouched::Attachment),
    ("boundary_empty", Untouched::Boundary),
    ("boundary_long", Untouched::Boundary),
    ("boundary_missing", Untouched::Boundary),
    ("content_md5", Untouched::Ambiguous),
    ("ct_garbage", Untouched::NotHtml),
    ("cte_on_multipart", Untouched::Ambiguous),
    ("cte_unknown", Untouched::Encoding),
    ("depth40", Untouched::Depth),
    ("digest_default", Untouched::Message),
    ("dsn", Untouched::Report),
    ("empty", Untouched::NoBody),
    ("empty_part_hdr", Untouched::NotHtml),
    ("encrypted", Untouched::Encrypted),
    ("no_blank_line", Untouched::NoBody),
    ("only_body", Untouched::NotHtml),
    ("only_headers", Untouched::NoBody),
    ("pkcs7mime", Untouched::Pkcs7),
    ("rfc822_attach", Untouched::Message),
    ("root_attachment", Untouched::Attachment),
    ("signed", Untouched::Signed),
    ("two_ct_diff", Untouched::Ambiguous),
    ("two_cte_diff", Untouched::Ambiguous),
    // Not passed through, but the last part is.
    ("related_nonroot", Untouched::RelatedNonRoot),
    ("calendar", Untouched::NotHtml),
];

#[test]
fn hostile_messages() {
    let Some(cases) = hostile() else { return };
    assert_eq!(cases.len(), 74);
    let mut reasons = 0;
    for (name, message, rewritten) in &cases {
        let structure = scan(message);
        assert_spans(message, &structure);
        let touched: Vec<_> = (0..structure.parts.len())
            .filter(|&part| structure.parts[part].kind == Kind::Leaf && structure.parts[part].verdict.is_ok())
            .map(|part| structure.path(part))
            .collect();
        let place = PLACES.iter().find(|(case, _)| case == name).map_or("1", |(_, place)| place);
        let expected = if *rewritten || NOT_STRUCTURE.contains(&name.as_str()) { &[place][..] } else { &[] };
        assert_eq!(touched, expected, "{name}: {structure:#?}");
        if let Some((_, reason)) = REASONS.iter().find(|(case, _)| case == name) {
            assert_eq!(structure.parts.last().unwrap().verdict, Err(*reason), "{name}");
            reasons += 1;
        } else {
            assert!(!touched.is_empty(), "{name}");
        }
    }
    assert_eq!(reasons, REASONS.len());
}

const PREFIX: &str = "a line that only begins like a delimiter line is one";
const OUTSIDE_IN: &str = "the outer multipart takes the delimiter lines of an inner one of the same name";
const CONTENT_TYPE: &str =
    "comments, escapes, blanks and missing pieces of a Content-Type are not understood";

/// Where mailparse is wrong.
const KNOWN_FAULTS: [(&str, &str); 23] = [
    ("mail-parser/resources_eml_legacy_015.eml", PREFIX),
    ("mail-parser/resources_eml_legacy_025.eml", PREFIX),
    ("mail-parser/resources_eml_legacy_051.eml", PREFIX),
    ("mail-parser/resources_eml_malformed_003.eml", OUTSIDE_IN),
    ("mail-parser/resources_eml_malformed_004.eml", PREFIX),
    ("mail-parser/resources_eml_malformed_005.eml", PREFIX),
    ("mail-parser/resources_eml_malformed_006.eml", PREFIX),
    ("mail-parser/resources_eml_malformed_007.eml", PREFIX),
    ("mail-parser/resources_eml_malformed_013.eml", OUTSIDE_IN),
    ("mail-parser/resources_eml_malformed_014.eml", "a delimiter line at the very end begins no part"),
    ("mail-parser/resources_eml_malformed_017.eml", CONTENT_TYPE),
    ("mail-parser/resources_eml_malformed_019.eml", "a header block that begins with a blank is an error"),
    ("spamassassin/t_data_nice_mime8", CONTENT_TYPE),
    ("spamassassin/t_data_spam_badctype1", CONTENT_TYPE),
    ("spamassassin/t_data_spam_badmime3.txt", "a close delimiter begins a part where there is no other"),
    ("boundary_escaped", CONTENT_TYPE),
    ("boundary_prefix", PREFIX),
    ("boundary_unterminated_quote", CONTENT_TYPE),
    ("ct_case_comment", CONTENT_TYPE),
    ("ct_garbage", CONTENT_TYPE),
    ("depth40", PREFIX),
    ("hdr_space_colon", "a blank in front of the colon belongs to the name"),
    ("same_boundary_nested", OUTSIDE_IN),
];

#[test]
fn real_mail_has_the_structure_that_mailparse_sees() {
    let Some(corpus) = corpus() else { return };
    let real = ["spamassassin", "mail-parser"].into_iter().flat_map(|name| files(&corpus.join(name)));
    let real = real.map(|path| {
        let name = path.strip_prefix(&corpus).unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read(&path).unwrap())
    });
    let mut messages: Vec<_> = real.collect();
    assert!(messages.len() >= 240, "{}", messages.len());
    messages.extend(hostile().unwrap_or_default().into_iter().map(|(name, message, _)| (name, message)));
    let mut agreed = 0;
    let mut failures = Vec::new();
    for (name, message) in &messages {
        let fault = KNOWN_FAULTS.iter().find(|(file, _)| file == name);
        let agreements = line_ends(message).into_iter().map(|message| compare(&message));
        match (agreements.collect::<Result<Vec<_>, _>>(), fault) {
            (Ok(_), None) => agreed += 1,
            (Err(_), Some(_)) => {}
            (Ok(_), Some(_)) => failures.push(format!("{name}: no longer a fault")),
            (Err(error), None) => failures.push(format!("{name}: {error}")),
        }
    }
    println!("{agreed} of {} messages", messages.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The message as it is, with LF, with CRLF.
fn line_ends(message: &[u8]) -> [Vec<u8>; 3] {
    let lf: Vec<_> = message.iter().copied().filter(|&byte| byte != b'\r').collect();
    let line = |line: &[u8]| [line.strip_suffix(b"\n").unwrap(), b"\r\n"].concat();
    let ended = lf
        .split_inclusive(|&byte| byte == b'\n')
        .map(|l| if l.ends_with(b"\n") { line(l) } else { l.into() });
    let crlf = ended.collect::<Vec<_>>().concat();
    [message.to_vec(), lf, crlf]
}

fn compare(message: &[u8]) -> Result<(), String> {
    let structure = scan(message);
    assert_spans(message, &structure);
    let parsed = mailparse::parse_mail(message).map_err(|error| error.to_string())?;
    Comparison { message, structure: &structure }.compare(0, &parsed)
}

struct Comparison<'a> {
    message: &'a [u8],
    structure: &'a Structure,
}

impl Comparison<'_> {
    fn compare(&self, index: usize, parsed: &ParsedMail) -> Result<(), String> {
        let part = &self.structure.parts[index];
        let path = self.structure.path(index);
        if part.media_type != parsed.ctype.mimetype {
            return Err(format!("{path}: {}, not {}", part.media_type, parsed.ctype.mimetype));
        }
        if part.kind != Kind::Multipart {
            let body = self.body(parsed);
            // What mailparse takes for the body of a multipart is its preamble. An empty body is anywhere.
            let same = part.body == body
                || part.body.is_empty() && body.is_empty()
                || part.kind == Kind::Opaque && part.media_type.starts_with("multipart/");
            let differ = || format!("{path}: {:?}, not {body:?} of {}", part.body, self.message.len());
            return if same { Ok(()) } else { Err(differ()) };
        }
        let children: Vec<_> = (0..self.structure.parts.len())
            .filter(|&i| self.structure.parts[i].parent == Some(index))
            .collect();
        if children.len() != parsed.subparts.len() || children.len() != part.children {
            return Err(format!("{path}: {} children, not {}", children.len(), parsed.subparts.len()));
        }
        children.iter().zip(&parsed.subparts).try_for_each(|(&child, parsed)| self.compare(child, parsed))
    }

    fn body(&self, parsed: &ParsedMail) -> Range<usize> {
        let body = match parsed.get_body_encoded() {
            Body::Base64(body) | Body::QuotedPrintable(body) => body.get_raw(),
            Body::SevenBit(body) | Body::EightBit(body) => body.get_raw(),
            Body::Binary(body) => body.get_raw(),
        };
        let start = body.as_ptr() as usize - self.message.as_ptr() as usize;
        start..start + body.len()
    }
}
