//! Tests that an organization of another manifest or of an operator is not written without consent.

use serde_json::{Value, json};

use crate::support::cli::TestEnv;
use crate::support::stand_in::StandIn;

const MANIFEST: &str = "\
version: 1
manifest: customers
organizations:
  acme:
    name: Acme
    intents: [sso]
    it_contacts: [ada@acme.example]
";

/// An account with the organization of `acme`, under an old name and with marks.
fn account(marks: &Value) -> StandIn {
    let marks = marks.clone();
    StandIn::of(|world| {
        let more = json!({"external_id": "acme", "metadata": marks});
        world.organization("org_1", "Old name", &more);
        let contact = json!({
            "object": "it_contact", "id": "it_contact_1", "email": "ada@acme.example",
        });
        world.contacts.insert("org_1".to_owned(), vec![contact]);
    })
}

fn held_by_an_operator() -> Value {
    json!({"portalctl_owner": "customers", "portalctl_holder": "prod/team-a/acme"})
}

/// The metadata, but the mark that the contacts are there, which says nothing of an owner.
fn metadata(workos: &StandIn) -> Value {
    let mut metadata = workos.with(|world| world.find("org_1").unwrap()["metadata"].clone());
    metadata
        .as_object_mut()
        .unwrap()
        .remove("portalctl_contacts");
    metadata
}

fn name(workos: &StandIn) -> Value {
    workos.with(|world| world.find("org_1").unwrap()["name"].clone())
}

#[test]
fn what_another_manifest_owns_is_held_and_the_manifest_is_named() {
    let workos = account(&json!({"portalctl_owner": "others"}));
    let env = TestEnv::with_manifest(MANIFEST);
    let text = env.run("plan").at_url(&workos.url()).exits(0);
    for part in [
        "--adopt-owned",
        "allow: [other_owner]",
        "`others`",
        "plan/held-by-another",
    ] {
        assert!(text.stdout.contains(part), "{part}\n{}", text.stdout);
    }
    let json = env
        .run("plan -o json")
        .at_url(&workos.url())
        .exits(0)
        .json();
    let held = &json["held"][0];
    assert_eq!(held["code"], "plan/held-by-another");
    assert_eq!(held["allow"], "--adopt-owned");
    assert_eq!(held["write"], "allow: [other_owner]");
    assert!(
        held["reason"].as_str().unwrap().contains("`others`"),
        "{held}"
    );
    assert_eq!(json["changes"], json!([]));

    let _ = env
        .run("plan --detailed-exitcode")
        .at_url(&workos.url())
        .exits(2);
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert_eq!(workos.writes(), [""; 0]);
}

#[test]
fn what_an_operator_holds_is_held_and_its_resource_is_named() {
    let workos = account(&held_by_an_operator());
    let env = TestEnv::with_manifest(MANIFEST);
    let text = env.run("plan").at_url(&workos.url()).exits(0);
    assert!(text.stdout.contains("team-a/acme"), "{}", text.stdout);
    assert!(text.stdout.contains("`prod`"), "{}", text.stdout);
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert_eq!(workos.writes(), [""; 0]);
}

#[test]
fn with_the_flag_or_the_line_in_git_the_marks_are_replaced() {
    let line = MANIFEST.replace("    intents", "    allow: [other_owner]\n    intents");
    for (manifest, command) in [
        (MANIFEST, "apply --yes --adopt-owned"),
        (&line, "apply --yes"),
    ] {
        for marks in [held_by_an_operator(), json!({"portalctl_owner": "others"})] {
            let workos = account(&marks);
            let env = TestEnv::with_manifest(manifest);
            let _ = env.run(command).at_url(&workos.url()).exits(0);
            assert_eq!(name(&workos), "Acme");
            assert_eq!(metadata(&workos), json!({"portalctl_owner": "customers"}));
            let plan = env
                .run("plan -o json")
                .at_url(&workos.url())
                .exits(0)
                .json();
            assert_eq!((&plan["changes"], &plan["held"]), (&json!([]), &json!([])));
        }
    }
}

#[test]
fn a_permission_that_is_used_up_is_told() {
    let manifest = MANIFEST.replace("    intents", "    allow: [adopt, rekey]\n    intents");
    let workos = account(&json!({}));
    let env = TestEnv::with_manifest(&manifest);
    let plan = env
        .run("plan -o json")
        .at_url(&workos.url())
        .exits(0)
        .json();
    let told = plan["warnings"].as_array().unwrap();
    let told: Vec<&Value> = told.iter().map(|warning| &warning["code"]).collect();
    assert_eq!(told, ["plan/allow-unused", "plan/allow-unused"]);
    let text = env.run("plan").at_url(&workos.url()).exits(0);
    assert!(
        text.stdout.contains("`allow: [rekey]` is used up"),
        "{}",
        text.stdout
    );
}

#[test]
fn an_unmarked_organization_is_updated_and_marked_only_where_it_is_claimed() {
    let claim = MANIFEST.replace("    intents", "    claim: true\n    intents");
    for (manifest, marks) in [
        (MANIFEST, json!({})),
        (&claim, json!({"portalctl_owner": "customers"})),
    ] {
        let workos = account(&json!({}));
        let env = TestEnv::with_manifest(manifest);
        let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
        assert_eq!((name(&workos), metadata(&workos)), (json!("Acme"), marks));
        let again = env.run("plan --detailed-exitcode").at_url(&workos.url());
        let _ = again.exits(0);
    }
}

#[test]
fn a_former_name_counts_as_ours_and_is_rewritten_outside_the_limits() {
    let workos = account(&json!({"portalctl_owner": "kunden"}));
    let manifest = MANIFEST
        .replace(
            "manifest: customers\n",
            "manifest: customers\nprevious_manifests: [kunden]\nlimits: { update: 0 }\n",
        )
        .replace("name: Acme", "name: Old name");
    let env = TestEnv::with_manifest(&manifest);
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert_eq!(metadata(&workos), json!({"portalctl_owner": "customers"}));
    let _ = env
        .run("plan --detailed-exitcode")
        .at_url(&workos.url())
        .exits(0);
}

#[test]
fn to_a_manifest_without_a_name_every_owner_mark_is_anothers() {
    let workos = account(&json!({"portalctl_owner": "customers"}));
    let env = TestEnv::with_manifest(&MANIFEST.replace("manifest: customers\n", ""));
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert_eq!(workos.writes(), [""; 0]);
}

#[test]
fn in_the_kubernetes_form_the_holders_own_resource_is_a_warning() {
    let form = |name: &str| {
        format!(
            "apiVersion: portalctl.dev/v1alpha1\nkind: PortalEnvironment\n\
             metadata: {{ name: production, namespace: team-a }}\n\
             spec: {{ secretRef: {{ name: workos, key: api-key }}, manifest: customers }}\n---\n\
             apiVersion: portalctl.dev/v1alpha1\nkind: PortalOrganization\n\
             metadata: {{ name: {name}, namespace: team-a }}\n\
             spec: {{ environmentRef: {{ name: production }}, name: Acme, externalId: acme }}\n"
        )
    };
    let workos = account(&held_by_an_operator());
    let own = TestEnv::with_manifest(&form("acme"));
    let plan = own
        .run("plan -o json")
        .at_url(&workos.url())
        .exits(0)
        .json();
    assert_eq!(plan["warnings"][0]["code"], "plan/held-by-operator");
    assert_eq!(plan["changes"][0]["action"], "update");
    let other = TestEnv::with_manifest(&form("acme-2"));
    let plan = other
        .run("plan -o json")
        .at_url(&workos.url())
        .exits(0)
        .json();
    assert_eq!(plan["held"][0]["code"], "plan/held-by-another");
    // No line in git gives a resource a power.
    assert_eq!(plan["held"][0]["write"], Value::Null);
    let _ = own.run("apply --yes").at_url(&workos.url()).exits(0);
    assert_eq!(name(&workos), "Acme");
    assert_eq!(metadata(&workos), held_by_an_operator());
}

#[test]
fn pruning_leaves_what_an_operator_holds() {
    let workos = account(&held_by_an_operator());
    workos.with(|world| {
        let more = json!({"external_id": "kept", "metadata": {"portalctl_owner": "customers"}});
        world.organization("org_2", "Kept", &more);
    });
    let manifest = "version: 1\nmanifest: customers\norganizations: { kept: { name: Kept } }\n";
    let env = TestEnv::with_manifest(manifest);
    let plan = env
        .run("plan --prune -o json")
        .at_url(&workos.url())
        .exits(0);
    let plan = plan.json();
    assert_eq!(plan["held"][0]["allow"], "--adopt-owned");
    let _ = env
        .run("apply --prune --yes")
        .at_url(&workos.url())
        .exits(0);
    assert!(workos.with(|world| world.find("org_1").is_some()));
    let taking = env.run("apply --prune --adopt-owned --yes");
    let _ = taking.at_url(&workos.url()).exits(0);
    assert!(workos.with(|world| world.find("org_1").is_none()));
}

#[test]
fn commands_that_write_to_one_customer_are_refused_too() {
    let workos = account(&held_by_an_operator());
    workos.with(|world| {
        let domain = crate::support::stand_in::World::domain("org_1", "acme.example", "pending");
        world.find_mut("org_1").unwrap()["domains"] = json!([domain]);
    });
    let manifest = MANIFEST.replace("    intents", "    domains: [acme.example]\n    intents");
    let env = TestEnv::with_manifest(&manifest);
    for command in [
        "invite acme --yes",
        "invite acme --revoke --yes",
        "verify-domain acme --ask-anyway",
    ] {
        let refused = env.run(command).at_url(&workos.url()).exits(7);
        assert!(
            refused.stderr.contains("--adopt-owned"),
            "{}",
            refused.stderr
        );
        assert!(refused.stderr.contains("team-a/acme"), "{}", refused.stderr);
    }
    assert_eq!(workos.writes(), [""; 0]);
    let _ = env
        .run("invite acme --yes --adopt-owned")
        .at_url(&workos.url())
        .exits(0);
    assert_eq!(workos.with(|world| world.emails.len()), 1);
}

#[test]
fn two_manifests_on_one_account_do_not_fight() {
    let workos = StandIn::start();
    let first = TestEnv::with_manifest(MANIFEST);
    let second = TestEnv::with_manifest(
        &MANIFEST
            .replace("customers", "others")
            .replace("name: Acme", "name: Acme Inc"),
    );
    let _ = first.run("apply --yes").at_url(&workos.url()).exits(0);
    workos.forget_requests();
    for _ in 0..3 {
        let _ = second.run("apply --yes").at_url(&workos.url()).exits(0);
        let _ = first.run("apply --yes").at_url(&workos.url()).exits(0);
    }
    assert_eq!(workos.writes(), [""; 0]);
}

#[test]
fn only_the_holder_lifts_a_protection() {
    let workos = account(&json!({"portalctl_owner": "others", "portalctl_protect": "true"}));
    let manifest = MANIFEST.replace("    intents", "    protect: false\n    intents");
    let env = TestEnv::with_manifest(&manifest);
    let taking = || env.run("apply --yes --adopt-owned").at_url(&workos.url());
    let _ = taking().exits(0);
    let marks = json!({"portalctl_owner": "customers", "portalctl_protect": "true"});
    assert_eq!(metadata(&workos), marks);
    let _ = taking().exits(0);
    assert_eq!(metadata(&workos), json!({"portalctl_owner": "customers"}));
}

#[test]
fn an_upgrade_plans_nothing_for_what_the_old_version_left() {
    for marks in [json!({}), json!({"portalctl_owner": "customers"})] {
        let workos = account(&marks);
        let env = TestEnv::with_manifest(&MANIFEST.replace("name: Acme", "name: Old name"));
        let plan = env.run("plan --detailed-exitcode").at_url(&workos.url());
        let _ = plan.exits(0);
        let claiming = MANIFEST
            .replace("name: Acme", "name: Old name")
            .replace("    intents", "    claim: true\n    intents");
        env.write("portal.yaml", &claiming);
        let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
        assert_eq!(metadata(&workos), json!({"portalctl_owner": "customers"}));
    }
}

#[test]
fn a_public_domain_is_no_warning_where_the_entry_allows_it() {
    let workos = account(&json!({}));
    let shared = MANIFEST.replace(
        "    intents",
        "    domains: [acme.github.io, github.io]\n    intents",
    );
    let env = TestEnv::with_manifest(&shared);
    let told = env.run("validate").exits(0);
    assert!(told.stderr.contains("manifest/public-domain"), "{told}");
    assert!(told.stderr.contains("allow: [public_domain]"), "{told}");

    let allowed = shared.replace("    intents", "    allow: [public_domain]\n    intents");
    env.write("portal.yaml", &allowed);
    let told = env.run("validate").exits(0);
    assert!(!told.stderr.contains("manifest/public-domain"), "{told}");
    let warnings = || {
        let plan = env.run("plan -o json").at_url(&workos.url()).exits(0);
        plan.json()["warnings"].clone()
    };
    assert_eq!(warnings(), json!([]));

    // Without such a domain it is used up, as any other permission.
    env.write("portal.yaml", &allowed.replace(", github.io", ""));
    let used_up = warnings();
    assert_eq!(used_up[0]["code"], "plan/allow-unused", "{used_up}");
}
