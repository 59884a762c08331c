//! Codes of plans: conflicts that a person must decide, what is held, and warnings.

codes! {
    PINNED_MISSING = "plan/pinned-missing",
        "a pinned organization does not exist",
        "The entry pins an organization by `id`, and this environment has none with that id. The key may belong to another environment, or the organization was deleted. portalctl never creates an organization for a pinned entry.",
        "Check the API key's environment; if the organization is gone for good, remove `id` so that a new one is created.";
    ID_AND_EXTERNAL_ID_DISAGREE = "plan/id-and-external-id-disagree",
        "id and external_id name two organizations",
        "The entry's `id` names one live organization and its `external_id` belongs to another one.",
        "Correct one of the two so that both name the same organization.";
    EXTERNAL_ID_DIFFERS = "plan/external-id-differs",
        "a pinned organization has another external id",
        "The entry pins an organization by `id` and declares an `external_id`, but the live organization has a different one, which other systems may rely on.",
        "Write the live external id into the manifest, or run with --allow-rekey to replace it.";
    MANY_MATCHES = "plan/many-matches",
        "several organizations match one entry",
        "Several live organizations have the entry's external id or one of its previous keys, so it cannot be told which one is meant.",
        "Pin the right one with `id`, and merge or delete the others in the WorkOS dashboard.";
    WITHOUT_ID = "plan/organization-without-id",
        "WorkOS lists an organization without an id that may be an entry's",
        "An organization of the list has no id, and the entry's external id, one of its domains or its name. Creating the entry's organization could make a second one, so nothing is done for it.",
        "Run the command again; if it stays, ask WorkOS's support about the organization.";
    CLAIMED_TWICE = "plan/claimed-twice",
        "two entries claim one organization",
        "Two entries of the manifest match, or could adopt, the same live organization.",
        "Keep one of the entries, or give each entry its own `id`.";
    DOMAIN_VERIFIED_ELSEWHERE = "plan/domain-verified-elsewhere",
        "a declared domain is verified for another organization",
        "WorkOS lets one organization verify a domain, and another one has. An entry whose organization is known keeps it: only the domain is not written (scope `domain`). An entry that has no organization yet gets none (scope `entry`): it may be the customer that has verified the domain, declared twice.",
        "Remove the domain from one of the two; if both customers really share it, set allow_shared_domain: true on the entry.";
    DOMAIN_HELD = "plan/domain-held",
        "an unclaimed organization has one of the entry's domains",
        "No live organization matches the entry, but one that no entry claims holds one of its domains. It is probably the same customer: the key was renamed, or the organization was made by hand. Creating would make a second customer.",
        "If it is this customer, write `id` (or the former key under previous_keys); if it is another one, set allow_shared_domain: true.";
    DUPLICATE_NAME = "plan/duplicate-name",
        "two entries have the same name, and one of them is new",
        "Each entry is an organization of its own at WorkOS. Two of one name (case, white space and the form of composed characters do not count) are often one customer that was declared twice.",
        "Remove one of the two, or give them names that tell them apart. If they are two customers, set allow_same_name: true on the new one.";
    SAME_NAME = "plan/same-name",
        "an unclaimed organization has the same name",
        "No live organization matches the entry, but one without external_id that no entry claims has the same name. It is probably the same customer.",
        "If it is this customer, write its `id`; if it is another one, set allow_same_name: true.";
    RENAMED_KEY = "plan/renamed-key",
        "an organization of a former key has the same name",
        "No live organization matches the entry, but one that this manifest created under another key, which no entry declares any more, has the same name. The key was probably renamed. Creating would make a second customer, and pruning would delete the first.",
        "If the key was renamed, write the former one under previous_keys; if it is another customer, set allow_same_name: true.";
    STRIPE_CUSTOMER_HELD = "plan/stripe-customer-held",
        "another organization has the entry's Stripe customer id",
        "No live organization matches the entry, but one has its Stripe customer id, which WorkOS gives to one organization only. It is probably the same customer, whose external id was changed; a new organization would be left without the Stripe customer id.",
        "If it is this customer, write its `id`; if it is another one, correct stripe_customer_id on one of the two.";
    DOMAIN_PENDING_ELSEWHERE = "plan/domain-pending-elsewhere",
        "a declared domain is waiting for verification elsewhere too",
        "Another organization holds the same domain, not verified. Whichever proves it first keeps the other from verifying it.",
        "Nothing has to be done now; find out which of the two the domain belongs to.";
    METADATA_FULL = "plan/metadata-full",
        "the organization would hold more metadata than WorkOS allows",
        "WorkOS allows 50 metadata keys on an organization. The live keys and the declared ones together are more. The declared keys that are new are not set (scope `metadata`); values of keys that are there, removals and everything else of the organization are written. Only where the mark of who holds the organization does not fit, nothing is done for the entry (scope `entry`).",
        "Remove live keys that nothing uses (declare them as null), or declare fewer.";
    LIMIT_EXCEEDED = "plan/limit-exceeded",
        "the plan holds more changes than one run may make",
        "`limits` bounds how much one run may change, so that a wrong key or a broken generator does not touch every customer; and without being told to, a run sends 10 invitations at most. All changes of the exceeded kind are held, and invitations that wait for one of them.",
        "Check the plan; if it is right, run once with --allow-bulk, or raise the limit.";
    NEEDS_FLAG = "plan/needs-flag",
        "a change is held because the run lacks its flag",
        "What could do harm when it is not meant is done only by a run that is told to: taking over an organization, replacing an external id, asserting a domain without proof, removing a verified domain, deleting what is in use.",
        "Check the change; if it is right, run with the flag that is named.";
    HELD_BY_ANOTHER = "plan/held-by-another",
        "another manifest or an operator holds the organization",
        "The organization carries the owner mark of another manifest (metadata `portalctl_owner`), or the mark of a Kubernetes resource whose operator keeps it (`portalctl_holder`). Two that change one organization would undo each other's work, so every change of it is held.",
        "Remove the entry here, or the one that holds it there. To take the organization over, run with --adopt-owned or write `allow: [other_owner]` on the entry: its marks are replaced.";
    HELD_BY_OPERATOR = "plan/held-by-operator",
        "an operator holds the organization for this very resource",
        "The files are in the Kubernetes form, and an operator keeps the organization as the resource in its cluster says. What the command line changes, the operator may change back.",
        "Apply the resource with kubectl instead, and let the operator make the change.";
    ALLOW_UNUSED = "plan/allow-unused",
        "a permission of an entry allows nothing any more",
        "The entry's `allow` list names a permission that this plan does not need: what it was for has been done, or never came about. It would allow the same again some day, when nobody looks.",
        "Remove it from the list.";
    RETENTION_NOT_READ = "plan/retention-not-read",
        "the retention of audit logs could not be read",
        "The entry declares `audit_logs.retention_days`, and WorkOS did not tell what is set. Setting it unseen could delete events for good, so nothing is changed about it in this run.",
        "Run the command again; if it stays, check whether the account has audit logs.";
    METADATA_OVER_GUIDE = "plan/metadata-over-guide",
        "an organization gets more metadata keys than WorkOS's guide allows",
        "WorkOS's guide to metadata allows 10 keys for an organization, its API description 50. The keys are sent; an account that keeps to the guide refuses them (`api/invalid-metadata`).",
        "Nothing has to be done while WorkOS takes them. To be sure, declare 10 keys at most, portalctl's own marks included.";
    EXTERNAL_ID_OVER_GUIDE = "plan/external-id-over-guide",
        "an external id is longer than WorkOS's guide allows",
        "WorkOS's guide to metadata allows 64 characters for an external id, its API description 128. The id is sent; an account that keeps to the guide refuses it.",
        "Nothing has to be done while WorkOS takes it. To be sure, declare an external id of 64 characters at most.";
    ABSENT_GONE = "plan/absent-gone",
        "an organization that is declared absent is gone",
        "The entry declares `state: absent` for an organization that does not exist any more: it has done what it was for. It would delete nothing else, whatever gets its name or its external id.",
        "Remove the entry.";
    ABSENT_PROTECTED = "plan/absent-protected",
        "an organization that is declared absent is protected",
        "The entry declares `state: absent`, and the organization carries the mark `portalctl_protect`, which keeps it from being deleted whatever the flags.",
        "Write `protect: false` beside `state: absent` if it is to be deleted: the mark is removed first, and both are planned.";
    MOSTLY_UNDECLARED = "plan/mostly-undeclared",
        "most of what this manifest created is no longer declared",
        "Fewer than half of the organizations with this manifest's owner mark are declared. That is what pruning with a part of the manifest, or with a wrong folder, looks like. All of its deletions are held.",
        "Check that the manifest is the whole one; if it is, run once with --allow-bulk.";
    POSSIBLE_RENAME = "plan/possible-rename",
        "a deletion may be half of a renamed customer",
        "The plan also creates organizations. A key and a name that were changed together look like one new customer and one that is gone, so no organization is deleted by a run that creates one.",
        "If it is the same customer, write the former key under previous_keys of the new entry. If it is not, create first and prune with the next run, or run once with --allow-bulk.";
    FILES_SKIPPED = "plan/files-skipped",
        "a deletion is held because files of the manifest were not read",
        "Something in the manifest's folder was skipped: a link that leads out of it, a file that could not be read, or a name that nearly ends like a manifest's. What it declares looks as if it were not declared any more, so nothing is deleted.",
        "Make the named files readable, rename them, or move them out of the folder; if they declare nothing, run once with --allow-bulk.";
    CONTACTS_UNAVAILABLE = "plan/contacts-unavailable",
        "IT contacts cannot be managed here",
        "WorkOS does not show the organization's IT contacts, or takes none: this endpoint has no such list (404), or the key or the account's plan does not include it (403). Nothing is planned for them, and a create or update that meets it is done without them; everything else goes on.",
        "Check the key's permissions and the account's plan, or remove `it_contacts` from the entry.";
    DOMAIN_MOVES = "plan/domain-moves",
        "a verified domain moves to another organization",
        "One entry gives a domain up and another one declares it. It is removed first and then added, as pending: users of the domain cannot sign in by it until the new organization has verified it. Where the removal is held, so is the addition.",
        "Agree on the time with the customer, and have the DNS record of the new organization ready.";
    KEPT_DIFFERENTLY = "plan/kept-differently",
        "WorkOS keeps another value than was sent",
        "WorkOS answered a write with another value than the one that was sent. The organization is marked with a hash of both (`portalctl_kept`), so that the same value is not sent again at every run. As soon as the manifest or WorkOS says something else, the field is compared as ever.",
        "Declare the value as WorkOS keeps it.";
    CONTACT_MISSING = "plan/contact-missing",
        "the organization does not have the contact to invite",
        "Right before the invitation the organization's IT contacts were read, and the one that the plan names was not among them: somebody removed it, or it could not be added.",
        "Run plan again: it shows the contact as one to add.";
    WAITS = "plan/waits",
        "another change of the organization has to come first",
        "Nobody is invited to an organization that could not be created or changed as planned.",
        "See what became of the organization's other change, and what that one needs.";
    STALE = "plan/stale",
        "a field changed since the plan was made",
        "Right before writing, the field was found in a state that is neither the plan's before nor its after: somebody else changed it meanwhile.",
        "Run plan again and look at what it says now.";
    GONE = "plan/gone",
        "the organization is gone",
        "The organization was there when the plan was made and is not any more.",
        "Run plan again.";
    EXISTS_DIFFERENTLY = "plan/exists-differently",
        "an organization with this external id appeared meanwhile",
        "While the organization was being created, one with the same external id and other values turned up, made by somebody else. It was not written over.",
        "Run plan again: it shows what differs.";
    DELETION_UNDER_WAY = "plan/deletion-under-way",
        "WorkOS still holds the external id of an organization that it does not show",
        "WorkOS answered external_id_already_used, and no organization of this environment has the external id: most likely an organization with it was deleted a moment ago, and the deletion is still under way.",
        "Run `portalctl apply` again in a few minutes. If it stays so, declare another `external_id`, or ask WorkOS about the old one.";
    GUARD = "plan/guard",
        "a guard no longer holds",
        "Right before the deletion the organization was read again, and something that must hold did not: the owner mark, no protection, no use of the organization that the plan did not show (a connection or directory, a verified domain, audit logs, a log stream, members, or something that could not be read).",
        "Run plan again and look at what it says now.";
    USAGE_NOT_READ = "plan/usage-not-read",
        "part of what depends on an organization cannot be read",
        "Before an organization is deleted, its connections, directories, audit logs and members are read. What cannot be read counts as in use, so the deletion is held for --prune-active.",
        "Give the key the permission to read it, look in the WorkOS dashboard, or, if nobody needs the organization any more, run with --prune-active.";
    STILL_THERE = "plan/still-there",
        "an accepted deletion has not been carried out yet",
        "WorkOS accepted the deletion and carries it out later; it was waited for, and the organization was still there.",
        "Run plan again in a few minutes; if it is still there, ask WorkOS.";
    ONLY_OBSERVED = "plan/only-observed",
        "an organization that is only observed differs",
        "A PortalOrganization with `managementPolicy: Observe` is read and reported, and nothing is written for it. What is live is not what it declares.",
        "Correct what it declares, or set `managementPolicy: Manage` to have it kept as declared.";
    DIGEST_DIFFERS = "plan/digest-differs",
        "the plan is not the one that was reviewed",
        "`--expect-digest` names the plan that somebody reviewed, and what would be done now is something else: the manifest, the live account, the flags or the environment changed since. A digest alone cannot tell which changes were reviewed. Nothing was done.",
        "Look at the new plan; if it is right, have its digest reviewed. To go on after an interruption, give the plan's JSON or its comment instead of the digest.";
    NOT_REVIEWED = "plan/not-reviewed",
        "an entry has a change that nobody reviewed",
        "The run is held to a review, and the plan of now has a change of this entry that the review does not have: the manifest or the live organization changed since, or the file of the review was changed. Nothing is done for the entry, nor for one that exchanges a domain with it; what was reviewed of the others is done.",
        "Look at the plan of now with `portalctl plan`; if it is right, apply with its digest.";
    REVIEWED_HELD = "plan/reviewed-held",
        "a reviewed change lacks its flag in this run",
        "The change was reviewed as one to make, and this run holds it: a review gives no power, so the run needs the flags of the plan.",
        "Run the command again with the flag that is named, or write the entry's `allow` list.";
    DESTINATIONS_DIFFER = "plan/destinations-differ",
        "people would be sent elsewhere than was reviewed",
        "The return URLs, success URLs or allowed hosts of the manifest are not those of the review. Who can change them can send a customer's IT admin to a page of his own. Nothing was done.",
        "Look at where people are sent with `portalctl plan`; if it is right, apply with its digest.";
    REVIEW_UNSIGNED = "plan/review-unsigned",
        "a review is not signed",
        "PORTALCTL_REVIEW_KEY is set, so a review counts only with a signature made with that key, about one of the subjects that PORTALCTL_REVIEW_SUBJECT names. No review that was given has one. Nothing was done.",
        "Make the plan again with PORTALCTL_REVIEW_KEY and PORTALCTL_REVIEW_SUBJECT set, or apply with a digest that a person approved.";
    NO_ALLOWED_HOSTS = "plan/no-allowed-hosts",
        "people may be sent to any host",
        "The manifest names return or success URLs and no `return_urls.allowed_hosts`. A customer's IT admin trusts the page that the portal leads to, so a changed URL is a way to steal a sign-in: with the list, a URL on another host is an error.",
        "Write the hosts of your app under `return_urls.allowed_hosts`.";
    SAVED_PLAN = "plan/saved-plan",
        "the saved plan cannot be used",
        "The file is not a plan that `plan --out` wrote, and no comment that `plan -o markdown` wrote; or it was changed after it was written, or was written by another version.",
        "Make the plan again with `portalctl plan --out FILE`.";
    OTHER_TARGET = "plan/other-target",
        "the review is of another environment",
        "The plan was made against another endpoint, with another kind of key, or for another environment or manifest. Nothing was done.",
        "Use the manifest, the key and the endpoint that the plan was made with, or make the plan again.";
    INTERRUPTED = "plan/interrupted",
        "the run was stopped before this change",
        "The run was interrupted, or a failure that would meet every other change too made it stop.",
        "Run apply again: it continues where it stopped.";
}
