//! SVG, element by element.
//!
//! Pure. Every text is escaped and fits its place: what is longer is cut with an ellipsis and told in full by a tooltip.
//! Numbers have one decimal place, so that the same picture is the same bytes.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

use super::Fate;
use crate::render::layout::clean;
use crate::render::safe::html::escape;

/// The width of a panel: what a phone shows without scaling.
pub(super) const WIDTH: f64 = 350.0;

/// A picture that grows.
pub(super) struct Svg {
    body: String,
}

/// A number as it is written.
pub(super) fn n(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0")
        .map_or(text.clone(), ToOwned::to_owned)
}

/// What a text is set in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Plain,
    /// What something is called.
    Name,
    /// Addresses, every character as wide as the other.
    Net,
    Small,
    /// What is not there.
    Ghost,
}

impl Face {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Name => "name",
            Self::Net => "net",
            Self::Small => "small",
            Self::Ghost => "ghost",
        }
    }

    /// How wide a character is at most in the fonts that the style names, of which `DejaVu Sans` is the widest.
    fn width_of(self, character: char) -> f64 {
        let (size, bold) = match self {
            Self::Net => return 6.4 * f64::from(columns(character)),
            Self::Name => (11.0, 1.1),
            Self::Plain | Self::Ghost => (11.0, 1.0),
            Self::Small => (10.0, 1.0),
        };
        let em = match character {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '/' => 0.34,
            'f' | 'r' | 't' | '-' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '`' => 0.46,
            'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 1.0,
            '<' | '>' | '=' | '+' | '~' | '−' | '&' | '#' => 0.84,
            'A'..='Z' => 0.79,
            '!'..='~' => 0.64,
            // Other scripts: an em for a wide character, more than most need for the others.
            other => match columns(other) {
                0 => 0.0,
                1 => 0.8,
                _ => 1.0,
            },
        };
        size * bold * em
    }

    /// How wide a text is at most.
    pub(super) fn width(self, text: &str) -> f64 {
        text.chars().map(|character| self.width_of(character)).sum()
    }
}

/// How many columns of a terminal a character takes, from 0 to 2.
fn columns(character: char) -> u8 {
    u8::try_from(character.width().unwrap_or(0)).unwrap_or(2)
}

/// Text that is no wider, with an ellipsis where it is cut.
fn fit(text: &str, face: Face, width: f64) -> String {
    let text = clean(text);
    if face.width(&text) <= width {
        return text;
    }
    let mut cut = String::new();
    let mut used = face.width("…");
    for character in text.chars() {
        used += face.width_of(character);
        if used > width {
            break;
        }
        cut.push(character);
    }
    cut.push('…');
    cut
}

impl Svg {
    pub(super) fn new() -> Self {
        Self {
            body: String::new(),
        }
    }

    /// The whole picture; `id` tells it from others of the page.
    pub(super) fn finish(self, id: &str, title: &str, description: &str, height: f64) -> String {
        format!(
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
             <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n{}</svg>\n",
            n(WIDTH),
            n(height),
            escape(title),
            escape(description),
            self.body
        )
    }

    pub(super) fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4]) {
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"3\"/>",
            n(x),
            n(y),
            n(width),
            n(height)
        );
    }

    pub(super) fn path(&mut self, class: &str, way: &str) {
        let _ = writeln!(self.body, "<path class=\"{class}\" d=\"{way}\"/>");
    }

    /// Text from a point on, no wider than it is said.
    pub(super) fn text(&mut self, face: Face, [x, y, width]: [f64; 3], text: &str) {
        let shown = fit(text, face, width);
        let whole = if shown == clean(text) {
            String::new()
        } else {
            format!("<title>{}</title>", escape(text))
        };
        self.write(face.class(), [x, y], &format!("{whole}{}", escape(&shown)));
    }

    /// A short text that ends at a point.
    pub(super) fn label(&mut self, fate: Fate, at: [f64; 2], text: &str) {
        let class = format!("small end {}", fate.class());
        self.write(class.trim_end(), at, &escape(text));
    }

    fn write(&mut self, class: &str, [x, y]: [f64; 2], text: &str) {
        let (x, y) = (n(x), n(y));
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>"
        );
    }

    /// The mark of something that comes, goes or changes, around a point: a circle, a square, a diamond.
    pub(super) fn mark(&mut self, fate: Fate, x: f64, y: f64) {
        let class = fate.class();
        let shape = match fate {
            Fate::Same => return,
            Fate::Added => format!(
                "<circle class=\"mark {class}\" cx=\"{}\" cy=\"{}\" r=\"5.5\"/>",
                n(x),
                n(y)
            ),
            Fate::Removed => format!(
                "<rect class=\"mark {class}\" x=\"{}\" y=\"{}\" width=\"11\" height=\"11\"/>",
                n(x - 5.5),
                n(y - 5.5)
            ),
            Fate::Changed => format!(
                "<path class=\"mark {class}\" d=\"M{} {}l6.5 6.5l-6.5 6.5l-6.5 -6.5z\"/>",
                n(x),
                n(y - 6.5)
            ),
        };
        let _ = writeln!(
            self.body,
            "{shape}<text class=\"sign\" x=\"{}\" y=\"{}\">{}</text>",
            n(x),
            n(y + 3.8),
            fate.sign()
        );
    }

    /// Lines across a rectangle, for what is not certain.
    pub(super) fn hatch(&mut self, [x, y, width, height]: [f64; 4]) {
        let mut way = String::new();
        // Each line is x + y = c within the rectangle.
        let mut across = 7.0;
        while across < width + height {
            let (left, right) = ((across - height).max(0.0), across.min(width));
            let _ = write!(
                way,
                "M{} {}L{} {}",
                n(x + left),
                n(y + across - left),
                n(x + right),
                n(y + across - right)
            );
            across += 7.0;
        }
        self.path("hatch", &way);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_fits_its_place() {
        assert_eq!(fit("DEPLOY01", Face::Net, 52.0), "DEPLOY01");
        assert_eq!(fit("DEPLOY012", Face::Net, 52.0), "DEPLOY0…");
        // As wide as they are shown, not as many as they are.
        assert_eq!(fit("東京支店サイト", Face::Plain, 45.0), "東京支…");
        assert_eq!(fit("illil", Face::Name, 22.0), "illil");
        assert_eq!(fit("WWWWW", Face::Name, 37.0), "WW…");
        assert_eq!(
            fit("e\u{301}e\u{301}e\u{301}", Face::Net, 20.0),
            "e\u{301}e\u{301}e\u{301}"
        );
        assert_eq!(fit("a\u{202e}b", Face::Plain, 99.0), "a\\u{202e}b");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(n(3.0), "3");
        assert_eq!(n(3.26), "3.3");
    }
}
