//! SVG, element by element.
//!
//! Pure. Every text is escaped and fits its place: what is longer is cut with an ellipsis and told in full by a tooltip.
//! Numbers have one decimal place, so that the same picture is the same bytes.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

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

/// Text in so many columns at most, with an ellipsis where it is cut.
pub(super) fn fit(text: &str, columns: usize) -> String {
    let text = clean(text);
    if text.width() <= columns {
        return text;
    }
    let mut cut = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > columns {
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

    /// Text from a point on, in so many columns at most.
    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, text: &str, columns: usize) {
        let shown = fit(text, columns);
        let whole = if shown == clean(text) {
            String::new()
        } else {
            format!("<title>{}</title>", escape(text))
        };
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\">{whole}{}</text>",
            n(x),
            n(y),
            escape(&shown)
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
    fn text_fits_its_columns() {
        assert_eq!(fit("DEPLOY01", 8), "DEPLOY01");
        assert_eq!(fit("DEPLOY012", 8), "DEPLOY0…");
        // As wide as they are shown, not as many as they are.
        assert_eq!(fit("東京支店サイト", 8), "東京支…");
        assert_eq!(
            fit("e\u{301}e\u{301}e\u{301}", 3),
            "e\u{301}e\u{301}e\u{301}"
        );
        assert_eq!(fit("a\u{202e}b", 20), "a\\u{202e}b");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(n(3.0), "3");
        assert_eq!(n(3.26), "3.3");
    }
}
