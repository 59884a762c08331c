//! Asks a real API server for the permissions that the chart grants: everything that the operator
//! needs and nothing more.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde_json::{Value, json};

use crate::support::chart;
use crate::support::kube::Cluster;

/// A request: `verb resource[/subresource][.group][:name]`, where.
type Request<'a, T> = (&'a str, T, &'a str);

/// Returns, for each request, whether the operator of the release in a namespace may make it.
#[track_caller]
fn review_access(
    cluster: &Cluster,
    release: &str,
    requests: &[Request<'_, impl AsRef<str>>],
) -> Vec<bool> {
    let reviews = requests.iter().map(|(verb, what, namespace)| {
        let what = what.as_ref();
        let (what, name) = what.split_once(':').unwrap_or((what, ""));
        let (what, group) = what.split_once('.').unwrap_or((what, ""));
        let (resource, subresource) = what.split_once('/').unwrap_or((what, ""));
        json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": format!("system:serviceaccount:{release}:portalctl"),
                "resourceAttributes": {
                    "verb": verb, "group": group, "resource": resource,
                    "subresource": subresource, "namespace": namespace, "name": name,
                },
            },
        })
    });
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": reviews.collect::<Vec<_>>() });
    let said = cluster.kubectl("create -o json -f -", &list.to_string());
    let answers = serde_json::Deserializer::from_str(&said).into_iter::<Value>();
    let answers: Vec<Value> = answers.map(Result::unwrap).collect();
    let answers = match &answers[..] {
        [list] if list["kind"] == "List" => list["items"].as_array().unwrap().clone(),
        _ => answers,
    };
    assert_eq!(answers.len(), requests.len());
    let allowed = |answer: &Value| answer["status"]["allowed"] == true;
    answers.iter().map(allowed).collect()
}

#[track_caller]
fn are_allowed(
    cluster: &Cluster,
    release: &str,
    requests: &[Request<'_, impl AsRef<str> + Debug>],
    wanted: bool,
) {
    let answers = review_access(cluster, release, requests);
    for (request, allowed) in requests.iter().zip(answers) {
        assert_eq!(allowed, wanted, "{request:?}");
    }
}

/// Requests that the operator makes for the resources of a namespace.
fn needed_requests(namespace: &str) -> Vec<Request<'_, String>> {
    let mut requests = Vec::new();
    for kind in ["portalenvironments", "portalorganizations"] {
        for verb in ["get", "list", "watch", "patch"] {
            requests.push((verb, format!("{kind}.portalctl.dev"), namespace));
        }
        requests.push(("patch", format!("{kind}/status.portalctl.dev"), namespace));
    }
    for verb in ["create", "patch"] {
        requests.push((verb, "events.events.k8s.io".to_owned(), namespace));
    }
    let lease = "leases.coordination.k8s.io:another";
    requests.push(("get", lease.to_owned(), namespace));
    requests
}

/// Requests that only people may make.
fn forbidden_requests(namespace: &str) -> Vec<Request<'_, &str>> {
    vec![
        ("create", "portalorganizations.portalctl.dev", namespace),
        ("delete", "portalorganizations.portalctl.dev", namespace),
        ("update", "portalenvironments.portalctl.dev", namespace),
        (
            "update",
            "portalenvironments/status.portalctl.dev",
            namespace,
        ),
        ("list", "secrets", namespace),
        ("watch", "secrets", namespace),
        ("update", "secrets:workos", namespace),
        ("delete", "secrets:workos", namespace),
        ("get", "secrets:another", namespace),
        ("get", "configmaps:a", namespace),
        ("create", "pods", namespace),
        ("impersonate", "serviceaccounts:default", namespace),
        ("delete", "leases.coordination.k8s.io:portalctl", namespace),
        ("update", "leases.coordination.k8s.io:another", namespace),
        ("*", "*.*", namespace),
    ]
}

#[test]
fn an_operator_of_the_whole_cluster_reads_only_named_secrets() {
    let Some(cluster) = Cluster::with_definitions().filter(|_| chart::has("helm")) else {
        return;
    };
    let [release, customers, others] = [(); 3].map(|()| cluster.namespace());
    let values = format!("secrets: [{{namespace: {customers}, name: workos}}]");
    cluster.apply(&chart::access(&release, &values));
    for namespace in [&release, &customers, &others, ""] {
        are_allowed(cluster, &release, &needed_requests(namespace), true);
        are_allowed(cluster, &release, &forbidden_requests(namespace), false);
    }
    are_allowed(
        cluster,
        &release,
        &[
            ("get", "secrets:workos", &customers),
            ("create", "leases.coordination.k8s.io", &release),
            ("get", "leases.coordination.k8s.io:portalctl", &release),
            ("update", "leases.coordination.k8s.io:portalctl", &release),
            ("get", "namespaces:kube-system", ""),
        ],
        true,
    );
    are_allowed(
        cluster,
        &release,
        &[
            ("get", "secrets:workos", &others),
            ("get", "secrets:workos", &release),
            ("create", "leases.coordination.k8s.io", &customers),
            ("get", "namespaces:default", ""),
            ("list", "namespaces", ""),
        ],
        false,
    );
}

#[test]
fn an_operator_of_one_namespace_has_no_business_elsewhere() {
    let Some(cluster) = Cluster::with_definitions().filter(|_| chart::has("helm")) else {
        return;
    };
    let [release, customers, others] = [(); 3].map(|()| cluster.namespace());
    let values = format!(
        "watchNamespace: {customers}\nclusterId: here\nrbac: {{aggregate: false}}\nsecrets:\n  \
         - {{namespace: {customers}, name: workos}}\n  - {{namespace: {customers}, name: webhook}}\n"
    );
    let access = chart::access(&release, &values);
    assert!(!access.contains("ClusterRole"), "{access}");
    cluster.apply(&access);
    are_allowed(cluster, &release, &needed_requests(&customers), true);
    are_allowed(cluster, &release, &forbidden_requests(&customers), false);
    for namespace in [&others, &release, ""] {
        are_allowed(cluster, &release, &needed_requests(namespace), false);
        are_allowed(cluster, &release, &forbidden_requests(namespace), false);
    }
    let secrets = ["secrets:workos", "secrets:webhook"].map(|name| ("get", name, &*customers));
    are_allowed(cluster, &release, &secrets, true);
    let secrets = secrets.map(|(verb, name, _)| (verb, name, &*others));
    are_allowed(cluster, &release, &secrets, false);
}

#[test]
fn powers_over_environments_are_for_admins() {
    if !chart::has("helm") {
        return;
    }
    let rendered = chart::render("customers", "");
    for (role, resources) in [
        ("view", json!(["portalenvironments", "portalorganizations"])),
        ("edit", json!(["portalorganizations"])),
        ("admin", json!(["portalenvironments"])),
    ] {
        let name = format!("customers-portalctl-{role}");
        let found = chart::object(&rendered, "ClusterRole", &name);
        assert_eq!(found["rules"][0]["resources"], resources);
        let label = format!("rbac.authorization.k8s.io/aggregate-to-{role}");
        assert_eq!(found["metadata"]["labels"][&label], "true");
        let writes = found["rules"][0]["verbs"].to_string().contains("create");
        assert_eq!(writes, role != "view");
    }
}

/// Lists the permissions that roles in a YAML text grant, one line for each verb of each resource.
fn grants(yaml: &str) -> BTreeSet<String> {
    let texts = |rule: &Value, field: &str| -> Vec<String> {
        let list = rule[field].as_array().into_iter().flatten();
        list.map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let mut grants = BTreeSet::new();
    for role in chart::objects(yaml) {
        let kind = role["kind"].as_str().unwrap();
        let labels = role["metadata"]["labels"].to_string();
        if !kind.ends_with("Role") || labels.contains("aggregate-to") {
            continue;
        }
        for rule in role["rules"].as_array().unwrap() {
            let names = texts(rule, "resourceNames").join(",");
            for group in texts(rule, "apiGroups") {
                for resource in texts(rule, "resources") {
                    for verb in texts(rule, "verbs") {
                        grants.insert(format!("{kind}: {verb} {resource}.{group}:{names}"));
                    }
                }
            }
        }
    }
    grants
}

/// All of it, so that nothing is added unseen; that it is enough is shown by the operator's own
/// tests, which run with it.
#[test]
fn nothing_else_is_granted() {
    if !chart::has("helm") {
        return;
    }
    let mut all = BTreeSet::new();
    let mut add = |kind: &str, verbs: &[&str], resources: &[&str], name: &str| {
        for resource in resources {
            all.extend(
                verbs
                    .iter()
                    .map(|verb| format!("{kind}: {verb} {resource}:{name}")),
            );
        }
    };
    let kinds = [
        "portalenvironments.portalctl.dev",
        "portalorganizations.portalctl.dev",
    ];
    add(
        "ClusterRole",
        &["get", "list", "watch", "patch"],
        &kinds,
        "",
    );
    let statuses = kinds.map(|kind| kind.replacen('.', "/status.", 1));
    add("ClusterRole", &["patch"], &[&statuses[0], &statuses[1]], "");
    add(
        "ClusterRole",
        &["create", "patch"],
        &["events.events.k8s.io"],
        "",
    );
    add("ClusterRole", &["get"], &["leases.coordination.k8s.io"], "");
    add("ClusterRole", &["get"], &["namespaces."], "kube-system");
    add("Role", &["create"], &["leases.coordination.k8s.io"], "");
    add(
        "Role",
        &["get", "update"],
        &["leases.coordination.k8s.io"],
        "portalctl",
    );
    add("Role", &["get"], &["secrets."], "workos");
    let values = "secrets: [{namespace: customers, name: workos}]";
    assert_eq!(grants(&chart::render("portalctl", values)), all);
}
