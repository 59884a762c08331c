//! Codes of the WorkOS API: what went wrong with a request.

codes! {
    UNAUTHORIZED = "api/unauthorized",
        "WorkOS refused the API key",
        "WorkOS answered 401. The key was rotated or revoked, is mistyped, or belongs to another endpoint.",
        "Copy the key again from the WorkOS dashboard (API Keys), and check that it is of the environment you mean.";
    FORBIDDEN = "api/forbidden",
        "WorkOS does not allow this request",
        "WorkOS answered 403: the key lacks a permission, or the account's plan does not include the feature.",
        "Check the key's permissions in the WorkOS dashboard, or ask WorkOS which plan includes the feature.";
    NOT_FOUND = "api/not-found",
        "WorkOS does not know this object",
        "WorkOS answered 404: the object was deleted meanwhile, or belongs to another environment.",
        "Run the command again; if it stays, check that the API key is of the environment you mean.";
    EXTERNAL_ID_TAKEN = "api/external-id-taken",
        "the external id belongs to another organization",
        "WorkOS answered external_id_already_used: another organization of this environment has this external id, perhaps created a moment ago by another run.",
        "Run the command again: the plan then shows the organization that has it.";
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
    UNREACHABLE = "api/unreachable",
        "WorkOS cannot be reached",
        "No connection could be made, or it broke before an answer came: DNS, proxy, firewall, TLS or the network.",
        "Check the network, HTTPS_PROXY, SSL_CERT_FILE and --api-url, then run the command again.";
    TIMEOUT = "api/timeout",
        "WorkOS did not answer in time",
        "A request took longer than its time limit, also when it was tried again.",
        "Run the command again; if it stays, check the network and the status page of WorkOS.";
    INVALID_ANSWER = "api/invalid-answer",
        "the answer is not what the WorkOS API gives",
        "The body is not JSON, is too large, or lacks what cannot be done without (an id). A proxy or another server may have answered.",
        "Check --api-url and any proxy in between.";
    UNSTABLE_LIST = "api/unstable-list",
        "a list did not come to an end",
        "The pages of a list repeated themselves or changed so much while they were read that no complete view was had.",
        "Run the command again when fewer changes are being made.";
    REDIRECTED = "api/redirected",
        "the endpoint redirects elsewhere",
        "The API answered with a redirect. portalctl does not follow it: the key must not go to another host.",
        "Set --api-url to the endpoint's final address.";
}
