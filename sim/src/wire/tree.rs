//! A small owned XML tree for the structures that callers send.
//!
//! Pure. Parsed with roxmltree (which refuses DTDs), then owned, so that a call can outlive its request body.

/// One element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// The local name.
    pub name: String,
    /// The namespace, empty for none.
    pub namespace: String,
    /// Says whether `xsi:nil` is set.
    pub nil: bool,
    /// The text, as long as there are no child elements.
    pub text: String,
    /// The child elements.
    pub children: Vec<Node>,
}

/// Deeper structures than this are refused: nothing that the services take comes near.
pub const MAX_DEPTH: usize = 64;

impl Node {
    /// Copies an element out of a parsed document; `None` when it is nested too deep.
    #[must_use]
    pub fn copy(element: roxmltree::Node<'_, '_>) -> Option<Self> {
        Self::copy_at(element, 0)
    }

    fn copy_at(element: roxmltree::Node<'_, '_>, depth: usize) -> Option<Self> {
        if depth > MAX_DEPTH {
            return None;
        }
        let children = element
            .children()
            .filter(roxmltree::Node::is_element)
            .map(|child| Self::copy_at(child, depth + 1))
            .collect::<Option<Vec<_>>>()?;
        let text = if children.is_empty() {
            element
                .children()
                .filter_map(|child| if child.is_text() { child.text() } else { None })
                .collect()
        } else {
            String::new()
        };
        Some(Self {
            name: element.tag_name().name().to_owned(),
            namespace: element
                .tag_name()
                .namespace()
                .unwrap_or_default()
                .to_owned(),
            nil: matches!(
                element.attribute((super::xml::XSI, "nil")),
                Some("true" | "1")
            ),
            text,
            children,
        })
    }

    /// The first child of a name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of a child; `None` when it is absent or nil.
    #[must_use]
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name)
            .filter(|child| !child.nil)
            .map(|child| child.text.as_str())
    }

    /// The first element at any depth whose namespace is not the given one.
    #[must_use]
    pub fn foreign(&self, namespace: &str) -> Option<&Self> {
        if self.namespace != namespace {
            return Some(self);
        }
        self.children
            .iter()
            .find_map(|child| child.foreign(namespace))
    }
}
