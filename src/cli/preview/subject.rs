//! Which mail it is: what its reader sees of it in an inbox.

use openclick::source::Message;

use super::look::Look;

/// A mail's name, subject and sender, as they stand in it: not safe to show.
pub(super) struct Subject {
    /// The file; none for stdin.
    pub(super) file: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

impl Subject {
    /// Reads it out of a message's header.
    pub(super) fn of(look: &Look, file: Option<&str>) -> Subject {
        let fields = match look.is_message {
            true => Message::parse(&look.before).fields(),
            false => Vec::new(),
        };
        let text = |name: &str| fields.iter().find(|field| field.is(name)).map(|field| field.text());
        Subject {
            file: file.map(str::to_owned),
            subject: text("Subject"),
            from: text("From"),
            to: text("To"),
        }
    }
}
