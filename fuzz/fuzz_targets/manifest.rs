//! Fuzzes manifests: every problem can be printed, no output contains control sequences, and an
//! accepted manifest means the same in its other form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portalctl_manifest::convert::{self, Form, WholeManifest};
use portalctl_manifest::{self as manifest, Input};
use portalctl_model::desired::{Defaults, Desired, Source};

fn input(text: &[u8]) -> [Input; 1] {
    [Input::Stdin(text.to_vec())]
}

/// Returns the desired state, without source positions and without defaults that converting writes
/// out elsewhere.
fn meaning(whole: &WholeManifest, form: Form) -> Option<Desired> {
    let mut desired = whole.checked.desired.clone()?;
    desired.defaults = Defaults::default();
    desired.environment.name = None;
    for organization in desired.organizations.values_mut() {
        organization.source = Source::nowhere();
        // Only the Kubernetes form has one.
        organization.resource = None;
    }
    for absent in desired.absent.values_mut() {
        absent.source = Source::nowhere();
    }
    // Powers of a manifest are the environment's in Kubernetes, and converting says so.
    if form == Form::Kubernetes {
        desired.previous_manifests.clear();
        desired.absent.clear();
        for organization in desired.organizations.values_mut() {
            organization.allow.clear();
            organization.claim = false;
        }
    }
    Some(desired)
}

fuzz_target!(|text: &[u8]| {
    let whole = convert::read_whole(&input(text));
    let checked = &whole.checked;
    for width in [1, 80] {
        let shown = manifest::render(
            &checked.diagnostics,
            &checked.sources,
            manifest::Layout::plain(width),
        );
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    }
    let Some(desired) = &checked.desired else {
        return;
    };
    for form in [Form::Manifest, Form::Kubernetes] {
        let text = convert::text(desired, &whole.rest, form);
        let again = convert::read_whole(&input(text.as_bytes()));
        assert_eq!(meaning(&again, form), meaning(&whole, form), "{text}");
    }
});
