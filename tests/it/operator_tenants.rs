//! Tests ownership in a real API server: renames, tenants, other clusters, other releases, and
//! installations from before holder marks.

use serde_json::{Value, json};

use crate::support::operator::{self, World, condition};
use crate::support::wait::until;

/// The metadata of an organization, by its external id.
fn metadata(world: &World<'_>, external_id: &str) -> Value {
    let mut organizations = world.sandbox.organizations().into_iter();
    let found = organizations.find(|one| one["external_id"] == external_id);
    found.unwrap_or_else(|| panic!("no organization {external_id}"))["metadata"].clone()
}

/// The UID of the namespace kube-system.
fn cluster_id(world: &World<'_>) -> String {
    let namespace = world.cluster.get("namespace kube-system").unwrap();
    namespace["metadata"]["uid"].as_str().unwrap().to_owned()
}

fn message(object: &Value, kind: &str) -> String {
    let condition = condition(object, kind).unwrap();
    condition["message"].as_str().unwrap().to_owned()
}

#[test]
fn an_organization_tells_which_resource_of_which_cluster_holds_it() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({}));
    let _operator = world.operator("");
    world.is_in_sync("acme");
    let holder = format!("{}/{}/acme", cluster_id(&world), world.namespace);
    assert_eq!(metadata(&world, "acme")["portalctl_holder"], holder);
}

#[test]
fn a_rename_in_git_hands_the_organization_over_in_any_order() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.environment(json!({ "allowDeletion": true }));
    world.organization("acme", json!({ "deletionPolicy": "Delete" }));
    world.organization("globex", json!({ "deletionPolicy": "Delete" }));
    world.organization("hooli", json!({}));
    let _operator = world.operator("");
    for name in ["acme", "globex", "hooli"] {
        world.is_in_sync(name);
    }
    world.is_held("acme");
    world.is_held("globex");
    let ids = ["acme", "globex", "hooli"].map(|name| world.sandbox.id_of(name));

    // The new one first, by its key; the old one goes later.
    let renamed = json!({ "key": "acme", "name": "acme Corp", "deletionPolicy": "Delete" });
    world.organization("acme-inc", renamed);
    let object = world.waits_for("acme-inc", "Synced", "False", "Conflict");
    assert!(
        message(&object, "Synced").contains("/acme holds it"),
        "{object:#}"
    );
    world.delete("acme");
    // The old one first, by previousKeys; the new one comes within the 30 s.
    world.delete("globex");
    world.organization("globex-inc", json!({ "previousKeys": ["globex"] }));
    // The old one first, and kept: the new one may come at any time.
    world.delete("hooli");
    world.is_gone("hooli");
    world.organization("hooli-inc", json!({ "previousKeys": ["hooli"] }));

    for (name, id) in ["acme-inc", "globex-inc", "hooli-inc"].iter().zip(&ids) {
        let object = world.is_in_sync(name);
        assert_eq!(object["status"]["organizationId"], id.as_str(), "{name}");
        world.is_told(name, "HandedOver");
    }
    world.is_gone("acme");
    world.is_gone("globex");
    assert_eq!(
        world.sandbox.external_ids(),
        ["acme", "globex-inc", "hooli-inc"]
    );
    let holder = format!("{}/{}/acme-inc", cluster_id(&world), world.namespace);
    assert_eq!(metadata(&world, "acme")["portalctl_holder"], holder);
}

#[test]
fn an_organization_that_nobody_claims_any_more_is_deleted_after_a_while() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.environment(json!({ "allowDeletion": true }));
    world.organization("acme", json!({ "deletionPolicy": "Delete" }));
    let _operator = world.operator("");
    world.is_in_sync("acme");
    world.is_held("acme");
    world.delete("acme");
    let object = world.waits_for("acme", "Synced", "False", "Deleting");
    assert!(message(&object, "Synced").contains("30 s"), "{object:#}");
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
    world.is_gone("acme");
    assert_eq!(world.sandbox.external_ids(), [""; 0]);
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "a table of everything that a tenant may try"
)]
fn a_tenant_gets_nothing_that_it_does_not_hold_and_learns_nothing_of_others() {
    let Some(cluster) = operator::own_cluster() else {
        return;
    };
    let world = World::new(&cluster);
    let team = World::new(&cluster);
    let (home, away) = (world.namespace.clone(), team.namespace.clone());
    world.environment(json!({
        "allowedNamespaces": [away],
        "externalIdPatterns": [{ "namespace": away, "patterns": ["crm-*"] }],
    }));
    // Another's, of the command line, and nobody's.
    let domains = json!([{ "domain": "victim.example.org", "state": "verified" }]);
    let verified = json!({ "name": "Victim", "external_id": "victim", "domain_data": domains });
    world.sandbox.send("POST", "/organizations", &verified);
    let owned = json!({
        "name": "Owned", "external_id": "crm-1", "metadata": { "portalctl_owner": "others" },
    });
    world.sandbox.send("POST", "/organizations", &owned);
    let nobodys = json!({ "name": "Nobody", "external_id": "crm-2" });
    world.sandbox.send("POST", "/organizations", &nobodys);
    world.organization("acme", json!({}));
    let _operator = world.operator_of_all_namespaces();
    world.is_in_sync("acme");
    let before = world.sandbox.organizations();

    // With the rights of the chart's role for editors, and no others.
    let editor = format!("system:serviceaccount:{away}:default");
    let role = format!("{home}-portalctl-operator-edit");
    team.kubectl(
        &format!("create rolebinding editor --clusterrole={role} --serviceaccount={away}:default"),
        "",
    );
    let write = |name: &str, more: Value| {
        let mut spec = json!({
            "environmentRef": { "name": "production", "namespace": home },
            "name": format!("{name} Ltd"), "intents": [{ "intent": "sso" }],
        });
        for (field, value) in more.as_object().unwrap() {
            spec[field] = value.clone();
        }
        let object = json!({
            "apiVersion": "portalctl.dev/v1alpha1", "kind": "PortalOrganization",
            "metadata": { "name": name, "namespace": away }, "spec": spec,
        });
        let line = format!("--as={editor} apply --server-side -f -");
        team.cluster.kubectl(&line, &object.to_string());
    };
    let ids = ["acme", "victim", "crm-1", "crm-2"].map(|one| world.sandbox.id_of(one));
    for (index, id) in ids.iter().enumerate() {
        write(
            &format!("by-id-{index}"),
            json!({ "id": id, "deletionPolicy": "Delete" }),
        );
    }
    write("by-external-id", json!({ "externalId": "crm-1" }));
    write("by-free-id", json!({ "externalId": "crm-2" }));
    write("by-previous-key", json!({ "previousKeys": ["acme"] }));
    write("by-foreign-id", json!({ "externalId": "victim" }));
    write("by-name", json!({ "name": "acme Corp" }));
    write(
        "by-domain",
        json!({ "domains": [{ "domain": "victim.example.org" }] }),
    );
    let told = |name: &str, reason: &str| {
        let object = team.waits_for(name, "Synced", "False", reason);
        let status = object["status"].to_string();
        for (index, id) in ids.iter().enumerate() {
            let is_own_word = name == format!("by-id-{index}");
            assert!(
                is_own_word || !status.contains(id.as_str()),
                "{name}: {status}"
            );
        }
        for secret in [&*format!("{home}/acme"), "Victim", "others"] {
            assert!(!status.contains(secret), "{name}: {status}");
        }
        message(&object, "Synced")
    };
    let another = "another organization of this environment";
    assert!(told("by-id-0", "Conflict").contains(another));
    assert!(told("by-id-1", "Held").contains("allowAdoption"));
    assert!(told("by-id-2", "Conflict").contains(another));
    assert!(told("by-id-3", "Held").contains("allowAdoption"));
    assert!(told("by-external-id", "Conflict").contains(another));
    assert!(told("by-free-id", "Held").contains("allowAdoption"));
    assert!(told("by-previous-key", "Conflict").contains(another));
    assert!(told("by-foreign-id", "Invalid").contains("externalIdPatterns"));
    assert!(told("by-domain", "Conflict").contains(another));
    // A key of its own is its own.
    team.is_in_sync("by-name");
    let external_id = format!("{away}.by-name");
    assert!(world.sandbox.external_ids().contains(&external_id));
    write("acme", json!({}));
    team.is_in_sync("acme");
    assert_ne!(
        team.get("acme")["status"]["organizationId"],
        world.get("acme")["status"]["organizationId"]
    );

    // No foreign organization was written or deleted.
    for index in 0..ids.len() {
        team.delete(&format!("by-id-{index}"));
        team.is_gone(&format!("by-id-{index}"));
    }
    let after = world.sandbox.organizations();
    for organization in &before {
        assert!(after.contains(organization), "{organization}");
    }
    // The environment is told what its tenants are not.
    until("the environment to tell", || {
        let what = format!("--namespace {home} portalenvironment production");
        let status = world.cluster.get(&what)?["status"].clone();
        let claims = status["refusedClaims"].as_array()?.clone();
        let claim = claims.iter().find(|one| {
            one["resource"] == format!("{away}/by-previous-key")
                && one["organizationId"] == ids[0].as_str()
        })?;
        claim["reason"]
            .as_str()?
            .contains(&format!("{home}/acme"))
            .then_some(())
    });
    // An editor can neither write a status nor an environment.
    for what in [
        "portalorganizations.portalctl.dev --subresource=status",
        "portalenvironments.portalctl.dev",
    ] {
        let line = format!("--as={editor} auth can-i patch {what} -n {away}");
        assert!(!team.cluster.try_kubectl(&line, "").done, "{what}");
    }
}

#[test]
fn a_tenants_organization_from_before_is_found_by_its_plain_key_and_keeps_it() {
    let Some(cluster) = operator::own_cluster() else {
        return;
    };
    let world = World::new(&cluster);
    let team = World::new(&cluster);
    world.environment(json!({ "allowedNamespaces": [team.namespace] }));
    let reference = json!({ "name": "production", "namespace": world.namespace });
    let holder = format!("{}/{}/acme", cluster_id(&world), team.namespace);
    let before = json!({
        "name": "acme Corp", "external_id": "acme",
        "metadata": { "portalctl_owner": "customers", "portalctl_holder": holder },
    });
    world.sandbox.send("POST", "/organizations", &before);
    team.organization("acme", json!({ "environmentRef": reference }));
    let _operator = world.operator_of_all_namespaces();
    team.is_in_sync("acme");
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
}

#[test]
fn two_clusters_on_one_account_do_not_fight() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let here = World::new(cluster);
    let there = World::new(cluster);
    here.organization("acme", json!({ "metadata": { "tier": "here" } }));
    let _first = here.operator("--cluster-id here");
    here.is_in_sync("acme");
    there.environment(json!({ "apiUrl": here.sandbox.url() }));
    there.organization("acme", json!({ "metadata": { "tier": "there" } }));
    there.organization("globex", json!({}));
    let second = there.operator("--cluster-id there");
    there.is_in_sync("globex");
    let object = there.waits_for("acme", "Synced", "False", "Conflict");
    let said = message(&object, "Synced");
    assert!(
        said.contains("cluster `here`") && said.contains("transfers"),
        "{said}"
    );
    assert_eq!(metadata(&here, "acme")["tier"], "here");
    let (_, metrics) = second.text("/metrics");
    assert!(!metrics.contains("method=\"PUT\""), "{metrics}");

    // The first cluster releases it, and the environment of the second allows the transfer.
    here.delete("acme");
    here.is_gone("acme");
    let transfer = json!({
        "fromCluster": "here", "fromNamespace": here.namespace, "name": "acme",
    });
    let api_url = here.sandbox.url();
    there.environment(json!({ "apiUrl": api_url, "transfers": [transfer] }));
    there.is_in_sync("acme");
    let holder = format!("there/{}/acme", there.namespace);
    assert_eq!(metadata(&here, "acme")["portalctl_holder"], holder);
    there.is_told("acme", "HandedOver");
}

#[test]
fn an_upgrade_takes_hold_silently_and_creates_and_renames_nothing() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({ "metadata": { "tier": "gold" } }));
    let first = world.operator("");
    world.is_in_sync("acme");
    assert_eq!(first.stop(), Some(0));
    let id = world.sandbox.id_of("acme");
    // As an earlier version left it.
    let marks = json!({ "tier": "gold", "portalctl_owner": "customers" });
    world.sandbox.change("acme", &json!({ "metadata": marks }));
    // As many as no limit of updates allows.
    world.environment(json!({ "limits": { "create": 0, "update": 0 } }));
    let second = world.operator("");
    let holder = format!("{}/{}/acme", cluster_id(&world), world.namespace);
    until("the mark", || {
        (metadata(&world, "acme")["portalctl_holder"] == holder).then_some(())
    });
    world.is_in_sync("acme");
    assert_eq!(world.sandbox.id_of("acme"), id);
    let (_, metrics) = second.text("/metrics");
    for method in ["POST", "DELETE"] {
        assert!(
            !metrics.contains(&format!("method=\"{method}\"")),
            "{metrics}"
        );
    }
    let events = world.kubectl("get events.events.k8s.io -o json", "");
    let events: Value = serde_json::from_str(&events).unwrap();
    let mut events = events["items"].as_array().unwrap().iter();
    assert!(!events.any(|event| event["reason"] == "OrganizationUpdated"));
}

#[test]
fn of_two_releases_that_watch_one_environment_the_second_leaves_it_alone() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({}));
    let first = world.operator("");
    world.is_in_sync("acme");
    // The chart grants a release its own Lease only.
    let role = "create role second --verb=create,get,update --resource=leases.coordination.k8s.io";
    world.kubectl(role, "");
    let account = format!("{}:portalctl-operator", world.namespace);
    let bind = format!("create rolebinding second --role=second --serviceaccount={account}");
    world.kubectl(&bind, "");
    let second = world.operator("--lease-name second");
    let told = world.is_told("production", "AnotherOperator");
    assert!(told.contains("portalctl-operator"), "{told}");
    world.organization("globex", json!({}));
    world.is_in_sync("globex");
    let (_, metrics) = second.text("/metrics");
    assert!(
        !metrics.contains("portalctl_workos_requests_total{method=\"POST\""),
        "{metrics}"
    );
    // Once the first has ended in an orderly way, its Lease is free.
    assert_eq!(first.stop(), Some(0));
    world.organization("initech", json!({}));
    world.is_in_sync("initech");
}

#[test]
fn without_an_id_of_its_cluster_the_operator_says_what_to_set() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    let values = format!(
        "fullnameOverride: narrow\nwatchNamespace: {0}\nclusterId: here\n\
         secrets: [{{namespace: {0}, name: workos}}]\n",
        world.namespace
    );
    world.grant(&operator::Access {
        rules: crate::support::chart::access(&world.namespace, &values),
        account: "narrow".to_owned(),
        namespace: world.namespace.clone(),
    });
    let kubeconfig = world.env.path("kubeconfig");
    let line = format!(
        "operator --namespace {} --listen 127.0.0.1:0",
        world.namespace
    );
    let run = world
        .env
        .run(&line)
        .env("KUBECONFIG", kubeconfig.to_str().unwrap());
    let said = run.exits(3).stderr;
    assert!(
        said.contains("--cluster-id") && said.contains("cli/no-cluster-id"),
        "{said}"
    );
    world.organization("acme", json!({}));
    let _operator = world.operator("--lease-name narrow --cluster-id here");
    world.is_in_sync("acme");
    let holder = format!("here/{}/acme", world.namespace);
    assert_eq!(metadata(&world, "acme")["portalctl_holder"], holder);
}

#[test]
fn a_domain_does_not_move_to_another_namespace_by_itself() {
    let Some(cluster) = operator::own_cluster() else {
        return;
    };
    let world = World::new(&cluster);
    let team = World::new(&cluster);
    let home = world.namespace.clone();
    world.environment(json!({
        "allowedNamespaces": [team.namespace], "allowDomainRemoval": true,
    }));
    let with = |domain: &str| json!({ "domains": [{ "domain": domain }] });
    world.organization("acme", with("moving.example.com"));
    world.organization("initech", with("near.example.com"));
    world.organization("umbrella", json!({}));
    team.organization(
        "globex",
        json!({ "environmentRef": { "name": "production", "namespace": home } }),
    );
    let _operator = world.operator_of_all_namespaces();
    for name in ["acme", "initech", "umbrella"] {
        world.is_in_sync(name);
    }
    team.is_in_sync("globex");
    let domains = |external_id: &str| {
        let organizations = world.sandbox.organizations();
        let mut live = organizations.iter();
        let live = live.find(|live| live["external_id"] == external_id);
        let domains = live.unwrap()["domains"].as_array().unwrap().iter();
        let names: Vec<&str> = domains.map(|it| it["domain"].as_str().unwrap()).collect();
        names.join(" ")
    };
    // One of a namespace declares it no more, and one of another asks for it.
    let globex = format!("{}.globex", team.namespace);
    world.finish("acme", "domain_verification");
    world.organization("acme", json!({}));
    team.organization(
        "globex",
        json!({
            "environmentRef": { "name": "production", "namespace": home },
            "domains": [{ "domain": "moving.example.com" }],
        }),
    );
    team.waits_for(
        "globex",
        "DomainContested",
        "True",
        "DomainVerifiedElsewhere",
    );
    let stay = || {
        assert_eq!(domains("acme"), "moving.example.com");
        assert_eq!(domains(&globex), "");
    };
    stay();
    // Within a namespace, what gives a domain up and what takes it are one plan.
    world.organization("umbrella", with("near.example.com"));
    world.organization(
        "initech",
        json!({ "domains": [{ "domain": "new.example.com" }], "domainsPolicy": "exact" }),
    );
    until("the domain to move", || {
        let moved = (domains("initech"), domains("umbrella"));
        (moved == ("new.example.com".to_owned(), "near.example.com".to_owned())).then_some(())
    });
    stay();
}
