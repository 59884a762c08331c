//! Tests that a value that WorkOS spells differently counts as the same: a second plan is empty.

use serde_json::{Value, json};

use crate::support::cli::{Output, TestEnv};
use crate::support::stand_in::{Answer, StandIn, World};

/// Plans, and requires that there is nothing to do and that nothing is written.
fn settled(env: &TestEnv, workos: &StandIn) -> Output {
    workos.forget_requests();
    let text = env
        .run("plan --detailed-exitcode")
        .at_url(&workos.url())
        .exits(0);
    assert!(text.stdout.contains("nothing to do"), "{text}");
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert_eq!(workos.writes(), [""; 0]);
    text
}

fn plan_json(env: &TestEnv, workos: &StandIn) -> Value {
    let plan = env.run("plan -o json").at_url(&workos.url()).exits(0);
    plan.json_of("plan")
}

/// Changes every organization that an answer holds, alone or in a list.
fn each(answer: Answer, change: impl Fn(&mut Value)) -> Answer {
    let (status, mut body) = answer;
    if body["object"] == "organization" {
        change(&mut body);
    }
    if let Some(list) = body["data"].as_array_mut() {
        for one in list
            .iter_mut()
            .filter(|one| one["object"] == "organization")
        {
            change(one);
        }
    }
    (status, body)
}

/// Lets WorkOS change every organization in whatever answer it stands.
fn reshape_organizations(workos: &StandIn, change: impl Fn(&mut Value) + Clone + Send + 'static) {
    for (method, path) in [
        ("GET", "/organizations"),
        ("GET", "/organizations/*"),
        ("GET", "/organizations/external_id/*"),
        ("POST", "/organizations"),
        ("PUT", "/organizations/*"),
    ] {
        let change = change.clone();
        workos.reshape(method, path, move |_, answer| each(answer, &change));
    }
}

#[test]
fn a_name_with_outer_white_space_is_refused() {
    let env =
        TestEnv::with_manifest("version: 1\norganizations:\n  acme: { name: \"Acme Corp \" }\n");
    let refused = env.run("validate").exits(3);
    let told = refused.stderr + &refused.stdout;
    assert!(told.contains("manifest/display-name"), "{told}");
    assert!(told.contains("write `Acme Corp`"), "{told}");
}

#[test]
fn an_id_as_a_key_is_suggested_as_the_external_id_beside_it() {
    let env = TestEnv::with_manifest("version: 1\norganizations:\n  wk_0Ec985: { name: Acme }\n");
    let refused = env.run("validate").exits(3);
    let told = (refused.stderr + &refused.stdout).replace('\n', " ");
    assert!(told.contains("write `wk-0ec985`"), "{told}");
    assert!(
        told.contains("`external_id: wk_0Ec985` beside it"),
        "{told}"
    );
}

#[test]
fn a_domain_in_unicode_or_with_a_final_dot_is_the_declared_one() {
    for spelling in [
        "müller.example",
        "MÜLLER.example.",
        "mu\u{308}ller.example",
        "xn--mller-kva.example.",
    ] {
        let workos = StandIn::of(|world| {
            let domain = World::domain("org_1", spelling, "verified");
            let more = json!({"external_id": "acme", "domains": [domain]});
            world.organization("org_1", "Acme", &more);
        });
        let env = TestEnv::with_manifest(
            "version: 1\norganizations:\n  acme:\n    name: Acme\n    domains: [xn--mller-kva.example]\n    \
             domains_policy: exact\n",
        );
        let _ = settled(&env, &workos);
        assert_eq!(plan_json(&env, &workos)["changes"], json!([]), "{spelling}");
    }
}

#[test]
fn an_unclaimed_organization_with_the_domain_in_unicode_is_adopted_and_not_made_twice() {
    let workos = StandIn::of(|world| {
        let domain = World::domain("org_1", "müller.example", "verified");
        world.organization("org_1", "Müller", &json!({"domains": [domain]}));
    });
    let env = TestEnv::with_manifest(
        "version: 1\norganizations:\n  mueller:\n    name: Müller\n    domains: [müller.example]\n",
    );
    let plan = env
        .run("plan --detailed-exitcode")
        .at_url(&workos.url())
        .exits(2);
    assert!(
        plan.stdout
            .contains("müller.example (xn--mller-kva.example)"),
        "{plan}"
    );
    let _ = env
        .run("apply --yes --adopt")
        .at_url(&workos.url())
        .exits(0);
    assert_eq!(workos.with(|world| world.organizations.len()), 1);
    let _ = settled(&env, &workos);
}

const MANIFEST: &str = "\
version: 1
manifest: customers
organizations:
  acme:
    name: \"Mu\u{308}ller\"
    domains: [müller.example, acme.example]
    domains_policy: exact
    it_contacts: [Ada@Acme.example, bob@müller.example]
    stripe_customer_id: cus_1
    metadata: { tier: gold }
";

/// WorkOS trims, composes, lower-cases and decodes whatever it shows.
#[test]
fn a_second_plan_is_empty_though_workos_settles_what_it_keeps() {
    let workos = StandIn::start();
    reshape_organizations(&workos, |one| {
        one["name"] = json!("  Müller ");
        for domain in one["domains"].as_array_mut().unwrap() {
            if domain["domain"] == "xn--mller-kva.example" {
                domain["domain"] = json!("MÜLLER.example.");
            }
        }
    });
    for method in ["GET", "POST"] {
        workos.reshape(
            method,
            "/organizations/*/it_contacts",
            |_, (status, mut body)| {
                let settle = |contact: &mut Value| {
                    let email = contact["email"].as_str().unwrap_or_default();
                    contact["email"] = json!(format!(" {} ", email.to_uppercase()));
                };
                match body["data"].as_array_mut() {
                    Some(list) => list.iter_mut().for_each(settle),
                    None => settle(&mut body),
                }
                (status, body)
            },
        );
    }
    let env = TestEnv::with_manifest(MANIFEST);
    let apply = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert!(!apply.stdout.contains("kept-differently"), "{apply}");
    let _ = settled(&env, &workos);
    let refreshed = env.run("plan --detailed-exitcode --refresh-contacts");
    let _ = refreshed.at_url(&workos.url()).exits(0);
    let kept = workos.with(|world| world.find("acme").unwrap()["metadata"].clone());
    assert_eq!(kept["portalctl_kept"], Value::Null);
}

#[test]
fn what_workos_keeps_otherwise_is_told_remembered_and_not_written_again() {
    let workos = StandIn::start();
    reshape_organizations(&workos, |one| {
        one["name"] = json!(one["name"].as_str().unwrap().to_uppercase());
        if one["metadata"]["tier"] == "gold" {
            one["metadata"]["tier"] = json!("GOLD");
        }
    });
    let env = TestEnv::with_manifest(MANIFEST);
    let apply = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert!(apply.stdout.contains("plan/kept-differently"), "{apply}");
    assert!(apply.stdout.contains("metadata.tier"), "{apply}");

    let text = settled(&env, &workos);
    assert!(text.stdout.contains("plan/kept-differently"), "{text}");
    let plan = plan_json(&env, &workos);
    let told = plan["warnings"].as_array().unwrap();
    assert_eq!(told.len(), 2, "{plan}");
    assert!(
        told.iter()
            .all(|one| one["code"] == "plan/kept-differently")
    );
    let mark =
        workos.with(|world| world.find("acme").unwrap()["metadata"]["portalctl_kept"].clone());
    assert_eq!(mark.as_str().unwrap().split(' ').count(), 2, "{mark}");

    // Another value is a difference as ever: declared here, or changed there.
    env.edit("portal.yaml", "tier: gold", "tier: silver");
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    let tier = workos.with(|world| world.find("acme").unwrap()["metadata"]["tier"].clone());
    assert_eq!(tier, "silver");
    workos.with(|world| world.find_mut("acme").unwrap()["name"] = json!("Other"));
    let plan = plan_json(&env, &workos);
    assert_eq!(plan["changes"][0]["fields"][0]["path"], "name", "{plan}");
}

#[test]
fn an_update_that_workos_keeps_otherwise_is_written_once() {
    let workos = StandIn::of(|world| {
        let more = json!({"external_id": "acme", "metadata": {"old": "x"}});
        world.organization("org_1", "Old", &more);
    });
    // WorkOS keeps one metadata key whatever is sent, and drops empty values.
    reshape_organizations(&workos, |one| {
        one["metadata"]["old"] = json!("x");
        if one["metadata"]["empty"] == "" {
            one["metadata"].as_object_mut().unwrap().remove("empty");
        }
    });
    let env = TestEnv::with_manifest(
        "version: 1\norganizations:\n  acme:\n    name: Acme\n    metadata: { old: null, empty: '' }\n",
    );
    let apply = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert!(apply.stdout.contains("plan/kept-differently"), "{apply}");
    let _ = settled(&env, &workos);
}

#[test]
fn a_lost_answer_of_a_create_that_was_settled_makes_no_second_one() {
    let workos = StandIn::start();
    reshape_organizations(&workos, |one| one["name"] = json!("  Müller "));
    workos.lose(1, "POST", "/organizations");
    let env = TestEnv::with_manifest(MANIFEST);
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert_eq!(workos.with(|world| world.organizations.len()), 1);
    let _ = settled(&env, &workos);
}

#[test]
fn contacts_that_were_seen_or_added_are_not_read_again() {
    let workos = StandIn::start();
    let env = TestEnv::with_manifest(MANIFEST);
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    let mark =
        workos.with(|world| world.find("acme").unwrap()["metadata"]["portalctl_contacts"].clone());
    assert!(!mark.as_str().unwrap().contains('@'));
    let _ = settled(&env, &workos);
    let asks = |workos: &StandIn| {
        let requests = workos.requests();
        requests.iter().any(|it| it.path.ends_with("/it_contacts"))
    };
    assert!(!asks(&workos));

    // A person removed one: a run that reads the contacts finds it.
    workos.with(|world| {
        world
            .contacts
            .values_mut()
            .for_each(|held| held.truncate(1));
    });
    let _ = settled(&env, &workos);
    let refreshed = env.run("plan --detailed-exitcode --refresh-contacts");
    let refreshed = refreshed.at_url(&workos.url()).exits(2);
    assert!(asks(&workos), "{refreshed}");

    // Another list is read once.
    env.edit(
        "portal.yaml",
        "[Ada@Acme.example, bob@müller.example]",
        "[Ada@Acme.example]",
    );
    let plan = plan_json(&env, &workos);
    assert_eq!(plan["changes"][0]["bookkeeping"], true, "{plan}");
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    let _ = settled(&env, &workos);
    assert!(!asks(&workos));
}

#[test]
fn a_contact_that_is_refused_leaves_no_mark_that_all_are_there() {
    let workos = StandIn::start();
    let refusal = json!({"code": "invalid_request", "message": "no"});
    workos.answer("POST", "/organizations/*/it_contacts", 422, refusal);
    let env = TestEnv::with_manifest(MANIFEST);
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(6);
    let metadata = workos.with(|world| world.find("acme").unwrap()["metadata"].clone());
    assert_eq!(metadata["portalctl_contacts"], Value::Null);
    workos.heal();
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    let _ = settled(&env, &workos);
}

/// An account of an earlier version, in which every organization has all of its contacts.
#[test]
fn marks_alone_are_one_line_outside_of_limits_and_digest() {
    const ENTRY: &str = "    name: Acme\n    it_contacts: [ada@acme.example]\n";
    let manifest = format!(
        "version: 1\nlimits: {{ update: 1 }}\norganizations:\n  a:\n{ENTRY}  b:\n{ENTRY}  c:\n{ENTRY}    \
         allow_same_name: true\n"
    );
    let env = TestEnv::with_manifest(&manifest);
    let workos = StandIn::of(|world| {
        for key in ["a", "b", "c"] {
            let id =
                world.organization(&format!("org_{key}"), "Acme", &json!({"external_id": key}));
            let contact = json!({"object": "it_contact", "id": key, "email": "ada@acme.example"});
            world.contacts.insert(id, vec![contact]);
        }
    });
    let before = plan_json(&env, &workos);
    assert_eq!(before["summary"]["bookkeeping"], 3, "{before}");
    assert_eq!(before["summary"]["update"], 0, "{before}");
    assert_eq!(before["summary"]["held"], 0, "{before}");
    assert_eq!(before["summary"]["unchanged"], 3, "{before}");
    let text = env.run("plan").at_url(&workos.url()).exits(0);
    assert!(text.stdout.contains("3 organizations get a mark"), "{text}");
    assert!(!text.stdout.contains("portalctl_contacts"), "{text}");
    let markdown = env.run("plan -o markdown").at_url(&workos.url()).exits(0);
    assert!(
        !markdown.stdout.contains("portalctl_contacts"),
        "{markdown}"
    );

    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    let after = plan_json(&env, &workos);
    assert_eq!(after["summary"]["bookkeeping"], 0, "{after}");
    assert_eq!(before["digest"], after["digest"]);
    let _ = settled(&env, &workos);
}

#[test]
fn a_plan_of_many_organizations_with_contacts_costs_their_lists_only() {
    const COUNT: usize = 350;
    let mut manifest = "version: 1\nmanifest: customers\norganizations:\n".to_owned();
    for number in 0..COUNT {
        manifest += &format!(
            "  c{number}: {{ name: C{number}, intents: [sso, dsync], it_contacts: [it@c{number}.example] }}\n"
        );
    }
    let env = TestEnv::with_manifest(&manifest);
    let workos = StandIn::start();
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    let _ = settled(&env, &workos);
    workos.forget_requests();
    let _ = env.run("plan").at_url(&workos.url()).exits(0);
    let asked = workos.requests().len();
    assert!(asked <= 3 * COUNT.div_ceil(100) + 10, "{asked}");
}

const MOVE: &str = "\
version: 1
manifest: customers
organizations:
  acme: { name: Acme, domains: [acme.example], domains_policy: exact }
  beta: { name: Beta, domains: [acme-io.example], metadata: { tier: gold } }
";

/// An account in which `acme` holds `acme-io.example` in a state, and `beta` is there or not.
fn account_of_a_move(state: &str, has_beta: bool) -> StandIn {
    StandIn::of(|world| {
        let domains = [
            World::domain("org_acme", "acme.example", "verified"),
            World::domain("org_acme", "acme-io.example", state),
        ];
        let more = json!({"external_id": "acme", "domains": domains});
        world.organization("org_acme", "Acme", &more);
        if has_beta {
            world.organization("org_beta", "Beta", &json!({"external_id": "beta"}));
        }
    })
}

/// The writes that are about domains, in their order.
fn order_of_domains(workos: &StandIn) -> Vec<String> {
    let mut order = Vec::new();
    for request in workos.requests() {
        match (request.method.as_str(), request.path.as_str()) {
            ("DELETE", path) if path.starts_with("/organization_domains/") => {
                order.push("removed".to_owned());
            }
            ("POST", "/organization_domains") => order.push("added".to_owned()),
            ("POST", "/organizations") if !request.body["domain_data"].is_null() => {
                let domains = request.body["domain_data"].as_array().unwrap().len();
                order.push(format!("created with {domains}"));
            }
            _ => {}
        }
    }
    order
}

#[test]
fn a_verified_domain_moves_in_one_ordered_plan_that_is_held_as_a_whole() {
    for has_beta in [true, false] {
        let workos = account_of_a_move("verified", has_beta);
        let env = TestEnv::with_manifest(MOVE);
        let held = plan_json(&env, &workos);
        let flags: Vec<&Value> = held["held"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["allow"])
            .collect();
        assert_eq!(flags, ["--allow-domain-removal"; 2], "{held}");
        assert_eq!(held["conflicts"], json!([]), "{held}");
        let paths: Vec<&str> = held["changes"][0]["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["path"].as_str().unwrap())
            .collect();
        assert!(paths.contains(&"metadata.tier"), "{held}");
        assert!(!paths.contains(&"domains.acme-io.example"), "{held}");

        let plan = env.run("plan --allow-domain-removal").at_url(&workos.url());
        let plan = plan.exits(0).stdout.replace('\n', " ");
        let plan = plan.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plan.contains("plan/domain-moves"), "{plan}");
        assert!(
            plan.contains("sign-in by it stops until it is verified here"),
            "{plan}"
        );

        workos.forget_requests();
        let apply = env.run("apply --yes --allow-domain-removal");
        let _ = apply.at_url(&workos.url()).exits(0);
        let added = if has_beta { "added" } else { "created with 1" };
        assert_eq!(order_of_domains(&workos), ["removed", added]);
        let state = workos.with(|world| world.find("beta").unwrap()["domains"][0]["state"].clone());
        assert_eq!(state, "pending");
        let _ = settled(&env, &workos);
    }
}

#[test]
fn a_pending_domain_moves_without_a_flag() {
    let workos = account_of_a_move("pending", true);
    let env = TestEnv::with_manifest(MOVE);
    let plan = plan_json(&env, &workos);
    assert_eq!(plan["warnings"], json!([]), "{plan}");
    assert_eq!(plan["changes"][0]["key"], "acme", "{plan}");
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert_eq!(order_of_domains(&workos), ["removed", "added"]);
    let _ = settled(&env, &workos);
}

#[test]
fn a_domain_whose_removal_is_refused_is_not_added_elsewhere() {
    for has_beta in [true, false] {
        let workos = account_of_a_move("verified", has_beta);
        let refusal = json!({"code": "forbidden_for_now", "message": "The domain is in use."});
        workos.answer("DELETE", "/organization_domains/*", 422, refusal);
        let env = TestEnv::with_manifest(MOVE);
        let apply = env.run("apply --yes --allow-domain-removal -o json");
        let apply = apply.at_url(&workos.url()).exits(6);
        assert_eq!(order_of_domains(&workos)[0], "removed");
        assert!(!order_of_domains(&workos).contains(&"added".to_owned()));
        let beta = workos.with(|world| world.find("beta").unwrap().clone());
        assert_eq!(beta["domains"], json!([]), "{apply}");
        // Every other change of it is made.
        assert_eq!(beta["metadata"]["tier"], "gold", "{apply}");
        assert!(apply.stdout.contains("was not removed"), "{apply}");

        workos.heal();
        let again = env.run("apply --yes --allow-domain-removal");
        let _ = again.at_url(&workos.url()).exits(0);
        let _ = settled(&env, &workos);
    }
}

#[test]
fn a_domain_that_the_run_does_not_take_away_stays_contested() {
    let workos = account_of_a_move("verified", true);
    let env = TestEnv::with_manifest(MOVE);
    let plan = env
        .run("plan --only beta -o json")
        .at_url(&workos.url())
        .exits(0)
        .json();
    assert_eq!(
        plan["conflicts"][0]["code"], "plan/domain-verified-elsewhere",
        "{plan}"
    );
    assert_eq!(plan["conflicts"][0]["domain"], "acme-io.example", "{plan}");
    let paths: Vec<&Value> = plan["changes"][0]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| &field["path"])
        .collect();
    assert_eq!(paths, ["metadata.tier"], "{plan}");
}

#[test]
fn two_organizations_exchange_domains_in_one_run_of_a_saved_plan() {
    let workos = StandIn::of(|world| {
        for (key, domain) in [("acme", "a.example"), ("beta", "b.example")] {
            let id = format!("org_{key}");
            let domains = [World::domain(&id, domain, "verified")];
            world.organization(&id, key, &json!({"external_id": key, "domains": domains}));
        }
    });
    let env = TestEnv::with_manifest(
        "version: 1\ndefaults: { domains_policy: exact }\norganizations:\n  \
         acme: { name: acme, domains: [b.example] }\n  beta: { name: beta, domains: [a.example] }\n",
    );
    let saved = env.run("plan --allow-domain-removal --out plan.json");
    let _ = saved.at_url(&workos.url()).exits(0);
    let _ = env
        .run("apply plan.json --allow-domain-removal")
        .at_url(&workos.url())
        .exits(0);
    assert_eq!(
        order_of_domains(&workos),
        ["removed", "removed", "added", "added"]
    );
    let _ = settled(&env, &workos);
}

#[test]
fn a_domain_does_not_move_between_namespaces_by_itself() {
    let resources = |namespace: &str| {
        format!(
            "apiVersion: portalctl.dev/v1alpha1\nkind: PortalEnvironment\n\
             metadata: {{ name: staging, namespace: portal }}\n\
             spec: {{ secretRef: {{ name: workos, key: api-key }}, manifest: customers, \
             allowedNamespaces: [other] }}\n---\n\
             apiVersion: portalctl.dev/v1alpha1\nkind: PortalOrganization\n\
             metadata: {{ name: acme, namespace: portal }}\n\
             spec: {{ environmentRef: {{ name: staging }}, name: Acme, domainsPolicy: exact, \
             domains: [{{ domain: acme.example }}] }}\n---\n\
             apiVersion: portalctl.dev/v1alpha1\nkind: PortalOrganization\n\
             metadata: {{ name: beta, namespace: {namespace} }}\n\
             spec: {{ environmentRef: {{ name: staging, namespace: portal }}, name: Beta, \
             domains: [{{ domain: acme-io.example }}] }}\n"
        )
    };
    for (namespace, moves) in [("portal", true), ("other", false)] {
        let workos = account_of_a_move("verified", true);
        let env = TestEnv::with_manifest(&resources(namespace));
        let plan = env.run("plan -o json --allow-domain-removal");
        let plan = plan.at_url(&workos.url()).exits(0).json();
        let is_contested = plan["conflicts"] != json!([]);
        assert_eq!(is_contested, !moves, "{plan}");
    }
}
