//! Fuzzes overlays: a manifest with several environments is sound where each environment is, every
//! finding can be printed, and each environment means the same when it is written down alone.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portalctl_manifest::convert::{self, Form};
use portalctl_manifest::{Input, Layout, Request, environments, read_every, render};
use portalctl_model::OrgKey;
use portalctl_model::desired::Desired;

fn keys(desired: &Desired) -> Vec<&OrgKey> {
    desired.organizations.keys().collect()
}

fuzz_target!(|text: &[u8]| {
    let inputs = [Input::Stdin(text.to_vec())];
    let every = read_every(&inputs);
    let shown = render(&every.diagnostics, &every.sources, Layout::plain(80));
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    let names = environments(&inputs);
    if names.is_empty() {
        return;
    }
    let mut is_sound = true;
    for name in &names {
        let whole = convert::read_whole(Request {
            inputs: &inputs,
            environment: Some(name),
        });
        let Some(desired) = &whole.checked.desired else {
            is_sound = false;
            continue;
        };
        let text = convert::text(desired, &whole.rest, Form::Manifest);
        let alone = convert::read_whole(&[Input::Stdin(text.clone().into_bytes())]);
        let alone = alone.checked.desired.unwrap_or_else(|| panic!("{text}"));
        assert_eq!(keys(&alone), keys(desired), "{text}");
    }
    assert_eq!(every.desired.is_some(), is_sound);
});
