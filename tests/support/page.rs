//! A page as a browser's parser reads it.

use html5ever::tendril::TendrilSink;
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// A parsed page.
pub(crate) struct Page(RcDom);

/// An element of a page.
#[derive(Clone)]
pub(crate) struct Element(Handle);

impl Page {
    pub(crate) fn parse(text: &str) -> Self {
        Self(html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(text))
    }

    /// The elements that a selector finds, in order: tags, `#id`, `.class` and `[name=value]`, each
    /// word inside the one before.
    pub(crate) fn all(&self, selector: &str) -> Vec<Element> {
        let mut within = vec![Element(self.0.document.clone())];
        for word in selector.split(' ') {
            within = within.iter().flat_map(|one| one.inside(word)).collect();
        }
        within
    }

    /// Returns the text of the page.
    pub(crate) fn text(&self) -> String {
        Element(self.0.document.clone()).text()
    }
}

impl Element {
    fn inside(&self, word: &str) -> Vec<Self> {
        let mut found = Vec::new();
        for child in self.0.children.borrow().iter() {
            let child = Self(child.clone());
            if child.is(word) {
                found.push(child.clone());
            }
            found.extend(child.inside(word));
        }
        found
    }

    fn is(&self, word: &str) -> bool {
        let NodeData::Element { name, .. } = &self.0.data else {
            return false;
        };
        let named = |attribute: &str, value: &str| {
            let given = self.attribute(attribute).unwrap_or_default();
            given.split(' ').any(|part| part == value)
        };
        match (word.split_at(1), word.strip_suffix(']')) {
            (("#", id), _) => named("id", id),
            ((".", class), _) => named("class", class),
            (("[", _), Some(rest)) => rest[1..]
                .split_once('=')
                .is_some_and(|(attribute, value)| named(attribute, value)),
            (("*", _), _) => true,
            _ => &*name.local == word,
        }
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, wanted: &str) -> Option<String> {
        let mut attributes = self.attributes().into_iter();
        attributes.find_map(|(name, value)| (name == wanted).then_some(value))
    }

    /// All attributes.
    pub(crate) fn attributes(&self) -> Vec<(String, String)> {
        let NodeData::Element { attrs, .. } = &self.0.data else {
            return Vec::new();
        };
        let attributes = attrs.borrow();
        let attributes = attributes.iter();
        attributes
            .map(|one| (one.name.local.to_string(), one.value.to_string()))
            .collect()
    }

    /// Returns the text of the element.
    pub(crate) fn text(&self) -> String {
        if let NodeData::Text { contents } = &self.0.data {
            return contents.borrow().to_string();
        }
        let children = self.0.children.borrow();
        children
            .iter()
            .map(|child| Self(child.clone()).text())
            .collect()
    }
}
