//! Releases of the chart that between them use every value.

/// Values that between them ask for everything, in a namespace.
pub(crate) const CASES: [(&str, &str); 7] = [
    ("nothing said", ""),
    (
        "one namespace",
        "watchNamespace: NAMESPACE\nclusterId: here\nsecrets: [{namespace: NAMESPACE, name: workos}]\n",
    ),
    (
        "every option of the operator",
        "image: {repository: registry.example.com/portalctl, pullPolicy: Always}
imagePullSecrets: [{name: registry}]
serviceAccount: {annotations: {example.com/a: b}}
operator:
  replicas: 3
  verbosity: 2
  extraArgs: [--color=never]
  extraEnv: [{name: HTTPS_PROXY, value: 'http://proxy.example.com:3128'}]
  extraVolumes: [{name: ca, configMap: {name: ca}}]
  extraVolumeMounts: [{name: ca, mountPath: /etc/ssl/certs}]
  resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}
  deploymentAnnotations: {example.com/a: b}
  podAnnotations: {example.com/a: b}
  podLabels: {example.com/a: b}
  nodeSelector: {kubernetes.io/os: linux}
  tolerations: [{key: a, operator: Exists}]
  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}
  priorityClassName: system-cluster-critical
  topologySpreadConstraints:
    - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}
    - {maxSkew: 2, topologyKey: node, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {a: b}}}
  terminationGracePeriodSeconds: 60
  service: {annotations: {example.com/a: b}}
webhooks:
  ingress: {enabled: true, className: nginx, annotations: {example.com/a: b}, host: hooks.example.com, tlsSecretName: tls}
serviceMonitor: {enabled: true, labels: {release: prometheus}, interval: 1m30s}
networkPolicy:
  enabled: true
  egress: true
  operatorFrom: [{namespaceSelector: {matchLabels: {a: b}}}, {ipBlock: {cidr: 192.0.2.0/24}}]
  apiServerPorts: [6443, 443]
  extraEgress: [{ports: [{port: 3128}]}]
",
    ),
    (
        "the gateway too",
        "networkPolicy: {gatewayFrom: [], egress: true}
gateway:
  enabled: true
  publicUrl: https://portal.example.com
  manifest: {portal.yaml: \"version: 1\\n\", more.yaml: \"organizations: {}\\n\"}
  replicas: 3
  config:
    version: 1
    token: {issuer: app, secret_file: /etc/portalctl/secrets/handoff/secret}
    secret_file: /etc/portalctl/secrets/handoff/own
    used_tokens: {redis_url_file: /etc/portalctl/secrets/redis/url}
  apiKey: {secretName: workos}
  secrets: [handoff, redis]
  verbosity: 1
  extraArgs: [--requests-per-second=20]
  extraEnv: [{name: SSL_CERT_FILE, value: /etc/ssl/certs/ca.crt}]
  extraVolumes: [{name: ca, configMap: {name: ca}}]
  extraVolumeMounts: [{name: ca, mountPath: /etc/ssl/certs}]
  resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 64Mi}}
  deploymentAnnotations: {example.com/a: b}
  podAnnotations: {example.com/a: b}
  podLabels: {example.com/a: b}
  nodeSelector: {kubernetes.io/os: linux}
  tolerations: [{operator: Exists}]
  affinity: {podAntiAffinity: {}}
  priorityClassName: system-cluster-critical
  terminationGracePeriodSeconds: 60
  service: {annotations: {example.com/a: b}}
  ingress: {enabled: true, className: nginx, annotations: {example.com/a: b}, host: portal.example.com, tlsSecretName: tls}
",
    ),
    (
        "the gateway alone",
        "crds: {install: false}
operator: {enabled: false}
nameOverride: gateway
image: {tag: '1.2', digest: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}
gateway:
  enabled: true
  publicUrl: https://portal.example.com
  manifestConfigMap: customers
  config: {version: 1, token: {issuer: app, secret_file: /etc/portalctl/secrets/handoff/secret}}
  apiKey: {secretName: workos, key: key}
  secrets: [handoff]
",
    ),
    (
        "the gateway of the operator's resources",
        "watchNamespace: NAMESPACE
clusterId: cluster-1
gateway:
  enabled: true
  publicUrl: https://example.com/setup/portal
  ingress: {enabled: true, host: example.com}
  customers: NAMESPACE/production
  config: {version: 1, token: {issuer: app, secret_file: /etc/portalctl/secrets/handoff/secret}}
  apiKey: {secretName: workos}
  secrets: [handoff]
networkPolicy: {egress: true}
",
    ),
    (
        "what others make",
        "fullnameOverride: a-name-that-is-as-long-as-names-of-objects-may-be-at-all
crds: {install: false}
rbac: {create: false, aggregate: false}
serviceAccount: {create: false, name: somebody}
operator: {replicas: 1, topologySpreadConstraints: []}
listenAddress: '[::]'
podDisruptionBudget: {enabled: false}
networkPolicy: {enabled: false}
global: {theirs: true}
",
    ),
];

/// A case's values in a namespace.
pub(crate) fn values(case: &str, namespace: &str) -> String {
    case.replace("NAMESPACE", namespace)
}
