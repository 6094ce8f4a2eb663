//! Dates as text and back, in UTC. The library reads no clock: every time comes from the caller.

/// Seconds of a day.
pub(crate) const DAY: u64 = 86_400;

/// The date of a day since 1970-01-01, as `YYYY-MM-DD` (longer for years beyond 9999).
pub(crate) fn date(days: u64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Unix seconds as RFC 3339, `YYYY-MM-DDTHH:MM:SSZ`.
pub(crate) fn timestamp(seconds: u64) -> String {
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", date(seconds / DAY))
}

/// The last second of a `YYYY-MM-DD`, or the second of a `YYYY-MM-DDTHH:MM:SSZ`, from 1970 to 9999.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let days = days(text.get(..10)?)?;
    if text.len() == 10 {
        return Some(days * DAY + DAY - 1);
    }
    let time = text[10..].strip_prefix('T')?.strip_suffix('Z')?.as_bytes();
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *time else { return None };
    let hour = number(&[h1, h2])?;
    let minute = number(&[m1, m2])?;
    let second = number(&[s1, s2])?;
    (hour < 24 && minute < 60 && second < 60).then_some(days * DAY + hour * 3600 + minute * 60 + second)
}

fn days(date: &str) -> Option<u64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date.as_bytes() else { return None };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, eras have 400 years.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    // 31 February is no date.
    (self::date(days) == date).then_some(days)
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}

fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = year_of_era + era * 400;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_there_and_back() {
        let mut seconds = DAY - 1;
        for (day, text) in
            [(0, "1970-01-01"), (11_016, "2000-02-29"), (20_816, "2026-12-29"), (2_932_896, "9999-12-31")]
        {
            assert_eq!(date(day), text);
            assert_eq!(parse(text), Some(day * DAY + DAY - 1));
        }
        for day in 0..60_000 {
            assert_eq!(parse(&date(day)), Some(seconds));
            seconds += DAY;
        }
        assert_eq!(timestamp(1_790_000_000), "2026-09-21T14:13:20Z");
        assert_eq!(parse("2026-09-21T14:13:20Z"), Some(1_790_000_000));
    }

    #[test]
    fn what_is_no_date() {
        for text in
            ["", "2026", "2026-02-30", "2026-13-01", "2026-00-01", "1969-12-31", "2026-1-01", "2026-01-01Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        for text in
            ["2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01 00:00:00Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("2026-01-0é"), None);
    }
}
