//! Codes of `portalctl diff`: dangers in a change of a manifest.

codes! {
    DESTINATION = "diff/destination",
        "people are sent to another address",
        "A return or success URL changed, or return URLs may name other hosts than before. Whoever leaves the Admin Portal trusts the page they land on.",
        "Check that every host is yours; list your hosts in `return_urls.allowed_hosts`.";
    DOMAIN = "diff/domain",
        "a domain decides how people sign in",
        "An organization gets or loses a domain, a domain is declared as verified without proof, or people from outside its domains may sign in.",
        "Check that the domain belongs to this customer.";
    PROTECTION = "diff/protection",
        "an organization is no longer protected",
        "`protect: true` keeps an organization from being deleted, whatever the flags. It is not declared any more.",
        "Keep `protect: true` unless the organization is about to be deleted.";
    LIMIT = "diff/limit",
        "one run may do more than before",
        "A limit on creations, updates or deletions was raised or taken away.",
        "Raise a limit for one run with --allow-bulk instead.";
    POWER = "diff/power",
        "the manifest gives a permission",
        "An entry or an environment allows what needs a flag otherwise, a rule is lifted, or differences in a field are no longer looked at.",
        "Remove the permission once it is used up.";
    OWNER = "diff/owner",
        "other organizations are meant, or get another owner",
        "An id, an external id, the manifest's name, the environment or the holder of an organization changed; or a new entry looks like one that was removed, and would become a second organization.",
        "Check the id in the WorkOS dashboard; for a renamed key, write `previous_keys`.";
    DELETION = "diff/deletion",
        "an organization is deleted, or may be",
        "An entry has `state: absent`, or is not declared any more, so that --prune deletes the organization if this manifest created it, with its connections, directories and members.",
        "Check with the customer before you merge.";
    INTENT = "diff/intent",
        "a feature is no longer declared",
        "The connection, directory or stream at WorkOS stays as it is and may be in use, and nobody is told any more when it fails.",
        "Keep the intent declared as long as the customer uses the feature.";
    DATA_LOSS = "diff/data-loss",
        "data is kept for a shorter time",
        "`audit_logs.retention_days` was lowered: WorkOS deletes older events for good.",
        "Export the events first.";
    CONTACT = "diff/contact",
        "somebody gets access or an e-mail",
        "An IT contact was added, or WorkOS is to write to the contacts of an organization.",
        "Check that the address is one of the customer's IT admins.";
}
