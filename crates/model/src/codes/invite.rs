//! Codes of invitations that are sent by command.

codes! {
    NO_CONTACTS = "invite/no-contacts",
        "the entry declares no IT contact",
        "WorkOS e-mails invitations to IT contacts of the organization, and the entry names none. No request was made.",
        "Write the customer's IT administrators under the entry's `it_contacts`.";
    CONTACT_NOT_DECLARED = "invite/contact-not-declared",
        "the address is not one of the entry's IT contacts",
        "Only contacts that the manifest declares are invited, so that everybody can see who has access, and --contact names somebody else. No request was made.",
        "Correct the address, or add it to the entry's `it_contacts`.";
    INTENT_NOT_DECLARED = "invite/intent-not-declared",
        "the entry does not declare this intent",
        "A customer is invited to set up what the manifest declares, and --intent names something else. No request was made.",
        "Correct --intent, or add the intent to the entry's `intents`.";
    NOT_INVITABLE = "invite/not-invitable",
        "no intent is left to invite to",
        "WorkOS invites to sso, dsync, domain_verification, log_streams and bring_your_own_key. Audit logs are shown to the customer and not set up by them; certificate renewal has no invitation.",
        "Send the customer's IT admin a portal link for these intents instead.";
    NO_ORGANIZATION = "invite/no-organization",
        "the organization is not created yet",
        "The entry has no organization at WorkOS, or one that would be adopted first, so there is nobody to invite.",
        "Run `portalctl apply` (with --adopt where the plan says so), then invite.";
    ALREADY_INVITED = "invite/already-invited",
        "the organization was invited already",
        "The organization carries the mark `portalctl_invited`: an invitation was sent, by this command or by `invite: once`, or it was ended by command. Nothing was sent now.",
        "Ask the contact to look for the e-mail; with --again the active invitation is ended and a new one sent.";
    MAY_BE_SENT = "invite/may-be-sent",
        "an invitation may be on its way",
        "The organization was marked before its invitation was sent (`portalctl_invited` begins with `sending:`), and then the answer was lost, the run was cut off, or another run is sending right now. Inviting the same contact twice sends two e-mails, so nothing is sent again by itself.",
        "Ask the contact whether the e-mail came. `portalctl invite KEY --again` ends that invitation and sends a new one; `portalctl invite KEY --revoke` ends it and sends none.";
    CONFIGURED = "invite/configured",
        "everything is configured already",
        "None of the intents in question is left to set up, so there is nothing to invite to. Nothing was sent.",
        "Look at `portalctl status --all`; to change what is configured, the customer uses a portal link.";
}
