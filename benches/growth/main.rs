//! Measures how time and memory grow with the manifest, from 1,000 to 1,000,000 organizations: a
//! folder is validated, and diffed against an account in which everything is as declared.
//!
//! `cargo bench --bench growth` prints a table; `cargo bench --bench growth -- --write` also puts it
//! into `docs/reference/performance.md`, and its plot into `docs/images/growth.svg`. Each size is measured in
//! a process of its own, so that its memory is its own too.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a bench measures, prints and stops at what should not be"
)]

mod folder;
mod plot;
mod run;

use std::fs;
use std::path::Path;

use run::Run;

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Numbers of organizations, each with the number of measurements, of which the median counts.
const SIZES: [(usize, usize); 7] = [
    (1_000, 5),
    (3_000, 5),
    (10_000, 5),
    (30_000, 3),
    (100_000, 3),
    (300_000, 1),
    (1_000_000, 1),
];

/// Number of organizations at which the reference time for one organization is measured.
const REFERENCE: usize = 10_000;
/// Maximum ratio between the time for one organization in a larger manifest and the reference time.
const ALLOWED: f64 = 1.5;

const PICTURE: &str = "![Time for each organization and memory, over 1,000 to 1,000,000 declared \
                       organizations](images/growth.svg)\n";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let argument = |name: &str| arguments.iter().position(|argument| argument == name);
    // `cargo test --benches` passes this: there is nothing to test.
    if argument("--test").is_some() {
        return;
    }
    if let Some(at) = argument("--one") {
        println!("{}", Run::of(arguments[at + 1].parse().unwrap()));
        return;
    }
    let runs: Vec<Run> = SIZES.map(|(size, times)| Run::median(size, times)).into();
    let table = table(&runs);
    print!("{table}");
    if argument("--write").is_some() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        fs::write(docs.join("images/growth.svg"), plot::svg(&runs)).unwrap();
        put_between_the_marks(&docs.join("performance.md"), &format!("{table}\n{PICTURE}"));
    }
}

fn table(runs: &[Run]) -> String {
    let mut table = String::from(
        "| organizations | manifest | validate | diff | together | for each | memory |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for run in runs {
        table.push_str(&format!(
            "| {} | {:.1} MB | {:.2} s | {:.2} s | {:.2} s | {:.1} µs | {} MiB |\n",
            thousands(run.organizations),
            run.bytes as f64 / 1e6,
            run.validate,
            run.diff,
            run.together(),
            run.for_each(),
            run.memory
        ));
    }
    table
}

/// `1000000` as `1,000,000`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn put_between_the_marks(page: &Path, table: &str) {
    let (begin, end) = ("<!-- growth -->", "<!-- end of growth -->");
    let text = fs::read_to_string(page).unwrap();
    let (before, rest) = text.split_once(begin).expect("the first mark");
    let (_, after) = rest.split_once(end).expect("the last mark");
    fs::write(page, format!("{before}{begin}\n\n{table}\n{end}{after}")).unwrap();
}
