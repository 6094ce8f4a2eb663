//! The insertion modes of tables, templates, and what comes after one ends.

use super::name::Name;
use super::rules::is_hidden_input;
use super::stack::{Namespace, Scope};
use super::{Mode, Step, Token, Tree};

impl Tree {
    fn pop_until_current(&mut self, wanted: fn(Name) -> bool) {
        while self.stack.top().is_some_and(|top| !(top.namespace == Namespace::Html && wanted(top.name))) {
            self.stack.pop();
        }
    }

    fn clear_to_table(&mut self) {
        self.pop_until_current(|name| matches!(name, Name::TABLE | Name::TEMPLATE | Name::HTML));
    }

    fn clear_to_table_body(&mut self) {
        self.pop_until_current(|name| {
            matches!(name, Name::TBODY | Name::TFOOT | Name::THEAD | Name::TEMPLATE | Name::HTML)
        });
    }

    fn clear_to_row(&mut self) {
        self.pop_until_current(|name| matches!(name, Name::TR | Name::TEMPLATE | Name::HTML));
    }

    fn in_table_scope(&self, name: Name) -> bool {
        self.stack.in_scope(Scope::Table, name)
    }

    pub(super) fn in_table(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Space => {
                // Unless other text follows before the next tag, white space stays where it is, and
                // other text brings its own [`Token::Text`].
                let inside = self.stack.top().is_some_and(|top| {
                    matches!(top.name, Name::TABLE | Name::TBODY | Name::TFOOT | Name::THEAD | Name::TR)
                });
                if inside { Step::Done } else { self.in_body(token) }
            }
            Token::Start(Name::CAPTION, _) => {
                self.clear_to_table();
                self.push_marker();
                self.insert(Name::CAPTION);
                self.mode = Mode::InCaption;
                Step::Done
            }
            Token::Start(Name::COLGROUP, _) => {
                self.clear_to_table();
                self.insert(Name::COLGROUP);
                self.mode = Mode::InColumnGroup;
                Step::Done
            }
            Token::Start(Name::COL, _) => {
                self.clear_to_table();
                self.stack.push(Name::COLGROUP, Namespace::Html);
                Step::Again(Mode::InColumnGroup)
            }
            Token::Start(name @ (Name::TBODY | Name::TFOOT | Name::THEAD), _) => {
                self.clear_to_table();
                self.insert(name);
                self.mode = Mode::InTableBody;
                Step::Done
            }
            Token::Start(Name::TD | Name::TH | Name::TR, _) => {
                self.clear_to_table();
                self.stack.push(Name::TBODY, Namespace::Html);
                Step::Again(Mode::InTableBody)
            }
            Token::Start(Name::TABLE, _) => {
                if !self.in_table_scope(Name::TABLE) {
                    return Step::Done;
                }
                self.stack.pop_until_named(Name::TABLE);
                Step::Again(self.reset_mode())
            }
            Token::End(Name::TABLE) => {
                if self.in_table_scope(Name::TABLE) {
                    self.stack.pop_until_named(Name::TABLE);
                    self.mode = self.reset_mode();
                }
                Step::Done
            }
            Token::End(
                Name::BODY
                | Name::CAPTION
                | Name::COL
                | Name::COLGROUP
                | Name::HTML
                | Name::TBODY
                | Name::TD
                | Name::TFOOT
                | Name::TH
                | Name::THEAD
                | Name::TR,
            ) => Step::Done,
            Token::Start(Name::STYLE | Name::SCRIPT | Name::TEMPLATE, _) | Token::End(Name::TEMPLATE) => {
                self.in_head(token)
            }
            Token::Start(Name::INPUT, facts) if is_hidden_input(facts) => {
                self.insert_void();
                Step::Done
            }
            Token::Start(Name::FORM, _) => {
                if self.form.is_none() && !self.stack.contains(Name::TEMPLATE) {
                    self.insert_void();
                    self.form = Some(self.stack.new_id());
                }
                Step::Done
            }
            _ => self.in_body(token),
        }
    }

    pub(super) fn in_caption(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Start(
                Name::CAPTION
                | Name::COL
                | Name::COLGROUP
                | Name::TBODY
                | Name::TD
                | Name::TFOOT
                | Name::TH
                | Name::THEAD
                | Name::TR,
                _,
            )
            | Token::End(Name::TABLE | Name::CAPTION) => {
                if !self.in_table_scope(Name::CAPTION) {
                    return Step::Done;
                }
                self.stack.generate_implied_end(None);
                self.stack.pop_until_named(Name::CAPTION);
                self.clear_to_marker();
                if matches!(token, Token::End(Name::CAPTION)) {
                    self.mode = Mode::InTable;
                    Step::Done
                } else {
                    Step::Again(Mode::InTable)
                }
            }
            Token::End(
                Name::BODY
                | Name::COL
                | Name::COLGROUP
                | Name::HTML
                | Name::TBODY
                | Name::TD
                | Name::TFOOT
                | Name::TH
                | Name::THEAD
                | Name::TR,
            ) => Step::Done,
            _ => self.in_body(token),
        }
    }

    pub(super) fn in_column_group(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Space | Token::EndOfFile | Token::End(Name::COL) => Step::Done,
            Token::Start(Name::HTML, _) => self.in_body(token),
            Token::Start(Name::COL, _) => {
                self.insert_void();
                Step::Done
            }
            Token::End(Name::COLGROUP) => {
                if self.stack.top_is(Name::COLGROUP) {
                    self.stack.pop();
                    self.mode = Mode::InTable;
                }
                Step::Done
            }
            Token::Start(Name::TEMPLATE, _) | Token::End(Name::TEMPLATE) => self.in_head(token),
            _ => {
                if !self.stack.top_is(Name::COLGROUP) {
                    return Step::Done;
                }
                self.stack.pop();
                Step::Again(Mode::InTable)
            }
        }
    }

    pub(super) fn in_table_body(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Start(Name::TR, _) => {
                self.clear_to_table_body();
                self.insert(Name::TR);
                self.mode = Mode::InRow;
                Step::Done
            }
            Token::Start(Name::TH | Name::TD, _) => {
                self.clear_to_table_body();
                self.stack.push(Name::TR, Namespace::Html);
                Step::Again(Mode::InRow)
            }
            Token::End(name @ (Name::TBODY | Name::TFOOT | Name::THEAD)) => {
                if self.in_table_scope(name) {
                    self.clear_to_table_body();
                    self.stack.pop();
                    self.mode = Mode::InTable;
                }
                Step::Done
            }
            Token::Start(
                Name::CAPTION | Name::COL | Name::COLGROUP | Name::TBODY | Name::TFOOT | Name::THEAD,
                _,
            )
            | Token::End(Name::TABLE) => {
                let inside = [Name::TBODY, Name::THEAD, Name::TFOOT].iter().any(|&n| self.in_table_scope(n));
                if !inside {
                    return Step::Done;
                }
                self.clear_to_table_body();
                self.stack.pop();
                Step::Again(Mode::InTable)
            }
            Token::End(
                Name::BODY
                | Name::CAPTION
                | Name::COL
                | Name::COLGROUP
                | Name::HTML
                | Name::TD
                | Name::TH
                | Name::TR,
            ) => Step::Done,
            _ => self.in_table(token),
        }
    }

    pub(super) fn in_row(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Start(name @ (Name::TH | Name::TD), _) => {
                self.clear_to_row();
                self.insert(name);
                self.mode = Mode::InCell;
                self.push_marker();
                Step::Done
            }
            Token::End(Name::TR) => {
                if self.in_table_scope(Name::TR) {
                    self.clear_to_row();
                    self.stack.pop();
                    self.mode = Mode::InTableBody;
                }
                Step::Done
            }
            Token::Start(
                Name::CAPTION
                | Name::COL
                | Name::COLGROUP
                | Name::TBODY
                | Name::TFOOT
                | Name::THEAD
                | Name::TR,
                _,
            )
            | Token::End(Name::TABLE) => self.leave_row(),
            Token::End(name @ (Name::TBODY | Name::TFOOT | Name::THEAD)) => {
                if self.in_table_scope(name) {
                    self.leave_row()
                } else {
                    Step::Done
                }
            }
            Token::End(
                Name::BODY | Name::CAPTION | Name::COL | Name::COLGROUP | Name::HTML | Name::TD | Name::TH,
            ) => Step::Done,
            _ => self.in_table(token),
        }
    }

    fn leave_row(&mut self) -> Step {
        if !self.in_table_scope(Name::TR) {
            return Step::Done;
        }
        self.clear_to_row();
        self.stack.pop();
        Step::Again(Mode::InTableBody)
    }

    pub(super) fn in_cell(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::End(name @ (Name::TD | Name::TH)) => {
                if self.in_table_scope(name) {
                    self.stack.generate_implied_end(None);
                    self.stack.pop_until_named(name);
                    self.clear_to_marker();
                    self.mode = Mode::InRow;
                }
                Step::Done
            }
            Token::Start(
                Name::CAPTION
                | Name::COL
                | Name::COLGROUP
                | Name::TBODY
                | Name::TD
                | Name::TFOOT
                | Name::TH
                | Name::THEAD
                | Name::TR,
                _,
            ) => {
                if self.in_table_scope(Name::TD) || self.in_table_scope(Name::TH) {
                    self.close_cell()
                } else {
                    Step::Done
                }
            }
            Token::End(Name::BODY | Name::CAPTION | Name::COL | Name::COLGROUP | Name::HTML) => Step::Done,
            Token::End(name @ (Name::TABLE | Name::TBODY | Name::TFOOT | Name::THEAD | Name::TR)) => {
                if self.in_table_scope(name) { self.close_cell() } else { Step::Done }
            }
            _ => self.in_body(token),
        }
    }

    fn close_cell(&mut self) -> Step {
        self.stack.generate_implied_end(None);
        self.stack.pop_until(|element| element.is_html(Name::TD) || element.is_html(Name::TH));
        self.clear_to_marker();
        Step::Again(Mode::InRow)
    }

    pub(super) fn in_template_mode(&mut self, token: Token<'_>) -> Step {
        let mode = match token {
            Token::Space | Token::Text | Token::Null => return self.in_body(token),
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
            )
            | Token::End(Name::TEMPLATE) => return self.in_head(token),
            Token::Start(Name::CAPTION | Name::COLGROUP | Name::TBODY | Name::TFOOT | Name::THEAD, _) => {
                Mode::InTable
            }
            Token::Start(Name::COL, _) => Mode::InColumnGroup,
            Token::Start(Name::TR, _) => Mode::InTableBody,
            Token::Start(Name::TD | Name::TH, _) => Mode::InRow,
            Token::Start(..) => Mode::InBody,
            Token::End(_) | Token::EndOfFile => return Step::Done,
        };
        self.template_modes.pop();
        self.template_modes.push(mode);
        Step::Again(mode)
    }

    /// <https://html.spec.whatwg.org/multipage/parsing.html#reset-the-insertion-mode-appropriately>
    pub(super) fn reset_mode(&self) -> Mode {
        // Kept on the stack: a walk down a deep one for every `</table>` would be quadratic.
        match self.stack.deciding() {
            Some(Name::TD | Name::TH) => Mode::InCell,
            Some(Name::TR) => Mode::InRow,
            Some(Name::TBODY | Name::THEAD | Name::TFOOT) => Mode::InTableBody,
            Some(Name::CAPTION) => Mode::InCaption,
            Some(Name::COLGROUP) => Mode::InColumnGroup,
            Some(Name::TABLE) => Mode::InTable,
            Some(Name::TEMPLATE) => self.template_modes.last().copied().unwrap_or(Mode::InBody),
            Some(Name::HEAD) => Mode::InHead,
            Some(Name::FRAMESET) => Mode::InFrameset,
            Some(Name::HTML) if self.body == super::Body::Before && self.head_seen => Mode::AfterHead,
            Some(Name::HTML) if self.body == super::Body::Before => Mode::BeforeHead,
            _ => Mode::InBody,
        }
    }
}
