//! What a report's words mean, for people.

use openclick::{LinkPlace, NoPlace, PartReason, PixelPlace, Reason, Status};

use super::super::look::Look;

/// What would become of the mail, in a sentence.
pub(in super::super) fn status(look: &Look) -> String {
    match look.report.status {
        Status::Rewritten => "would be rewritten".to_owned(),
        Status::Unchanged => "nothing is to be changed".to_owned(),
        Status::AlreadyRewritten => "it was rewritten before, with this message id: it would pass as it is".to_owned(),
        Status::Signed => {
            "it is signed (DKIM or ARC), and a rewrite would break that: it would pass as it is (see --on-signed)".to_owned()
        }
        Status::Charset => format!("{} cannot be rewritten: it would pass as it is", look.report.charset),
        other => format!("{other:?}"),
    }
}

/// Why links are left.
pub(super) fn of_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Off => "click tracking is off",
        Reason::OptOut => "the author opted out",
        Reason::BadCharset => "bytes that the charset does not have",
        Reason::Empty => "no destination",
        Reason::MergeTag => "an unresolved merge tag",
        Reason::Fragment => "a place in the mail itself",
        Reason::Scheme => "neither http nor https",
        Reason::Relative => "no scheme",
        Reason::Unparsable => "not read in one way by all",
        Reason::Userinfo => "user:password@ in the URL, as phishing has it",
        Reason::AlreadyTracked => "points at the tracking domain",
        Reason::Unsubscribe => "in the List-Unsubscribe header",
        Reason::SkipHost => "a host to skip",
        Reason::VisibleUrl => "its text is a URL",
        Reason::MaxLinks => "over max-links",
        Reason::Policy => "by policy",
        Reason::TooLong => "destination or tracking URL too long",
        Reason::LineTooLong => "fits no line of the mail",
        _ => "",
    }
}

/// Where a link stands, if not in the document as all clients see it.
pub(super) fn of_place(place: LinkPlace) -> &'static str {
    match place {
        LinkPlace::Svg => "svg",
        LinkPlace::Outlook => "Outlook only",
        LinkPlace::Text => "plain text",
        _ => "",
    }
}

/// Where a pixel goes.
pub(super) fn of_pixel_place(place: PixelPlace) -> &'static str {
    match place {
        PixelPlace::BodyStart => "at the start of the body",
        PixelPlace::AfterPreheader => "after the hidden preheader",
        PixelPlace::BodyEnd => "at the end of the body",
        PixelPlace::EndOfFile => "at the end of the document",
        PixelPlace::Placeholder => "in place of the placeholder",
        _ => "put in",
    }
}

/// Why a pixel goes nowhere.
pub(super) fn of_no_place(why: NoPlace) -> &'static str {
    match why {
        NoPlace::Off => "switched off",
        NoPlace::Present => "it is there already",
        NoPlace::Frameset => "a frameset has no body",
        NoPlace::Unfinished => "the document ends inside a comment, raw text or a tag",
        NoPlace::Template => "the document ends inside a template",
        NoPlace::Limit => "a limit is passed before its place",
        NoPlace::TooLong => "its URL would be too long",
        NoPlace::LineTooLong => "it fits no line of the mail",
        NoPlace::PassedThrough => "the document passes as it is",
        _ => "no place",
    }
}

/// Why a part passes through; none where that is plain to see.
pub(super) fn of_part(reason: PartReason) -> &'static str {
    match reason {
        PartReason::Multipart => "",
        PartReason::NotHtml => "not HTML",
        PartReason::Attachment => "attachment",
        PartReason::RelatedNonRoot => "not the root of related",
        PartReason::Signed => "signed",
        PartReason::Encrypted => "encrypted",
        PartReason::Pgp => "PGP armour",
        PartReason::Message => "a mail of its own",
        PartReason::Report => "delivery report",
        PartReason::Amp => "AMP",
        PartReason::Ambiguous => "ambiguous header or body",
        PartReason::Encoding => "unknown encoding",
        PartReason::Charset => "charset cannot be rewritten",
        PartReason::Boundary => "bad boundary",
        PartReason::Depth => "too deep",
        PartReason::HeaderTooLong => "header too long",
        PartReason::NoBody => "no body",
        PartReason::LineTooLong => "fits no line",
        PartReason::Parts => "too many parts",
        _ => "passes as it is",
    }
}
