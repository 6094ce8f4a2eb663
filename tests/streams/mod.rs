//! Streams and headers through the public API.

mod bodies;

use proptest::prelude::*;

const NAME: &str = "(?i:X-Virtual-MTA|X-Virtual-MTA-Pool|X-Job|X-Tier|From|To|Cc|Resent-To|Message-ID|X-Sp-Message-Id|\
                    X-Sp-Subaccount-Id|List-Unsubscribe|X-MSYS-API|X-SMTPAPI|X-MC-Track|X-Mailgun-Track|\
                    X-Mailgun-Track-Clicks|X-PM-TrackOpens|X-PM-TrackLinks|X-SES-X)";
const VALUE: &str = "([ab*?.@<>,:;()\"\\\\ ü]|a@b\\.example|<https://a/>|gold|yes|no|none|opens, clicks|HtmlOnly|\
                     =\\?utf-8\\?q\\?=C3=BC\\?=|\\{\"options\": \\{\"click_tracking\": false\\}\\}|\
                     \\{\"campaign_id\": \"a\\\\u0001\"\\}|\
                     \\{\"filters\": \\{\"opentrack\": \\{\"settings\": \\{\"enable\": 1\\}\\}\\}\\}){0,5}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_streams_and_headers(pattern in "[ab*?.ü-]{0,5}", fields in prop::collection::vec((NAME, VALUE), 0..6)) {
        let lines = fields.into_iter().map(|(name, value)| format!("\n{name}: {value}"));
        bodies::streams(format!("{pattern}{}", lines.collect::<String>()).as_bytes());
    }

    #[test]
    fn any_bytes(data: Vec<u8>) {
        bodies::streams(&data);
    }
}
