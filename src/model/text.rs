//! Texts as a server keeps them.
//!
//! Pure.

/// Whether two texts say the same, as far as a server that took one of them can be asked to keep it: ends of lines
/// travel through XML as line feeds, and blanks at the end are cut off by many a form and column.
#[must_use]
pub fn same_text(one: &str, other: &str) -> bool {
    one.trim_end().lines().eq(other.trim_end().lines())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_normalises_is_no_difference() {
        assert!(same_text("a\r\nb \n", "a\nb"));
        assert!(same_text("", "  "));
        assert!(!same_text("a", "A"));
        assert!(!same_text(" a", "a"));
        assert!(!same_text("a b", "a\nb"));
    }
}
