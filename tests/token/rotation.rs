//! Key rotation over two years, with machines that learn a new key file late.
//!
//! One key file, edited by hand; each machine has a copy that comes some days later, another number of days for each
//! machine and each edit. Mailers seal with the copy they have, and readers click for months. The rule of README: promote a key
//! when all machines have it, retire the one before when no mail of it is read any more.

use openclick::{DecodeErrorKind, Decoder, EventKind, KeyFile, KeyRing, TokenFields};

use super::{domain, writer};

/// Days from an edit until the last machine has it.
const LATE: u32 = 21;
/// Days for which a mail is read.
const READ: u32 = 150;
/// Days between rotations.
const QUARTER: u32 = 91;
const DAYS: u32 = 2 * 365;
const ENDPOINTS: u32 = 4;
const MAILERS: u32 = 2;

/// When the hand that edits the file moves on.
struct Rule {
    /// Days from adding a key to promoting it.
    promote: u32,
    /// Days from promoting a key to retiring the one before.
    retire: u32,
}

struct Mail {
    day: u32,
    url: String,
}

/// What readers met.
#[derive(Debug, Default, PartialEq)]
struct Clicks {
    opened: u32,
    unknown: u32,
    retired: u32,
}

/// The key file as it was published, edit by edit.
struct Published(Vec<(u32, KeyRing)>);

impl Published {
    fn publish(&mut self, day: u32, file: &KeyFile) {
        self.0.push((day, KeyRing::parse(&file.text()).unwrap()));
    }

    /// The copy that a machine has on that day: the newest that has come.
    fn copy(&self, machine: u32, day: u32) -> &KeyRing {
        let delay = |edit: usize| (edit as u32 * 13 + machine * 17) % (LATE + 1);
        let come =
            |&(edit, &(published, _)): &(usize, &(u32, KeyRing))| edit == 0 || published + delay(edit) <= day;
        &self.0.iter().enumerate().rfind(come).unwrap().1.1
    }
}

fn edit(rule: &Rule, day: u32, file: &mut KeyFile, published: &mut Published) {
    // The key of slot n is added on day n * QUARTER; slot 0 is there from the start.
    let due = |offset: u32| {
        let begun = day.checked_sub(offset)?;
        (begun >= QUARTER && begun % QUARTER == 0).then_some((begun / QUARTER) as u8)
    };
    let before = published.0.len();
    if let Some(slot) = due(0) {
        assert_eq!(file.add(None).unwrap(), slot);
        published.publish(day, file);
    }
    if let Some(slot) = due(rule.promote) {
        file.promote(slot).unwrap();
        published.publish(day, file);
    }
    if let Some(slot) = due(rule.promote + rule.retire) {
        file.retire(slot - 1).unwrap();
        published.publish(day, file);
    }
    assert!(published.0.len() <= before + 3);
}

/// Runs the two years; also how many keys there were.
fn simulate(rule: &Rule) -> (Clicks, usize) {
    let mut file = KeyFile::new();
    let mut published = Published(Vec::new());
    published.publish(0, &file);
    let mut mails: Vec<Mail> = Vec::new();
    let mut clicks = Clicks::default();
    for day in 0..DAYS {
        edit(rule, day, &mut file, &mut published);
        if day % 6 == 0 {
            let keys = published.copy(ENDPOINTS + day / 6 % MAILERS, day);
            let mut fields = TokenFields::new(EventKind::Click, "m");
            fields.target = Some("https://shop.example/");
            mails.push(Mail { day, url: writer("t.example.com", keys).url(&fields, None).unwrap() });
        }
        for endpoint in 0..ENDPOINTS {
            let keys = published.copy(endpoint, day).clone();
            let decoder = Decoder::new(keys).tracking_domain(domain("t.example.com"));
            for mail in mails.iter().filter(|mail| day - mail.day <= READ) {
                match decoder.decode(&mail.url).map_err(|error| error.kind()) {
                    Ok(_) => clicks.opened += 1,
                    Err(DecodeErrorKind::UnknownKey(_)) => clicks.unknown += 1,
                    Err(DecodeErrorKind::RetiredKey(_)) => clicks.retired += 1,
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }
    (clicks, file.list().len())
}

/// A mailer may have the old file for as long as any machine, and its last mail is read that much longer.
const RIGHT: Rule = Rule { promote: LATE, retire: LATE + READ };

#[test]
fn every_click_of_two_years_is_opened() {
    let (clicks, keys) = simulate(&RIGHT);
    assert_eq!((clicks.unknown, clicks.retired), (0, 0));
    assert!(clicks.opened > 50_000 && keys == 9, "{clicks:?}, {keys} keys");
}

#[test]
fn haste_loses_clicks() {
    let (promoted_at_once, _) = simulate(&Rule { promote: 0, ..RIGHT });
    assert!(promoted_at_once.unknown > 0 && promoted_at_once.retired == 0, "{promoted_at_once:?}");
    let (retired_at_once, _) = simulate(&Rule { retire: LATE, ..RIGHT });
    assert!(retired_at_once.retired > 0 && retired_at_once.unknown == 0, "{retired_at_once:?}");
}
