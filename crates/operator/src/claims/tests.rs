//! Tests of claims: which of several resources gets an organization.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::entries::resolve;
use crate::resolved_spec::Reader;
use crate::resource::PortalOrganization;
use crate::store::EnvironmentObjects;
use portalctl_model::mark;

const CLUSTER: &str = "here";

/// An environment `portal/production` of the manifest `customers`, what is live, and resources.
struct Case {
    environment: Value,
    live: Vec<Organization>,
    resources: Vec<Value>,
    statuses: BTreeMap<String, String>,
    presence: BTreeMap<Holder, Presence>,
    elsewhere: Claims,
    named_elsewhere: Claims,
}

impl Case {
    fn new() -> Self {
        Self {
            environment: json!({
                "metadata": { "name": "production", "namespace": "portal" },
                "spec": {
                    "secretRef": { "name": "workos", "key": "api-key" },
                    "manifest": "customers", "allowedNamespaces": ["team"],
                },
            }),
            live: Vec::new(),
            resources: Vec::new(),
            statuses: BTreeMap::new(),
            presence: BTreeMap::new(),
            elsewhere: Claims::new(),
            named_elsewhere: Claims::new(),
        }
    }

    fn environment(mut self, field: &str, value: Value) -> Self {
        self.environment["spec"][field] = value;
        self
    }

    /// An organization with marks.
    fn live(mut self, id: &str, external_id: &str, marks: &[(&str, &str)]) -> Self {
        let marks = marks.iter();
        self.live.push(Organization {
            id: OrganizationId::from_api(id.to_owned()),
            name: "Acme".to_owned(),
            external_id: (!external_id.is_empty()).then(|| external_id.to_owned()),
            domains: Vec::new(),
            metadata: marks
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            stripe_customer_id: None,
            allow_profiles_outside_organization: None,
            created_at: None,
            updated_at: None,
        });
        self
    }

    /// A resource `namespace/name`.
    fn resource(self, name: &str, spec: Value) -> Self {
        let mut more = json!({});
        more["spec"] = spec;
        self.object(name, &more)
    }

    fn object(mut self, name: &str, more: &Value) -> Self {
        let (namespace, short) = name.split_once('/').unwrap();
        let mut object = json!({
            "metadata": {
                "name": short, "namespace": namespace, "uid": name, "generation": 1,
                "creationTimestamp": "2026-01-02T03:04:05Z",
            },
            "spec": {
                "environmentRef": { "name": "production", "namespace": "portal" }, "name": short,
            },
        });
        for part in ["metadata", "spec"] {
            for (field, value) in more[part].as_object().into_iter().flatten() {
                object[part][field] = value.clone();
            }
        }
        self.resources.push(object);
        self
    }

    fn status(mut self, name: &str, id: &str) -> Self {
        self.statuses.insert(name.to_owned(), id.to_owned());
        self
    }

    fn holder_is(mut self, holder: &str, presence: Presence) -> Self {
        self.presence.insert(holder.parse().unwrap(), presence);
        self
    }

    fn settle(self) -> Outcome {
        let environment: PortalEnvironment = serde_json::from_value(self.environment).unwrap();
        let resources = self.resources.into_iter();
        let objects = EnvironmentObjects {
            environment: None,
            organizations: resources
                .map(|object| {
                    Arc::new(serde_json::from_value::<PortalOrganization>(object).unwrap())
                })
                .collect(),
        };
        let mut reader = Reader::default();
        let sorted = resolve(&objects, &environment, CLUSTER, &mut reader);
        let (mut entries, mut desired) = sorted.unwrap();
        let live = self.live.into_iter();
        let observed = Observed {
            organizations: live.map(|one| (one.id.clone(), one)).collect(),
            ..Observed::default()
        };
        let manifest = desired.manifest.clone();
        let context = ClaimContext {
            environment: &environment,
            manifest: manifest.as_ref(),
            observed: &observed,
            presence: &self.presence,
            elsewhere: &self.elsewhere,
            named_elsewhere: &self.named_elsewhere,
            transfers: ClaimContext::transfers_of(&environment),
        };
        let statuses = self.statuses;
        let settled = settle_claims(&mut entries, &mut desired, &context, |entry| {
            statuses.get(&entry.name.to_string()).cloned()
        });
        Outcome {
            entries,
            desired,
            settled,
        }
    }
}

struct Outcome {
    entries: Vec<Entry>,
    desired: Desired,
    settled: Settled,
}

impl Outcome {
    fn entry(&self, name: &str) -> &Entry {
        let mut entries = self.entries.iter();
        entries.find(|one| one.name.to_string() == name).unwrap()
    }

    /// The organization that a resource is granted, and the holder mark that it is to write.
    #[track_caller]
    fn granted(&self, name: &str) -> (String, Option<String>) {
        let entry = self.entry(name);
        let ClaimState::Granted(id) = &entry.claim_state else {
            panic!("{:?}: {:?}", entry.claim_state, entry.resolved_key)
        };
        let declared = &self.desired.organizations[entry.key().unwrap()];
        (
            id.to_string(),
            declared.holder.as_ref().map(ToString::to_string),
        )
    }

    /// Returns the reason of a refusal.
    #[track_caller]
    fn refused(&self, name: &str) -> BlockedReason {
        let entry = self.entry(name);
        assert_eq!(
            entry.claim_state,
            ClaimState::Refused,
            "{:?}",
            entry.resolved_key
        );
        entry.resolved_key.clone().unwrap_err()
    }

    /// The external id that a resource is to be created with.
    #[track_caller]
    fn created(&self, name: &str) -> String {
        let entry = self.entry(name);
        assert_eq!(
            entry.claim_state,
            ClaimState::Open,
            "{:?}",
            entry.resolved_key
        );
        let declared = &self.desired.organizations[entry.key().unwrap()];
        assert!(declared.holder.is_some());
        declared.external_id.as_ref().unwrap().to_string()
    }
}

const OURS: (&str, &str) = (mark::OWNER, "customers");

fn held(by: &str) -> (&str, &str) {
    (mark::HOLDER, by)
}

#[track_caller]
fn takes_hold(outcome: &Outcome, name: &str) {
    let expected = ("org_1".to_owned(), Some(format!("here/{name}")));
    assert_eq!(outcome.granted(name), expected);
}

#[test]
fn the_environments_own_namespace_takes_hold_of_what_nobody_holds() {
    for marks in [&[][..], &[OURS]] {
        let case = Case::new().live("org_1", "acme", marks);
        takes_hold(
            &case.resource("portal/acme", json!({})).settle(),
            "portal/acme",
        );
    }
}

#[test]
fn another_namespace_needs_allow_adoption_for_what_nobody_holds() {
    for marks in [&[][..], &[OURS]] {
        for spec in [
            json!({ "id": "org_1" }),
            json!({ "externalId": "team.acme" }),
            json!({ "previousKeys": ["team.acme"] }),
        ] {
            let case = || {
                let case = Case::new().live("org_1", "team.acme", marks);
                case.resource("team/new", spec.clone())
            };
            let outcome = case().settle();
            let blocked = outcome.refused("team/new");
            assert_eq!(blocked.reason, Reason::Held, "{spec}");
            assert!(
                blocked.message.contains("allowAdoption"),
                "{}",
                blocked.message
            );
            assert!(!blocked.message.contains("org_1"), "{}", blocked.message);
            assert_eq!(outcome.settled.refusals[0].organization.as_str(), "org_1");
            let allowed = case().environment("allowAdoption", json!(true)).settle();
            takes_hold(&allowed, "team/new");
        }
    }
}

#[test]
fn a_status_that_names_what_carries_our_mark_is_enough_for_a_tenant() {
    let case = |marks: &[(&str, &str)]| {
        let case = Case::new().live("org_1", "acme", marks);
        let case = case.resource("team/acme", json!({}));
        case.status("team/acme", "org_1").settle()
    };
    takes_hold(&case(&[OURS]), "team/acme");
    case(&[]).refused("team/acme");
}

#[test]
fn the_holder_keeps_its_organization_and_a_rival_is_told_only_so_much() {
    let case = Case::new()
        .live("org_1", "acme", &[OURS, held("here/portal/acme")])
        .resource("portal/acme", json!({}))
        .resource("portal/twin", json!({ "externalId": "acme" }))
        .resource("team/thief", json!({ "id": "org_1" }))
        .status("portal/twin", "org_1")
        .environment("allowAdoption", json!(true))
        .holder_is("here/portal/acme", Presence::Living);
    let outcome = case.settle();
    takes_hold(&outcome, "portal/acme");
    let twin = outcome.refused("portal/twin");
    assert_eq!(twin.reason, Reason::Conflict);
    assert!(
        twin.message.contains("PortalOrganization portal/acme"),
        "{}",
        twin.message
    );
    let thief = outcome.refused("team/thief");
    assert_eq!(thief.reason, Reason::Conflict);
    for secret in ["org_1", "portal/acme", "Acme"] {
        assert!(!thief.message.contains(secret), "{}", thief.message);
    }
    assert!(
        thief
            .message
            .contains("another organization of this environment")
    );
    let told: Vec<String> = outcome
        .settled
        .refusals
        .iter()
        .map(|one| one.resource.to_string())
        .collect();
    assert_eq!(told, ["portal/twin", "team/thief"]);
}

#[test]
fn what_a_gone_holder_held_is_handed_over_within_its_namespace_by_any_claim() {
    for spec in [
        json!({ "key": "acme" }),
        json!({ "id": "org_1" }),
        json!({ "externalId": "acme" }),
        json!({ "previousKeys": ["acme"] }),
    ] {
        let case = |presence| {
            Case::new()
                .live("org_1", "acme", &[OURS, held("here/portal/old")])
                .resource("portal/new", spec.clone())
                .holder_is("here/portal/old", presence)
                .settle()
        };
        takes_hold(&case(Presence::Gone), "portal/new");
        for presence in [Presence::Living, Presence::Unknown] {
            assert_eq!(
                case(presence).refused("portal/new").reason,
                Reason::Conflict
            );
        }
    }
}

#[test]
fn nobody_inherits_by_waiting_or_by_a_domain() {
    let case = Case::new()
        .live("org_1", "acme", &[OURS, held("here/portal/old")])
        .resource(
            "portal/unrelated",
            json!({ "domains": [{ "domain": "acme.com" }] }),
        )
        .holder_is("here/portal/old", Presence::Gone);
    assert_eq!(case.settle().created("portal/unrelated"), "unrelated");
}

#[test]
fn what_was_held_elsewhere_needs_a_transfer() {
    for (holder, presence) in [
        ("here/other/old", Presence::Gone),
        ("there/portal/old", Presence::Unknown),
    ] {
        let (cluster, rest) = holder.split_once('/').unwrap();
        let (namespace, _) = rest.split_once('/').unwrap();
        let case = |transfers: Value| {
            Case::new()
                .environment("transfers", transfers)
                .environment("allowAdoption", json!(true))
                .live("org_1", "acme", &[OURS, held(holder)])
                .resource("portal/acme", json!({}))
                .holder_is(holder, presence)
                .settle()
        };
        assert_eq!(
            case(json!([])).refused("portal/acme").reason,
            Reason::Conflict
        );
        let transfer = json!({ "fromCluster": cluster, "fromNamespace": namespace });
        takes_hold(&case(json!([transfer])), "portal/acme");
        let other = json!({ "fromCluster": cluster, "fromNamespace": namespace, "name": "x" });
        assert_eq!(
            case(json!([other])).refused("portal/acme").reason,
            Reason::Conflict
        );
    }
}

#[test]
fn another_manifests_organization_stays_its_own_whatever_is_allowed() {
    let case = Case::new()
        .environment("allowAdoption", json!(true))
        .live("org_1", "acme", &[(mark::OWNER, "others")])
        .resource("portal/acme", json!({}))
        .status("portal/acme", "org_1");
    let blocked = case.settle().refused("portal/acme");
    assert_eq!(blocked.reason, Reason::Conflict);
    assert!(blocked.message.contains("`others`"), "{}", blocked.message);
}

#[test]
fn of_two_that_claim_what_nobody_holds_the_one_whose_status_names_it_gets_it() {
    let case = || {
        Case::new()
            .live("org_1", "acme", &[OURS])
            .resource("portal/a", json!({ "externalId": "acme" }))
            .resource("portal/b", json!({ "previousKeys": ["acme"] }))
    };
    let outcome = case().settle();
    for name in ["portal/a", "portal/b"] {
        assert_eq!(outcome.refused(name).reason, Reason::Conflict);
    }
    let outcome = case().status("portal/b", "org_1").settle();
    takes_hold(&outcome, "portal/b");
    assert_eq!(outcome.refused("portal/a").reason, Reason::Conflict);
}

#[test]
fn two_that_claim_by_former_keys_are_both_refused() {
    let case = || {
        Case::new()
            .live("org_1", "acme", &[OURS])
            .resource("portal/a", json!({ "previousKeys": ["acme"] }))
            .resource("portal/b", json!({ "previousKeys": ["acme"] }))
    };
    let outcome = case().settle();
    for name in ["portal/a", "portal/b"] {
        let blocked = outcome.refused(name);
        assert_eq!(blocked.reason, Reason::Conflict);
        assert!(blocked.message.contains("org_1"), "{}", blocked.message);
    }
    let outcome = case().status("portal/a", "org_1").settle();
    takes_hold(&outcome, "portal/a");
    assert_eq!(outcome.refused("portal/b").reason, Reason::Conflict);
}

#[test]
fn a_claim_of_another_environment_counts_as_one_here() {
    let other = Name {
        namespace: "portal".to_owned(),
        name: "theirs".to_owned(),
    };
    let claims = Claims::from([(
        OrganizationId::from_api("org_1".to_owned()),
        BTreeSet::from([other]),
    )]);
    let case = || {
        let case = Case::new().live("org_1", "acme", &[OURS]);
        case.resource("portal/acme", json!({}))
    };
    let mut claimed = case();
    claimed.elsewhere = claims.clone();
    claimed.settle().refused("portal/acme");
    let mut named_here = case().status("portal/acme", "org_1");
    named_here.elsewhere = claims.clone();
    takes_hold(&named_here.settle(), "portal/acme");
    let mut known_there = case();
    known_there.named_elsewhere = claims;
    known_there.settle().refused("portal/acme");
}

#[test]
fn of_two_that_would_create_one_external_id_none_does() {
    let case = Case::new()
        .resource("portal/a", json!({ "externalId": "acme" }))
        .resource("portal/acme", json!({}))
        .resource("portal/globex", json!({}));
    let outcome = case.settle();
    for (name, other) in [("portal/a", "portal/acme"), ("portal/acme", "portal/a")] {
        let blocked = outcome.refused(name);
        assert_eq!(blocked.reason, Reason::Conflict);
        let other = format!("PortalOrganization {other}");
        assert!(blocked.message.contains(&other), "{}", blocked.message);
    }
    assert_eq!(outcome.created("portal/globex"), "globex");
}

#[test]
fn of_two_that_want_an_external_id_the_one_with_an_organization_gets_it() {
    let case = Case::new()
        .live("org_1", "old", &[OURS, held("here/portal/a")])
        .resource(
            "portal/a",
            json!({ "externalId": "acme", "previousKeys": ["old"] }),
        )
        .resource("portal/acme", json!({}));
    let outcome = case.settle();
    takes_hold(&outcome, "portal/a");
    assert_eq!(outcome.refused("portal/acme").reason, Reason::Conflict);
}

#[test]
fn a_tenants_key_is_its_own_and_an_upgrade_creates_nothing() {
    // Another's organization of that plain key is not in the way.
    let case = Case::new()
        .live("org_1", "acme", &[OURS, held("here/portal/acme")])
        .resource("portal/acme", json!({}))
        .resource("team/acme", json!({}));
    let outcome = case.settle();
    takes_hold(&outcome, "portal/acme");
    assert_eq!(outcome.created("team/acme"), "team.acme");
    // Its own, from before, is found and keeps its external id.
    let case = Case::new()
        .live("org_1", "acme", &[OURS, held("here/team/acme")])
        .resource("team/acme", json!({}));
    takes_hold(&case.settle(), "team/acme");
    // Nobody's is not created a second time.
    let case = Case::new()
        .live("org_1", "acme", &[OURS])
        .resource("team/acme", json!({}));
    assert_eq!(case.settle().refused("team/acme").reason, Reason::Held);
}

#[test]
fn what_is_only_observed_needs_the_same_and_takes_no_hold() {
    let case = |marks: &[(&str, &str)]| {
        Case::new()
            .live("org_1", "acme", marks)
            .resource("portal/acme", json!({ "managementPolicy": "Observe" }))
            .holder_is("here/portal/other", Presence::Living)
            .settle()
    };
    assert_eq!(
        case(&[OURS]).granted("portal/acme"),
        ("org_1".to_owned(), None)
    );
    case(&[held("here/portal/other")]).refused("portal/acme");
}

#[test]
fn what_is_being_deleted_takes_hold_of_nothing_new() {
    let case = |marks: &[(&str, &str)]| {
        let leaving = json!({ "metadata": {
            "deletionTimestamp": "2026-01-02T03:04:05Z",
            "finalizers": ["portalctl.dev/organization"],
        } });
        Case::new()
            .live("org_1", "acme", marks)
            .object("portal/acme", &leaving)
    };
    case(&[OURS]).settle().refused("portal/acme");
    let known = case(&[OURS]).status("portal/acme", "org_1").settle();
    assert_eq!(known.granted("portal/acme"), ("org_1".to_owned(), None));
    let holding = case(&[OURS, held("here/portal/acme")]).settle();
    assert_eq!(holding.granted("portal/acme"), ("org_1".to_owned(), None));
}

#[test]
fn a_former_external_id_that_another_has_by_now_is_forgotten() {
    let case = Case::new()
        .live("org_1", "acme-inc", &[OURS, held("here/portal/acme-inc")])
        .live("org_2", "acme", &[OURS, held("here/portal/acme")])
        .resource("portal/acme-inc", json!({ "previousKeys": ["acme"] }))
        .resource("portal/acme", json!({}));
    let outcome = case.settle();
    takes_hold(&outcome, "portal/acme-inc");
    assert_eq!(outcome.granted("portal/acme").0, "org_2");
}

#[test]
fn of_two_that_declare_a_domain_the_one_that_has_it_keeps_it() {
    let domain = json!({ "domains": [{ "domain": "acme.com" }, { "domain": "acme.io" }] });
    let case = |has_it: bool| {
        let mut case = Case::new()
            .live("org_1", "acme", &[OURS, held("here/portal/acme")])
            .live("org_2", "globex", &[OURS, held("here/portal/globex")])
            .resource("portal/acme", domain.clone())
            .resource(
                "portal/globex",
                json!({ "domains": [{ "domain": "acme.com" }] }),
            )
            .resource(
                "portal/new",
                json!({ "domains": [{ "domain": "acme.com" }] }),
            );
        if has_it {
            case.live[0]
                .domains
                .push(portalctl_model::observed::OrganizationDomain {
                    id: None,
                    domain: Domain::parse("acme.com").unwrap(),
                    state: portalctl_model::observed::DomainState::Pending,
                    verification_prefix: None,
                    verification_token: None,
                    created_at: None,
                    updated_at: None,
                });
        }
        case.settle()
    };
    let domains = |outcome: &Outcome, name: &str| -> Vec<String> {
        let declared = &outcome.desired.organizations[outcome.entry(name).key().unwrap()];
        let domains = declared.domains.as_ref().unwrap().keys();
        domains.map(ToString::to_string).collect()
    };
    let outcome = case(true);
    assert_eq!(domains(&outcome, "portal/acme"), ["acme.com", "acme.io"]);
    assert_eq!(domains(&outcome, "portal/globex"), [""; 0]);
    assert_eq!(outcome.entry("portal/globex").contested.len(), 1);
    let blocked = outcome.refused("portal/new");
    assert!(
        blocked.message.contains("PortalOrganization portal/acme"),
        "{}",
        blocked.message
    );
    // Where none has it, nobody gets it, and everything else goes on.
    let outcome = case(false);
    assert_eq!(domains(&outcome, "portal/acme"), ["acme.io"]);
    assert_eq!(domains(&outcome, "portal/globex"), [""; 0]);
}

#[test]
fn a_text_for_a_tenant_holds_no_id_but_its_own() {
    let text = "org_1 has it (code org_2), not organization org_ or org_1x";
    assert_eq!(
        redact_other_organizations(text, Some("org_1")),
        "org_1 has it (code another organization of this environment), not organization org_ or \
         another organization of this environment"
    );
    assert_eq!(redact_other_organizations("", None), "");
    assert_eq!(
        redact_other_organizations("é org_9é", None),
        "é another organization of this environmenté"
    );
}

#[test]
fn an_environment_that_cannot_be_used_claims_nothing() {
    let registry = Registry::default();
    let name = |name: &str| Name {
        namespace: "portal".to_owned(),
        name: name.to_owned(),
    };
    let id = OrganizationId::from_api("org_1".to_owned());
    let claims = Claims::from([(id, BTreeSet::from([name("acme")]))]);
    registry.enter("here", &name("theirs"), claims.clone());
    assert_eq!(registry.of_others("here", &name("mine")), claims);
    assert!(registry.of_others("there", &name("mine")).is_empty());
    assert!(registry.of_others("here", &name("theirs")).is_empty());
    registry.leave(&name("theirs"));
    assert!(registry.of_others("here", &name("mine")).is_empty());
}
