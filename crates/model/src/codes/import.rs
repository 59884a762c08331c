//! Codes of imports: live organizations and fields that are left out of the files.

codes! {
    MAYBE_DECLARED = "import/maybe-declared",
        "an entry of the manifest may be this organization",
        "An entry without a clear match could be this organization: it holds one of the entry's domains, has its name, or is one of several that answer to it. A second entry for it would be in the way of the first.",
        "Run `portalctl plan` with the manifest and write what its conflict says, or let the entry adopt the organization with --adopt; then import again.";
    DOMAIN_DECLARED = "import/domain-declared",
        "another entry declares the domain",
        "The organization holds a domain that an entry of the manifest declares for another one, without allow_shared_domain. A domain is declared once unless both entries share it, so it was left out of the new file.",
        "Decide whose domain it is. If both customers share it, set allow_shared_domain: true on both entries and add the domain.";
    SHARED_EXTERNAL_ID = "import/shared-external-id",
        "several organizations have the same external id",
        "External ids are unique within an environment, and yet the list had this one more than once. It was left out of the new files, which pin their organizations by id.",
        "Look at the organizations in the WorkOS dashboard, and give each an external id of its own.";
}
