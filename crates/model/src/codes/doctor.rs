//! Codes of `portalctl doctor`: findings of its checks that no other command reports.

codes! {
    KEY_FILE_OPEN = "doctor/key-file-open",
        "others can read the file with the API key",
        "The permissions of the file given by --api-key-file let its group or everybody read it, and the key is all it takes to change the account.",
        "Take the permission away: `chmod 600 FILE`. A key that others may have read is best rotated.";
    KEY_KIND_UNDECLARED = "doctor/key-kind-undeclared",
        "the manifest does not say which kind of key it takes",
        "Without `environment.api_key` nothing keeps a manifest of one environment from being applied to another one.",
        "Add `environment: { api_key: test }` or `live` to the manifest.";
    NO_CLIENT_ID = "doctor/no-client-id",
        "there is no client id",
        "Neither WORKOS_CLIENT_ID nor the manifest's `environment.client_id` is there. No request needs it; it names the environment, so it shows a mix-up that two keys of one kind do not.",
        "Set `environment.client_id` in the manifest to the client id that the WorkOS dashboard shows under API Keys.";
    INVALID_CLIENT_ID = "doctor/invalid-client-id",
        "WORKOS_CLIENT_ID is not a client id",
        "A client id is `client_` followed by letters and digits.",
        "Copy it again from the WorkOS dashboard (API Keys). An API key or a client secret is something else.";
    UNKNOWN_CLIENT_ID = "doctor/unknown-client-id",
        "WorkOS does not know the client id",
        "WorkOS serves the public keys of every client id that it knows, and answered 404 for this one: it is mistyped, or the endpoint is another.",
        "Copy it again from the WorkOS dashboard (API Keys), and check that it is of the environment you mean.";
    PROXY_UNUSABLE = "doctor/proxy-unusable",
        "the proxy's address cannot be used",
        "HTTPS_PROXY or ALL_PROXY is set to something that is not the address of an http, https or socks proxy, so it is ignored and requests go out directly.",
        "Write it as in `http://proxy.example.com:3128`, or unset it.";
    ENDPOINT_IGNORED = "doctor/endpoint-ignored",
        "a variable names another endpoint, and is ignored",
        "Official SDKs and `workos dev` read WORKOS_API_BASE_URL, WORKOS_API_HOSTNAME, WORKOS_API_PORT and WORKOS_API_HTTPS. portalctl obeys them only where they name this machine, so that a variable that another tool left behind cannot send the key elsewhere.",
        "Unset the variable; to use that endpoint all the same, set WORKOS_API_URL or pass --api-url.";
    CERTIFICATES = "doctor/certificates",
        "the certificates to trust cannot be used",
        "SSL_CERT_FILE or SSL_CERT_DIR replaces the system's certificates, and names a file without any, or one that cannot be read, or a folder that is not there.",
        "Point SSL_CERT_FILE at a PEM file that holds the certificate authorities to trust, or unset it.";
    NAME_NOT_FOUND = "doctor/name-not-found",
        "no address was found for the endpoint's host",
        "The name server knows no such host, or does not answer: a mistyped address, no network, or a network that resolves names through its proxy only.",
        "Check --api-url or WORKOS_API_URL and the network; behind a proxy, set HTTPS_PROXY.";
    CONNECTION_REFUSED = "doctor/connection-refused",
        "the endpoint refused the connection",
        "The host was found, and nothing listens on the port, or a firewall refuses the way there.",
        "Check the port in --api-url or WORKOS_API_URL, that the server runs, and the firewall.";
    TLS = "doctor/tls",
        "no TLS connection could be made",
        "The host answered, and its certificate is not trusted, is of another host or has ended, or it does not speak TLS. A proxy that reads the traffic shows a certificate of its own.",
        "Behind such a proxy, point SSL_CERT_FILE at a PEM file with its certificate authority; otherwise check the address, and this machine's clock.";
    LOW_BUDGET = "doctor/low-budget",
        "little of the rate limit is left",
        "Less than a tenth of the requests that the key may make is left until the limit resets. Everything that uses the same key shares it, your own application included.",
        "Run again after the reset, lower --requests-per-second, or give portalctl a key of its own.";
    CLOCK_SKEW = "doctor/clock-skew",
        "this machine's clock is off",
        "The clock differs from the server's by more than 30 seconds. What is told of durations (`for 3 days`, `stalled:14d`) and of a link's last minutes is off by as much; beyond five minutes signatures of webhooks and hand-offs are refused and links seem to have ended.",
        "Synchronise the clock (NTP), on the host if this is a virtual machine or a container.";
    NOTHING_FOUND = "doctor/nothing-found",
        "none of the declared organizations that were looked up exists",
        "The environment has organizations, and none of those looked up is declared: a new manifest, or the key of another environment.",
        "Check with `portalctl plan` before you apply; `limits.create` keeps a mix-up from creating everybody again.";
    WEBHOOK_MISSING = "doctor/webhook-missing",
        "WorkOS has no webhook endpoint for the environment",
        "A PortalEnvironment names a secret in `spec.webhook`, so the operator expects webhooks at `POST /webhooks/NAMESPACE/ENVIRONMENT`, and no endpoint of the account has an address that ends so. The operator still looks at its intervals.",
        "Make the endpoint in the WorkOS dashboard (Webhooks), with the public address of the operator and this path, and put its secret into the Secret that `spec.webhook` names; or remove `spec.webhook`.";
    WEBHOOK_DISABLED = "doctor/webhook-disabled",
        "the webhook endpoint of the environment is switched off",
        "WorkOS has an endpoint with the address that a PortalEnvironment expects webhooks at, and its status is not `enabled`: WorkOS sends it nothing. WorkOS switches endpoints off that fail for days.",
        "See in the operator's log why webhooks were refused, then enable the endpoint in the WorkOS dashboard (Webhooks).";
    WEBHOOK_EVENTS = "doctor/webhook-events",
        "the webhook endpoint lacks events",
        "The endpoint of the environment is not subscribed to every event after which the operator looks at an organization. What it is not told of it finds at its intervals.",
        "Subscribe the endpoint to the events that are named, in the WorkOS dashboard (Webhooks).";
    NO_ALLOWED_HOSTS = "doctor/no-allowed-hosts",
        "return URLs may name any host",
        "Without `return_urls.allowed_hosts` one changed line sends a customer's IT admin, who trusts where the portal leads, to any host: a way to phish.",
        "List your own hosts under `return_urls.allowed_hosts`, and have changes of the list reviewed.";
    NO_RETURN_URL = "doctor/no-return-url",
        "the manifest has no return URL for some intents",
        "Links for these intents use the default return URL of the WorkOS dashboard, which no API tells; without that one either, WorkOS refuses to make the link.",
        "Set `return_urls.default` in the manifest, or check the dashboard's Admin Portal page.";
    RETURN_URL_FAILS = "doctor/return-url-fails",
        "a return URL does not answer",
        "The page that customers come back to is not there, fails, or cannot be reached from this machine.",
        "Correct the URL or the page. A page that is reachable from another network only fails here and may be fine.";
    RETURN_URL_ODD = "doctor/return-url-odd",
        "a return URL answers with an error status",
        "The page refused a plain GET with a status that is neither a success, a redirect nor a request to sign in.",
        "Open the URL in a browser, signed in, and see that it is the page that is meant.";
    NO_INTENT = "doctor/no-intent",
        "there is no intent to make a link for",
        "--link-test names an entry that declares no intents.",
        "Name a key that declares one.";
}
