//! The insertion modes up to and after the body, and "in body" itself.

use super::name::Name;
use super::stack::{Namespace, Scope};
use super::{Body, Facts, Mode, Step, TextMode, Token, Tree};

impl Tree {
    pub(super) fn step(&mut self, mode: Mode, token: Token<'_>) -> Step {
        match mode {
            Mode::Initial => match token {
                Token::Space => Step::Done,
                _ => {
                    self.quirks = true;
                    Step::Again(Mode::BeforeHtml)
                }
            },
            Mode::BeforeHtml => self.before_html(token),
            Mode::BeforeHead => self.before_head(token),
            Mode::InHead => self.in_head(token),
            Mode::InHeadNoscript => self.in_head_noscript(token),
            Mode::AfterHead => self.after_head(token),
            Mode::InBody => self.in_body(token),
            Mode::InTable => self.in_table(token),
            Mode::InCaption => self.in_caption(token),
            Mode::InColumnGroup => self.in_column_group(token),
            Mode::InTableBody => self.in_table_body(token),
            Mode::InRow => self.in_row(token),
            Mode::InCell => self.in_cell(token),
            Mode::InTemplate => self.in_template_mode(token),
            Mode::AfterBody => match token {
                Token::Space | Token::Start(Name::HTML, _) => self.in_body(token),
                Token::End(Name::HTML) => {
                    self.mode = Mode::AfterAfterBody;
                    Step::Done
                }
                Token::EndOfFile => Step::Done,
                _ => Step::Again(Mode::InBody),
            },
            Mode::AfterAfterBody => match token {
                Token::Space | Token::Start(Name::HTML, _) => self.in_body(token),
                Token::EndOfFile => Step::Done,
                _ => Step::Again(Mode::InBody),
            },
            Mode::InFrameset => self.in_frameset(token),
            Mode::AfterFrameset => match token {
                Token::End(Name::HTML) => {
                    self.mode = Mode::AfterAfterFrameset;
                    Step::Done
                }
                Token::Start(Name::NOFRAMES, _) => self.in_head(token),
                _ => Step::Done,
            },
            Mode::AfterAfterFrameset => match token {
                Token::Start(Name::NOFRAMES, _) => self.in_head(token),
                Token::Space => self.in_body(token),
                _ => Step::Done,
            },
        }
    }

    fn before_html(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Space => Step::Done,
            Token::Start(Name::HTML, _) => {
                self.insert(Name::HTML);
                self.mode = Mode::BeforeHead;
                Step::Done
            }
            Token::End(name) if !matches!(name, Name::HEAD | Name::BODY | Name::HTML | Name::BR) => {
                Step::Done
            }
            _ => {
                self.stack.push(Name::HTML, Namespace::Html);
                Step::Again(Mode::BeforeHead)
            }
        }
    }

    fn before_head(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Space => Step::Done,
            Token::Start(Name::HTML, _) => self.in_body(token),
            Token::Start(Name::HEAD, _) => {
                self.head_seen = true;
                self.insert(Name::HEAD);
                self.mode = Mode::InHead;
                Step::Done
            }
            Token::End(name) if !matches!(name, Name::HEAD | Name::BODY | Name::HTML | Name::BR) => {
                Step::Done
            }
            _ => {
                self.head_seen = true;
                self.stack.push(Name::HEAD, Namespace::Html);
                Step::Again(Mode::InHead)
            }
        }
    }

    pub(super) fn in_head(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Space => Step::Done,
            Token::Start(Name::HTML, _) => self.in_body(token),
            Token::Start(Name::BASE | Name::BASEFONT | Name::BGSOUND | Name::LINK | Name::META, _) => {
                self.insert_void();
                Step::Done
            }
            Token::Start(name @ Name::TITLE, _) => self.raw(name, TextMode::RcData),
            Token::Start(name @ (Name::NOFRAMES | Name::STYLE), _) => self.raw(name, TextMode::RawText),
            Token::Start(name @ Name::SCRIPT, _) => self.raw(name, TextMode::ScriptData),
            Token::Start(Name::NOSCRIPT, _) => {
                self.insert(Name::NOSCRIPT);
                self.mode = Mode::InHeadNoscript;
                Step::Done
            }
            Token::End(Name::HEAD) => {
                self.stack.pop();
                self.mode = Mode::AfterHead;
                Step::Done
            }
            Token::Start(Name::TEMPLATE, _) => {
                self.insert(Name::TEMPLATE);
                self.push_marker();
                self.frameset_ok = false;
                self.mode = Mode::InTemplate;
                self.template_modes.push(Mode::InTemplate);
                Step::Done
            }
            Token::End(Name::TEMPLATE) => {
                if self.stack.contains(Name::TEMPLATE) {
                    self.stack.pop_until_named(Name::TEMPLATE);
                    self.clear_to_marker();
                    self.template_modes.pop();
                    self.mode = self.reset_mode();
                }
                Step::Done
            }
            Token::Start(Name::HEAD, _) => Step::Done,
            Token::End(name) if !matches!(name, Name::BODY | Name::HTML | Name::BR) => Step::Done,
            _ => {
                self.stack.pop();
                Step::Again(Mode::AfterHead)
            }
        }
    }

    fn in_head_noscript(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Start(Name::HTML, _) => self.in_body(token),
            Token::End(Name::NOSCRIPT) => {
                self.stack.pop();
                self.mode = Mode::InHead;
                Step::Done
            }
            Token::Space => Step::Done,
            Token::Start(
                Name::BASEFONT | Name::BGSOUND | Name::LINK | Name::META | Name::NOFRAMES | Name::STYLE,
                _,
            ) => self.in_head(token),
            Token::Start(Name::HEAD | Name::NOSCRIPT, _) => Step::Done,
            Token::End(name) if name != Name::BR => Step::Done,
            _ => {
                self.stack.pop();
                Step::Again(Mode::InHead)
            }
        }
    }

    fn after_head(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Space => Step::Done,
            Token::Start(Name::HTML, _) => self.in_body(token),
            Token::Start(Name::BODY, _) => {
                self.insert(Name::BODY);
                self.body = Body::Started;
                self.frameset_ok = false;
                self.mode = Mode::InBody;
                Step::Done
            }
            Token::Start(Name::FRAMESET, _) => {
                self.insert(Name::FRAMESET);
                self.body = Body::Frameset;
                self.mode = Mode::InFrameset;
                Step::Done
            }
            Token::Start(
                Name::BASE
                | Name::BASEFONT
                | Name::BGSOUND
                | Name::LINK
                | Name::META
                | Name::NOFRAMES
                | Name::SCRIPT
                | Name::STYLE
                | Name::TEMPLATE
                | Name::TITLE,
                _,
            ) => {
                // The head element is pushed for this one token and taken out again.
                let place = self.stack.len();
                self.stack.push(Name::HEAD, Namespace::Html);
                let step = self.in_head(token);
                self.remove_from_stack(place);
                step
            }
            Token::End(Name::TEMPLATE) => self.in_head(token),
            Token::Start(Name::HEAD, _) => Step::Done,
            Token::End(name) if !matches!(name, Name::BODY | Name::HTML | Name::BR) => Step::Done,
            _ => {
                self.stack.push(Name::BODY, Namespace::Html);
                self.body = Body::Started;
                Step::Again(Mode::InBody)
            }
        }
    }

    fn in_frameset(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Start(Name::FRAMESET, _) => self.insert(Name::FRAMESET),
            Token::End(Name::FRAMESET) if self.stack.len() > 1 => {
                self.stack.pop();
                if !self.stack.top_is(Name::FRAMESET) {
                    self.mode = Mode::AfterFrameset;
                }
            }
            Token::Start(Name::FRAME, _) => self.insert_void(),
            Token::Start(Name::NOFRAMES, _) => return self.in_head(token),
            _ => {}
        }
        Step::Done
    }

    fn raw(&mut self, name: Name, mode: TextMode) -> Step {
        self.insert(name);
        Step::Raw(mode)
    }

    fn close_p(&mut self) {
        if self.stack.in_scope(Scope::Button, Name::P) {
            self.close_p_element();
        }
    }

    fn close_p_element(&mut self) {
        self.stack.generate_implied_end(Some(Name::P));
        self.stack.pop_until_named(Name::P);
    }

    /// <https://html.spec.whatwg.org/multipage/parsing.html#parsing-main-inbody>
    pub(super) fn in_body(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Null | Token::EndOfFile => Step::Done,
            Token::Space => {
                self.reconstruct();
                Step::Done
            }
            Token::Text => {
                self.reconstruct();
                self.frameset_ok = false;
                Step::Done
            }
            Token::Start(name, facts) => self.start_in_body(name, facts),
            Token::End(name) => self.end_in_body(name),
        }
    }

    fn start_in_body(&mut self, name: Name, facts: &Facts<'_>) -> Step {
        match name {
            Name::HTML => {}
            Name::BASE
            | Name::BASEFONT
            | Name::BGSOUND
            | Name::LINK
            | Name::META
            | Name::NOFRAMES
            | Name::SCRIPT
            | Name::STYLE
            | Name::TEMPLATE
            | Name::TITLE => return self.in_head(Token::Start(name, facts)),
            Name::BODY => {
                if self.stack.get(1).is_some_and(|second| second.is_html(Name::BODY))
                    && !self.stack.contains(Name::TEMPLATE)
                {
                    self.frameset_ok = false;
                }
            }
            Name::FRAMESET => {
                if self.is_replaceable() && !self.kept {
                    self.stack.truncate(1);
                    self.insert(Name::FRAMESET);
                    self.body = Body::Frameset;
                    self.mode = Mode::InFrameset;
                }
            }
            Name::PRE | Name::LISTING => {
                self.close_p();
                self.insert(name);
                self.frameset_ok = false;
            }
            Name::FORM => {
                let template = self.stack.contains(Name::TEMPLATE);
                if self.form.is_none() || template {
                    self.close_p();
                    self.insert(name);
                    if !template {
                        self.form = self.stack.top().map(|top| top.id);
                    }
                }
            }
            Name::LI | Name::DD | Name::DT => {
                self.frameset_ok = false;
                let position = |n| {
                    Some(self.stack.position(n)).filter(|p| *p != 0 && *p >= self.stack.mark(Scope::List))
                };
                let open = if name == Name::LI {
                    position(Name::LI).map(|_| Name::LI)
                } else {
                    match (position(Name::DD), position(Name::DT)) {
                        (Some(dd), Some(dt)) => Some(if dd > dt { Name::DD } else { Name::DT }),
                        (dd, dt) => dd.map(|_| Name::DD).or(dt.map(|_| Name::DT)),
                    }
                };
                if let Some(open) = open {
                    self.stack.generate_implied_end(Some(open));
                    self.stack.pop_until_named(open);
                }
                self.close_p();
                self.insert(name);
            }
            Name::PLAINTEXT => {
                self.close_p();
                return self.raw(name, TextMode::PlainText);
            }
            Name::BUTTON => {
                if self.stack.in_scope(Scope::Default, Name::BUTTON) {
                    self.stack.generate_implied_end(None);
                    self.stack.pop_until_named(Name::BUTTON);
                }
                self.insert_reconstructed(name);
                self.frameset_ok = false;
            }
            Name::NOBR => {
                self.reconstruct();
                if self.stack.in_scope(Scope::Default, Name::NOBR) {
                    self.adoption_agency(Name::NOBR);
                }
                self.start_formatting(name, facts);
            }
            Name::APPLET | Name::MARQUEE | Name::OBJECT => {
                self.insert_reconstructed(name);
                self.push_marker();
                self.frameset_ok = false;
            }
            Name::TABLE => {
                if !self.quirks {
                    self.close_p();
                }
                self.insert(name);
                self.frameset_ok = false;
                self.mode = Mode::InTable;
            }
            Name::AREA | Name::BR | Name::EMBED | Name::IMG | Name::IMAGE | Name::KEYGEN | Name::WBR => {
                self.reconstruct();
                self.insert_void();
                self.frameset_ok = false;
            }
            Name::INPUT => {
                if self.stack.in_scope(Scope::Default, Name::SELECT) {
                    self.stack.pop_until_named(Name::SELECT);
                }
                self.reconstruct();
                self.insert_void();
                if !is_hidden_input(facts) {
                    self.frameset_ok = false;
                }
            }
            Name::PARAM | Name::SOURCE | Name::TRACK => self.insert_void(),
            Name::HR => {
                self.close_p();
                if self.stack.in_scope(Scope::Default, Name::SELECT) {
                    self.stack.generate_implied_end(None);
                }
                self.insert_void();
                self.frameset_ok = false;
            }
            Name::TEXTAREA => {
                self.frameset_ok = false;
                return self.raw(name, TextMode::RcData);
            }
            Name::XMP => {
                self.close_p();
                self.reconstruct();
                self.frameset_ok = false;
                return self.raw(name, TextMode::RawText);
            }
            Name::IFRAME => {
                self.frameset_ok = false;
                return self.raw(name, TextMode::RawText);
            }
            Name::NOEMBED => return self.raw(name, TextMode::RawText),
            Name::SELECT => {
                if self.stack.in_scope(Scope::Default, Name::SELECT) {
                    self.stack.pop_until_named(Name::SELECT);
                } else {
                    self.insert_reconstructed(name);
                    self.frameset_ok = false;
                }
            }
            Name::OPTION | Name::OPTGROUP => {
                if self.stack.in_scope(Scope::Default, Name::SELECT) {
                    let except = (name == Name::OPTION).then_some(Name::OPTGROUP);
                    self.stack.generate_implied_end(except);
                } else if self.stack.top_is(Name::OPTION) {
                    self.stack.pop();
                }
                self.insert_reconstructed(name);
            }
            Name::RB | Name::RTC | Name::RP | Name::RT => {
                if self.stack.in_scope(Scope::Default, Name::RUBY) {
                    let except = matches!(name, Name::RP | Name::RT).then_some(Name::RTC);
                    self.stack.generate_implied_end(except);
                }
                self.insert(name);
            }
            Name::MATH | Name::SVG => {
                self.reconstruct();
                let namespace = if name == Name::SVG { Namespace::Svg } else { Namespace::MathMl };
                self.insert_foreign(name, namespace, facts);
            }
            _ if name.is_block() => {
                self.close_p();
                self.insert(name);
            }
            _ if name.is_heading() => {
                self.close_p();
                if self
                    .stack
                    .top()
                    .is_some_and(|top| top.namespace == Namespace::Html && top.name.is_heading())
                {
                    self.stack.pop();
                }
                self.insert(name);
            }
            _ if name.is_formatting() => self.start_formatting(name, facts),
            _ if name.is_table_part() => {}
            _ => self.insert_reconstructed(name),
        }
        Step::Done
    }

    fn insert_reconstructed(&mut self, name: Name) {
        self.reconstruct();
        self.insert(name);
    }

    pub(super) fn start_formatting(&mut self, name: Name, facts: &Facts<'_>) {
        if name == Name::A {
            self.close_active_a();
        }
        self.reconstruct();
        self.insert_formatting(name, facts);
        self.insert_void(); // it is pushed already; this only says that it was made
    }

    fn end_in_body(&mut self, name: Name) -> Step {
        match name {
            Name::TEMPLATE => return self.in_head(Token::End(name)),
            Name::BODY | Name::HTML => {
                if self.stack.in_scope(Scope::Default, Name::BODY) {
                    self.mode = Mode::AfterBody;
                    if name == Name::HTML {
                        return Step::Again(Mode::AfterBody);
                    }
                }
            }
            Name::FORM => self.end_form(),
            Name::P => {
                if !self.stack.in_scope(Scope::Button, Name::P) {
                    self.stack.push(Name::P, Namespace::Html);
                }
                self.close_p_element();
            }
            Name::LI | Name::DD | Name::DT => {
                let scope = if name == Name::LI { Scope::ListItem } else { Scope::Default };
                if self.stack.in_scope(scope, name) {
                    self.stack.generate_implied_end(Some(name));
                    self.stack.pop_until_named(name);
                }
            }
            Name::BR => {
                self.reconstruct();
                self.frameset_ok = false;
            }
            Name::APPLET | Name::MARQUEE | Name::OBJECT => {
                if self.close_in_scope(name) {
                    self.clear_to_marker();
                }
            }
            Name::BUTTON | Name::LISTING | Name::PRE | Name::SELECT => {
                self.close_in_scope(name);
            }
            _ if name.is_heading() => {
                let scope = self.stack.mark(Scope::Default);
                let open = [Name::H1, Name::H2, Name::H3, Name::H4, Name::H5, Name::H6]
                    .iter()
                    .any(|&heading| self.stack.contains(heading) && self.stack.position(heading) >= scope);
                if open {
                    self.stack.generate_implied_end(None);
                    self.stack.pop_until(|element| {
                        element.namespace == Namespace::Html && element.name.is_heading()
                    });
                }
            }
            _ if name.is_block() => {
                self.close_in_scope(name);
            }
            _ if name.is_formatting() => self.adoption_agency(name),
            _ => self.end_any_other(name),
        }
        Step::Done
    }

    fn close_in_scope(&mut self, name: Name) -> bool {
        let open = self.stack.in_scope(Scope::Default, name);
        if open {
            self.stack.generate_implied_end(None);
            self.stack.pop_until_named(name);
        }
        open
    }

    fn end_form(&mut self) {
        if self.stack.contains(Name::TEMPLATE) {
            self.close_in_scope(Name::FORM);
            return;
        }
        let Some(form) = self.form.take() else { return };
        // Forms do not nest outside templates, so the topmost form is the one pointed at, if it is open.
        let position = self.stack.position(Name::FORM);
        let open = position != 0
            && self.stack.get(position as usize - 1).is_some_and(|element| element.id == form)
            && position >= self.stack.mark(Scope::Default);
        if open {
            self.stack.generate_implied_end(None);
            self.remove_from_stack(position as usize - 1);
        }
    }

    /// "Any other end tag" of "in body".
    pub(super) fn end_any_other(&mut self, name: Name) {
        let position = self.stack.position(name);
        if position != 0 && position >= self.stack.mark(Scope::Special) {
            self.stack.truncate(position as usize - 1);
        }
    }
}

pub(super) fn is_hidden_input(facts: &Facts<'_>) -> bool {
    facts.attribute(b"type").is_some_and(|value| value.eq_ignore_ascii_case(b"hidden"))
}
