//! Codes of the gateway: configuration errors and refusals.
//!
//! The code of a refusal stands in the log and in a metric; the page that a person sees does not show it.

codes! {
    CONFIG = "gateway/config",
        "the gateway's configuration cannot be used",
        "The file of --config is not what the gateway reads. Every problem is told with its place.",
        "Correct the file; docs/guides/gateway.md shows a whole one.";
    PUBLIC_URL = "gateway/public-url",
        "the gateway's own address is not known, or not one that a portal can lead back to",
        "Browsers reach the gateway under an https address, which it cannot tell by itself behind a proxy. Links lead back to it, and tokens are meant for it.",
        "Pass --public-url https://…: scheme, host and port only. Plain http is for this machine.";
    KEYS = "gateway/keys",
        "the keys of the hand-off tokens cannot be used",
        "The file or address names no key that tokens can be checked with: a secret is shorter than 32 bytes, a JWKS holds no public signing key of RS256, ES256 or EdDSA, or it cannot be read.",
        "Correct the file that the message names. A secret is one line of 32 bytes or more; up to two are read, the newer first.";
    MANIFEST_KEPT = "gateway/manifest-kept",
        "the manifest was edited and cannot be used, so the last good one is kept",
        "The gateway reads its manifest again when the files change. What it reads now is broken, or is meant for another environment.",
        "Correct the manifest; the log tells every problem. Restart the gateway to serve another environment.";
    CUSTOMERS = "gateway/customers",
        "the customers cannot be read from the cluster",
        "`--customers NAMESPACE/NAME` names the PortalEnvironment whose PortalOrganizations are the customers, and it is not there, or its spec breaks a rule.",
        "Look at it with `kubectl get portalenvironments -A`, and name it as NAMESPACE/NAME.";
    NO_TOKEN = "gateway/no-token",
        "the request has no hand-off token",
        "The page was opened by itself, from a bookmark, or by a program. Only the app hands people over.",
        "Nothing, unless it is your app that sends people there: it passes the token as `token`.";
    PROVISION = "gateway/provision",
        "the organization of a new customer could not be created",
        "The token vouches for a customer whom the manifest does not declare, and what it says cannot be an entry, or a plan of that entry is more than the creation of one organization: another organization has its domain or its external id, or a limit of the manifest forbids it. The log has the reason.",
        "Correct the claims `name` and `domains` in the app, or declare the customer in the manifest.";
    PROVISION_LIMIT = "gateway/provision-limit",
        "as many organizations were created in this hour as may be",
        "`provision.per_hour` of the configuration bounds how many organizations tokens can make. The person is asked to wait.",
        "If so many customers sign up, raise `provision.per_hour`; if not, find out what makes the app hand them over.";
    CONSENT = "gateway/consent",
        "the permission to change what is set up does not count",
        "A person who opens single sign-on while a connection is active is asked once whether to change it. The answer works once, for two minutes, for that organization, and not across a restart of a gateway without a shared store.",
        "Nothing, unless it happens often: the person presses the button in the app again. `again: refuse` in the configuration turns the question off.";
    ADDRESS = "gateway/address",
        "the address does not name an organization and an intent",
        "The path is not /portal/KEY/INTENT with a key of the manifest's form and an intent's own name.",
        "Correct the address in the app, if it is the app's.";
    PARAMETER = "gateway/parameter",
        "the address has other parameters than the token",
        "The gateway takes no parameter but `token`, once: where people go afterwards is the manifest's to say, never the address's.",
        "Remove the other parameters in the app. If it is not the app's doing, somebody is trying.";
    MALFORMED = "gateway/token-malformed",
        "the token is not a signed JWT",
        "It is not three base64url parts with a JSON header of a known algorithm, or it is longer than 4,096 bytes. An unsigned token (`alg: none`) is malformed too.",
        "Let the app make tokens with a JWT library; docs/guides/gateway.md shows how.";
    HEADER = "gateway/token-header",
        "the token's header has a parameter that is not allowed",
        "Only `alg`, `typ` and `kid` are read. Headers that name keys (`jku`, `jwk`, `x5u`, `x5c`) or want to be understood (`crit`) are how forged tokens are made to be believed.",
        "Let the app leave them out.";
    ALGORITHM = "gateway/token-algorithm",
        "the token's algorithm does not fit its key",
        "The key decides the algorithm, never the header. A token signed with a public key as if it were a secret is refused here.",
        "Sign with the algorithm of the key: HS256 with a secret, RS256, ES256 or EdDSA by the JWKS.";
    UNKNOWN_KEY = "gateway/token-key",
        "the token's key is not known",
        "Its `kid` is in no key of the JWKS, also after looking again, or it names none and there are several keys.",
        "Publish the key before signing with it, and let the app set `kid`.";
    SIGNATURE = "gateway/token-signature",
        "the token's signature is not valid",
        "It was made with another key, or the token was changed on its way.",
        "Hold the app's secret against the gateway's. After a rotation both need the new one; the gateway reads two.";
    CLAIMS = "gateway/token-claims",
        "a claim is missing, repeated or of the wrong type",
        "A token holds iss, aud, sub, organization, intents, role, iat, exp and jti, each once.",
        "docs/guides/gateway.md has the table of claims; docs/guides/gateway-snippets.md has lines for each language.";
    ISSUER = "gateway/token-issuer",
        "the token has another issuer",
        "Its `iss` is not `token.issuer` of the configuration.",
        "Make both the same text.";
    AUDIENCE = "gateway/token-audience",
        "the token has another audience",
        "Its `aud` is not this gateway alone: `token.audience`, else its public URL.",
        "Make both the same text.";
    EXPIRED = "gateway/token-expired",
        "the token has expired",
        "A token lives two minutes at most. The person waited, or the clocks differ by more than `clock_leeway`.",
        "Make the token when the button is pressed, not when its page is shown.";
    NOT_YET = "gateway/token-not-yet",
        "the token is not valid yet",
        "It was issued, or begins to be valid, in the future by the gateway's clock.",
        "Set the clocks of both machines by NTP.";
    TOO_LONG = "gateway/token-lifetime",
        "the token's lifetime is too long",
        "Between `iat` and `exp` there may be two minutes.",
        "Let it expire sooner.";
    BEFORE_START = "gateway/token-before-start",
        "the token was issued before the gateway started",
        "Without `used_tokens` the used tokens are remembered in memory. What was used before a restart is not known, so tokens from before it are refused, and so are those of the first seconds after it (`clock_leeway`). The person gets 503 with Retry-After and is asked to wait and press the button again.",
        "Nothing, or name a Redis in `used_tokens`, so that a restart and a rolling update are not felt.";
    REPLAYED = "gateway/token-replayed",
        "the token was used before",
        "A token is good for one link. A page that was reloaded uses it again, and so does somebody who got hold of it.",
        "Nothing for a single one: the person presses the button again. Many of them are worth a look.";
    TOKEN_STORE = "gateway/token-store",
        "the store of used tokens cannot be used",
        "`used_tokens.redis_url_file` names a file that holds no address of a Redis, or the Redis does not answer within two seconds. While it does not, no token is accepted: it might have been used. The person gets 503 and is asked to try again, and the token stays good.",
        "Correct the address, or see why the Redis does not answer; portalctl_gateway_token_store_is_reachable tells when it does.";
    ROLE = "gateway/role",
        "the person is not an IT admin",
        "The token's `role` is not the one that `token.role` wants.",
        "Let the app show the button to IT admins only, and say so in the token.";
    OTHER_ORGANIZATION = "gateway/other-organization",
        "the person belongs to another organization",
        "The address names an organization that is not the token's, or not one of the person's groups.",
        "If the app made the address, make both from the same key.";
    OTHER_INTENT = "gateway/other-intent",
        "the person was not handed over for this intent",
        "The address names an intent that the token, or the group, does not hold.",
        "Let the app name the intent in the token.";
    UNDECLARED = "gateway/undeclared",
        "the manifest does not declare the organization or the intent",
        "The gateway makes links for what is declared, and for nothing else.",
        "Declare it in the manifest; it is read again within seconds.";
    UNTRUSTED_PEER = "gateway/untrusted-peer",
        "identity headers came from a machine that is not the proxy",
        "Only `proxy.peers` may say who somebody is. Whoever else sends these headers is trying, or reaches the gateway past the proxy.",
        "Let nothing but the proxy reach the gateway. If it is the proxy, add its address to `proxy.peers`.";
    NO_IDENTITY = "gateway/no-identity",
        "the proxy sent no identity",
        "There is no X-Forwarded-User or X-Forwarded-Email, it stands twice, or it is no plain text.",
        "Let the proxy set them (oauth2-proxy: --pass-user-headers) and remove what clients send.";
    NO_NAVIGATION = "gateway/no-navigation",
        "the request is not a navigation to a page",
        "A script fetched the address, a frame loaded it, or the browser asked ahead of time. Nobody would see the portal, so no link is made and the token stays good.",
        "Open the address as a page: by a link, a form, or `location.assign(address)` after a fetch of your own endpoint that returns the address.";
    CROSS_SITE = "gateway/cross-site",
        "another site sent the visitor, who is asked first",
        "Behind a proxy the browser's cookie goes with every request, also with one that another site causes. So the gateway shows a page with a button before it makes a link.",
        "Nothing: the person continues by the button. Links of an app on the same site as the gateway are not asked about.";
    SESSION = "gateway/session",
        "the browser has no session of a hand-off",
        "The cookie that /portal sets is missing, has expired, was changed, or is of another organization or intent. Without `secret_file` it also ends with the gateway.",
        "Nothing for a single one: they go back to the app, which shows how far they are.";
    LIMITED = "gateway/limited",
        "one client sends too many requests",
        "More than `limits.per_subject` or `limits.per_organization` in a minute.",
        "Nothing, unless they are real people: then raise the limits.";
    BUSY = "gateway/busy",
        "the gateway has reached its limit of requests",
        "As many links are being made as `limits.in_flight` allows, the memory of used tokens is full, or the gateway has not begun yet. The person is asked to try again.",
        "If it lasts, give the gateway a key of its own and a higher --requests-per-second.";
    NO_ANSWER = "gateway/no-answer",
        "WorkOS did not answer in time",
        "WorkOS limits, fails or cannot be reached. The person is asked to try again, and the token stays good meanwhile.",
        "See the message in the log; status.workos.com tells of failures.";
}
