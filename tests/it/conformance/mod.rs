//! One suite of cases, run against the sandbox and against the official emulator.
//!
//! `docs/guides/sandbox.md` lists the differences of the two, and the documentation that decides each.
//! The suite expects exactly those, row by row: it fails when one goes away or a new one comes.
//!
//! `scripts/live` plays the same cases on a real account ([`live`]), whose answers are compared with
//! the sandbox's in `live/assumed.txt`.

pub(crate) mod api_client;
mod cases;
mod live;
mod live_itself;

use std::collections::BTreeMap;

use api_client::ApiClient;
use cases::CASES;

use crate::support::cli::TestEnv;
use crate::support::emulator::{EMULATOR_KEY, Emulator};
use crate::support::sandbox_server::SandboxServer;

/// The table of differences: what is done, what the sandbox says, what the emulator says. The
/// last column, what decides between them, is for people.
fn documented() -> BTreeMap<String, (String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guides/sandbox.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, table) = text
        .split_once("<!-- differences: checked by tests/it/conformance -->")
        .unwrap();
    let rows = table.trim_start().lines().skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let mut cell = || cells.next().unwrap().trim_matches('`').to_owned();
            (cell(), (cell(), cell()))
        })
        .collect()
}

#[tokio::test]
async fn the_sandbox_and_the_emulator_differ_where_the_documentation_says() {
    let env = TestEnv::new();
    let Some(emulator) = Emulator::start(&env) else {
        return;
    };
    let sandbox = SandboxServer::start(&env);
    let ours = ApiClient::new(sandbox.url(), EMULATOR_KEY);
    let theirs = ApiClient::new(emulator.url(), EMULATOR_KEY);
    let mut differences = BTreeMap::new();
    let mut table = String::new();
    for (name, case) in CASES {
        let (one, other) = (case(ours.clone()).await, case(theirs.clone()).await);
        if one != other {
            table.push_str(&format!("| {name} | `{one}` | `{other}` |\n"));
            differences.insert((*name).to_owned(), (one, other));
        }
    }
    let documented = documented();
    assert!(
        differences == documented,
        "docs/guides/sandbox.md says other differences than these:\n{table}\nit says {documented:#?}"
    );
}
