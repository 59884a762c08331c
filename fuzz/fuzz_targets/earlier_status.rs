//! Fuzzes the file that `status --compare` reads.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portalctl_core::readiness::compare::{Earlier, compare};

fuzz_target!(|text: &[u8]| {
    if let Ok(earlier) = Earlier::parse(text) {
        let changes = compare(&earlier.picture, &earlier.picture);
        assert!(changes.is_empty(), "{changes:?}");
    }
});
