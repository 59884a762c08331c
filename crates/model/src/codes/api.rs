//! Codes of the WorkOS API: what went wrong with a request.

codes! {
    UNAUTHORIZED = "api/unauthorized",
        "WorkOS refused the API key",
        "WorkOS answered 401. The key was rotated or revoked, is mistyped, or belongs to another endpoint.",
        "Copy the key again from the WorkOS dashboard (API Keys), and check that it is of the environment you mean.";
    FORBIDDEN = "api/forbidden",
        "WorkOS does not allow this request",
        "WorkOS answered 403: the key lacks a permission, or the account's plan does not include the feature, so that nothing and nobody of the account is entitled to it.",
        "Check the key's permissions in the WorkOS dashboard, or ask WorkOS which plan includes the feature.";
    NOT_FOUND = "api/not-found",
        "WorkOS does not know this object",
        "WorkOS answered 404: the object was deleted meanwhile, or belongs to another environment.",
        "Run the command again; if it stays, check that the API key is of the environment you mean.";
    ORGANIZATION_NOT_FOUND = "api/organization-not-found",
        "WorkOS does not know the organization",
        "WorkOS answered 404 to a request about one organization: it was deleted meanwhile, or its id is of another environment than the API key.",
        "Check that the API key is of the environment you mean; `portalctl plan` then shows whether the organization is there. If it was deleted, apply creates it anew (unless the entry pins it by `id`).";
    EXTERNAL_ID_TAKEN = "api/external-id-taken",
        "the external id belongs to another organization",
        "WorkOS answered external_id_already_used: another organization of this environment has this external id, perhaps created a moment ago by another run.",
        "See with `portalctl plan` which organization has it; declare another `external_id`, or pin the organization with `id`.";
    STRIPE_CUSTOMER_TAKEN = "api/stripe-customer-taken",
        "the Stripe customer belongs to another organization",
        "WorkOS answered stripe_customer_id_already_used: another organization of this environment has this Stripe customer id.",
        "Find the organization in the WorkOS dashboard; a Stripe customer belongs to one organization, so correct `stripe_customer_id` of one of the two.";
    INVALID_METADATA = "api/invalid-metadata",
        "WorkOS does not accept the metadata",
        "WorkOS answered invalid_metadata: more than 50 keys, a key longer than 40 characters, or a value longer than 600. Live keys that the manifest does not declare count, too.",
        "Shorten or remove metadata; live keys that nothing uses are removed by declaring them as null.";
    DOMAIN_EXISTS = "api/domain-exists",
        "the organization has the domain already",
        "WorkOS answered domain_already_exists: somebody else added the domain to this organization, perhaps a moment ago.",
        "Nothing has to be done: `portalctl plan` reads the domain as it is now.";
    DOMAIN_ALREADY_VERIFIED = "api/domain-already-verified",
        "the domain is verified already",
        "WorkOS answered domain_already_verified: it found the TXT record meanwhile, or somebody asserted the domain.",
        "Nothing has to be done; `portalctl status` shows the domain as configured.";
    CONNECTION_OPTIONS = "api/connection-options",
        "WorkOS does not accept the type or the options of a connection",
        "WorkOS answered connection_type_or_options_required, both_saml_and_oidc_options_provided or connection_type_not_supported to a request that makes or changes a connection: it takes a type with either SAML or OIDC options, and not every type can be made by its API. portalctl makes no connections outside its sandbox; your own code or script sent the request.",
        "Send `connection_type` with one of `saml_options` and `oidc_options`, or let the customer's IT admin make the connection in the portal: `portalctl link KEY sso`.";
    REJECTED = "api/rejected",
        "WorkOS rejected the request",
        "WorkOS understood the request and refused it; its own code and message are shown.",
        "Correct what WorkOS names. If the message makes no sense for what you declared, please report it.";
    RATE_LIMITED = "api/rate-limited",
        "WorkOS limited the rate of requests",
        "WorkOS answered 429 until the attempts were used up. The limit is shared by everything that uses the same key, your own application included.",
        "Lower --requests-per-second, give portalctl a key of its own, or try again later.";
    SERVER_ERROR = "api/server-error",
        "WorkOS failed to answer",
        "WorkOS answered with a 5xx status until the attempts were used up.",
        "Check the status page of WorkOS and run the command again; it continues where it stopped.";
    CONCURRENT_REQUEST = "api/concurrent-request",
        "WorkOS was busy with another change of the same organization",
        "WorkOS answered 503 `concurrent_request` until the attempts were used up. It did not carry the request out.",
        "Run the command again when nothing else writes to the organization.";
    UNREACHABLE = "api/unreachable",
        "WorkOS cannot be reached",
        "No connection could be made, or it broke before an answer came: DNS, proxy, firewall, TLS or the network.",
        "Check the network, HTTPS_PROXY, SSL_CERT_FILE and --api-url, then run the command again.";
    TIMEOUT = "api/timeout",
        "WorkOS did not answer in time",
        "A request took longer than its time limit, also when it was tried again.",
        "Run the command again; if it stays, check the network and the status page of WorkOS.";
    INVALID_ANSWER = "api/invalid-answer",
        "the answer is not one of the WorkOS API",
        "The body is not JSON, is too large, or lacks what cannot be done without (an id). Or it holds a portal link that is not safe to show or follow: a link has to be an https URL of visible ASCII characters, at most 4 KB long and without a user name (plain http only between this machine and itself). A proxy or another server may have answered.",
        "Check --api-url and any proxy in between.";
    UNSTABLE_LIST = "api/unstable-list",
        "a list could not be read to its end",
        "The pages of a list repeated themselves or changed so much while they were read that no complete view was had.",
        "Run the command again when fewer changes are being made.";
    WITHHELD = "api/withheld",
        "a write was not sent",
        "Right before the write was sent, the operator saw that nothing may be written any more: the resource or its environment was paused, suspended, set to Observe or deleted, or another process of the operator leads.",
        "Nothing, if that is meant; otherwise remove the annotation portalctl.dev/paused or spec.suspend.";
    READ_FAILED = "api/read-failed",
        "part of the account could not be read",
        "WorkOS refused or failed to answer the read of one object or one list, or answered something that is not its API's. Everything else was read: only what rests on it is unknown, and nothing is changed on account of it. After many failures of one kind the others are not asked about in that run.",
        "Run `portalctl status` again; if it stays, look at the answer that is shown: the account may lack the feature, or WorkOS's support may help. `status --fail-on unknown` makes it an exit code of 2.";
    REDIRECTED = "api/redirected",
        "the endpoint redirects elsewhere",
        "The API answered with a redirect. portalctl does not follow it: the key must not go to another host.",
        "Set --api-url to the endpoint's final address.";
}
