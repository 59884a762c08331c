//! Codes of domain verification.

codes! {
    NOT_DECLARED = "domain/not-declared",
        "the manifest does not declare this domain",
        "`portalctl verify-domain KEY DOMAIN` is about the domains that the entry declares, and this one is not among them. No request was made.",
        "Correct the domain, or declare it under the entry's `domains` and run `portalctl apply`.";
    NONE_DECLARED = "domain/none-declared",
        "the entry declares no domain",
        "There is nothing to verify: the entry has no `domains`. No request was made.",
        "Declare the customer's domains under `domains` and run `portalctl apply`.";
    NO_ORGANIZATION = "domain/no-organization",
        "the organization is not created yet",
        "The entry has no organization at WorkOS, or one that would be adopted first, so there is no domain to verify either.",
        "Run `portalctl apply` (with --adopt where the plan says so), then verify the domain.";
    NOT_ADDED = "domain/not-added",
        "the organization does not have the domain yet",
        "The manifest declares the domain, and the live organization does not have it.",
        "Run `portalctl apply`: it adds the domain, and WorkOS then gives it its TXT record.";
    VERIFIED_ELSEWHERE = "domain/verified-elsewhere",
        "another organization has verified the domain",
        "WorkOS ended the verification, or refused the domain, with domain_verified_by_other_organization: the domain belongs to whoever proves it first, and another organization did. Setting the TXT record again does not help.",
        "Find out whose domain it is (`portalctl plan` names the other organization when it is in the same environment), and remove it from the other one before it is verified here.";
    PERIOD_EXPIRED = "domain/period-expired",
        "the TXT record did not appear in time",
        "WorkOS looks for the TXT record for 30 days, and ended the verification with domain_verification_period_expired.",
        "Have the TXT record set, then run `portalctl verify-domain KEY`: it begins the verification again. With --ask-anyway it does so before the record is there.";
}
