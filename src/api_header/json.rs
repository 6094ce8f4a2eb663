//! The API headers that hold JSON: SparkPost's and SendGrid's.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{HeaderIgnored, Links, Reader};
use crate::encoded_word;
use crate::stream::Setting;

impl Reader {
    /// SparkPost: `X-MSYS-API` is an object with `options` and `campaign_id` *(SparkPost, "SMTP API"; Momentum 4, "Using
    /// the X-MSYS-API Header for Engagement Tracking": what it specifies takes precedence over the configuration)*.
    /// `initial_open` is an option of its own *(SparkPost's Python client)*; a sender who switches opens off and does not
    /// name it wants no pixel.
    pub(super) fn sparkpost(&mut self, value: &[u8]) {
        const HEADER: &str = "X-MSYS-API";
        let Some(object) = self.object(value) else { return };
        let options = self.member(&object, "", "options");
        let mut options = options.unwrap_or_default();
        let mut switch = |reader: &mut Reader, name: &str| match options.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::Bool(on)) => Some(on),
            Some(_) => {
                reader.bad_value(&format!("options.{name}"), "true or false");
                None
            }
        };
        let links = switch(self, "click_tracking");
        let opens = switch(self, "open_tracking");
        let initial = switch(self, "initial_open").or(opens.filter(|on| !on));
        let settings = [
            (Setting::ClickTracking, links),
            (Setting::OpenTracking, opens),
            (Setting::InitialOpen, initial),
        ];
        for (setting, on) in settings {
            if let Some(on) = on {
                self.switch(HEADER, setting, on);
            }
        }
        match object.get("campaign_id") {
            None | Some(Value::Null) => {}
            Some(Value::String(name)) => self.named(HEADER, Setting::Campaign, name.as_bytes()),
            Some(_) => self.bad_value("campaign_id", "a string"),
        }
    }

    /// SendGrid: `filters.clicktrack.settings` and `filters.opentrack.settings`, `enable` 0 or 1, for clicks also
    /// `enable_text` true or false *(SendGrid, "SMTP Filters")*. Its clients write numbers, strings and booleans.
    pub(super) fn sendgrid(&mut self, value: &[u8]) {
        const HEADER: &str = "X-SMTPAPI";
        let Some(object) = self.object(value) else { return };
        let Some(filters) = self.member(&object, "", "filters") else { return };
        if let Some(settings) = self.filter(&filters, "clicktrack") {
            let enable = self.enabled(&settings, "filters.clicktrack.settings", "enable");
            let text = self.enabled(&settings, "filters.clicktrack.settings", "enable_text");
            match (enable, text) {
                (Some(true), Some(false)) => self.links(HEADER, Links::HtmlOnly),
                (Some(true), _) => self.links(HEADER, Links::On),
                (Some(false), _) => self.links(HEADER, Links::Off),
                (None, Some(false)) => self.switch(HEADER, Setting::TextLinks, false),
                (None, _) => {}
            }
        }
        if let Some(settings) = self.filter(&filters, "opentrack")
            && let Some(on) = self.enabled(&settings, "filters.opentrack.settings", "enable")
        {
            self.opens(HEADER, on);
        }
    }

    fn filter(&mut self, filters: &Map<String, Value>, name: &str) -> Option<Map<String, Value>> {
        let filter = self.member(filters, "filters.", name)?;
        self.member(&filter, &format!("filters.{name}."), "settings")
    }

    fn enabled(&mut self, settings: &Map<String, Value>, path: &str, name: &str) -> Option<bool> {
        match settings.get(name)? {
            Value::Null => None,
            Value::Bool(on) => Some(*on),
            Value::Number(number) if number.as_u64() == Some(1) => Some(true),
            Value::Number(number) if number.as_u64() == Some(0) => Some(false),
            Value::String(text) if text == "1" || text == "true" => Some(true),
            Value::String(text) if text == "0" || text == "false" => Some(false),
            _ => {
                self.bad_value(&format!("{path}.{name}"), "0 or 1");
                None
            }
        }
    }

    /// A member that is an object.
    fn member(&mut self, object: &Map<String, Value>, path: &str, name: &str) -> Option<Map<String, Value>> {
        match object.get(name)? {
            Value::Null => None,
            Value::Object(member) => Some(member.clone()),
            _ => {
                self.bad_value(&format!("{path}{name}"), "an object");
                None
            }
        }
    }

    fn bad_value(&mut self, path: &str, expected: &str) {
        self.ignore(HeaderIgnored::BadValue, format!("{path}: expected {expected}"));
    }

    /// The object that the header holds. Libraries that find a character beyond ASCII, or a long line, write all of it or
    /// some of it in encoded words (RFC 2047), inside JSON's strings too.
    fn object(&mut self, value: &[u8]) -> Option<Map<String, Value>> {
        // A line end that was not unfolded is white space to JSON too, between its tokens.
        let parse = |text: &[u8]| serde_json::from_slice::<Value>(text);
        let decoded = encoded_word::decode(value);
        let parsed = match (parse(&decoded), &decoded) {
            (Err(error), Cow::Owned(_)) => parse(value).map_err(|_| error),
            (parsed, _) => parsed,
        };
        match parsed {
            Ok(Value::Object(object)) => Some(object),
            Ok(_) => {
                self.ignore(HeaderIgnored::BadJson, "expected a JSON object".to_owned());
                None
            }
            Err(error) => {
                // serde_json's own words name places and tokens, never the text.
                self.ignore(HeaderIgnored::BadJson, format!("it is not JSON: {error}"));
                None
            }
        }
    }
}
