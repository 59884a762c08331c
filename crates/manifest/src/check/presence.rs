//! Parts that a manifest must have.
//!
//! Checked only when every file could be read: one that could not may hold them.

use crate::diagnostic::{Finding, Findings};
use crate::node::Node;
use crate::shape::RawManifest;
use crate::source::{FileId, Sources, Spot};
use portalctl_model::codes::{Code, manifest as codes};

/// Reports a manifest without the version of its format.
pub(super) fn require_version(manifest: &RawManifest, sources: &Sources, findings: &mut Findings) {
    if manifest.version.is_none() {
        findings.push(
            absent(
                codes::MISSING_FIELD,
                "the manifest does not say its `version`",
                sources,
            )
            .help("write `version: 1` at the top of one file"),
        );
    }
}

/// Reports a manifest without organizations, which is hardly ever meant.
pub(super) fn require_organizations(
    field: Option<Spot>,
    organizations: &[(FileId, Vec<(Node, Node)>)],
    sources: &Sources,
    findings: &mut Findings,
) {
    if organizations.iter().any(|(_, entries)| !entries.is_empty()) {
        return;
    }
    let finding = match field {
        // An `organizations` that is no mapping has been reported.
        Some(_) if organizations.is_empty() => return,
        Some(key) => Finding::error(codes::EMPTY, "`organizations` is empty").at(key),
        None => absent(
            codes::EMPTY,
            "the manifest declares no organizations",
            sources,
        ),
    };
    findings.push(finding.help(
        "declare at least one under `organizations:`, as in \
         `acme: { name: Acme Corp, intents: [sso] }`",
    ));
}

/// Creates a finding about a missing part: at the file, if there is only one.
fn absent(code: Code, message: &str, sources: &Sources) -> Finding {
    let finding = Finding::error(code, message);
    match sources.only() {
        Some(file) => finding.at(Spot::whole(file)),
        None => finding,
    }
}
