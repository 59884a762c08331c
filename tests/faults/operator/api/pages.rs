//! Lists that are read page by page. All pages show the state at the first.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::store::{Kind, Refusal, Store};

/// Number of objects on a page, whatever limit is requested.
const PAGE: usize = 3;

/// Remaining pages of lists that clients are reading.
#[derive(Debug, Default)]
pub(super) struct Pages {
    rest: BTreeMap<String, Rest>,
    given: u64,
}

#[derive(Debug)]
struct Rest {
    version: u64,
    items: Vec<Value>,
}

impl Pages {
    /// The page of a token, or the first.
    pub(super) fn page(
        &mut self,
        store: &Store,
        kind: Kind,
        token: Option<&str>,
    ) -> Result<(Vec<Value>, Value), Refusal> {
        let Rest { version, mut items } = match token {
            Some(token) => self.rest.remove(token).ok_or(Refusal::EXPIRED)?,
            None => Rest {
                version: store.version(),
                items: store.list(kind).cloned().collect(),
            },
        };
        let rest = items.split_off(items.len().min(PAGE));
        let mut metadata = json!({ "resourceVersion": version.to_string() });
        if !rest.is_empty() {
            self.given += 1;
            let token = format!("page-{}", self.given);
            metadata["continue"] = json!(token);
            let items = rest;
            self.rest.insert(token, Rest { version, items });
        }
        Ok((items, metadata))
    }

    /// Expires every list that has been begun.
    pub(super) fn forget(&mut self) {
        self.rest.clear();
    }
}
