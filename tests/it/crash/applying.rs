//! Kills of `apply` against a server that lives on.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::campaign::{Campaign, Draw};
use super::requests::{Moment, Proxy};
use super::victim::{Ending, Victim};
use super::{all_different, names_in};
use crate::support::cli::TestEnv;
use crate::support::manifests::{customer, many};
use crate::support::sandbox_server::SandboxServer;

/// Initial state of a server, the manifest to apply, and the expected final state.
struct Case {
    scenario: String,
    manifest: String,
    line: &'static str,
    expected: BTreeSet<String>,
}

#[test]
fn apply_can_be_killed_at_any_moment_and_the_next_run_goes_on() {
    Case::updates_and_creates().run(Campaign::Apply);
}

#[test]
fn apply_with_prune_can_be_killed_at_any_moment_and_the_next_run_goes_on() {
    Case::deletes().run(Campaign::Prune);
}

impl Case {
    /// Twelve customers to update, as many to create, some of them with somebody to invite.
    fn updates_and_creates() -> Self {
        let mut scenario = String::from("organizations:\n- { name: Somebody else }\n");
        let mut manifest = many(24);
        for number in 0..12 {
            let line = format!("- {{ name: Old {number}, external_id: customer-{number:03} }}");
            writeln!(scenario, "{line}").unwrap();
        }
        for number in 24..28 {
            manifest.push_str(&customer(number));
            let contact = format!("it@customer-{number:03}.example");
            writeln!(manifest, "    it_contacts: [{contact}]\n    invite: once").unwrap();
        }
        Self {
            scenario,
            manifest,
            line: "apply --yes --requests-per-second 1000 --concurrency 4",
            expected: names(0..28, ["Somebody else"]),
        }
    }

    /// Six to delete, and others beside them that have to stay.
    fn deletes() -> Self {
        let mut scenario = String::from("organizations:\n");
        for number in 0..16 {
            writeln!(
                scenario,
                "- name: Customer {number:03}\n  external_id: customer-{number:03}\n  \
                 metadata: {{ portalctl_owner: many }}"
            )
            .unwrap();
        }
        scenario.push_str(
            "- { name: Theirs, external_id: theirs, metadata: { portalctl_owner: others } }\n\
             - name: Kept\n  external_id: kept\n  \
             metadata: { portalctl_owner: many, portalctl_protect: 'true' }\n",
        );
        Self {
            scenario,
            manifest: format!("limits: {{ delete: 6 }}\n{}", many(10)),
            line: "apply --prune --yes --requests-per-second 1000 --concurrency 4",
            expected: names(0..10, ["Kept", "Theirs"]),
        }
    }

    fn run(&self, campaign: Campaign) {
        let requests = self.whole_run();
        campaign.run(|draw| self.kill_once(draw, requests));
    }

    fn start(&self) -> (TestEnv, SandboxServer) {
        let env = TestEnv::with_manifest(&self.manifest);
        env.write("scenario.yaml", &self.scenario);
        let server = SandboxServer::with(&env, "--rate-limit off --load scenario.yaml");
        (env, server)
    }

    /// Counts the requests of a run that is not killed.
    fn whole_run(&self) -> usize {
        let (env, server) = self.start();
        let proxy = Proxy::new(&server, &Victim::default(), None);
        let _ = env.run(self.line).at_url(&proxy.url()).exits(0);
        assert_eq!(all_different(&server), self.expected);
        proxy.finish()
    }

    fn kill_once(&self, draw: &mut Draw, requests: usize) -> Ending {
        let (env, server) = self.start();
        let victim = Victim::default();
        let moment = Moment::draw(draw, requests);
        let proxy = Proxy::new(&server, &victim, Some(moment));
        let run = env.run(self.line).at_url(&proxy.url());
        victim.start_unheard(run, &env.root().join("victim.log"));
        let ending = victim.wait();
        proxy.finish();

        all_different(&server);
        let _ = env.run(self.line).at(&server).exits(0);
        assert_eq!(all_different(&server), self.expected);
        let _ = env.run("plan --detailed-exitcode").at(&server).exits(0);
        assert_eq!(names_in(&env.path("")), ["portal.yaml", "scenario.yaml"]);
        ending
    }
}

fn names<const N: usize>(customers: std::ops::Range<usize>, others: [&str; N]) -> BTreeSet<String> {
    customers
        .map(|number| format!("Customer {number:03}"))
        .chain(others.map(str::to_owned))
        .collect()
}
