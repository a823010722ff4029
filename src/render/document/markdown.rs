//! A saved plan as Markdown that a pull request can carry.
//!
//! Pure. What changes stands in a `diff` block, which is coloured where it is shown; what only some readers want is
//! folded. Whatever a server or a manifest names stands in blocks and code spans, where nothing of it means anything.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{About, WIDTH, about};
use crate::plan::{Note, Plan, PlanFile, Severity, Standing};
use crate::render::layout::{Style, and, count, number};
use crate::render::notes::{self, Said, Told};
use crate::render::safe::markdown::{code, fence, prose, said};
use crate::render::text::{Parts, grouped, parts};

/// How long a comment of GitHub may be. What a character is there is not written down: we count units of UTF-16, of
/// which there are at least as many as characters, and whose bytes stay under its limit of bytes, too.
pub const COMMENT: usize = 65_535;
/// What is kept free for saying what is left out.
const SAYING: usize = 600;
/// How much of a name, and of what blocks, is told beside the lists.
const NAME: usize = 300;
const BLOCKERS: usize = 1_500;

/// A part of the page that can be cut.
struct Section {
    /// What stands before and after its pieces.
    head: String,
    foot: String,
    /// What it holds, each with how many it stands for.
    pieces: Vec<(String, usize)>,
    /// What they are, in the singular.
    noun: &'static str,
}

impl Section {
    /// Its size without its pieces, with room for saying that some are left out.
    fn frame(&self) -> usize {
        size(&self.head) + size(&self.foot) + 80
    }

    fn size(&self) -> usize {
        let pieces = self.pieces.iter();
        self.frame() + pieces.map(|(piece, _)| size(piece)).sum::<usize>()
    }

    /// Writes what fits into so much; gives back how many do not.
    fn write(&self, page: &mut String, room: usize) -> usize {
        let mut used = self.frame();
        let mut left = self.pieces.as_slice();
        if used > room {
            return left.iter().map(|(_, amount)| amount).sum();
        }
        page.push_str(&self.head);
        while let Some(((piece, _), rest)) = left.split_first() {
            used += size(piece);
            if used > room {
                break;
            }
            page.push_str(piece);
            left = rest;
        }
        page.push_str(&self.foot);
        let left: usize = left.iter().map(|(_, amount)| amount).sum();
        if left > 0 {
            let _ = write!(
                page,
                "\n*{} not shown here.*\n",
                count(left, &format!("more {}", self.noun))
            );
        }
        left
    }
}

/// How long a text is in a comment.
fn size(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Divides room among sections: who needs less than a fair share gets what it needs, and leaves the rest to the others.
fn shares(sections: &[Section], mut room: usize) -> Vec<usize> {
    let mut order: Vec<(usize, usize)> = sections.iter().map(Section::size).zip(0..).collect();
    order.sort_unstable();
    let mut shares = vec![0; sections.len()];
    let mut waiting = order.len();
    for (size, at) in order {
        let fair = room.checked_div(waiting).unwrap_or(room);
        let share = size.min(fair);
        room -= share;
        waiting -= 1;
        if let Some(place) = shares.get_mut(at) {
            *place = share;
        }
    }
    shares
}

/// Renders a saved plan so that a comment of a pull request holds it; `full` lists everything, however much it is.
///
/// # Guarantees
/// Without `full` it is no longer than [`COMMENT`]. The first line is the same for every plan of the platform, so that a
/// comment can be found again.
#[must_use]
pub fn markdown(file: &PlanFile, full: bool) -> String {
    let About { platform, rows } = about(file);
    let plan = file.clone().plan();
    let style = Style {
        colour: false,
        width: WIDTH,
        full,
    };
    let parts = parts(&plan, &style);
    let mut head = format!(
        "{}\n## Plan for {}\n\n**{}**\n",
        marker(&platform),
        code(&short(&platform, NAME)),
        prose(&parts.verdict)
    );
    if let Some(blocked) = &parts.blocked {
        let _ = write!(
            head,
            "\n> **Blocked** {}\n",
            said(&short(blocked, BLOCKERS))
        );
    }
    let mut foot = "\n| | |\n|---|---|\n".to_owned();
    for (name, value) in &rows {
        let value = code(&short(value, NAME)).replace('|', "\\|");
        let _ = writeln!(foot, "| {name} | {value} |");
    }
    let sections = sections(&plan, parts);
    let room = if full {
        usize::MAX
    } else {
        COMMENT.saturating_sub(size(&head) + size(&foot) + SAYING)
    };
    let mut body = String::new();
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for (section, share) in sections.iter().zip(shares(&sections, room)) {
        let more = section.write(&mut body, share);
        *left.entry(section.noun).or_default() += more;
    }
    left.retain(|_, amount| *amount > 0);
    if !left.is_empty() {
        let left: Vec<String> = left
            .into_iter()
            .map(|(noun, amount)| count(amount, noun))
            .collect();
        let _ = write!(
            head,
            "\n> **Cut to fit a comment:** {} left out. The whole is in the plan file: `sitewright show PLANFILE`, or \
             `sitewright show PLANFILE --format html`. It is the plan with the digest {}.\n",
            and(&left),
            code(&file.digest.chars().take(64).collect::<String>())
        );
    }
    head + &body + &foot
}

/// A comment that nobody sees, by which a program finds what it wrote about a platform.
fn marker(platform: &str) -> String {
    let mut name = String::new();
    for character in short(platform, NAME).chars() {
        let plain = character.is_ascii_alphanumeric() || "._".contains(character);
        // Two hyphens would end the comment.
        if plain || (character == '-' && !name.ends_with('-')) {
            name.push(character);
        } else {
            let _ = write!(name, "%{:X}", u32::from(character));
        }
    }
    format!("<!-- sitewright plan {name} -->")
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most).chain(['…']).collect()
}

fn sections(plan: &Plan, parts: Parts) -> Vec<Section> {
    let Parts {
        changes,
        change_ends,
        steps,
        step_ends,
        impact,
        verdict: _, // above
        blocked: _, // above
    } = parts;
    let mut sections = Vec::new();
    if !changes.is_empty() {
        let fence = fence(&changes);
        sections.push(Section {
            head: format!("\n### Changes\n\n{fence}diff\n"),
            foot: format!("{fence}\n"),
            pieces: pieces(&changes, &change_ends, coloured),
            noun: "object",
        });
    }
    if !impact.is_empty() {
        let fence = fence(&impact);
        sections.push(Section {
            head: format!("\n### Impact on clients\n\n{fence}text\n"),
            foot: format!("{fence}\n"),
            pieces: impact
                .lines()
                .map(|line| (format!("{line}\n"), 1))
                .collect(),
            noun: "impact line",
        });
    }
    for (title, notes) in grouped(&plan.notes, true) {
        let needs_reading = notes
            .iter()
            .any(|note| note.standing != Standing::Existing && note.severity != Severity::Info);
        let (head, foot) = if needs_reading {
            (format!("\n### {title}\n\n"), String::new())
        } else {
            folded(&title)
        };
        sections.push(Section {
            head,
            foot,
            pieces: notes.iter().map(|note| (one(note), 1)).collect(),
            noun: "note",
        });
    }
    if !steps.is_empty() {
        let fence = fence(&steps);
        let (head, foot) = folded(&format!("Steps ({})", number(plan.steps.len())));
        sections.push(Section {
            head: format!("{head}{fence}text\n"),
            foot: format!("{fence}\n{foot}"),
            pieces: pieces(&steps, &step_ends, str::to_owned),
            noun: "step",
        });
    }
    sections
}

/// A text in the pieces that end where it is said.
fn pieces(
    text: &str,
    ends: &[(usize, usize)],
    shown: impl Fn(&str) -> String,
) -> Vec<(String, usize)> {
    let mut begin = 0;
    ends.iter()
        .map(|(end, amount)| {
            let piece = text.get(begin..*end).unwrap_or_default();
            begin = *end;
            (shown(piece), *amount)
        })
        .collect()
}

/// What stands around something that is shown once a reader asks for it.
fn folded(title: &str) -> (String, String) {
    (
        format!("\n<details>\n<summary>{title}</summary>\n\n"),
        "\n</details>\n".to_owned(),
    )
}

/// The marks of a change at the begin of its line, where a `diff` block looks for them; `!` is what it knows for `~`.
fn coloured(changes: &str) -> String {
    let mut out = String::with_capacity(changes.len());
    for line in changes.lines() {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        let mark = ["+ ", "- ", "~ "]
            .into_iter()
            .find(|mark| text.starts_with(mark))
            .map_or(' ', |mark| match mark {
                "+ " => '+',
                "- " => '-',
                _ => '!',
            });
        let rest = if mark == ' ' {
            text
        } else {
            text.get(2..).unwrap_or_default()
        };
        let line = format!("{mark} {:indent$}{rest}", "");
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn one(note: &Note) -> String {
    let Said {
        word,
        id,
        message,
        lines,
    } = notes::said(note);
    let mut item = format!("- **{word}** {}: {}\n", code(id), said(message));
    for (name, words) in lines {
        let words = match words {
            Told::Ours(words) => said(&words),
            Told::Theirs(words) => {
                let words: Vec<String> = words.iter().map(|one| code(one)).collect();
                words.join(", ")
            }
        };
        let _ = writeln!(item, "  - {name}: {words}");
    }
    item
}
