//! Codes of portal links, and of waiting for what comes of one.

codes! {
    UNDECLARED = "link/undeclared",
        "the manifest does not declare this intent for the customer",
        "A link lets the customer set up one feature, and the manifest says which features the customer should have. No request was made.",
        "Declare the intent in the manifest, or ask with --undeclared for this once.";
    NO_ORGANIZATION = "link/no-organization",
        "the customer has no organization at WorkOS",
        "A portal link is for an organization, and there is none yet for this entry: it is not created, not adopted, or was deleted meanwhile.",
        "Run `portalctl apply` (with --adopt if the plan says so), then ask for the link again.";
    CONFLICT = "link/conflict",
        "the organization of the customer is not clear",
        "The entry is in conflict: several organizations could be the customer's, or its ids disagree. A link for the wrong one would let a stranger set up single sign-on there.",
        "Resolve the conflict that `portalctl plan` shows, then ask for the link again.";
    ALREADY_CONNECTED = "link/already-connected",
        "the customer has an active connection already",
        "The Admin Portal's rule is one single sign-on connection per organization: behind another link the customer's IT admin would change or replace the one that their people sign in with.",
        "Nothing has to be done. To let the customer change the connection, ask with --again.";
    NOT_A_TERMINAL = "link/not-a-terminal",
        "the link would not be printed on a terminal",
        "A portal link is a credential: whoever has it can set up the customer's single sign-on. Standard output is not a terminal, or CI is set, so the link could end in a log or a file. No request was made, so no link exists.",
        "Open it in the browser with --open, or, where nothing keeps what is printed, pass --allow-non-tty.";
    NO_BROWSER = "link/no-browser",
        "no browser can be opened",
        "--open hands the link to the browser of this machine, and there is none: BROWSER is not set, and there is no display (as over ssh, in a container, or in WSL without interoperability). The link is not shown instead.",
        "Set BROWSER to the command that opens a URL, or run portalctl where a browser is; without --open the link is printed on a terminal.";
    URL_REFUSED = "link/url-refused",
        "WorkOS does not accept a URL of the link, or knows none",
        "The portal sends the browser to a return URL afterwards. WorkOS refused the one that the manifest gives, or the manifest gives none and the dashboard has no default.",
        "Allow the URL in the WorkOS dashboard (Admin Portal), or correct return_urls in the manifest; where neither gives one, set return_urls.default.";
    NOT_ENTITLED = "link/not-entitled",
        "WorkOS does not allow a link for this feature",
        "WorkOS answered 403: the account's plan does not include the feature, or the key may not make links.",
        "Ask WorkOS which plan includes the feature, and check the key's permissions in the dashboard.";
    NO_CONTACTS = "link/no-contacts",
        "the entry declares no IT contact",
        "--grant-contacts sends the entry's IT contacts with the link, and the entry names none. No request was made.",
        "Write the customer's IT administrators under the entry's `it_contacts`, or leave out --grant-contacts.";
    CANNOT_REVOKE = "link/cannot-revoke",
        "this endpoint cannot end links",
        "WorkOS answered 404 to `POST /portal/revoke_link` although the organization was there a moment ago: the endpoint does not have this route. The official emulator does not; WorkOS itself and `portalctl sandbox` do. Nothing was ended.",
        "Against the emulator nothing can be done: a link dies after five minutes. Elsewhere check --api-url and any proxy in between.";
    WENT_WRONG = "link/went-wrong",
        "the set-up failed",
        "While it was waited for, the customer's set-up came into a state that needs attention: a connection was switched off, credentials were refused, or a domain could not be verified.",
        "Do what the next step says, then make a new link or wait again.";
    TIMED_OUT = "link/timed-out",
        "the customer did not finish in time",
        "The time of --timeout is over, and the intent is not configured yet. Nothing is lost: what the customer has begun stays.",
        "Run `portalctl wait` again, or look at it later with `portalctl status`.";
}
