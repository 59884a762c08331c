//! Codes of errors that only a browser shows: in the Admin Portal, or at a sign-in.
//!
//! portalctl never meets these errors itself; people look them up with `portalctl explain`.

codes! {
    LINK_EXPIRED = "portal/link-expired",
        "the portal link is expired or was used",
        "A portal link works for five minutes and once. It was opened too late, opened a second time (a mail scanner or a chat's preview opens links too), or revoked. WorkOS does not say whether a newer link ends an older one. A link made in the WorkOS dashboard lasts for days, and ends when it is revoked.",
        "Make a new link at the moment it is needed, with `portalctl link KEY INTENT` or by a button in your app, and have it opened at once. Do not send links by e-mail or chat: let WorkOS e-mail the invitation, or make the dashboard's setup link.";
    INVALID_REDIRECT_URI = "portal/invalid-redirect-uri",
        "the redirect URI is not a valid one",
        "WorkOS sends browsers only to addresses that the environment's dashboard lists. The address is not listed there, differs in a slash, a port or its scheme, is not HTTPS, or is listed in another environment (staging, production).",
        "Add exactly this address in the WorkOS dashboard under Admin Portal, of the environment that the API key belongs to. The manifest's `return_urls` have to be HTTPS and on an allowed host.";
    ORGANIZATION_NOT_FOUND = "portal/organization-not-found",
        "the portal does not find the organization",
        "The organization behind the link was deleted after the link was made, or your app asked for a link with an organization id of another environment.",
        "Compare the id that your app holds with `portalctl ids`, and the environment of its API key with the manifest's; then make a new link.";
    SETUP_LINK_ACTIVE = "portal/setup-link-active",
        "the organization has an active setup link or invitation",
        "WorkOS keeps one active setup link or invitation for an organization. The dashboard offers no second one, and another invitation is refused, until the first one ends or is revoked.",
        "Revoke the active one first, with `portalctl invite KEY --revoke` or in the WorkOS dashboard on the organization's page, then make or send the new one. Links of the API (`portalctl link`) are not affected.";
    CONNECTION_EXISTS = "portal/connection-exists",
        "the organization already has a connection",
        "The Admin Portal sets up one single sign-on connection for an organization. Behind a link for `sso` the customer then sees the existing connection instead of the set-up, also when it was made by hand or is not active.",
        "See what is there with `portalctl status --only KEY`. To begin again, delete the connection in the WorkOS dashboard (its people cannot sign in meanwhile), then make a new link.";
    RETURN_URL = "portal/return-url",
        "the portal cannot lead back to the return URL",
        "After leaving the portal the browser lands on an error, on the wrong page, or stays where it is: the return URL is mistyped, needs a sign-in that lost its way, cannot be reached from the customer's network, or was left to the dashboard's default.",
        "Open the URL of `return_urls` (or of the dashboard's Admin Portal page) in a private window: it has to lead to a page of your app. Correct it, and make a new link: a link keeps the URL it was made with.";
    NOT_ENTITLED = "portal/not-entitled",
        "the portal does not offer the feature",
        "The feature is not enabled for the WorkOS account, environment or organization (it is not entitled to it), so the portal shows nothing to set up, or refuses the link.",
        "Ask WorkOS which plan includes the feature and have it enabled; until then leave the intent out of the manifest.";
    PROFILE_OUTSIDE = "portal/profile-outside-organization",
        "a person cannot sign in: their e-mail domain is not the organization's",
        "WorkOS returned profile_not_allowed_outside_organization: single sign-on works, and the address of the person is not of a verified domain of the organization. Usual for customers with several domains, and for guests.",
        "Declare every domain that the customer's people use, and have each verified (`portalctl status --intent domain_verification`). For guests, `allow_profiles_outside_organization: true` lets people of any domain sign in.";
    NO_CONNECTION = "portal/no-connection",
        "a person cannot sign in: there is no active connection",
        "WorkOS returned organization_invalid or connection_invalid: the organization has no connection that can be used, because the customer has not finished the set-up, or your app asks with an id of another environment.",
        "See how far the customer is with `portalctl status --only KEY`, and compare your app's id with `portalctl ids`.";
}
