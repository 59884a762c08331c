//! Codes of manifests: found before any request is made.

codes! {
    ABSENT_AND_PROTECTED = "manifest/absent-and-protected",
        "an organization is to be deleted and is protected",
        "The entry declares `state: absent`, and `protect: true` holds for it, by itself or by `defaults`.",
        "Remove `state: absent`, or write `protect: false` on the entry: the mark is then removed before the organization is deleted.";
    NOT_FOUND = "manifest/not-found",
        "a file or folder does not exist",
        "A path given with -f names nothing.",
        "Check the path; it is relative to the folder the command runs in.";
    UNREADABLE = "manifest/unreadable",
        "a file or folder cannot be read",
        "The operating system refused to open or list it.",
        "Check the permissions of the file and of the folders above it.";
    NO_FILES = "manifest/no-files",
        "a folder holds no manifest file",
        "Folders are read recursively for files that end in .yaml, .yml or .json, in any case. Hidden files and folders are skipped.",
        "Name the right folder, or add a file to it.";
    LINK_SKIPPED = "manifest/link-skipped",
        "a link leads out of the folder",
        "Within a folder, symbolic links are followed only to what lies in the same folder, so that reading it never depends on files elsewhere. Deletions are held, because what lies behind the link looks as if it were not declared any more.",
        "Name the link's target with another -f if it belongs to the manifest.";
    FILE_SKIPPED = "manifest/file-skipped",
        "a file of the folder was not read",
        "A file or folder could not be read, or its name ends almost like .yaml, .yml or .json. The rest of the manifest is used; deletions are held, because what the file declares looks as if it were not declared any more.",
        "Make the file readable, correct its ending, or move it out of the folder.";
    TOO_LARGE = "manifest/too-large",
        "the manifest is too large",
        "A file may hold 32 MiB, a manifest 256 MiB and thirty million values, whatever the number of its files: room for a million organizations. Nothing of a larger one is read.",
        "Split the file, or split the manifest into parts that are planned by themselves.";
    TOO_COMPLEX = "manifest/too-complex",
        "the YAML is nested too deeply or expands to too much",
        "Nesting, documents, anchors and aliases are bounded, so that a small file cannot take all memory.",
        "Write the values out instead of using anchors, and check for an unclosed bracket.";
    TOO_MANY_FINDINGS = "manifest/too-many-findings",
        "more problems were found than are shown",
        "After ten thousand findings the others are only counted. They usually have one cause.",
        "Correct the ones that are shown, then run the command again.";
    WRONG_ENCODING = "manifest/wrong-encoding",
        "the file is not UTF-8",
        "Manifests are UTF-8 text. The file is in another encoding, or is no text at all.",
        "Save the file as UTF-8.";
    CONTROL_CHARACTER = "manifest/control-character",
        "the file holds a control character",
        "YAML is plain text: no control characters but tabs and line breaks, not even in comments.",
        "Remove the character. Joiners that a script needs and those within emoji are accepted in names.";
    SYNTAX = "manifest/syntax",
        "the file is not valid YAML",
        "The parser could not read the file from this place on, so nothing after it was checked.",
        "Correct the place that is shown. Indentation and missing quotes are the usual causes.";
    UNKNOWN_TAG = "manifest/unknown-tag",
        "an unknown YAML tag",
        "Tags (`!name`) ask the reader of a file to do something special. portalctl does nothing special, so it refuses tags it does not know instead of ignoring them.",
        "Remove the tag.";
    SECRET = "manifest/secret",
        "an API key stands in the manifest",
        "Manifests are committed and reviewed; an API key in one is a leaked key. Comments count, too.",
        "Remove the key, rotate it in the WorkOS dashboard if the file was ever committed or shared, and give it in WORKOS_API_KEY or with --api-key-file.";
    DUPLICATE_KEY = "manifest/duplicate-key",
        "a key is declared twice",
        "The same key stands twice in one mapping, or the same organization in two files of one manifest.",
        "Keep one of the two declarations; both places are shown.";
    DECLARED_TWICE = "manifest/declared-twice",
        "a setting is declared twice",
        "All files of a manifest make one. Everything but `organizations` may stand in one of them only, so that no order of files decides which one holds.",
        "Keep one of the two declarations; both places are shown.";
    UNKNOWN_FIELD = "manifest/unknown-field",
        "an unknown field",
        "The field is misspelt, stands at the wrong level, or belongs to another version. It is refused instead of ignored: a setting without effect is worse than an error.",
        "Correct the name; the nearest known one is suggested.";
    WRONG_TYPE = "manifest/wrong-type",
        "a value of the wrong type",
        "YAML reads 2024 and true without quotes as a number and a truth value, and a field without a value as null.",
        "Write what the message asks for; put numbers that are meant as text in quotes.";
    MISSING_FIELD = "manifest/missing-field",
        "a required field is missing",
        "A manifest needs `version` and `organizations`, and an organization needs `name` unless it has `id`. A Kubernetes resource needs `metadata.name` and `spec`, an environment `secretRef`, an organization `environmentRef`.",
        "Add the field.";
    EMPTY = "manifest/empty",
        "the manifest declares no organizations",
        "An empty manifest is more often an accident, such as a wrong folder or a template that rendered nothing, than a wish.",
        "Declare at least one organization.";
    UNSUPPORTED_KIND = "manifest/unsupported-kind",
        "a Kubernetes resource that this portalctl does not know",
        "The group or the kind of the resource is portalctl's, but not both, or its version is another one. It is refused instead of skipped: it was meant.",
        "Write `apiVersion: portalctl.dev/v1alpha1` and one of the kinds PortalEnvironment and PortalOrganization.";
    SKIPPED_DOCUMENT = "manifest/skipped-document",
        "documents of other kinds were skipped",
        "Kubernetes resources often stand beside others: config maps, Kustomize's own files, values of Helm charts. portalctl reads its own kinds only. API keys are errors in skipped documents, too.",
        "Nothing, if they are not portalctl's. To skip them without a note, name the files that hold portalctl's resources with -f.";
    MIXED_FORMS = "manifest/mixed-forms",
        "a manifest stands beside Kubernetes resources",
        "What is wanted is written in one form: as a manifest, or as Kubernetes resources. With both, nobody could say which of them holds.",
        "Keep one of the two. `portalctl convert` turns one form into the other.";
    MISSING_ENVIRONMENT = "manifest/missing-environment",
        "there is no PortalEnvironment",
        "A PortalOrganization belongs to a PortalEnvironment, which says which return URLs are allowed, who owns what is created, and how much may change. Without it no plan would be the operator's.",
        "Name the file that holds the PortalEnvironment with another -f.";
    SEVERAL_ENVIRONMENTS = "manifest/several-environments",
        "there are several PortalEnvironments",
        "A plan is made for one environment, with one API key.",
        "Name the files or the folder of one of them with -f.";
    UNKNOWN_ENVIRONMENT = "manifest/unknown-environment",
        "an organization of another environment",
        "`environmentRef` names a PortalEnvironment that is not among the files. Without `namespace` it is one in the organization's own namespace.",
        "Correct the reference, or name the files of one environment with -f.";
    CHOOSE_ENVIRONMENT = "manifest/choose-environment",
        "the manifest has several environments, and none was chosen",
        "The manifest has overlays, one for each WorkOS environment, and a command works on one of them. `portalctl validate` checks all of them at once.",
        "Choose one with --environment NAME, or with the variable PORTALCTL_ENVIRONMENT.";
    NO_SUCH_ENVIRONMENT = "manifest/no-such-environment",
        "the manifest has no environment of this name",
        "--environment or PORTALCTL_ENVIRONMENT names an environment that has no overlay. A manifest without overlays has the environment that `environment.name` names, and no other.",
        "Correct the name, or add an overlay: a file in `environments/` that begins with `overlay: NAME`.";
    NOT_AN_OVERLAY = "manifest/not-an-overlay",
        "a file in the folder of overlays is none",
        "The files of `environments/`, in the folder that -f names, are overlays: each is for one environment and begins with `overlay: NAME`. They stand directly in that folder. Without this rule, a file that is meant for one environment would hold for all of them.",
        "Add `overlay: NAME` at the top of the file, or move it out of `environments/`.";
    MISPLACED_OVERLAY = "manifest/misplaced-overlay",
        "an overlay stands outside of the folder of overlays",
        "Overlays are found in `environments/`, directly in the folder that -f names.",
        "Name the folder that holds `environments/` with -f, and choose the overlay with --environment.";
    NOT_IN_BASE = "manifest/not-in-base",
        "a value that belongs to one environment is declared for all of them",
        "Ids and Stripe customers differ between WorkOS environments, and so do the names of environments: in a manifest with several overlays, what is outside of them holds for every environment.",
        "Move the value to the overlays: the id of an organization is `organizations.KEY.id` there.";
    UNKNOWN_PROFILE = "manifest/unknown-profile",
        "an organization uses a profile that is not declared",
        "`use` lists names of `profiles`, each a set of fields that several organizations share.",
        "Correct the name, or declare the profile under `profiles`.";
    NAMESPACE_NOT_ALLOWED = "manifest/namespace-not-allowed",
        "an environment does not take organizations of this namespace",
        "An environment takes PortalOrganizations of its own namespace, and of those that `allowedNamespaces` lists.",
        "Add the namespace to `allowedNamespaces` of the PortalEnvironment, if that is meant.";
    EXTERNAL_ID_NOT_ALLOWED = "manifest/external-id-not-allowed",
        "an external id that organizations of this namespace may not have",
        "A PortalOrganization outside the namespace of its PortalEnvironment has the external id `NAMESPACE.KEY`. It may set another one only if it begins with `NAMESPACE.` or matches `externalIdPatterns` of the PortalEnvironment for that namespace.",
        "Remove `externalId`, or add a pattern for the namespace to `externalIdPatterns` of the PortalEnvironment, if that is meant.";
    INVALID_NAME = "manifest/invalid-name",
        "not the name of a Kubernetes object",
        "Names of objects and namespaces hold lower-case letters, digits, `-` and, but for namespaces, `.`; they start and end with a letter or digit.",
        "Correct the name.";
    INVALID_TIME = "manifest/invalid-time",
        "not a time span, or one that is too short or too long",
        "Intervals are written as in `90s`, `5m` or `1h30m`, each within bounds that spare WorkOS and keep the operator up to date.",
        "Write a time within the bounds that are shown.";
    UNKNOWN_VERSION = "manifest/unknown-version",
        "an unknown version of the manifest",
        "`version` is the version of the manifest's format, not of its content. This portalctl knows version 1.",
        "Write `version: 1`, or use a newer portalctl.";
    UNKNOWN_VALUE = "manifest/unknown-value",
        "a value that the field does not allow",
        "The field takes one of a few words.",
        "Use one of the words that are shown.";
    INVALID_NUMBER = "manifest/invalid-number",
        "a number out of range",
        "The number is negative, too large, or not a percentage from 1% to 100%.",
        "Write a number within the range that is shown.";
    PLACEHOLDER = "manifest/placeholder",
        "a value contains a placeholder that nobody replaced",
        "Text such as `${NAME}`, `{{ name }}`, `##NAME##`, `$(NAME)`, `%NAME%` or `<name>` looks like a template that was never rendered. portalctl replaces nothing in a manifest, so WorkOS and the customer would see it as it stands.",
        "Render the template before portalctl reads it, or write the value itself. If the text is meant, ignore the warning.";
    BLANK = "manifest/blank",
        "a text is blank",
        "The text is empty or holds nothing but spaces.",
        "Write it, or remove the field.";
    INVALID_TEXT = "manifest/invalid-text",
        "a text holds an invisible character",
        "Line breaks, control characters, characters without width and characters that turn the direction of writing can make text look like something else than it is, in a plan or in a dashboard.",
        "Remove the character.";
    DISPLAY_NAME = "manifest/display-name",
        "a name that WorkOS would not keep as it is",
        "The name of an organization has at most 512 characters and no white space at its ends, which WorkOS removes: every plan would want to put it back.",
        "Shorten the name, or remove the white space.";
    INVALID_KEY = "manifest/invalid-key",
        "not a valid key",
        "Keys and the manifest's own name hold lower-case letters, digits, `-` and `.`, start and end with a letter or digit, and have at most 63 characters, so that they can name Kubernetes objects.",
        "Write it in lower case with `-` between words. An organization that exists under another id keeps it as `external_id` beside the key.";
    INVALID_ID = "manifest/invalid-id",
        "not a WorkOS id of the expected kind",
        "Ids are made by WorkOS or Stripe and begin with their kind: `org_`, `client_`, `cus_`.",
        "Copy the id from where it was made. Your own ids belong into `external_id`.";
    INVALID_EXTERNAL_ID = "manifest/invalid-external-id",
        "not a valid external id",
        "External ids are 1 to 128 printable ASCII characters without a space at either end.",
        "Use the id that your application has for the customer.";
    DUPLICATE_ID = "manifest/duplicate-id",
        "two entries pin the same organization",
        "The same `id` stands in two entries, which would change one organization back and forth.",
        "Merge the two entries, or correct one of the ids.";
    DUPLICATE_EXTERNAL_ID = "manifest/duplicate-external-id",
        "an external id leads to two entries",
        "External ids are unique within an environment. An entry without `external_id` uses its key, and `previous_keys` count as well.",
        "Change or remove one of the two; both places are shown.";
    INVALID_URL = "manifest/invalid-url",
        "not a URL a browser may be sent to",
        "Return and success URLs are absolute, have a host without a wildcard, and carry no user name, no fragment, no spaces and none of `{`, `}`, `<` and `>`.",
        "Write the whole URL, as in https://app.example.com/settings.";
    URL_NOT_HTTPS = "manifest/url-not-https",
        "the URL is not HTTPS",
        "WorkOS sends the browsers of your customers' administrators there. Only http://localhost is accepted beside https, and only with `environment.api_key: test`.",
        "Use https.";
    HOST_NOT_ALLOWED = "manifest/host-not-allowed",
        "the URL names a host that is not allowed",
        "With `return_urls.allowed_hosts`, every return and success URL must be on one of these hosts: a changed return URL is a way to phish.",
        "Correct the URL, or add the host to the list, in a change that is reviewed as such.";
    INVALID_HOST = "manifest/invalid-host",
        "not a host name",
        "`allowed_hosts` lists bare host names: no scheme, port, path or wildcard.",
        "Write the host as it stands in the URL, as in app.example.com.";
    INVALID_DOMAIN = "manifest/invalid-domain",
        "not a domain of one customer",
        "Domains are host names with a dot: no URL, e-mail address, wildcard or IP address, no public suffix such as co.uk, and no domain of a public mail provider, which WorkOS refuses. Unicode and a final dot are accepted.",
        "Write a domain that the customer owns, as in acme.com.";
    PUBLIC_DOMAIN = "manifest/public-domain",
        "a domain that many may share",
        "A mail provider's domain, or a suffix below which customers of a company have names (github.io), rarely belongs to one customer: whoever has an address there could sign in to the organization.",
        "Write a domain that only this customer has; if it is meant, write `allow: [public_domain]` on the entry.";
    DUPLICATE_DOMAIN = "manifest/duplicate-domain",
        "a domain is declared twice",
        "A verified domain belongs to one organization. Two entries may declare it only when each sets `allow_shared_domain: true`.",
        "Remove it from one of the entries.";
    EMPTY_DOMAINS = "manifest/empty-domains",
        "an empty list of domains",
        "An absent list leaves the domains alone; an empty one could mean that or the removal of all. It is accepted only with `domains_policy: exact`, where it means removal.",
        "Remove the field, or set `domains_policy: exact`.";
    UNKNOWN_INTENT = "manifest/unknown-intent",
        "not an intent of the Admin Portal",
        "Intents have the names of the WorkOS API: sso, dsync, audit_logs, log_streams, domain_verification, certificate_renewal, bring_your_own_key.",
        "Use one of these names.";
    DUPLICATE_INTENT = "manifest/duplicate-intent",
        "an intent is declared twice",
        "An intent stands once in the list of an organization, with its options.",
        "Keep one of the two.";
    OPTION_NOT_ALLOWED = "manifest/option-not-allowed",
        "an option that this intent does not have",
        "`warn_days` belongs to certificate_renewal: from how many days before its end a certificate needs attention.",
        "Remove the option, or move it to the intent it belongs to.";
    INVALID_METADATA = "manifest/invalid-metadata",
        "metadata that WorkOS does not accept",
        "Metadata keys have at most 40 ASCII characters, values at most 600 characters.",
        "Shorten it, or keep it in your own database and refer to it.";
    METADATA_NOT_ASCII = "manifest/metadata-not-ascii",
        "metadata that WorkOS may not accept",
        "WorkOS documents metadata values as ASCII only.",
        "Write the value in ASCII, or try it and see.";
    RESERVED_METADATA = "manifest/reserved-metadata",
        "a metadata key that is portalctl's own",
        "Keys that begin with `portalctl_` mark what portalctl created, holds, protects, has invited and has seen. Writing them by hand would disarm those guards.",
        "Choose another key. To protect an organization, write `protect: true`.";
    TOO_MUCH_METADATA = "manifest/too-much-metadata",
        "too many metadata keys",
        "WorkOS allows 50 keys, six of which portalctl keeps for its marks; those of `defaults` count for every organization.",
        "Declare fewer keys.";
    INVALID_EMAIL = "manifest/invalid-email",
        "not an e-mail address",
        "IT contacts are bare addresses, without a name or brackets.",
        "Write the address only, as in ada@acme.com.";
    DUPLICATE_CONTACT = "manifest/duplicate-contact",
        "a contact is declared twice",
        "The same address stands twice in the list; case does not tell addresses apart.",
        "Keep one of the two.";
    TOO_MANY_CONTACTS = "manifest/too-many-contacts",
        "too many IT contacts",
        "WorkOS allows 20 IT contacts for an organization.",
        "Name the ones who set up the portal.";
    NOBODY_TO_INVITE = "manifest/nobody-to-invite",
        "an invitation without an IT contact",
        "`invite: once` lets WorkOS write to the IT contacts of the organization, and there are none.",
        "Add `it_contacts`, or remove `invite`.";
    UNKNOWN_PATH = "manifest/unknown-path",
        "not a field that can be ignored",
        "`ignore_fields` takes the paths that plans show: name, external_id, stripe_customer_id, domains, metadata, it_contacts, and one domain, key or address of the last three.",
        "Correct the path.";
}
