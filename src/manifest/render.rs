//! Diagnostics → text for people, with the lines of the source that they speak of.
//!
//! Pure. Very long lines are cut around the place; lines of a source are looked up once for all diagnostics.

use std::collections::BTreeMap;
use std::fmt::Write;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin as Heading, Renderer, Snippet,
};

use super::{Diagnostic, Label, Severity, Source};

/// How many characters of a line are shown around a place.
const SHOWN: usize = 120;

/// Renders diagnostics one after the other, each followed by a blank line.
///
/// Places in a file that is not among the sources are shown without their line.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &[Source], colour: bool) -> String {
    let texts: BTreeMap<&str, &str> = sources
        .iter()
        .map(|source| (source.name.as_ref(), source.text.as_ref()))
        .collect();
    let mut lines: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for diagnostic in diagnostics {
        for label in &diagnostic.labels {
            let file = label.origin.file.as_ref();
            if let Some((file, text)) = texts.get_key_value(file) {
                lines.entry(file).or_insert_with(|| line_starts(text));
            }
        }
    }
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(160);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let text = one(diagnostic, &texts, &lines, &renderer);
        let _ = writeln!(out, "{text}\n");
    }
    out
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(text.match_indices('\n').map(|(position, _)| position + 1))
        .collect()
}

/// What is shown of one line.
struct Shown {
    /// The line, cut.
    text: String,
    /// Whether characters are missing at its beginning.
    cut_left: bool,
    /// The bytes in it that are underlined.
    range: std::ops::Range<usize>,
}

fn shown(label: &Label, text: &str, starts: &[usize]) -> Option<Shown> {
    let number = usize::try_from(label.origin.line).ok()?.checked_sub(1)?;
    let start = *starts.get(number)?;
    let end = starts.get(number + 1).copied().unwrap_or(text.len());
    let line = text.get(start..end)?.trim_end_matches(['\n', '\r']);
    let line = if start == 0 {
        line.trim_start_matches('\u{FEFF}')
    } else {
        line
    };
    let column = usize::try_from(label.origin.column).ok()?.checked_sub(1)?;
    // Few characters before the place are needed, however long the line is.
    let before: usize = line.chars().take(column).map(char::len_utf8).sum();
    let rest = line.get(before..)?;
    let length = match usize::try_from(label.length).unwrap_or(1) {
        0 => word(rest),
        length => length,
    };
    let marked: usize = rest
        .chars()
        .take(length.min(SHOWN))
        .map(char::len_utf8)
        .sum();
    let (first, cut_left) = if column > SHOWN {
        let back: usize = line
            .get(..before)?
            .chars()
            .rev()
            .take(SHOWN / 2)
            .map(char::len_utf8)
            .sum();
        (before - back, true)
    } else {
        (0, false)
    };
    let (marked, after_shown) = if label.secret {
        (0, 0)
    } else {
        (marked, SHOWN / 2)
    };
    let after: usize = rest
        .get(marked..)?
        .chars()
        .take(after_shown)
        .map(char::len_utf8)
        .sum();
    let last = before + marked + after;
    let mut cut = String::new();
    if cut_left {
        cut.push('…');
    }
    let lead = cut.len() + before - first;
    // Tabs and other control characters would move what stands under them.
    let visible: String = line
        .get(first..last)?
        .chars()
        .map(|c| {
            if c.is_control() && c.is_ascii() {
                ' '
            } else {
                c
            }
        })
        .collect();
    cut.push_str(&visible);
    if last < line.len() {
        cut.push('…');
    }
    Some(Shown {
        // What is hidden is shown, and underlined, as one sign.
        range: lead..lead
            + if label.secret {
                '…'.len_utf8()
            } else {
                marked
            },
        text: cut,
        cut_left,
    })
}

/// The number of characters of the word at the beginning.
fn word(rest: &str) -> usize {
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        return rest
            .chars()
            .skip(1)
            .position(|c| c == quote)
            .map_or(1, |position| position + 2);
    }
    let stop = [": ", " #", ", ", "]", "}"]
        .iter()
        .filter_map(|mark| rest.find(mark))
        .min()
        .unwrap_or(rest.len());
    let word = rest.get(..stop).unwrap_or(rest).trim_end();
    let word = word.strip_suffix([':', ',']).unwrap_or(word);
    word.chars().count().max(1)
}

fn one(
    diagnostic: &Diagnostic,
    texts: &BTreeMap<&str, &str>,
    lines: &BTreeMap<&str, Vec<usize>>,
    renderer: &Renderer,
) -> String {
    let Diagnostic {
        code,
        severity,
        message,
        labels,
        hint,
    } = diagnostic;
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let mut group = Group::with_title(level.primary_title(message.as_str()).id(*code));
    // Places on one line are shown with one copy of it, and each at its own line otherwise.
    for (position, label) in labels.iter().enumerate() {
        let file = label.origin.file.as_ref();
        let found = texts
            .get(file)
            .zip(lines.get(file))
            .and_then(|(text, starts)| shown(label, text, starts));
        let kind = if position == 0 {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        if let Some(shown) = found {
            let mut annotation: Annotation<'_> = kind.span(shown.range);
            if !label.text.is_empty() {
                annotation = annotation.label(label.text.as_str());
            }
            let line = usize::try_from(label.origin.line).unwrap_or(usize::MAX);
            let mut snippet = Snippet::source(shown.text)
                .line_start(line)
                .annotation(annotation);
            if shown.cut_left {
                // The snippet itself would name the column in the cut line.
                group = group.element(heading(label));
            } else {
                snippet = snippet.path(file);
            }
            group = group.element(snippet);
        } else {
            group = group.element(heading(label));
            if !label.text.is_empty() {
                group = group.element(Level::NOTE.message(label.text.as_str()));
            }
        }
    }
    if let Some(hint) = hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    let text = renderer.render(&[group]);
    text.lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}

fn heading(label: &Label) -> Heading<'_> {
    let number = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
    Heading::path(label.origin.file.as_ref())
        .line(number(label.origin.line))
        .char_column(number(label.origin.column))
}
