//! Codes of plans: conflicts that a person must decide, and warnings.

codes! {
    PINNED_MISSING = "plan/pinned-missing",
        "a pinned organization does not exist",
        "The entry pins an organization by `id`, and this environment has none with that id. The key may belong to another environment, or the organization was deleted. portalctl never creates an organization for a pinned entry.",
        "Check the API key's environment; if the organization is gone for good, remove `id` so that a new one is created.";
}
