use super::*;
use crate::options::Consent;
use crate::{Dialect, TrackingDomain};

fn fields<'a>(fields: &[(&'a str, &'a str)]) -> HeaderFields<'a> {
    HeaderFields::from_text(fields.iter().copied())
}

fn streams(list: impl IntoIterator<Item = Stream>) -> Streams {
    let mut streams = Streams::new();
    for stream in list {
        streams.push(stream).unwrap();
    }
    streams
}

/// The number of the stream that a message belongs to; 0 for none.
fn number(streams: &Streams, message: &[(&str, &str)]) -> usize {
    streams.resolve(&fields(message), &Given::new()).stream.map_or(0, |stream| stream.number)
}

#[test]
fn all_conditions_of_the_first_stream() {
    let when =
        |conditions: Vec<Condition>| conditions.into_iter().fold(Stream::new(Layer::new()), Stream::when);
    let streams = streams([
        when(vec![Condition::virtual_mta(["eu-*"]).unwrap(), Condition::job(["spring*", "autumn"]).unwrap()]),
        when(vec![Condition::virtual_mta(["eu-*"]).unwrap()]),
        when(vec![Condition::pool(["shared"]).unwrap()]),
        when(vec![Condition::header("X-Tier", ["gold", "4?"]).unwrap()]),
        when(vec![Condition::header("X-Any", ["*"]).unwrap()]),
    ]);
    let of = |message: &[(&str, &str)]| number(&streams, message);
    assert_eq!(of(&[("x-virtual-mta", " EU-1 "), ("X-Job", "Spring 27")]), 1);
    assert_eq!(of(&[("X-Virtual-MTA", "eu-1"), ("X-Job", "autumn")]), 1);
    assert_eq!(of(&[("X-Virtual-MTA", "eu-1"), ("X-Job", "winter")]), 2);
    assert_eq!(of(&[("X-Virtual-MTA", "eu-1")]), 2);
    // Of the MTA's own headers the first counts, of any other each.
    assert_eq!(of(&[("X-Virtual-MTA", "us-1"), ("X-Virtual-MTA", "eu-1")]), 0);
    assert_eq!(of(&[("X-Virtual-MTA-Pool", "Shared")]), 3);
    assert_eq!(of(&[("X-Tier", "tin"), ("x-tier", "42")]), 4);
    assert_eq!(of(&[("X-Tier", "golden")]), 0);
    assert_eq!(of(&[("X-Any", "")]), 5);
    assert_eq!(of(&[]), 0);
}

#[test]
fn the_domain_of_the_sender() {
    let stream = |globs: &[&str]| {
        let condition = Condition::from_domain(globs.iter().copied()).unwrap();
        streams([Stream::new(Layer::new()).when(condition)])
    };
    let of = |globs: &[&str], from: &str| number(&stream(globs), &[("From", from)]) == 1;
    assert!(of(&["example.com"], "A <a@Example.COM>"));
    assert!(!of(&["example.com"], "\"a@example.com\" <a@evil.example>"));
    assert!(!of(&["*.example.com"], "a@example.com"));
    assert!(of(&["example.com", "*.example.com"], "a@news.example.com, b@example.com"));
    assert!(!of(&["example.com"], "a@example.com, b@evil.example"));
    assert!(!of(&["*"], "nobody"));
    assert!(!of(&["*"], "group:;"));
    for from in ["a@bücher.example", "a@BÜCHER.example", "a@xn--bcher-kva.example"] {
        assert!(of(&["bücher.example"], from), "{from}");
        assert!(of(&["xn--bcher-kva.*"], from), "{from}");
    }
    assert!(of(&["*.bücher.example"], "a@news.bücher.example"));
    assert!(of(&["?127.0.0.1?"], "a@[127.0.0.1]"));
    let two = [("From", "a@example.com"), ("From", "b@evil.example")];
    assert_eq!(number(&stream(&["example.com"]), &two), 0);
    assert_eq!(number(&stream(&["*"]), &[]), 0);
}

#[test]
fn each_setting_from_the_first_source_that_has_it() {
    use Source as S;
    let job = Condition::job(["*"]).unwrap();
    let message = [("X-Job", "job"), ("X-MSYS-API", "{\"options\": {\"click_tracking\": true}}")];
    let message = fields(&message);
    let of = |stream: Stream, given: &Given| {
        let resolved = streams([stream.when(job.clone())]).resolve(&message, given);
        (resolved.click_tracking.value, resolved.click_tracking.source)
    };
    let off = Layer::new().click_tracking(false);
    let empty = || Stream::new(Layer::new());
    let quiet = Given::new().dialects([]);
    assert_eq!(of(empty(), &quiet), (true, S::Default));
    assert_eq!(of(empty(), &quiet.clone().global(off.clone())), (false, S::Global));
    assert_eq!(of(Stream::new(Layer::new().tracking(false)), &quiet), (false, S::Stream));
    assert_eq!(of(Stream::new(off.clone()), &Given::new()), (true, S::Header("X-MSYS-API")));
    assert_eq!(of(empty(), &Given::new().caller(off.clone())), (false, S::Caller));
    let on = Given::new().caller(Layer::new().tracking(true));
    assert_eq!(of(Stream::new(off.clone()).lock(Setting::ClickTracking), &on), (false, S::Lock));
    assert_eq!(of(Stream::new(Layer::new().tracking(false)).lock(Setting::Tracking), &on), (false, S::Lock));
    // Consent only takes away, and stands above a lock.
    let locked = || Stream::new(Layer::new().tracking(true)).lock(Setting::Tracking);
    assert_eq!(of(locked(), &Given::new()), (true, S::Lock));
    assert_eq!(of(locked(), &Given::new().consent(Consent::OPENS)), (false, S::Consent));
    assert_eq!(
        of(Stream::new(off).lock(Setting::ClickTracking), &on.consent(Consent::NONE)),
        (false, S::Lock)
    );
}

#[test]
fn every_setting_of_a_stream() {
    let domain = TrackingDomain::parse("t.example").unwrap();
    let layer = Layer::new().tracking(false).initial_open(true).text_links(true).customer_id(7);
    let layer = layer.tracking_domain(domain.clone()).subaccount("s").campaign("c").pool("p");
    let resolved = streams([Stream::new(layer)]).resolve(&fields(&[]), &Given::new());
    let entries = resolved.entries();
    let values: Vec<_> = entries.iter().map(|(_, value, _)| value.as_str()).collect();
    assert_eq!(values, ["false", "false", "true", "true", "https://t.example", "7", "s", "c", "p"]);
    assert!(entries.iter().all(|(_, _, source)| *source == Source::Stream));
    assert_eq!(resolved.tracking_domain.value, Some(domain));
}

#[test]
fn a_subaccount_only_where_the_stream_says_so() {
    let message = [("X-Sp-Subaccount-Id", "99")];
    let of = |honours: bool, given: &Given| {
        let stream = Stream::new(Layer::new().subaccount("7")).honour_subaccount_header(honours);
        streams([stream]).resolve(&fields(&message), given)
    };
    let ignored = of(false, &Given::new());
    assert_eq!((ignored.subaccount.value.as_deref(), ignored.subaccount.source), (Some("7"), Source::Stream));
    assert_eq!(ignored.notes.len(), 1);
    let honoured = of(true, &Given::new()).subaccount;
    assert_eq!(honoured.value.as_deref(), Some("99"));
    assert_eq!(honoured.source, Source::Header("X-Sp-Subaccount-Id"));
    let without = Streams::new().resolve(&fields(&message), &Given::new());
    assert_eq!(without.subaccount.value, None);
}

#[test]
fn what_is_no_stream() {
    let error = |stream: Stream| {
        let mut streams = Streams::new();
        let job = Condition::job(["*"]).unwrap();
        streams.push(Stream::new(Layer::new()).name("first").when(job)).unwrap();
        streams.push(stream).unwrap_err().to_string()
    };
    let clicks = || Stream::new(Layer::new().click_tracking(true));
    insta::assert_snapshot!(error(clicks().lock(Setting::Campaign)), @"lock: `campaign` has no value in this stream");
    insta::assert_snapshot!(error(clicks().lock(Setting::Tracking)), @"lock: `tracking` has no value in this stream");
    insta::assert_snapshot!(error(clicks().name("first")), @"stream 1 is named `first` already");
    insta::assert_snapshot!(error(Stream::new(Layer::new().campaign(""))), @"campaign: the text is empty");
    insta::assert_snapshot!(
        error(Stream::new(Layer::new().pool("a\nb"))),
        @"pool: the text has control characters"
    );
    let mut streams = streams([Stream::new(Layer::new())]);
    insta::assert_snapshot!(
        streams.push(clicks()).unwrap_err(),
        @"it is never reached: stream 1 before it takes every message"
    );
    assert_eq!(streams.len(), 1);
    let condition = |condition: Result<Condition>| condition.unwrap_err().to_string();
    insta::assert_snapshot!(condition(Condition::job([])), @"expected a pattern, found an empty list");
    insta::assert_snapshot!(condition(Condition::header("X Y", ["a"])), @"expected the name of a header, found `X Y`");
    insta::assert_snapshot!(
        condition(Condition::from_domain(["*ü.example"])),
        @"the pattern `*ü.example`: a label with a wildcard must be ASCII; write it in Punycode (`xn--…`)"
    );
}

#[test]
fn an_explanation() {
    let stream = Stream::new(Layer::new().tracking(false).campaign("news").customer_id(7))
        .name("newsletters")
        .when(Condition::virtual_mta(["news-*", "promo"]).unwrap())
        .when(Condition::from_domain(["example.com"]).unwrap())
        .lock(Setting::CustomerId);
    let message = [
        ("X-Virtual-MTA", "news-1"),
        ("From", "a@example.com"),
        ("X-MSYS-API", "{\"options\": {\"click_tracking\": true}, \"campaign_id\": 5}"),
        ("X-SMTPAPI", "{}"),
        ("x-mc-track", "opens"),
        ("X-Sp-Subaccount-Id", "3"),
    ];
    let given = Given::new()
        .dialects([Dialect::SparkPost, Dialect::Mandrill])
        .caller(Layer::new().customer_id(1).pool("main"))
        .global(Layer::new().tracking_domain(TrackingDomain::parse("t.example.com").unwrap()))
        .consent(Consent::CLICKS);
    insta::assert_snapshot!(streams([stream]).resolve(&fields(&message), &given), @"
    stream: 1 `newsletters` (X-Virtual-MTA: news-* or promo; From domain: example.com)
    click-tracking   false                  header X-MC-Track
    open-tracking    false                  no consent
    initial-open     false                  stream
    text-links       false                  default
    tracking-domain  https://t.example.com  global
    customer-id      7                      stream, locked
    subaccount       -                      default
    campaign         news                   stream
    pool             main                   flag or variable
    X-MSYS-API: click-tracking = true
    X-MSYS-API: ignored (bad-value): campaign_id: expected a string
    X-SMTPAPI: ignored (dialect-off): the dialect `sendgrid` is not chosen
    x-mc-track: open-tracking = true
    x-mc-track: click-tracking = false
    X-Sp-Subaccount-Id: ignored (not-honoured): no stream of this message has honour-subaccount-header = true
    ");
    insta::assert_snapshot!(Streams::new().resolve(&fields(&[]), &Given::new()), @"
    stream: none matches
    click-tracking   true   default
    open-tracking    true   default
    initial-open     true   default
    text-links       false  default
    tracking-domain  -      default
    customer-id      0      default
    subaccount       -      default
    campaign         -      default
    pool             -      default
    ");
}

proptest::proptest! {
    /// Any headers, any dialects: no panic, and consent holds.
    #[test]
    fn no_header_switches_on_what_was_not_agreed_to(
        name in "X-(MSYS-API|SMTPAPI|MC-Track|Mailgun-Track|Mailgun-Track-Clicks|PM-TrackLinks|Job)",
        value in "(\\{|\\}|\"|:|,|options|click_tracking|true|false|yes|opens|clicks|=\\?|utf-8|\\?q\\?|1| ){0,20}",
    ) {
        let given = Given::new().dialects(Dialect::ALL).consent(Consent::NONE);
        let resolved = Streams::new().resolve(&fields(&[(&name, &value)]), &given);
        assert!(!resolved.click_tracking.value && !resolved.open_tracking.value && !resolved.initial_open.value);
        let _ = resolved.to_string();
    }
}
