//! Writes the status page of many organizations, for `scripts/bench-page` to open in a browser.
//!
//!     cargo bench --bench page -- 10000 wall.html

#![allow(
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "a test reads from top to bottom, and a table of cases is as long as it is"
)]
#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool that is run by hand"
)]

use std::time::Instant;

use portalctl_report::{Headline, StatusReport, html};

#[path = "../tests/support/readiness_samples.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod readiness_samples;
#[path = "../tests/support/samples.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod samples;

#[allow(clippy::disallowed_methods, reason = "it measures time")]
fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let [count, path] = arguments.as_slice() else {
        println!("usage: cargo bench --bench page -- COUNT FILE");
        return;
    };
    let readiness = readiness_samples::many(count.parse().unwrap());
    let report = StatusReport {
        headline: &Headline::default(),
        readiness: &readiness,
        now: samples::january(15),
    };
    let started = Instant::now();
    let page = html::status(&report, None).unwrap();
    println!(
        "{} bytes, rendered in {} ms",
        page.len(),
        started.elapsed().as_millis()
    );
    std::fs::write(path, page).unwrap();
}
