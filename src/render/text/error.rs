//! The one shape of an error: `error[CODE]: …`, its causes, a hint.
//!
//! Pure.

use crate::render::layout::{Page, Paint, Style};

/// An error with its causes, outermost first, and what to do about it.
///
/// `code` may be empty where there is none.
#[must_use]
pub fn error(
    code: &str,
    message: &str,
    causes: &[String],
    hint: Option<&str>,
    style: &Style,
) -> String {
    told("error", code, message, causes, hint, style)
}

/// Renders what will be an error later on, such as a plan that cannot be applied as things stand.
#[must_use]
pub fn warning(code: &str, message: &str, hint: Option<&str>, style: &Style) -> String {
    told("warning", code, message, &[], hint, style)
}

fn told(
    word: &str,
    code: &str,
    message: &str,
    causes: &[String],
    hint: Option<&str>,
    style: &Style,
) -> String {
    let mut page = Page::new(style);
    label(&mut page, 0, word, code, message);
    for cause in causes {
        page.item(2, Paint::Plain, "caused by:", cause, 4);
    }
    if let Some(hint) = hint.filter(|hint| !hint.is_empty()) {
        page.item(2, Paint::Info, "hint:", hint, 4);
    }
    page.finish()
}

/// `error[CODE]: message`.
pub(super) fn label(page: &mut Page, indent: usize, word: &str, code: &str, message: &str) {
    let mark = if code.is_empty() {
        format!("{word}:")
    } else {
        format!("{word}[{code}]:")
    };
    let paint = match word {
        "error" => Paint::Error,
        "warning" => Paint::Warning,
        _ => Paint::Info,
    };
    page.item(indent, paint, &mark, message, indent + 4);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_one_shape() {
        insta::assert_snapshot!(error(
            "SW0601",
            "step `assign-server:HQ/SITE01.corp.example` failed, and nothing that depends on it was tried",
            &["the SMP answered 500".into(), "Access is denied".into()],
            Some("check that the account holds the right to manage sites"),
            &Style::default(),
        ), @r"
        error[SW0601]: step `assign-server:HQ/SITE01.corp.example` failed, and nothing
            that depends on it was tried
          caused by: the SMP answered 500
          caused by: Access is denied
          hint: check that the account holds the right to manage sites
        ");
    }
}
