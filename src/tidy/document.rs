//! A document in blocks, each field and item with the comments that belong to it.
//!
//! Pure data.

/// A comment on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) text: String,
    /// Whether a blank line stands above it.
    pub(super) apart: bool,
}

/// A document.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) kind: String,
    /// Whether it is written with a `---` of its own.
    pub(super) marked: bool,
    /// The comment behind its `---`.
    pub(super) marker: Option<String>,
    /// How many of the comments above it stand above its `---`.
    pub(super) above: usize,
    pub(super) lead: Vec<Remark>,
    pub(super) body: Body,
    /// Comments behind its end.
    pub(super) foot: Vec<Remark>,
}

/// Fields, or items of a list, each on a line of its own.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) entries: Vec<Entry>,
    /// Comments behind the last entry, indented as it is.
    pub(super) foot: Vec<Remark>,
}

/// A field, or an item of a list.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) lead: Vec<Remark>,
    /// Whether a blank line stands above it.
    pub(super) apart: bool,
    /// The key with its colon, or the dash.
    pub(super) head: String,
    /// The comment behind it, with the blanks before it.
    pub(super) trail: String,
    pub(super) body: Body,
    /// Its place among its like.
    pub(super) rank: usize,
}

/// What stands behind a key or a dash.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Nothing,
    /// As it is written, in an entry that began at this column.
    Inline {
        text: String,
        column: usize,
    },
    Block(Block),
}

impl Document {
    /// Takes what stands above the document and is about the file: what is parted from it by its `---` or a blank line,
    /// and the line that tells an editor of the schema.
    pub(super) fn take_header(&mut self) -> Vec<Remark> {
        let parted = (1..self.lead.len())
            .rev()
            .find(|index| self.lead.get(*index).is_some_and(|remark| remark.apart));
        let parted = parted.unwrap_or(0);
        let whole = if self.body_is_apart() {
            self.lead.len()
        } else {
            0
        };
        let editor = self
            .lead
            .first()
            .is_some_and(|remark| remark.text.contains("yaml-language-server"));
        let count = if self.marked {
            self.above
        } else {
            parted.max(whole).max(usize::from(editor))
        };
        let rest = self.lead.split_off(count.min(self.lead.len()));
        std::mem::replace(&mut self.lead, rest)
    }

    /// Whether a blank line stands above the document itself, or above what is said of it.
    pub(super) fn is_apart(&self) -> bool {
        match self.lead.first() {
            Some(remark) => remark.apart,
            None => self.body_is_apart(),
        }
    }

    fn body_is_apart(&self) -> bool {
        match &self.body {
            Body::Block(block) => block.entries.first().is_some_and(|entry| entry.apart),
            Body::Nothing | Body::Inline { .. } => false,
        }
    }
}
