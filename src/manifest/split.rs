//! A text → the texts of its documents.
//!
//! Pure. YAML forbids `---` and `...` at the beginning of a line everywhere inside a document, so documents can be
//! told apart before any of them is parsed, and one that is no YAML does not hide the rest.

/// The text of one document with the number of lines before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    /// Its text, with its `---` line.
    pub(crate) text: &'a str,
    /// Lines before it.
    pub(crate) lines: u32,
}

/// Whether a line begins with a marker, such as `---`.
pub(crate) fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Splits a text into documents; never gives back an empty list.
pub(crate) fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut start_line = 0;
    let mut offset = 0;
    // Whether anything stands between `start` and here that belongs to a document: comments, blank lines and
    // directives belong to the document that follows.
    let mut begun = false;
    for (number, line) in (0_u32..).zip(text.split_inclusive('\n')) {
        let next = offset + line.len();
        if is_marker(line, "---") {
            if begun {
                parts.push(Part {
                    text: text.get(start..offset).unwrap_or_default(),
                    lines: start_line,
                });
                start = offset;
                start_line = number;
            }
            begun = true;
        } else if is_marker(line, "...") {
            if begun {
                parts.push(Part {
                    text: text.get(start..offset).unwrap_or_default(),
                    lines: start_line,
                });
            }
            start = next;
            start_line = number + 1;
            begun = false;
        } else if !begun {
            let bare = line.trim();
            begun = !(bare.is_empty() || bare.starts_with('#') || line.starts_with('%'));
        }
        offset = next;
    }
    if begun || parts.is_empty() {
        parts.push(Part {
            text: text.get(start..).unwrap_or_default(),
            lines: start_line,
        });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(&str, u32)]) {
        let found: Vec<(&str, u32)> = split(text).iter().map(|p| (p.text, p.lines)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn documents_are_told_apart() {
        check("", &[("", 0)]);
        check("a: 1", &[("a: 1", 0)]);
        check(
            "---\na: 1\n---\nb: 2\n",
            &[("---\na: 1\n", 0), ("---\nb: 2\n", 2)],
        );
        check("# x\n---\na\n...\n# y\n", &[("# x\n---\na\n", 0)]);
        check(
            "a\n--- # no\n---\n",
            &[("a\n", 0), ("--- # no\n", 1), ("---\n", 2)],
        );
        check("a: --- b\n---c\n", &[("a: --- b\n---c\n", 0)]);
        check("%YAML 1.2\n---\na\n", &[("%YAML 1.2\n---\na\n", 0)]);
    }
}
