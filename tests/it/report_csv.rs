//! The table of `status -o csv`, and what a spreadsheet makes of it.

use portalctl_core::readiness::Readiness;
use portalctl_report::{StatusReport, csv};

use crate::support::cli::TestEnv;
use crate::support::manifests;
use crate::support::readiness_samples;
use crate::support::samples::{headline, january, some_plan, some_readiness};
use crate::support::sandbox_server::SandboxServer;

fn status(readiness: &Readiness) -> String {
    let report = StatusReport {
        headline: &headline(&some_plan()),
        readiness,
        now: january(15),
    };
    csv::status(&report, &csv::Choice::default()).unwrap()
}

#[test]
fn there_is_a_row_for_each_organization_and_intent() {
    insta::assert_snapshot!(status(&some_readiness()));
}

#[test]
fn nothing_declared_is_a_header_alone() {
    let text = status(&Readiness::default());
    assert_eq!(
        text,
        "key,name,organization_id,intent,state,since,turn,reason,next_step,invitation,invitation_at\n"
    );
}

#[test]
fn a_hostile_name_is_one_cell_on_one_line() {
    let mut readiness = readiness_samples::hostile();
    readiness.organizations[0].name = Some("=HYPERLINK(\"http://x\",\"y\")\n+1".to_owned());
    let text = status(&readiness);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), text.lines().count() - 1);
    assert_eq!(&rows[0][1], "'=HYPERLINK(\"http://x\",\"y\")\\u{a}+1");
}

#[test]
fn the_command_line_writes_it_whole_to_a_file() {
    let env = TestEnv::with_manifest(manifests::CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let run = env.run("status -o csv --output-file wall.csv").at(&sandbox);
    let output = run.exits(0);
    assert_eq!(output.stdout, "");
    let text = env.read("wall.csv");
    assert!(text.starts_with("key,name,organization_id,"), "{text}");
    assert!(
        text.contains(
            "acme,Acme Corp,,sso,unconfigured,,you,the organization is not created yet,\
             run portalctl apply,,\n"
        ),
        "{text}"
    );
}
