use super::*;

/// What headers set (`c`licks, `o`pens, `i`nitial, `t`ext links, with + or -) and what of them was ignored.
fn of(message: &[(&str, &str)]) -> (String, Vec<String>) {
    let fields = HeaderFields::from_text(message.iter().copied());
    let dialects = Dialect::ALL.into_iter().fold(Dialects::NONE, Dialects::with);
    let settings = read(&fields, dialects, true);
    let switches = [
        (Setting::ClickTracking, 'c'),
        (Setting::OpenTracking, 'o'),
        (Setting::InitialOpen, 'i'),
        (Setting::TextLinks, 't'),
    ];
    let mut set: String = switches
        .into_iter()
        .filter_map(|(setting, letter)| settings.switches.get(setting).map(|(on, _)| (on, letter)))
        .map(|(on, letter)| format!("{letter}{}", if on { '+' } else { '-' }))
        .collect();
    if let Some((campaign, header)) = &settings.campaign {
        set += &format!(" {header}={campaign}");
    }
    let ignored = settings.notes.iter().filter(|note| matches!(note.effect, HeaderEffect::Ignored { .. }));
    (set, ignored.map(ToString::to_string).collect())
}

#[track_caller]
fn sets(message: &[(&str, &str)], expected: &str) {
    let (set, ignored) = of(message);
    assert_eq!((set.as_str(), ignored), (expected, vec![]), "{message:?}");
}

#[track_caller]
fn ignores(name: &str, value: &str) -> String {
    let (set, ignored) = of(&[(name, value)]);
    assert_eq!(set, "", "{name}: {value}");
    ignored.join("\n")
}

#[test]
fn sparkpost() {
    let msys = |value: &str, expected: &str| sets(&[("X-MSYS-API", value)], expected);
    msys("{\"options\": {\"click_tracking\": false}}", "c-");
    msys(
        "{\"options\": {\"open_tracking\": true, \"click_tracking\": true, \"initial_open\": false}}",
        "c+o+i-",
    );
    // Without a word on the first pixel, no opens are no pixels.
    msys("{\"options\": {\"open_tracking\": false}}", "o-i-");
    msys("{\"options\": {\"open_tracking\": false, \"initial_open\": true}}", "o-i+");
    msys("{\"options\": {\"open_tracking\": true}}", "o+");
    msys(
        "{\"campaign_id\": \"spring\", \"metadata\": {\"a\": [1, {}]}, \"tags\": [\"x\"], \"options\": null}",
        " X-MSYS-API=spring",
    );
    msys("{}", "");
    // Folded, between tokens and inside a text; and not unfolded.
    msys("{ \"options\":\r\n\t{ \"click_tracking\"\r\n :false } }", "c-");
    msys("{\"campaign_id\": \"a  b\"}", " X-MSYS-API=a  b");
    // Encoded as a whole, in pieces that cut a character, and in a text alone.
    msys("=?utf-8?Q?=7B=22campaign=5Fid=22=3A_=22Fr=C3=BChling=22=7D?=", " X-MSYS-API=Frühling");
    msys("=?utf-8?B?eyJjYW1wYWlnbl9pZCI6ICJGcsM=?= =?utf-8?B?vGhsaW5nIn0=?=", " X-MSYS-API=Frühling");
    msys("{\"campaign_id\": \"=?iso-8859-1?q?Fr=FChling?=\"}", " X-MSYS-API=Frühling");
    msys("{\"campaign_id\": \"Fr\\u00fchling\"}", " X-MSYS-API=Frühling");
    // Above X-Job, whichever comes first; else X-Job as it stands.
    sets(&[("X-Job", " Sale \"now\" ")], " X-Job=Sale \"now\"");
    sets(&[("X-Job", "=?utf-8?q?a?=")], " X-Job==?utf-8?q?a?=");
    let both = of(&[("X-Job", "job"), ("X-MSYS-API", "{\"campaign_id\": \"spring\"}")]);
    assert_eq!(both.0, " X-MSYS-API=spring");
    insta::assert_snapshot!(both.1.join("\n"), @"X-Job: ignored (superseded): X-MSYS-API names the campaign");
}

#[test]
fn what_is_not_sparkposts() {
    let msys = |value: &str| ignores("X-MSYS-API", value);
    insta::assert_snapshot!(msys("{\"options\": {\"click_tracking\": false}"), @"X-MSYS-API: ignored (bad-json): it is not JSON: EOF while parsing an object at line 1 column 37");
    insta::assert_snapshot!(msys("nonsense"), @"X-MSYS-API: ignored (bad-json): it is not JSON: expected ident at line 1 column 2");
    insta::assert_snapshot!(msys(""), @"X-MSYS-API: ignored (bad-json): it is not JSON: EOF while parsing a value at line 1 column 0");
    insta::assert_snapshot!(msys("[true]"), @"X-MSYS-API: ignored (bad-json): expected a JSON object");
    insta::assert_snapshot!(msys("{\"options\": true, \"campaign_id\": 7}"), @"
    X-MSYS-API: ignored (bad-value): options: expected an object
    X-MSYS-API: ignored (bad-value): campaign_id: expected a string
    ");
    insta::assert_snapshot!(msys("{\"options\": {\"click_tracking\": \"false\", \"open_tracking\": 0}}"), @"
    X-MSYS-API: ignored (bad-value): options.click_tracking: expected true or false
    X-MSYS-API: ignored (bad-value): options.open_tracking: expected true or false
    ");
    insta::assert_snapshot!(msys("{\"campaign_id\": \"\"}"), @"X-MSYS-API: ignored (bad-text): campaign: the text is empty");
    insta::assert_snapshot!(msys("{\"campaign_id\": \"a\\nb\"}"), @"X-MSYS-API: ignored (bad-text): campaign: the text has control characters");
    insta::assert_snapshot!(msys(&"[".repeat(60_000)), @"X-MSYS-API: ignored (bad-json): it is not JSON: recursion limit exceeded at line 1 column 128");
    insta::assert_snapshot!(msys(&"[".repeat(64 * 1024 + 1)), @"X-MSYS-API: ignored (too-long): it has 65537 bytes, more than 65536");
    insta::assert_snapshot!(ignores("X-Job", &"a".repeat(999)), @"X-Job: ignored (bad-text): campaign: the text has more than 998 bytes");
    insta::assert_snapshot!(ignores("X-Job", ""), @"X-Job: ignored (bad-text): campaign: the text is empty");
    let bytes = HeaderFields::from_iter([(b"X-Job".as_slice(), b"Fr\xfchling".as_slice())]);
    insta::assert_snapshot!(read(&bytes, Dialects::NONE, false).notes[0], @"X-Job: ignored (bad-text): campaign: the text is not UTF-8");
}

#[test]
fn sendgrid() {
    let smtp = |filters: &str, expected: &str| {
        sets(&[("X-SMTPAPI", &format!("{{\"to\": [\"a\"], \"filters\": {{{filters}}}}}"))], expected);
    };
    smtp("\"clicktrack\": {\"settings\": {\"enable\": 0}}", "c-");
    smtp("\"clicktrack\": {\"settings\": {\"enable\": 1, \"enable_text\": true}}", "c+");
    smtp("\"clicktrack\": {\"settings\": {\"enable\": \"1\", \"enable_text\": false}}", "c+t-");
    smtp("\"opentrack\": {\"settings\": {\"enable\": 1, \"replace\": \"%x%\"}}", "o+");
    smtp(
        "\"opentrack\": {\"settings\": {\"enable\": \"0\"}}, \"clicktrack\": {\"settings\": {\"enable\": true}}",
        "c+o-i-",
    );
    smtp("\"clicktrack\": {}, \"footer\": {\"settings\": {\"enable\": 1}}", "");
    insta::assert_snapshot!(ignores("X-SMTPAPI", "{\"filters\": {\"clicktrack\": {\"settings\": {\"enable\": 2}}, \"opentrack\": 1}}"), @"
    X-SMTPAPI: ignored (bad-value): filters.clicktrack.settings.enable: expected 0 or 1
    X-SMTPAPI: ignored (bad-value): filters.opentrack: expected an object
    ");
}

#[test]
fn mandrill() {
    for (value, expected) in [
        ("opens", "c-o+"),
        ("opens, clicks", "c+o+"),
        ("clicks_all", "c+o-i-"),
        ("Opens,clicks_htmlonly", "c+o+t-"),
        ("none", "c-o-i-"),
    ] {
        sets(&[("X-MC-Track", value)], expected);
    }
    let (set, ignored) = of(&[("X-MC-Track", "opens, clicks_textonly")]);
    assert_eq!(set, "c-o+");
    insta::assert_snapshot!(ignored.join("\n"), @"X-MC-Track: ignored (no-meaning): links in plain text are not tracked without those in HTML");
    let (set, ignored) = of(&[("X-MC-Track", "False, False")]);
    assert_eq!((set.as_str(), ignored.len()), ("c-o-i-", 2));
    insta::assert_snapshot!(ignores("X-MC-Track", " , "), @"X-MC-Track: ignored (bad-value): it lists nothing (`none` switches off)");
}

#[test]
fn mailgun() {
    for (name, value, expected) in [
        ("X-Mailgun-Track", "yes", "c+o+"),
        ("x-mailgun-track", "No", "c-o-i-"),
        ("X-Mailgun-Track", "htmlonly", "c+o+t-"),
        ("X-Mailgun-Track-Clicks", "true", "c+"),
        ("X-Mailgun-Track-Clicks", "htmlonly", "c+t-"),
        ("X-Mailgun-Track-Opens", "false", "o-i-"),
    ] {
        sets(&[(name, value)], expected);
    }
    let off = ("X-Mailgun-Track", "no");
    let on = ("X-Mailgun-Track-Clicks", "yes");
    sets(&[off, on], "c-o-i-");
    sets(&[on, off], "c-o-i-");
    sets(&[("X-Mailgun-Track", "yes"), ("X-Mailgun-Track-Opens", "no")], "c+o-i-");
    insta::assert_snapshot!(ignores("X-Mailgun-Track-Opens", "htmlonly"), @"X-Mailgun-Track-Opens: ignored (bad-value): expected yes, no, true or false");
    insta::assert_snapshot!(ignores("X-Mailgun-Track", "1"), @"X-Mailgun-Track: ignored (bad-value): expected yes, no, true, false or htmlonly");
    insta::assert_snapshot!(ignores("X-Mailgun-Track-Pixel-Location-Top", "yes"), @"X-Mailgun-Track-Pixel-Location-Top: ignored (no-meaning): it switches nothing here");
}

#[test]
fn postmark_and_amazon() {
    for (name, value, expected) in [
        ("X-PM-TrackOpens", "true", "o+"),
        ("X-PM-TrackOpens", "False", "o-i-"),
        ("X-PM-TrackLinks", "None", "c-"),
        ("X-PM-TrackLinks", "htmlandtext", "c+"),
        ("X-PM-TrackLinks", "HtmlOnly", "c+t-"),
    ] {
        sets(&[(name, value)], expected);
    }
    assert_eq!(of(&[("X-PM-TrackLinks", "TextOnly")]).0, "c-");
    insta::assert_snapshot!(ignores("X-PM-TrackLinks", "true"), @"X-PM-TrackLinks: ignored (bad-value): expected None, HtmlAndText, HtmlOnly or TextOnly");
    insta::assert_snapshot!(ignores("X-PM-TrackOpens", "yes"), @"X-PM-TrackOpens: ignored (bad-value): expected true or false");
    insta::assert_snapshot!(ignores("X-SES-CONFIGURATION-SET", "x"), @"X-SES-CONFIGURATION-SET: ignored (no-meaning): it switches nothing here");
}

#[test]
fn off_wins_between_senders() {
    let on = ("X-MSYS-API", "{\"options\": {\"click_tracking\": true}}");
    sets(&[on, ("X-PM-TrackLinks", "None")], "c-");
    sets(&[("X-PM-TrackLinks", "None"), on], "c-");
    sets(&[on, ("X-MSYS-API", "{\"options\": {\"click_tracking\": false}}"), on], "c-");
}

#[test]
fn only_chosen_dialects() {
    let fields = HeaderFields::from_text([("X-PM-TrackLinks", "None"), ("X-MSYS-API", "{"), ("X-Job", "j")]);
    let settings = read(&fields, Dialects::NONE.with(Dialect::SendGrid), false);
    assert!(settings.switches.get(Setting::ClickTracking).is_none());
    assert_eq!(settings.campaign, Some(("j".to_owned(), "X-Job")));
    let notes: Vec<_> = settings.notes.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(notes.join("\n"), @"
    X-PM-TrackLinks: ignored (dialect-off): the dialect `postmark` is not chosen
    X-MSYS-API: ignored (dialect-off): the dialect `sparkpost` is not chosen
    X-Job: campaign = j
    ");
}

#[test]
fn notes_are_bounded() {
    let fields = HeaderFields::from_text(std::iter::repeat_n(("X-PM-TrackLinks", "?"), 10_000));
    assert_eq!(read(&fields, Dialects::NONE.with(Dialect::Postmark), false).notes.len(), MOST_NOTES);
}

#[test]
fn what_is_stripped() {
    let names =
        ["X-MSYS-API", "x-smtpapi", "X-MC-Track", "X-Mailgun-Track", "X-PM-TrackLinks", "X-SES-MESSAGE-TAGS"];
    for name in names {
        assert!(is_stripped(name.as_bytes(), &DIALECTS), "{name}");
        assert!(!is_stripped(name.as_bytes(), &[]), "{name}");
    }
    for name in [
        "X-Job",
        "X-Virtual-MTA",
        "X-Virtual-MTA-Pool",
        "X-Sp-Message-Id",
        "X-Mailgun-Tracker",
        "X-MC-Tags",
        "X-SES",
        "",
    ] {
        assert!(!is_stripped(name.as_bytes(), &DIALECTS), "{name}");
    }
}

#[cfg(feature = "serde")]
#[test]
fn notes_serialise() {
    let fields = HeaderFields::from_text([("X-PM-TrackLinks", "None"), ("X-SMTPAPI", "{"), ("X-Job", "j")]);
    let notes = read(&fields, Dialects::NONE.with(Dialect::Postmark), false).notes;
    insta::assert_snapshot!(serde_json::to_string(&notes).unwrap(), @r#"[{"header":"X-PM-TrackLinks","effect":"switch","setting":"click-tracking","on":false},{"header":"X-SMTPAPI","effect":"ignored","reason":"dialect-off","detail":"the dialect `sendgrid` is not chosen"},{"header":"X-Job","effect":"name","setting":"campaign","value":"j"}]"#);
}
