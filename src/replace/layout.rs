//! How items and documents lie in their lines: where one can be put in, and what goes when one is taken out.
//!
//! Pure. Every change keeps the line endings of the file, and what is put in and taken out again leaves no trace.

use std::ops::Range;

use crate::manifest::scan::{Node, Scan, Value};

/// A text with what is known of its layout.
pub(super) struct Layout<'t> {
    pub(super) text: &'t str,
    pub(super) scan: &'t Scan,
}

/// A change of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

impl Edit {
    fn insert(at: usize, with: String) -> Self {
        Self {
            range: at..at,
            with,
        }
    }

    pub(super) fn delete(range: Range<usize>) -> Self {
        Self {
            range,
            with: String::new(),
        }
    }
}

impl Layout<'_> {
    fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    /// The line ending of the file.
    pub(super) fn ending(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.slice(0..at).ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    fn line_start(&self, at: usize) -> usize {
        let start = self.slice(0..at).rfind('\n').map_or(0, |found| found + 1);
        if start == 0 && self.text.starts_with('\u{FEFF}') {
            at.min(3)
        } else {
            start
        }
    }

    /// Behind the line break of the line, or the end of the text.
    fn line_end(&self, at: usize) -> usize {
        self.slice(at..self.text.len())
            .find('\n')
            .map_or(self.text.len(), |found| at + found + 1)
    }

    /// A place where whole lines can be put in behind the line of `at`, with what has to come first: the line break,
    /// where the file ends without one.
    fn behind_line(&self, at: usize) -> (usize, &'static str) {
        let end = self.line_end(at);
        if end == self.text.len() && !self.text.ends_with('\n') {
            (end, self.ending())
        } else {
            (end, "")
        }
    }

    /// What stands before `at` in its line.
    fn lead(&self, at: usize) -> &str {
        self.slice(self.line_start(at)..at)
    }

    fn is_alone_before(&self, at: usize) -> bool {
        self.lead(at).trim().is_empty()
    }

    /// The bytes of a value without blanks and line breaks at its end, with its anchor.
    fn whole(&self, node: &Node) -> Range<usize> {
        let end = node.range.start + self.slice(node.range.clone()).trim_end().len();
        let anchored = self.scan.anchor_marks.iter().rev().find(|mark| {
            mark.end <= node.range.start && self.slice(mark.end..node.range.start).trim().is_empty()
        });
        anchored.map_or(node.range.start, |mark| mark.start)..end
    }

    /// Where the next character stands that is neither blank nor comment.
    fn next(&self, mut at: usize) -> usize {
        loop {
            let rest = self.slice(at..self.text.len());
            at += rest.len() - rest.trim_start().len();
            match self
                .scan
                .comments
                .iter()
                .find(|comment| comment.start == at)
            {
                Some(comment) if !comment.is_empty() => at = comment.end,
                _ => return at,
            }
        }
    }

    /// Behind the last character before `at` that is neither blank nor comment.
    fn previous(&self, mut at: usize) -> usize {
        loop {
            at = self.slice(0..at).trim_end().len();
            match self.scan.comments.iter().find(|comment| comment.end == at) {
                Some(comment) if !comment.is_empty() => at = comment.start,
                _ => return at,
            }
        }
    }

    /// The bytes of an item of a list: in block style from its dash.
    fn item(&self, item: &Node, flow: bool) -> Option<Range<usize>> {
        let whole = self.whole(item);
        if flow {
            return Some(whole);
        }
        let dash = self.previous(whole.start).checked_sub(1)?;
        let found = self.slice(dash..whole.end).starts_with('-') && self.is_alone_before(dash);
        found.then_some(dash..whole.end)
    }

    /// Whether an item has a comment in its lines that is not in those of another one.
    pub(super) fn has_comment_of_its_own(&self, item: &Node, other: &Node) -> bool {
        let lines = |node: &Node| {
            let whole = self.whole(node);
            whole.start..self.line_end(whole.end)
        };
        let (own, foreign) = (lines(item), lines(other));
        self.scan
            .comments
            .iter()
            .any(|comment| own.contains(&comment.start) && !foreign.contains(&comment.start))
    }

    /// Whether a comment stands in the document of a root.
    pub(super) fn has_comment_inside(&self, root: &Node) -> bool {
        let document = self.document(root);
        let mut comments = self.scan.comments.iter();
        comments.any(|comment| document.contains(&comment.start))
    }

    /// A copy of a stretch of text without its comments and anchors, with some parts put in another way.
    fn copy(&self, range: &Range<usize>, changed: &[(Range<usize>, String)]) -> String {
        let mut out = String::new();
        let mut cuts: Vec<(Range<usize>, &str)> = Vec::new();
        for comment in &self.scan.comments {
            if range.contains(&comment.start) {
                let start = self
                    .slice(0..comment.start)
                    .trim_end_matches([' ', '\t'])
                    .len();
                // A line of its own goes with its line break.
                let cut = if self.slice(0..start).ends_with('\n') {
                    start..self.line_end(comment.end)
                } else {
                    start..comment.end
                };
                cuts.push((cut, ""));
            }
        }
        for mark in &self.scan.anchor_marks {
            if range.contains(&mark.start) {
                let rest = self.slice(mark.end..range.end);
                let blanks = rest.len() - rest.trim_start_matches(' ').len();
                cuts.push((mark.start..mark.end + blanks, ""));
            }
        }
        cuts.extend(
            changed
                .iter()
                .map(|(range, with)| (range.clone(), with.as_str())),
        );
        cuts.sort_by_key(|(range, _)| range.start);
        let mut at = range.start;
        for (cut, with) in cuts {
            if cut.start >= at && cut.end <= range.end {
                out.push_str(self.slice(at..cut.start));
                out.push_str(with);
                at = cut.end;
            }
        }
        out.push_str(self.slice(at..range.end));
        out.trim_end().to_owned()
    }

    /// Puts a copy of an item behind it, with the name changed; `None` where the item lies in no way known here.
    ///
    /// `written` is the item in other words, for where the name does not stand in it, as with an alias.
    pub(super) fn put_beside(
        &self,
        item: &Node,
        flow: bool,
        name: &Node,
        new: &str,
        written: &str,
    ) -> Option<Edit> {
        let range = self.item(item, flow)?;
        let whole = self.whole(item);
        let named = name.range.clone();
        let inside = whole.start <= named.start && named.end <= whole.end;
        let is_alias = matches!(item.value, Value::Alias(_));
        let copy = if inside && !(is_alias && written != new) {
            self.copy(&range, &[(named, new.to_owned())])
        } else if flow {
            written.to_owned()
        } else {
            format!("- {written}")
        };
        Some(self.behind(&range, flow, &copy))
    }

    /// Puts an item behind another one; `None` where that one lies in no way known here.
    pub(super) fn put_item(&self, item: &Node, flow: bool, written: &str) -> Option<Edit> {
        let range = self.item(item, flow)?;
        let text = if flow {
            written.to_owned()
        } else {
            format!("- {written}")
        };
        Some(self.behind(&range, flow, &text))
    }

    /// Leaves nothing of a list in block style but brackets behind its key, and its comments: what stands behind the key
    /// stays there, what has a line of its own stays where it was, and what was said beside an item or inside it gets a
    /// line of its own in the place of the item.
    pub(super) fn empty(&self, list: &Node) -> Option<Vec<Edit>> {
        let Value::List { items, .. } = &list.value else {
            return None;
        };
        // Where a list begins that is not indented is a matter of taste; its first dash is where it is.
        let whole = self.item(items.first()?, false)?.start..self.item(items.last()?, false)?.end;
        let colon = self.previous(whole.start);
        let key = self.slice(self.line_start(colon)..colon);
        if !key.ends_with(':') {
            return None;
        }
        let from = self.line_end(colon);
        let until = self.line_end(whole.end);
        let lead = self.lead(whole.start);
        if from > whole.start || !lead.trim().is_empty() {
            return None;
        }
        let comments: Vec<&Range<usize>> = self
            .scan
            .comments
            .iter()
            .filter(|comment| !comment.is_empty() && (from..until).contains(&comment.start))
            .collect();
        let brackets = Edit::insert(colon, " []".to_owned());
        if comments.is_empty() {
            // A file that ends without a line break does so still.
            let ends = self.slice(0..until).ends_with('\n');
            let kept = self.slice(0..from).trim_end_matches(['\r', '\n']).len();
            let range = if ends { from..until } else { kept..until };
            return Some(vec![brackets, Edit::delete(range)]);
        }
        let lines = self.slice(from..until).split_inclusive('\n');
        let mut at = from;
        let mut kept: Vec<String> = Vec::new();
        for line in lines {
            let range = at..at + line.len();
            at = range.end;
            let comment = comments
                .iter()
                .find(|comment| range.contains(&comment.start));
            if let Some(comment) = comment {
                let own = self.is_alone_before(comment.start);
                let lead = if own { self.lead(comment.start) } else { lead };
                let said = self.slice((*comment).clone()).trim_end();
                kept.push(format!("{lead}{said}"));
            }
        }
        let ending = self.ending();
        let after = if self.slice(from..until).ends_with('\n') {
            ending
        } else {
            ""
        };
        Some(vec![
            brackets,
            Edit {
                range: from..until,
                with: format!("{}{after}", kept.join(ending)),
            },
        ])
    }

    /// The same for a list in brackets: a comment in the line in which it begins stays there, each other one gets a line of
    /// its own.
    pub(super) fn empty_flow(&self, list: &Node) -> Option<Edit> {
        let end = self.whole(list).end;
        let range = list.range.start..end;
        let text = self.slice(range.clone());
        if !text.starts_with('[') || !text.ends_with(']') {
            return None;
        }
        let indented = |at: usize| {
            let line = self.slice(self.line_start(at)..self.line_end(at));
            let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
            line.get(..blanks).unwrap_or_default()
        };
        let mut with = "[".to_owned();
        for comment in &self.scan.comments {
            if comment.is_empty() || !range.contains(&comment.start) {
                continue;
            }
            if comment.start < self.line_end(range.start) {
                with.push(' ');
            } else {
                with.push_str(self.ending());
                with.push_str(indented(comment.start));
            }
            with.push_str(self.slice(comment.clone()).trim_end());
        }
        if with.len() > 1 {
            let closes = end - 1;
            let beside = if self.is_alone_before(closes) {
                closes
            } else {
                range.start
            };
            with.push_str(self.ending());
            with.push_str(indented(beside));
        }
        with.push(']');
        Some(Edit { range, with })
    }

    /// Puts the text of an item behind the bytes of another one.
    fn behind(&self, range: &Range<usize>, flow: bool, copy: &str) -> Edit {
        if !flow {
            let (at, before) = self.behind_line(range.end);
            let lead = self.lead(range.start);
            let after = if before.is_empty() { self.ending() } else { "" };
            return Edit::insert(at, format!("{before}{lead}{copy}{after}"));
        }
        let next = self.next(range.end);
        let has_comma = self.slice(next..self.text.len()).starts_with(',');
        let line_rest = self.slice(range.end..self.line_end(range.end));
        let own_line = self.is_alone_before(range.start) && line_rest.ends_with('\n') && {
            let rest = line_rest.trim_start().trim_start_matches(',').trim_start();
            rest.is_empty() || rest.starts_with('#')
        };
        if !own_line {
            return Edit::insert(range.end, format!(", {copy}"));
        }
        let lead = self.lead(range.start);
        let ending = self.ending();
        if has_comma && next < self.line_end(range.end) {
            let (at, _) = self.behind_line(range.end);
            Edit::insert(at, format!("{lead}{copy},{ending}"))
        } else {
            // The comma of the item stands behind it; that of the copy is the one that follows, if there is one.
            Edit {
                range: range.end..self.line_end(range.end),
                with: format!(",{line_rest}{lead}{copy}{ending}"),
            }
        }
    }

    /// Takes an item out.
    pub(super) fn take_out(&self, item: &Node, flow: bool) -> Option<Vec<Edit>> {
        let range = self.item(item, flow)?;
        if !flow {
            return Some(vec![Edit::delete(
                self.line_start(range.start)..self.line_end(range.end),
            )]);
        }
        let next = self.next(range.end);
        let follows = self.slice(next..self.text.len()).starts_with(',');
        let previous = self.previous(range.start);
        let precedes = self.slice(0..previous).ends_with(',');
        let rest = self.slice(range.end..self.line_end(range.end));
        let alone = self.is_alone_before(range.start) && {
            let rest = rest.trim_start();
            let rest = rest.strip_prefix(',').unwrap_or(rest).trim();
            rest.is_empty() || rest.starts_with('#')
        };
        if alone {
            let mut edits = vec![Edit::delete(
                self.line_start(range.start)..self.line_end(range.end),
            )];
            // The comma of the item goes with its line, where it has one.
            if precedes && !rest.trim_start().starts_with(',') {
                edits.push(Edit::delete(previous - 1..previous));
            }
            return Some(edits);
        }
        let between = self.slice(previous..range.start);
        let cut = if precedes && between.chars().all(|c| c == ' ') {
            previous - 1..range.end
        } else if follows {
            let rest = self.slice(next + 1..self.text.len());
            range.start..next + 1 + rest.len() - rest.trim_start_matches(' ').len()
        } else if precedes {
            return Some(vec![
                Edit::delete(previous - 1..previous),
                Edit::delete(range),
            ]);
        } else {
            range
        };
        Some(vec![Edit::delete(cut)])
    }

    /// Where the document of a root begins, with its `---`, and where the next one does.
    fn document(&self, root: &Node) -> Range<usize> {
        let marker = |line: &str, mark: &str| {
            line.strip_prefix(mark)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
        };
        let mut start = self.line_start(0);
        let mut at = 0;
        let mut end = self.text.len();
        for line in self.text.split_inclusive('\n') {
            if marker(line, "---") || marker(line, "...") {
                if at <= root.range.start {
                    start = if marker(line, "---") {
                        at
                    } else {
                        at + line.len()
                    };
                } else {
                    end = at;
                    break;
                }
            }
            at += line.len();
        }
        start..end
    }

    /// Puts a copy of a document behind it.
    pub(super) fn put_document(&self, root: &Node, name: &Node, new: &str) -> Edit {
        let whole = self.whole(root);
        let copy = self.copy(&whole, &[(name.range.clone(), new.to_owned())]);
        let lead = self.lead(whole.start);
        let lead = if lead.trim().is_empty() { lead } else { "" };
        let end = self.document(root).end;
        let ending = self.ending();
        let before = if self.slice(0..end).ends_with('\n') || end == 0 {
            ""
        } else {
            ending
        };
        let after = if before.is_empty() { ending } else { "" };
        Edit::insert(end, format!("{before}---{ending}{lead}{copy}{after}"))
    }

    /// Takes a document out.
    pub(super) fn take_document(&self, root: &Node) -> Edit {
        let mut range = self.document(root);
        // At the end of a file without a line break, the break before it goes as well.
        if range.end == self.text.len() && !self.text.ends_with('\n') {
            let before = self.slice(0..range.start);
            range.start = before
                .trim_end_matches(['\n', '\r'])
                .len()
                .max(range.start.saturating_sub(self.ending().len()));
        }
        Edit::delete(range)
    }
}

/// Carries out edits, whatever their order; `None` where two of them overlap.
pub(super) fn edited(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    edits.dedup();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for Edit { range, with } in edits {
        out.push_str(text.get(at..range.start)?);
        out.push_str(&with);
        at = range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}
