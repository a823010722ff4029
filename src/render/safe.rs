//! Text that means nothing but itself to Markdown and to HTML, whoever chose it.
//!
//! Pure. Names come from a server or a manifest, and may hold anything.

pub(super) mod markdown {
    use crate::render::layout::clean;

    /// Text that means nothing to Markdown.
    pub(in crate::render) fn prose(text: &str) -> String {
        let mut escaped = String::with_capacity(text.len());
        for character in clean(text).chars() {
            if "\\`*_[]<>&#|~!$".contains(character) {
                escaped.push('\\');
            }
            escaped.push(character);
        }
        escaped
    }

    /// A code span that holds any text: its fence is longer than every run of backticks inside.
    pub(in crate::render) fn code(text: &str) -> String {
        let text = clean(text);
        let longest = text
            .split(|c| c != '`')
            .map(str::len)
            .max()
            .unwrap_or_default();
        let fence = "`".repeat(longest + 1);
        // Blanks keep a backtick at an end, or an empty text, from joining the fence.
        if text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
            format!("{fence} {text} {fence}")
        } else {
            format!("{fence}{text}{fence}")
        }
    }

    /// Text of ours with names in backticks, each of which becomes a code span.
    pub(in crate::render) fn said(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for (number, part) in text.split('`').enumerate() {
            if number % 2 == 0 {
                out.push_str(&prose(part));
            } else {
                out.push_str(&code(part));
            }
        }
        out
    }

    /// A fence that no line of a text ends.
    pub(in crate::render) fn fence(text: &str) -> String {
        let longest = text
            .split(|c| c != '`')
            .map(str::len)
            .max()
            .unwrap_or_default();
        "`".repeat(longest.max(2) + 1)
    }
}

pub(super) mod html {
    use crate::render::layout::clean;

    /// Text of ours with names in backticks, each of which becomes code.
    pub(in crate::render) fn prose(text: &str) -> String {
        let mut parts = text.split('`');
        let mut out = escape(parts.next().unwrap_or_default());
        let mut inside = true;
        for part in parts {
            out.push_str(if inside { "<code>" } else { "</code>" });
            out.push_str(&escape(part));
            inside = !inside;
        }
        if !inside {
            out.push_str("</code>");
        }
        out
    }

    /// Text that means nothing to HTML, without anything that turns the direction of writing.
    pub(in crate::render) fn escape(text: &str) -> String {
        let mut escaped = String::with_capacity(text.len());
        for character in clean(text).chars() {
            match character {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                other => escaped.push(other),
            }
        }
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::markdown::{code, fence, prose, said};

    #[test]
    fn prose_means_nothing() {
        assert_eq!(prose("a <b> & `c`"), "a \\<b\\> \\& \\`c\\`");
    }

    #[test]
    fn code_spans_hold_any_text() {
        assert_eq!(code("HQ"), "`HQ`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a\nb"), "`a b`");
        assert_eq!(code(""), "`  `");
    }

    #[test]
    fn names_in_our_text_are_code() {
        assert_eq!(said("`a*b` is [new]"), "`a*b` is \\[new\\]");
        assert_eq!(said("no `end"), "no `end`");
        assert_eq!(said("*"), "\\*");
    }

    #[test]
    fn no_line_ends_a_fence() {
        assert_eq!(fence("+ a\n"), "```");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
