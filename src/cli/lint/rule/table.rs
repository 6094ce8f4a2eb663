//! The table.

use super::super::finding::Severity::{Error, Note, Warning};
use super::Rule;

/// A constant for each rule, and all of them.
macro_rules! rules {
    ($($constant:ident = $code:literal, $name:literal, $severity:expr, $summary:literal, $help:literal, $why:literal;)*) => {
        $(pub(in super::super) static $constant: Rule = Rule {
            code: $code, name: $name, severity: $severity, summary: $summary, help: $help, why: $why,
        };)*
        /// Every rule, in the order of codes.
        pub(in super::super) static ALL: &[&Rule] = &[$(&$constant),*];
    };
}

rules! {
    CLIPPED = "OC001", "clipped", Warning,
        "With tracking, the HTML is over the size at which Gmail clips it",
        "Take out comments, unused CSS and indentation, or link to the rest of the text",
        "Gmail shows at most 102 KB (102,400 bytes) of a message's HTML and puts a link to the rest in its place. What is cut \
         off is mostly the footer, with the unsubscribe link and the pixel at the end, so opens are lost as well. The HTML is \
         counted decoded and after tracking, as it goes out. Google does not document the number; senders measured it.";
    NEAR_CLIP = "OC002", "size-by-what", Note,
        "The HTML is near the size at which Gmail clips it; this is what its bytes are",
        "Begin with the largest share; see OC001",
        "A template grows with what is filled in: one that is over 80 % of Gmail's 102,400 bytes may be clipped for some \
         recipients and not for others. The shares say where bytes can be saved: tracking URLs with fewer links, CSS by \
         removing what no element uses, data: images by hosting them.";
    DATA_IMAGE = "OC003", "data-image", Warning,
        "An image is inlined as a data: URL, which Gmail and Outlook do not show",
        "Host the image, or attach it and refer to it by cid:",
        "Gmail, Outlook for Windows and others remove images whose source is a data: URL, so the recipient sees a gap or the \
         alternative text, and the bytes count against the clip (OC001) all the same. An image in a part of its own \
         (RFC 2392, cid:) or on a server is shown.";

    SHOWN_URL = "OC101", "shown-url-differs", Warning,
        "A link shows one address and leads to another",
        "Show where the link leads, or words instead of an address",
        "A link whose text is an address, and whose target is on another host, is what phishing looks like: filters of mailbox \
         providers and Thunderbird's own check compare the two and warn or file the mail as spam. A text is an address if it \
         is a URL, begins with www., or is a host (bank.example/login); www. makes no difference. See OC120 for what tracking \
         does to these links.";
    HTTP = "OC102", "http-among-https", Warning,
        "A link uses http although others use https",
        "Use https, if the host has it",
        "Browsers warn of pages without TLS, everybody on the way can read and change them, and a mix of both is mostly an \
         oversight: an old link in a template. Filters give it weight too. Most hosts redirect to https anyway, which costs \
         the reader one more round trip.";
    LONG_URL = "OC103", "long-tracking-url", Warning,
        "A tracking URL is very long, or could not be made because it would be too long",
        "Shorten the link's parameters, or use a redirect of your own",
        "The tracking URL holds the destination, so long parameters make it long. Over 998 characters it fits no line of mail \
         (RFC 5322 2.1.1) in 7bit or 8bit, some clients cut links at 2,083 characters, and over max-url-length or \
         max-target-length the link is left untracked.";
    MERGE_HOST = "OC104", "merge-tag-in-host", Warning,
        "A link's host is filled in by a merge tag",
        "Write the host out, and fill in only path and parameters",
        "Nobody can see where such a link leads before it is sent: no rule for hosts (skip-host) holds for it, and whoever \
         can set the merged value can send your readers anywhere, under your name. While the tag is unresolved, the link is \
         not tracked.";
    MERGE_LEFT = "OC105", "merge-tag-left", Warning,
        "A merge tag is not filled in",
        "Fill templates in first, and track what comes out",
        "In a message that is sent, an unresolved tag is seen by the recipient, or makes a link that leads nowhere. In a \
         template it is as it should be, but a link that holds one is left untracked until it is filled in, so tracking must \
         come after the template engine. For templates this is a note.";
    TWIN = "OC106", "vml-twin-differs", Warning,
        "The Outlook copy of a button leads elsewhere than the button itself",
        "Give both the same href",
        "Buttons that look right in Outlook for Windows stand in the source twice: as VML in a conditional comment, and as \
         HTML for all others. When one is edited and the other forgotten, Outlook's readers land on the old page, which \
         nobody notices who does not test there.";
    DUPLICATE_NAME = "OC107", "duplicate-link-name", Warning,
        "Two links with different destinations have the same name",
        "Give each its own data-msys-linkname",
        "Reports group clicks by the link's name. With one name for two destinations nobody can tell them apart afterwards. \
         The same name for the same destination, such as a button's Outlook copy, is fine.";
    ODD_OPT_OUT = "OC108", "odd-opt-out-value", Warning,
        "A tracking attribute has a value that does not mean what it seems to",
        "Use the documented value, or take the attribute out",
        "data-msys-clicktrack turns tracking off with \"0\" alone: \"false\", \"off\" or \"no\" leave it on. The opt-outs of \
         other senders that need no value (such as data-pm-no-track) turn tracking off even with =\"false\". \
         data-msys-unsubscribe counts with \"1\" alone. The attribute is removed in any case.";
    DIALECT = "OC109", "dialect-not-enabled", Warning,
        "A tracking attribute of a sender whose dialect is not enabled",
        "Add the dialect to dialects, or remove the attribute",
        "A template that was written for another provider says there which links must not be tracked. Without that dialect in \
         the settings the attribute is not understood: the link is tracked although its author opted out, and the attribute \
         goes out to the recipient.";
    RELATIVE = "OC110", "relative-link", Error,
        "A link without scheme and host",
        "Write the whole address, beginning with https://",
        "A mail has no address of its own that a relative link could be relative to: it leads nowhere, or to a page of the \
         webmail. Clients ignore <base>, or sanitise it away. //host is completed with https by webmail, but Outlook for \
         Windows takes it for a file server; such links are a warning.";
    EMPTY_HREF = "OC111", "empty-href", Warning,
        "A link without destination",
        "Give it a destination, or make it a span",
        "A link with an empty href, or # alone, looks like one and does nothing, or opens an empty tab. Mostly it is a \
         placeholder that somebody forgot.";
    SCRIPT = "OC112", "script-link", Error,
        "A link runs a script or holds what it leads to (javascript:, vbscript:, data:)",
        "Link to a page on a server",
        "No mail client runs scripts: the link is removed or does nothing; nor does a browser open a page out of a link that \
         holds it (data:). Filters take both for an attack, and some refuse the whole mail.";
    USERINFO = "OC113", "userinfo", Warning,
        "A link has a user name or password before its host",
        "Take out what stands before the @",
        "https://bank.example@evil.example/ leads to evil.example. RFC 3986 7.6 calls it a semantic attack, browsers hide or \
         refuse it, filters count it as phishing, and a password in a mail is no secret any more. Such links are not \
         tracked.";
    NO_TEXT = "OC114", "link-without-text", Warning,
        "A link has neither text nor an image with alternative text",
        "Give the image an alt, or the link a text",
        "Screen readers read the address instead, and where images are off, which is the default of many clients, there is \
         nothing to click on. WCAG 2.2, criteria 1.1.1 and 2.4.4.";
    BAD_URL = "OC115", "broken-url", Error,
        "A link's address cannot be understood",
        "Write https://host/path, without spaces in the host",
        "Browsers repair some of these (https:host, https:///host), mail clients and filters do not; others, such as a port \
         over 65535 or a space in the host, work nowhere. They are left untracked.";
    LOOKALIKE = "OC116", "lookalike-host", Warning,
        "A host mixes scripts, or imitates Latin letters",
        "Check whose domain it is; write it as it is registered",
        "A Cyrillic a looks like a Latin one: such hosts imitate others (UTS #39, 5). Browsers then show the host as xn--…, \
         and filters block it. Hosts of one script, such as a German or Japanese name, are not reported.";
    LOCAL_HOST = "OC117", "local-host", Error,
        "A link or image points to a host that only your own network knows",
        "Use the public host",
        "localhost, private addresses (RFC 1918, RFC 4193) and names such as .local, .internal, .test and .invalid \
         (RFC 6761, RFC 6762) lead nowhere for the recipient. Mostly a development setting went into the template.";
    FOREIGN = "OC118", "tracked-by-others", Warning,
        "A link or pixel is another sender's tracking URL, or a filter's wrapper",
        "Use the original address",
        "A link that was copied out of a mail that somebody sent leads through that sender's tracking, or through the \
         recipient's security filter (Safe Links and others): it counts your readers' clicks there, carries the identity of \
         whoever received it, and breaks when that service forgets it. openclick's own URLs are known without keys and \
         domain where a pixel's markup or two links agree; `openclick restore` brings the addresses back.";
    OWN_TOKEN = "OC119", "tracked-already", Warning,
        "A link points to the tracking domain already",
        "Run the original template, see openclick restore",
        "The mail was rewritten before, or a link was copied out of one that was. Its token says whose mail it was: clicks \
         are then counted for that mail and that recipient. Such links are left as they are.";

    SHOWN_URL_TRACKED = "OC120", "shown-url-tracked", Note,
        "A link shows an address, and leads to another host once it is tracked",
        "Show words instead of an address, or set visible-url = \"leave\"",
        "The link leads where it says, but tracking puts the tracking domain into its target, and filters that compare the \
         shown address with the target see two hosts (OC101). Words as text avoid it (\"Read more\"); visible-url = \"leave\" \
         keeps such links untracked, and a tracking domain below your own makes them less odd.";
    MISSPELT = "OC121", "misspelt-attribute", Warning,
        "An attribute looks like one of openclick's and is none",
        "Write data-msys-clicktrack, data-msys-linkname, data-msys-unsubscribe or data-msys-sublink",
        "An attribute that is spelled otherwise steers nothing: a link that was to stay untracked is tracked, a name is missing \
         in reports, an unsubscription counts as a click. It is not removed either, and goes out to the recipient.";

    LATE_PREHEADER = "OC201", "late-preheader", Warning,
        "The hidden preheader is not the first element of the body, so the pixel stands before it",
        "Put the preheader directly behind <body>, hidden by its style attribute",
        "The first pixel goes behind a hidden preheader if that is the body's first element, so that clients begin their \
         preview with the preheader's text. Behind a wrapper, a table or more than 16 KB it is not found, and the pixel stands \
         in front: some clients then show the pixel's address or nothing as preview.";
    NO_PREHEADER = "OC202", "no-preheader", Note,
        "There is no hidden preheader",
        "Put a hidden <div> with one sentence directly behind <body>",
        "Inboxes show the first text of a mail behind its subject. Without a preheader that is whatever comes first: \
         \"View in browser\", or the alternative text of the logo. It does no harm to tracking.";
    BEHIND_BODY = "OC203", "content-behind-body", Warning,
        "Content follows </body> or </html>",
        "Move it into the body, before </body>",
        "Browsers move it into the body, but the pixel at the end was put before the first </body>, so it is not at the end, \
         and clients that cut at </body> do not show what follows. Mostly a footer was appended by a program.";
    TWO_BODIES = "OC204", "two-bodies", Warning,
        "A second <body> start tag",
        "Keep one <body>",
        "Two documents were joined. Browsers merge the second tag's attributes into the first body; other clients begin a new \
         body, or cut. Pixels go by the first <body> and the first </body>.";
    UNFINISHED = "OC205", "unfinished-markup", Error,
        "A comment, tag or raw text element is never closed",
        "Close it, or take out what begins it",
        "Everything from there to the end of the document is swallowed: the recipient does not see it, and no pixel can be \
         put at the end. In a template whose parts are joined later it may be closed elsewhere; there it is a warning.";
    OPEN_QUOTE = "OC206", "open-quote", Warning,
        "An attribute's value runs over following tags: a quote is not closed",
        "Close the quote",
        "The browser takes everything up to the next quote for the value, so text and links in between vanish, and the rest \
         of the markup is read in the wrong state.";
    FRAMESET = "OC207", "frameset", Error,
        "The document is a frameset",
        "Send the content itself",
        "No mail client shows frames: the recipient sees an empty mail. There is no place for a pixel and nothing to track.";
    NO_PIXEL_PLACE = "OC208", "no-pixel-place", Warning,
        "An open pixel could not be put anywhere",
        "See what the finding says of the markup",
        "Opens of this mail are not counted, or counted only by the other pixel: the document ends where no image can stand, \
         or a limit was passed, or no line of the part's encoding is long enough for it.";

    NO_LIST_UNSUBSCRIBE = "OC301", "no-list-unsubscribe", Warning,
        "The message has no List-Unsubscribe header",
        "Add List-Unsubscribe and List-Unsubscribe-Post",
        "Since 2024 Gmail and Yahoo ask senders of more than 5,000 messages a day for one-click unsubscription in every \
         marketing mail; without it mail is filed as spam or refused. RFC 2369 and RFC 8058 define the two header fields. In a \
         message that nothing shows to be bulk mail this is a note.";
    NO_ONE_CLICK = "OC302", "no-one-click", Warning,
        "The header does not allow unsubscription by one click",
        "Add List-Unsubscribe-Post: List-Unsubscribe=One-Click and an https URL",
        "RFC 8058 asks for an https URL in List-Unsubscribe and for the field List-Unsubscribe-Post with exactly the value \
         List-Unsubscribe=One-Click. One of them alone, or a mailto: alone, does not show the button that Gmail and Yahoo \
         require.";
    NO_UNSUBSCRIBE_LINK = "OC303", "no-unsubscribe-link", Warning,
        "No link to unsubscribe was found in the HTML",
        "Add a link that says unsubscribe, unless the mail is transactional",
        "Bulk mail must let its reader leave: CAN-SPAM, the ePrivacy directive and the mailbox providers ask for it, and whoever \
         finds no link presses \"spam\". Links are known by words of 23 languages in their text or address, by \
         data-msys-unsubscribe, and by the header. Where nothing shows bulk mail this is a note.";
    TRACKED_UNSUBSCRIBE = "OC304", "tracked-unsubscribe", Warning,
        "The unsubscribe link is tracked as an ordinary click",
        "Mark it with data-msys-unsubscribe=\"1\", or opt it out",
        "An unsubscription then depends on the tracking host being up, counts as engagement, and filters that follow links \
         may unsubscribe people. With data-msys-unsubscribe=\"1\" it is recorded as link_unsubscribe, with \
         data-msys-clicktrack=\"0\" it stays as it is, and links that equal a List-Unsubscribe URL are never tracked.";

    LONG_LINE = "OC401", "long-line", Warning,
        "A line of the message is over 998 octets",
        "Encode the part as quoted-printable or base64",
        "RFC 5322 2.1.1 allows 998 octets and a line end. MTAs fold longer lines wherever they are, within tags and links, \
         which breaks markup and the DKIM signature, or refuse the message.";
    NO_CHARSET = "OC402", "no-charset", Warning,
        "There are 8-bit characters, but no charset",
        "Declare it: charset=utf-8 in Content-Type, or <meta charset=utf-8>",
        "Without a charset a part is US-ASCII (RFC 2046 4.1.2), and each client guesses on its own what the other bytes are: \
         readers see Ã¤ for ä. An HTML file is read as UTF-8 here when nothing else is said.";
    CHARSET_CONFLICT = "OC403", "charset-conflict", Warning,
        "Header, byte order mark and <meta> name different charsets",
        "Make them agree; best on utf-8",
        "Clients differ in whom they believe: by the standard the byte order mark, then the header, then <meta>; webmail often \
         takes the header away and keeps <meta>. What the markup says counts when the mail is saved or forwarded.";
    UNDECODABLE = "OC404", "undecodable-text", Warning,
        "Bytes that the charset does not have",
        "Convert the text to the charset that it declares",
        "Readers see U+FFFD in their place. Two encodings were mixed, or the declared charset is not the one in use. A link \
         that holds such bytes is left untracked.";
    EIGHT_BIT_IN_7BIT = "OC405", "8bit-in-7bit", Warning,
        "A part that is 7bit, by its header or for want of one, has 8-bit bytes",
        "Declare 8bit, or better encode as quoted-printable",
        "RFC 2045 2.7: 7bit data has no octet over 127. Relays may clear the eighth bit, convert the part by its label, or \
         refuse it.";

    MISLABELLED = "OC406", "mislabelled-utf8", Warning,
        "The text is UTF-8, but its charset is another one",
        "Declare utf-8, or convert the text to the charset that it declares",
        "UTF-8 that is read as ISO-8859-1 or another charset of single bytes shows two or three wrong characters for each that \
         is no ASCII. Mostly a template was saved as UTF-8, and its <meta> or the Content-Type of the mail stayed as it was. \
         Links that hold such characters lead elsewhere.";

    PART_LEFT = "OC501", "part-left", Warning,
        "A part is passed over: nothing in it is tracked",
        "See what the finding says of the part",
        "What cannot be read without doubt is never changed. A part whose header contradicts itself, whose encoding or charset \
         nobody knows, or whose body is not what it says, goes out as it came, untracked, and is not checked here either; some \
         clients will not be able to read it. Nor is what is signed or encrypted ever changed: track first, then sign.";
    SIGNED = "OC502", "signed-already", Warning,
        "The message is signed already, so it is not changed",
        "Track first, then sign",
        "Every change breaks a DKIM or ARC signature. With on-signed = \"refuse\", the default, such a message passes through \
         as it is, untracked; \"strip\" takes the signatures out for a signer behind it.";
    LIMIT = "OC503", "limit-passed", Warning,
        "Nothing is tracked from here on: a limit was passed",
        "Look at the markup here: it is hardly meant to be so",
        "A tag or comment over 1 MiB, a character reference over 4,096 digits or more than 20,000 open elements end the \
         tracking there, so that memory and time stay bounded. The rest passes through as it is.";
}
