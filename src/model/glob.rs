//! Patterns with `*` and `?`, as manifests select packages by them.
//!
//! Pure.

/// Whether `text` fits a pattern with `*` and `?`; both are folded already.
#[must_use]
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how much of the text it took.
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some('?') => (p, t) = (p + 1, t + 1),
            Some(expected) if expected == character => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn globs() {
        for (pattern, text, expect) in [
            ("win11-*", "win11-24h2 golden", true),
            ("win11-*", "win10 golden", false),
            ("*golden", "win10 golden", true),
            ("w?n*n", "win10 golden", true),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
        ] {
            assert_eq!(glob(pattern, text), expect, "{pattern} {text}");
        }
    }
}
