//! A manifest, checked for each of its environments.
//!
//! Goes in: inputs. Comes out: the result of every environment, and all findings, each once. A finding
//! that only some environments have names them.

use std::collections::HashMap;

use super::check::{self, Checked, check};
use super::diagnostic::{Diagnostic, Diagnostics};
use super::input::Input;
use super::load::load;
use super::source::Sources;
use portalctl_model::desired::Desired;

/// Result of checking a manifest for each of its environments.
#[derive(Debug)]
pub struct Every {
    /// Names of the environments, sorted; none where the manifest has no overlays.
    pub environments: Vec<String>,
    /// Desired states, in the order of the names, or the only one; `None` where there is an error.
    pub desired: Option<Vec<Desired>>,
    /// Findings of all environments.
    pub diagnostics: Diagnostics,
    /// Texts of the files, to show the lines of the findings.
    pub sources: Sources,
}

impl Every {
    /// Returns the result of a manifest that was checked for one environment.
    pub fn of(checked: Checked) -> Self {
        let Checked {
            desired,
            names: _,
            diagnostics,
            sources,
        } = checked;
        Self {
            environments: Vec::new(),
            desired: desired.map(|desired| vec![desired]),
            diagnostics,
            sources,
        }
    }
}

/// Returns the names of a manifest's environments, sorted; none where it has no overlays.
pub fn environments(inputs: &[Input]) -> Vec<String> {
    check::environments(&load(inputs))
}

/// Loads a manifest, and checks it for each of its environments.
pub fn read_every(inputs: &[Input]) -> Every {
    let loaded = load(inputs);
    let environments = check::environments(&loaded);
    let results: Vec<Checked> = if environments.is_empty() {
        vec![check(loaded.clone(), None)]
    } else {
        let names = environments.iter();
        names
            .map(|name| check(loaded.clone(), Some(name)))
            .collect()
    };
    let mut desired = Some(Vec::new());
    let mut findings = Vec::new();
    for result in results {
        findings.push(result.diagnostics);
        match (result.desired, &mut desired) {
            (Some(one), Some(list)) => list.push(one),
            (None, _) => desired = None,
            (Some(_), None) => {}
        }
    }
    Every {
        diagnostics: merged(&environments, findings),
        environments,
        desired,
        sources: loaded.sources,
    }
}

/// Joins the findings of all environments; those of some name them.
fn merged(environments: &[String], findings: Vec<Diagnostics>) -> Diagnostics {
    let count = findings.len();
    let mut joined: Vec<(Diagnostic, Vec<&str>)> = Vec::new();
    // Looked up only, never walked.
    let mut places: HashMap<Diagnostic, usize> = HashMap::new();
    for (index, list) in findings.into_iter().enumerate() {
        let name = environments.get(index).map_or("", String::as_str);
        for finding in list {
            let place = places.get(&finding);
            if let Some((_, names)) = place.and_then(|place| joined.get_mut(*place)) {
                names.push(name);
            } else {
                places.insert(finding.clone(), joined.len());
                joined.push((finding, vec![name]));
            }
        }
    }
    let joined = joined.into_iter().map(|(mut finding, names)| {
        if names.len() < count {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            finding.message = format!("{} (in {})", finding.message, names.join(", "));
        }
        finding
    });
    Diagnostics::sorted(joined.collect())
}
