//! Containers of the chart's pods, to run without a cluster's nodes.

use serde_json::Value;

use super::chart::object;

/// Container of a Deployment's pods.
pub(crate) struct Pod {
    /// Arguments of the program, with a loopback address in place of the pod's.
    pub(crate) arguments: Vec<String>,
    /// Environment variables.
    pub(crate) variables: Vec<(String, String)>,
    /// The paths of its probes.
    pub(crate) probes: Vec<String>,
    /// Mounted Secrets and `ConfigMap`s, each with its path.
    pub(crate) mounts: Vec<(String, String)>,
}

impl Pod {
    /// The name of the pod.
    pub(crate) const NAME: &str = "pod-0";

    /// A pod of a Deployment in a rendered chart.
    #[track_caller]
    pub(crate) fn of(rendered: &str, deployment: &str) -> Self {
        let deployment = object(rendered, "Deployment", deployment);
        let namespace = deployment["metadata"]["namespace"].as_str().unwrap();
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let probes = ["startupProbe", "livenessProbe", "readinessProbe"];
        Self {
            arguments: list(&container["args"])
                .iter()
                .map(|it| text(it).replace("0.0.0.0:8080", "127.0.0.1:0"))
                .collect(),
            variables: list(&container["env"])
                .iter()
                .map(|it| {
                    let value = match it["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
                        Some("metadata.name") => Self::NAME.to_owned(),
                        Some("metadata.namespace") => namespace.to_owned(),
                        _ => text(&it["value"]),
                    };
                    (text(&it["name"]), value)
                })
                .collect(),
            probes: probes
                .map(|it| text(&container[it]["httpGet"]["path"]))
                .to_vec(),
            mounts: list(&container["volumeMounts"])
                .iter()
                .map(|mount| {
                    let volumes = list(&pod["volumes"]);
                    let volume = volumes.iter().find(|it| it["name"] == mount["name"]);
                    let volume = volume.unwrap();
                    let source = [
                        &volume["configMap"]["name"],
                        &volume["secret"]["secretName"],
                    ];
                    let source = source.into_iter().find(|it| it.is_string()).unwrap();
                    (text(&mount["mountPath"]), text(source))
                })
                .collect(),
        }
    }
}
