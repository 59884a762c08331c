//! Fuzzes the saved plan that `apply` reads: a file is refused, or it is a plan that can be printed
//! and that the plan checker can judge.
//!
//! The digest is not checked here: no fuzzer guesses one, and whoever writes a file can compute it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::saved;

fuzz_target!(|text: &str| {
    if let Ok(saved) = saved::read(text) {
        let plan = saved.content();
        let _ = Digest::of(plan);
        for change in &plan.changes {
            let _ = format!("{change:?}");
        }
    }
});
