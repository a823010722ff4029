//! Notes in groups: what blocks, warnings, information, what the plan resolves, what existed before.
//!
//! Pure. Each note has its message, what to do, where, and the article behind it; what was there before and is no
//! error has its message only.

use super::error::label;
use crate::plan::{Note, Severity, Standing};
use crate::render::layout::{Page, Paint, Style, count};
use crate::render::notes::{Said, said};

/// What a group of notes is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Blocks,
    Errors,
    Warnings,
    Info,
    Resolved,
    Existing,
    Allowed,
}

const GROUPS: [Group; 7] = [
    Group::Blocks,
    Group::Errors,
    Group::Warnings,
    Group::Info,
    Group::Resolved,
    Group::Existing,
    Group::Allowed,
];

/// A heading above the notes of one platform.
#[must_use]
pub fn heading(text: &str, style: &Style) -> String {
    let mut page = Page::new(style);
    page.heading(text);
    page.finish()
}

/// Renders the notes of a check without a plan.
#[must_use]
pub fn notes(notes: &[Note], style: &Style) -> String {
    let mut page = Page::new(style);
    write(&mut page, notes, false);
    page.finish()
}

/// Notes by what they mean to a reader, each group with its title; `planned` where there is a plan that an error can
/// block.
pub(in crate::render) fn grouped(notes: &[Note], planned: bool) -> Vec<(String, Vec<&Note>)> {
    GROUPS
        .into_iter()
        .map(|group| {
            let members: Vec<&Note> = notes
                .iter()
                .filter(|note| group_of(note, planned) == group)
                .collect();
            (title(group, members.len()), members)
        })
        .filter(|(_, members)| !members.is_empty())
        .collect()
}

/// Writes notes in groups.
pub(super) fn write(page: &mut Page, notes: &[Note], planned: bool) {
    for (title, members) in grouped(notes, planned) {
        page.heading(&title);
        for note in members {
            one(page, note);
        }
    }
}

fn group_of(note: &Note, planned: bool) -> Group {
    if note.allowed.is_some() {
        return Group::Allowed;
    }
    match (note.standing, note.severity) {
        (Standing::Blocks, _) if planned => Group::Blocks,
        (Standing::Resolved, _) => Group::Resolved,
        (Standing::Existing, _) => Group::Existing,
        (_, Severity::Error) => Group::Errors,
        (_, Severity::Warning) => Group::Warnings,
        (_, Severity::Info) => Group::Info,
    }
}

fn title(group: Group, members: usize) -> String {
    match group {
        Group::Blocks => {
            let verb = if members == 1 { "blocks" } else { "block" };
            format!("{} that {verb} this plan", count(members, "error"))
        }
        Group::Errors => count(members, "error"),
        Group::Warnings => count(members, "warning"),
        Group::Info => count(members, "remark"),
        Group::Resolved => format!("{} resolved by this plan", count(members, "finding")),
        Group::Allowed => format!("{} allowed by the manifests", count(members, "finding")),
        Group::Existing => {
            let verb = if members == 1 { "was" } else { "were" };
            format!(
                "{} that {verb} there before, not touched by this plan",
                count(members, "finding")
            )
        }
    }
}

fn one(page: &mut Page, note: &Note) {
    let Said {
        word,
        id,
        message,
        lines,
    } = said(note);
    label(page, 2, word, id, message);
    let told = match note.allowed {
        // Somebody has looked at it: what else there is to say is for who asks.
        Some(_) if !page.full() => 1,
        // What was there before and is no error is told in brief, or every plan would say it again at length.
        _ if note.standing == Standing::Existing && note.severity != Severity::Error => {
            usize::from(note.allowed.is_some())
        }
        _ => lines.len(),
    };
    for (name, words) in lines.iter().take(told) {
        page.item(6, Paint::Plain, &format!("{name}:"), &words.plain(), 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn of_a_check() {
        insta::assert_snapshot!(notes(&sample::findings(), &Style::default()), @r"
        1 error
          error[SW0506]: server `BRANCH07.corp.example`: the SMP shows no computer of
              that name
              remedy: a site server is an existing managed computer: check the spelling,
                its inventory, and that the account may see it
              at: sites.yaml:3:3, sites.yaml:11:3

        1 remark
          info[subnet-overlap]: subnet `192.168.0.12/32` of `Deployment_Site` lies
              inside `192.168.0.0/24` of `HQ`
              remedy: a server's own address is carved out: this rests on the assumption
                that the most specific subnet decides a server's site
              at: sites.yaml:3:3, sites.yaml:11:3
              article: 431459

        1 finding resolved by this plan
          warning[flat-lan]: `DEPLOY01.corp.example`, `SITE01.corp.example` and
              `SMP01.corp.example` are all valid package and task servers for
              `192.168.0.0/24`, which is in no site: latency decides, and agents drift
              remedy: put the subnets into sites, each with the servers that are to
                serve it
              article: 431459

        1 finding that was there before, not touched by this plan
          error[subnet-in-two-sites]: subnet `10.7.0.0/24` belongs to `A` and `B`
              remedy: let one site only have it: an address in two sites is served by
                either
              at: sites.yaml:3:3, sites.yaml:11:3
              article: 431459
        ");
        assert_eq!(notes(&[], &Style::default()), "");
    }
}
