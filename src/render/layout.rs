//! Lays text out: marks, hanging indents, wrapping, colour.
//!
//! Pure. No line is longer than the width unless one word alone is. Colour only adds escape sequences around text
//! that is there without it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Effects};

use crate::model::StepId;

/// How text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI escape sequences are written.
    pub colour: bool,
    /// Columns of a line, 80 where there is no terminal.
    pub width: usize,
    /// Whether every subnet of a huge plan is listed.
    pub full: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            colour: false,
            width: 80,
            full: false,
        }
    }
}

/// What a piece of text means; the colour follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Added,
    Removed,
    Changed,
    Heading,
    Error,
    Warning,
    Info,
}

impl Paint {
    fn style(self) -> anstyle::Style {
        let plain = anstyle::Style::new();
        let coloured = |colour: AnsiColor| plain.fg_color(Some(colour.into()));
        match self {
            Self::Plain => plain,
            Self::Added => coloured(AnsiColor::Green),
            Self::Removed => coloured(AnsiColor::Red),
            Self::Changed => coloured(AnsiColor::Yellow),
            Self::Heading => plain.effects(Effects::BOLD),
            Self::Error => coloured(AnsiColor::Red).effects(Effects::BOLD),
            Self::Warning => coloured(AnsiColor::Yellow).effects(Effects::BOLD),
            Self::Info => coloured(AnsiColor::Cyan).effects(Effects::BOLD),
        }
    }
}

/// Narrower than this nothing can be laid out with an indent.
const NARROWEST: usize = 30;

/// Text that grows line by line.
#[derive(Debug)]
pub(super) struct Page {
    style: Style,
    text: String,
}

impl Page {
    pub(super) fn new(style: &Style) -> Self {
        let Style {
            colour,
            width,
            full,
        } = *style;
        Self {
            style: Style {
                colour,
                width: width.max(NARROWEST),
                full,
            },
            text: String::new(),
        }
    }

    pub(super) fn full(&self) -> bool {
        self.style.full
    }

    /// How much there is so far, in bytes.
    pub(super) fn length(&self) -> usize {
        self.text.len()
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// Whether `text` fits into the rest of a line.
    pub(super) fn fits(&self, used: usize, text: &str) -> bool {
        used + columns(text) <= self.style.width
    }

    /// One empty line, unless there is one already or nothing yet.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A heading on a line of its own, after a gap.
    pub(super) fn heading(&mut self, text: &str) {
        self.gap();
        self.item(0, Paint::Heading, text, "", 0);
    }

    /// Plain text with the same indent on every line.
    pub(super) fn para(&mut self, indent: usize, text: &str) {
        self.item(indent, Paint::Plain, "", text, indent);
    }

    /// A painted mark, then text that hangs at `hang` columns.
    pub(super) fn item(
        &mut self,
        indent: usize,
        paint: Paint,
        mark: &str,
        text: &str,
        hang: usize,
    ) {
        let mark = clean(mark);
        let text = clean(text);
        let separator = usize::from(!mark.is_empty() && !text.is_empty());
        let _ = write!(self.text, "{:indent$}", "");
        if mark.is_empty() || paint == Paint::Plain || !self.style.colour {
            self.text.push_str(&mark);
        } else {
            let style = paint.style();
            let _ = write!(self.text, "{style}{mark}{style:#}");
        }
        let used = indent + columns(&mark) + separator;
        for (number, line) in wrap(&text, used, hang, self.style.width).iter().enumerate() {
            if number > 0 {
                self.text.push('\n');
                if !line.is_empty() {
                    let _ = write!(self.text, "{:hang$}", "");
                }
            } else if separator == 1 && !line.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(line);
        }
        // A mark that is a blank may be all that there is on the line.
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }

    /// Text that is to be copied: on one line, however long it is.
    pub(super) fn verbatim(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.text, "{:indent$}{}", "", clean(text));
    }
}

/// Breaks text at single blanks; `used` columns of the first line and `hang` of the others are taken.
fn wrap(text: &str, used: usize, hang: usize, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut at = used;
    let mut started = false;
    for word in text.split(' ') {
        let need = columns(word);
        let blank = usize::from(started);
        if (started || at > hang) && at + blank + need > width {
            lines.push(std::mem::take(&mut line));
            at = hang;
        } else if started {
            line.push(' ');
            at += 1;
        }
        line.push_str(word);
        at += need;
        started = true;
    }
    lines.push(line);
    lines
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Text without anything that steers a terminal; line ends and tabs become blanks.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => cleaned.push(' '),
            '\r' => {}
            // Marks that turn the direction of writing can make a name look like another one.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                cleaned.extend(character.escape_unicode());
            }
            _ if character.is_control() => cleaned.extend(character.escape_unicode()),
            _ => cleaned.push(character),
        }
    }
    cleaned
}

/// A number with a comma every three digits.
pub(super) fn number(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 site`, `1,234 sites`.
pub(super) fn count(amount: usize, noun: &str) -> String {
    let plural = if amount == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(amount))
}

/// `A`, `A and B`, `A, B and C`.
pub(super) fn and(items: &[String]) -> String {
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => items.concat(),
    }
}

/// At most `limit` items, then how many more there are.
pub(super) fn some(items: Vec<String>, limit: usize) -> String {
    let more = items.len().saturating_sub(limit);
    // "and 1 more" would be no shorter than the item itself.
    if more <= 1 {
        return and(&items);
    }
    let mut shown: Vec<String> = items.into_iter().take(limit).collect();
    shown.push(format!("{} more", number(more)));
    and(&shown)
}

/// The command that gives somebody's word for a step.
pub(super) fn attest(step: &StepId) -> String {
    format!("sitewright attest {} --reason \"…\"", argument(&step.0))
}

/// An argument as a shell takes it, on Windows too: in quotation marks where it is more than a plain word.
#[must_use]
pub fn argument(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else if text.contains(['"', '$', '`', '\\']) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        format!("\"{text}\"")
    }
}

/// A duration: `0.2s`, `2m 05s`, `1h 02m`.
pub(super) fn duration(milliseconds: u64) -> String {
    // Rounded to tenths first, so that 59.96 seconds are a minute.
    let tenths = milliseconds.saturating_add(50) / 100;
    let seconds = tenths / 10;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}.{}s", tenths % 10),
        (0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h {minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(count(1, "subnet"), "1 subnet");
        assert_eq!(duration(49), "0.0s");
        assert_eq!(duration(240), "0.2s");
        assert_eq!(duration(59_960), "1m 00s");
        assert_eq!(duration(3_725_000), "1h 02m");
    }

    #[test]
    fn wraps_at_the_width_and_hangs() {
        let mut page = Page::new(&Style {
            width: 30,
            ..Style::default()
        });
        page.item(2, Paint::Added, "+", "one two three four five six seven", 6);
        page.item(
            2,
            Paint::Added,
            "+",
            "a-word-that-does-not-fit-at-all-here",
            6,
        );
        assert_eq!(
            page.finish(),
            "  + one two three four five\n      six seven\n  + a-word-that-does-not-fit-at-all-here\n"
        );
    }

    #[test]
    fn steers_no_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\td"), "a\\u{1b}[2Jb\\u{202e}c d");
    }

    #[test]
    fn quotes_what_a_shell_would_split() {
        assert_eq!(argument("constrain:HQ"), "constrain:HQ");
        assert_eq!(argument("constrain:Main Site"), "\"constrain:Main Site\"");
        assert_eq!(argument("constrain:$HOME"), "'constrain:$HOME'");
    }
}
