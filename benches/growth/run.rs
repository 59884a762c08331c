//! One measurement: a folder of so many organizations is written, validated and diffed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::process::Command;
use std::time::Instant;

use portalctl_core::identity::identify;
use portalctl_core::plan::{PlanInput, Policy, Target, plan};
use portalctl_manifest::{self as manifest, Input};
use portalctl_model::desired::{Desired, DesiredOrganization};
use portalctl_model::observed::{DomainState, Observed, Organization, OrganizationDomain};
use portalctl_model::{OrgKey, OrganizationId, Selection, Unconfigured};

use crate::folder;

/// Measurement of one size.
pub(crate) struct Run {
    pub(crate) organizations: usize,
    /// Of all files together.
    pub(crate) bytes: usize,
    /// In seconds.
    pub(crate) validate: f64,
    /// In seconds.
    pub(crate) diff: f64,
    /// The most that the process has held, in MiB.
    pub(crate) memory: u64,
}

impl Run {
    /// Measures in this process.
    pub(crate) fn of(organizations: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bytes = folder::write(folder.path(), organizations);

        let started = Instant::now();
        let checked = manifest::read(&[Input::Path(folder.path().to_owned())]);
        let desired = checked.desired.expect("a valid folder");
        let validate = started.elapsed().as_secs_f64();

        let observed = as_declared(&desired);
        let started = Instant::now();
        let unchanged = unchanged(&desired, &observed);
        let diff = started.elapsed().as_secs_f64();
        assert_eq!(unchanged, organizations);
        Self {
            organizations,
            bytes,
            validate,
            diff,
            memory: peak_memory(),
        }
    }

    /// Measures a few times, each in a process of its own; the one in the middle.
    pub(crate) fn median(organizations: usize, times: usize) -> Self {
        let mut runs: Vec<Self> = (0..times).map(|_| Self::apart(organizations)).collect();
        runs.sort_by(|a, b| a.together().total_cmp(&b.together()));
        runs.swap_remove(times / 2)
    }

    fn apart(organizations: usize) -> Self {
        let mut itself = Command::new(std::env::current_exe().unwrap());
        let output = itself.args(["--one", &organizations.to_string()]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        Self::read(&String::from_utf8(output.stdout).unwrap())
    }

    fn read(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let mut next = || words.next().unwrap();
        Self {
            organizations: next().parse().unwrap(),
            bytes: next().parse().unwrap(),
            validate: next().parse().unwrap(),
            diff: next().parse().unwrap(),
            memory: next().parse().unwrap(),
        }
    }

    /// In seconds.
    pub(crate) fn together(&self) -> f64 {
        self.validate + self.diff
    }

    /// The time for one organization, in microseconds.
    pub(crate) fn for_each(&self) -> f64 {
        self.together() * 1e6 / self.organizations as f64
    }
}

impl fmt::Display for Run {
    /// As [`Run::read`] wants it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            organizations,
            bytes,
            validate,
            diff,
            memory,
        } = self;
        write!(f, "{organizations} {bytes} {validate} {diff} {memory}")
    }
}

/// Counts the organizations that are as declared.
fn unchanged(desired: &Desired, observed: &Observed) -> usize {
    let plan = plan(
        PlanInput {
            desired,
            observed,
            identities: &identify(desired, observed),
            unconfigured: &Unconfigured::new(),
            policy: Policy::default(),
            selection: &Selection::default(),
        },
        Target::default(),
    );
    assert!(plan.is_settled());
    plan.unchanged
}

/// An account in which everything is as declared.
fn as_declared(desired: &Desired) -> Observed {
    let entries = desired.organizations.iter().enumerate();
    let organizations: BTreeMap<_, _> = entries
        .map(|(number, (key, entry))| {
            let organization = live(number, key, entry);
            (organization.id.clone(), organization)
        })
        .collect();
    Observed {
        organizations,
        ..Observed::default()
    }
}

fn live(number: usize, key: &OrgKey, entry: &DesiredOrganization) -> Organization {
    let domains = entry.domains.iter().flatten();
    let domains = domains.map(|(domain, _)| OrganizationDomain {
        id: None,
        domain: domain.clone(),
        state: DomainState::Verified,
        verification_prefix: None,
        verification_token: None,
        created_at: None,
        updated_at: None,
    });
    let metadata = entry.metadata.iter();
    let metadata = metadata.filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
    Organization {
        id: OrganizationId::from_api(format!("org_{number:026}")),
        name: entry.name.clone().unwrap_or_default(),
        external_id: Some(key.to_string()),
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        domains: domains.collect(),
        metadata: metadata.collect(),
        created_at: None,
        updated_at: None,
    }
}

/// The most memory that this process has held, in MiB; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
