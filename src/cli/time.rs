//! Times as people type them and as they are shown, always in UTC. (The library reads no clock; this is where it is read.)

use std::time::{SystemTime, UNIX_EPOCH};

use toml::value::{Date, Datetime, Offset};

const DAY: u64 = 86_400;

/// Now, in seconds since 1970-01-01T00:00Z.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The seconds since 1970 of `now`, of an RFC 3339 time with its offset, or of a number of such seconds.
pub(super) fn seconds(text: &str) -> Option<u64> {
    if text == "now" {
        return Some(now());
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let Datetime { date: Some(date), time: Some(time), offset: Some(offset) } = text.parse().ok()? else {
        return None;
    };
    let minutes_east = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let of_day = u32::from(time.hour) * 3600 + u32::from(time.minute) * 60 + u32::from(time.second?);
    let local = days(date)? * DAY as i64 + i64::from(of_day);
    u64::try_from(local - minutes_east * 60).ok()
}

/// The days since 1970 of a `YYYY-MM-DD`.
pub(super) fn day(text: &str) -> Option<u32> {
    match text.parse().ok()? {
        Datetime { date: Some(date), time: None, offset: None } => u32::try_from(days(date)?).ok(),
        _ => None,
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ`.
pub(super) fn timestamp(seconds: u64) -> String {
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, eras have 400 years.
    let days = seconds / DAY + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year_of_era + era * 400 + carry;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn weekday(seconds: u64) -> &'static str {
    // 1970 began on a Thursday.
    ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(seconds / DAY % 7) as usize]
}

/// `Thu, 01 Jan 1970 00:00:00 +0000` (RFC 5322, section 3.3).
pub(super) fn mail_date(seconds: u64) -> String {
    let text = timestamp(seconds);
    let month = MONTHS[text[5..7].parse::<usize>().map_or(0, |month| (month - 1) % 12)];
    format!("{}, {} {month} {} {} +0000", weekday(seconds), &text[8..10], &text[..4], &text[11..19])
}

/// `Thu Jan  1 00:00:00 1970`, as in the `From ` line of an mbox.
pub(super) fn mbox_date(seconds: u64) -> String {
    let text = timestamp(seconds);
    let month = MONTHS[text[5..7].parse::<usize>().map_or(0, |month| (month - 1) % 12)];
    let day = text[8..10].trim_start_matches('0');
    format!("{} {month} {day:>2} {} {}", weekday(seconds), &text[11..19], &text[..4])
}

/// The days since 1970 of a date, which the TOML parser has checked.
fn days(date: Date) -> Option<i64> {
    let (month, day) = (i64::from(date.month), i64::from(date.day));
    let year = i64::from(date.year) - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    (days >= 0).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_there_and_back() {
        for (text, number) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-09-21T14:13:20Z", 1_790_000_000),
            ("9999-12-31T00:00:00Z", 253_402_214_400),
        ] {
            assert_eq!(seconds(text), Some(number));
            assert_eq!(timestamp(number), text);
        }
        assert_eq!(seconds("2026-09-21T16:13:20.75+02:00"), Some(1_790_000_000));
        assert_eq!(seconds("1790000000"), Some(1_790_000_000));
        assert!(seconds("now").is_some_and(|now| now > 1_700_000_000));
        let mut number = 0;
        while number < 4_200_000_000 {
            assert_eq!(day(&timestamp(number)[..10]).map(u64::from), Some(number / DAY));
            number += DAY;
        }
    }

    #[test]
    fn times_of_mail() {
        assert_eq!(mail_date(0), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(mail_date(1_790_000_000), "Mon, 21 Sep 2026 14:13:20 +0000");
        assert_eq!(mbox_date(0), "Thu Jan  1 00:00:00 1970");
        assert_eq!(mbox_date(1_790_000_000), "Mon Sep 21 14:13:20 2026");
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "2026-09-21",
            "2026-09-21T14:13:20",
            "2026-02-30T00:00:00Z",
            "1969-12-31T00:00:00Z",
            "-1",
            "soon",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
        for text in ["", "2026-02-30", "1969-12-31", "2026-09-21T14:13:20Z", "20000", "soon"] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
