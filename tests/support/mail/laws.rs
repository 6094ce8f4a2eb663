//! The contract's §1 and §6, for any bytes as a message.

use std::collections::{HashMap, HashSet};

use openclick::{Change, Consent, Delivery, LinkReport, OnSigned, Reason, Report, Rewriter, Status};

use super::part::View;
use super::reader::{self, Part};
use super::{codec, part, template};
use crate::support::{MESSAGE, options, show};

/// What of the laws could be judged, beyond those that hold for any bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) is_rewritten: bool,
    /// The naive reader found the same parts.
    pub(crate) has_parts: bool,
    /// Parts compared with the HTML rewriter.
    pub(crate) compared: u32,
    /// Parts restored and compared.
    pub(crate) restored: u32,
}

const ON_SIGNED: [OnSigned; 3] = [OnSigned::Refuse, OnSigned::Rewrite, OnSigned::Strip];

fn rewriter(on_signed: usize, text_links: bool) -> Rewriter {
    thread_local! {
        static KNOWN: [[Rewriter; 3]; 2] = [false, true].map(|text_links| ON_SIGNED.map(|what| {
            options().text_links(text_links).on_signed(what).build().expect("options")
        }));
    }
    KNOWN.with(|known| known[usize::from(text_links)][on_signed].clone())
}

/// All laws. `bits` chooses the delivery, what is done with signed messages, and whether text is tracked.
pub(crate) fn check(message: &[u8], bits: u8) -> Judged {
    let consent = [Consent::ALL, Consent::CLICKS, Consent::OPENS, Consent::NONE][usize::from(bits & 3)];
    let delivery = match bits & 4 {
        0 => Delivery::new(MESSAGE).recipient("reader@example.org"),
        _ => Delivery::of_message(),
    }
    .tracking(consent);
    let rewriter = rewriter(usize::from(bits >> 3 & 3) % 3, bits & 32 != 0);
    // Mail is never lost: no header makes the rewriter refuse a message.
    let rewritten = rewriter.rewrite_message(message, &delivery).expect("a delivery");
    let (output, report) = (&rewritten.bytes, &rewritten.report);
    assert_eq!((report.bytes_in, report.bytes_out), (message.len() as u64, output.len() as u64));
    let is_made = report.changes.iter().any(|change| matches!(change, Change::FieldInserted { .. }));
    // An id of chance is another each time.
    let id = report.message_id.as_deref().unwrap_or_default().as_bytes();
    if id.is_empty() || message.windows(id.len()).any(|window| window == id) {
        assert_eq!(&rewriter.plan_message(message, &delivery).expect("a delivery"), report);
    }
    template::rendered(&rewriter, message, &delivery, report);
    assert_eq!(report.links_total, report.links_tracked + report.links_left.values().sum::<u64>());
    let has_tokens = report.links_tracked > 0 || report.pixels.iter().any(|pixel| pixel.place.is_some());
    assert!(!is_made || has_tokens, "an id, but no token: {}", show(message));
    if report.status != Status::Rewritten {
        assert!(output == message, "changed, but {:?}: {}", report.status, show(message));
        assert!(report.parts.iter().all(|part| !part.rewritten), "{:?}: {}", report.status, show(message));
        assert!(!has_tokens || report.status != Status::Unchanged, "{report:?}: {}", show(message));
    } else {
        assert!(output != message, "said to be rewritten: {}", show(message));
        again(&rewriter, output, &delivery, report, has_tokens);
    }
    let mut judged = Judged { is_rewritten: report.status == Status::Rewritten, ..Judged::default() };
    let Some(before) = reader::agreed(message, report) else { return judged };
    judged.has_parts = true;
    let after = reader::agreed(output, report);
    let after = after.unwrap_or_else(|| panic!("other parts: {}\n{}", show(message), show(output)));
    frame(message, output, &before, &after, report);
    parts(message, output, &before, &after, report, consent, &mut judged);
    if judged.is_rewritten {
        restore(&rewriter, output, &after, report, &mut judged);
    }
    judged
}

/// A second time it comes back as it was.
fn again(rewriter: &Rewriter, output: &[u8], delivery: &Delivery, report: &Report, has_tokens: bool) {
    let again = rewriter.rewrite_message(output, delivery).expect("a delivery");
    let left = |reason| report.links_left.contains_key(&reason);
    if has_tokens {
        assert_eq!(again.report.status, Status::AlreadyRewritten, "{}", show(output));
    }
    // An opt-out that was honoured leaves no trace where there is no token.
    if has_tokens || !left(Reason::OptOut) && !left(Reason::LineTooLong) {
        assert!(again.bytes == output, "not idempotent\n{}\n{}", show(output), show(&again.bytes));
    }
}

/// Everything beside the parts that were rewritten: the same bytes, but for what the report says of the header.
fn frame(message: &[u8], output: &[u8], before: &[Part], after: &[Part], report: &Report) {
    header(&message[before[0].header.clone()], &output[after[0].header.clone()], report);
    let (mut old, mut new) = (before[0].header.end, after[0].header.end);
    for (index, _) in report.parts.iter().enumerate().filter(|(_, part)| part.rewritten) {
        let (before, after) = (&before[index].body, &after[index].body);
        same(&message[old..before.start], &output[new..after.start], message);
        (old, new) = (before.end, after.end);
    }
    same(&message[old..], &output[new..], message);
    let body = |bytes: &[u8], parts: &[Part]| (bytes.len() - parts[0].body.start).to_string();
    for change in &report.changes {
        if let Change::FieldUpdated { name, from, to } = change
            && name.eq_ignore_ascii_case("content-length")
            && *from == body(message, before)
        {
            assert_eq!(*to, body(output, after), "{}", show(message));
        }
    }
}

fn same(one: &[u8], other: &[u8], message: &[u8]) {
    assert!(one == other, "beside the parts:\n{}\n{}\n{}", show(one), show(other), show(message));
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n').collect()
}

/// The header block is the author's but for the fields that the report names.
fn header(before: &[u8], after: &[u8], report: &Report) {
    let (mut inserted, mut removed) = (None, false);
    let mut updated: HashMap<Vec<u8>, (&str, &str)> = HashMap::new();
    for change in &report.changes {
        match change {
            Change::FieldInserted { name, value } => inserted = Some(format!("{name}: {value}")),
            Change::FieldUpdated { name, from, to } => {
                updated.insert(name.to_lowercase().into_bytes(), (from, to));
            }
            Change::FieldRemoved { .. } => removed = true,
            _ => {}
        }
    }
    let (old, mut new) = (lines(before), lines(after));
    if removed {
        // What is left is the author's, in order.
        let mut kept = old.iter();
        for line in new {
            let known = inserted.as_ref().is_some_and(|text| line.starts_with(text.as_bytes()));
            let counted = updated.keys().any(|name| line.to_ascii_lowercase().starts_with(name));
            let counted = counted || line.trim_ascii().iter().all(u8::is_ascii_digit);
            assert!(known || counted || kept.any(|old| *old == line), "{}", show(after));
        }
        return;
    }
    if let Some(text) = inserted {
        let at = new.iter().position(|line| line.trim_ascii_end() == text.as_bytes()).expect("the field");
        new.remove(at);
        // In front of all fields, and no field's folded lines behind it.
        assert!(old[..at].iter().all(|line| line.starts_with(b"From ")
            || line.starts_with(b">From ")
            || line.starts_with(b" ")
            || line.starts_with(b"\t")));
        let folded = old.get(at).is_some_and(|line| line.starts_with(b" ") || line.starts_with(b"\t"));
        assert!(!folded, "a field torn apart: {}", show(before));
    }
    assert_eq!(old.len(), new.len(), "{}\n{}", show(before), show(after));
    for (old, new) in old.iter().zip(new) {
        if *old != new {
            let name = old.split(|&byte| byte == b':').next().unwrap_or_default().trim_ascii_end();
            let counted = updated.contains_key(&name.to_ascii_lowercase());
            // Where a field is folded its number stands on a line of its own.
            let digits = new.trim_ascii().iter().all(u8::is_ascii_digit);
            assert!(counted || digits && !updated.is_empty(), "{}\n{}", show(old), show(new));
        }
    }
}

fn parts(
    message: &[u8],
    output: &[u8],
    before: &[Part],
    after: &[Part],
    report: &Report,
    consent: Consent,
    judged: &mut Judged,
) {
    for (index, part) in report.parts.iter().enumerate() {
        let old = &message[before[index].body.clone()];
        let new = &output[after[index].body.clone()];
        if part.rewritten {
            assert!(old != new, "part {} did not change: {}", part.path, show(message));
            lines_of(old, new, &part.encoding);
        }
        if part.reason.is_some() || report.settings.is_none() || report.status == Status::AlreadyRewritten {
            continue;
        }
        let (Some(old_text), Some(new_text)) =
            (codec::decode(old, &part.encoding), codec::decode(new, &part.encoding))
        else {
            panic!("part {} was read: {}\n{}", part.path, show(old), show(new));
        };
        if part.media_type != "text/html" {
            continue;
        }
        judged.compared += u32::from(part::as_html(&old_text, &new_text, index as u32, report, consent));
        if part.encoding == "quoted-printable" && report.links_total == report.links.len() as u64 {
            untouched(old, new, index as u32, report);
        }
    }
}

/// No line is what it must not be and was not before.
fn lines_of(old: &[u8], new: &[u8], encoding: &str) {
    let text = |line: &[u8]| -> Vec<u8> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line).to_vec()
    };
    let known: HashSet<Vec<u8>> = lines(old).into_iter().map(text).collect();
    let longest = known.iter().map(Vec::len).max().unwrap_or(0);
    let has_from = known.iter().any(|line| line.starts_with(b"From "));
    let width = match encoding {
        "quoted-printable" => 76,
        // What is over the limit already stays as it is.
        "7bit" | "8bit" if longest <= 998 => 998,
        // One line stays one line.
        "base64" if longest <= 76 && lines(old.trim_ascii()).len() > 1 => 76,
        "base64" => longest.max(998),
        _ => usize::MAX,
    };
    for mut line in lines(new).into_iter().map(text).filter(|line| !known.contains(line)) {
        if encoding == "base64" {
            line.truncate(line.trim_ascii_end().len()); // the author's, behind the last line
        }
        assert!(line.len() <= width, "{encoding}, {} octets: {}\n{}", line.len(), show(&line), show(old));
        assert!(has_from || !line.starts_with(b"From "), "{}\n{}", show(&line), show(old));
        // Neither a boundary nor SMTP's end of a message, whatever is around.
        let is_risk = line.starts_with(b"--") || line == b".";
        assert!(encoding != "quoted-printable" || !is_risk, "{}\n{}", show(&line), show(old));
    }
}

/// Lines that no edit touches are in the output as they were, in order.
fn untouched(old: &[u8], new: &[u8], index: u32, report: &Report) {
    if View::is_other(report.parts[index as usize].charset.as_deref()) {
        return;
    }
    let decoded = codec::quoted_printable(old);
    // Places of edits in the body as it is encoded.
    let mut places: Vec<(usize, usize)> = Vec::new();
    let at = |offset: usize| decoded.get(offset).map_or(old.len(), |(at, _)| *at);
    let mut place = |start: u64, end: u64| {
        let mut start = (start as usize).min(decoded.len());
        // The white space before an attribute goes with it.
        while start > 0 && decoded[start - 1].1.is_ascii_whitespace() {
            start -= 1;
        }
        let from = if start == 0 { 0 } else { at(start - 1) };
        places.push((from, at(end as usize + 1)));
    };
    let here = |part: Option<u32>| part == Some(index);
    for link in report.links.iter().filter(|link| here(link.part) && link.is_tracked()) {
        place(link.range.start, link.range.end);
    }
    for removed in report.removed.iter().filter(|removed| here(removed.part)) {
        place(removed.range.start, removed.range.end);
    }
    for pixel in report.pixels.iter().filter(|pixel| here(pixel.part) && pixel.place.is_some()) {
        let offset = pixel.offset.expect("a place");
        place(offset, offset + "{{openclick:pixel}}".len() as u64);
    }
    for change in &report.changes {
        match change {
            Change::PlaceholderRemoved { part, range, .. } | Change::SchemeRestored { part, range }
                if here(*part) =>
            {
                place(range.start, range.end);
            }
            _ => {}
        }
    }
    let after = lines(new);
    let mut after = after.iter();
    let mut start = 0;
    for line in lines(old) {
        let end = start + line.len();
        let is_touched = places.iter().any(|(from, to)| *from < end && *to >= start);
        assert!(
            is_touched || after.any(|other| *other == line),
            "an untouched line changed: {}\n{}\n{}",
            show(line),
            show(old),
            show(new)
        );
        start = end;
    }
}

/// What is restored decodes to what is restored of the decoded part.
fn restore(rewriter: &Rewriter, output: &[u8], after: &[Part], report: &Report, judged: &mut Judged) {
    let restored = rewriter.restore_message(output).expect("sealed URLs");
    let (pixels, left, restored) = (restored.pixels, restored.unopened, restored.bytes);
    let Some(found) = reader::agreed(&restored, report) else {
        panic!("restoring makes other parts: {}\n{}", show(output), show(&restored))
    };
    let (mut all, mut compared) = (true, 0);
    for (index, part) in report.parts.iter().enumerate().filter(|(_, part)| part.rewritten) {
        let (new, found) = (&output[after[index].body.clone()], &restored[found[index].body.clone()]);
        let charset = part.charset.as_deref().unwrap_or_default();
        let text = codec::decode(new, &part.encoding).expect("a rewritten part");
        if part.media_type != "text/html" {
            continue;
        }
        let view = View::of(&text, charset);
        let is_ascii = |link: &LinkReport| link.target.as_deref().is_none_or(str::is_ascii);
        if matches!(charset, "unknown" | "ISO-2022-JP") && !report.links.iter().all(is_ascii) {
            continue; // written as references there, which the view does not know
        }
        let expected = part::restorer(view.label).restore_html(&view.html).expect("sealed URLs").bytes;
        let Some(expected) = view.back(&expected) else { continue };
        // A part without a label may have had its `<meta charset>` just within what is looked at, or just not.
        let sniffed = crate::support::rewriter().restore_html(&text).expect("sealed URLs").bytes;
        let is_line = matches!(&*part.encoding, "7bit" | "8bit" | "binary");
        if found == new && is_line && left.iter().any(|link| link.part == u32::try_from(index).ok()) {
            all = false;
            continue; // a line would be a delimiter
        }
        let found = codec::decode(found, &part.encoding).expect("still encoded");
        assert!(
            found == expected || found == sniffed,
            "restored:\n{}\n{}\n{}",
            show(&found),
            show(&expected),
            show(output)
        );
        judged.restored += 1;
        compared += 1;
    }
    // All that was put in goes out.
    let all = all && compared == report.parts.iter().filter(|part| part.rewritten).count();
    let placed = report.pixels.iter().filter(|pixel| pixel.place.is_some()).count() as u64;
    assert!(!all || pixels >= placed, "{pixels} of {placed} pixels: {}", show(output));
}
