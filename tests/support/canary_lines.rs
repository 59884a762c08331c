//! Command lines whose output is searched for secrets, with their expected exit codes. The flags
//! that print a secret on purpose have tests of their own.

/// A command line, and its exit code: when all goes well, when WorkOS refuses the key, and when it
/// refuses the request.
pub(crate) type Line = (&'static str, [i32; 3]);

/// Commands that need an answer from WorkOS.
const ASKS: [i32; 3] = [0, 4, 7];
/// Commands that need an answer from WorkOS, and that find nothing even when every request
/// succeeds.
const ASKS_IN_VAIN: [i32; 3] = [2, 4, 7];
/// Commands that send no request to WorkOS.
const ALONE: [i32; 3] = [0, 0, 0];
/// Commands that are refused before they send a request.
const REFUSED: [i32; 3] = [3, 3, 3];
/// Commands that report failures, and exit with a code of their own if there were any.
const DIAGNOSES: [i32; 3] = [0, 2, 2];

/// Command lines of every command, in the order of its help. `{url}` is the server, `{dns}` a
/// resolver that knows the record of acme.com, `{nobody}` one that does not exist.
pub(crate) const LINES: &[(&str, &[Line])] = &[
    (
        "plan",
        &[
            ("plan", ASKS),
            ("plan -o json", ASKS),
            ("plan -o markdown", ASKS),
            ("plan -o html", ASKS),
            ("plan -o sarif", ASKS),
            ("plan --write sarif=plan.sarif", ASKS),
            ("plan --out saved.json", ASKS),
            ("plan --prune", ASKS),
            ("plan --snapshot account.json", ALONE),
            ("plan --snapshot account.json -o json", ALONE),
        ],
    ),
    ("snapshot", &[("snapshot --out later.json", ASKS)]),
    (
        "diff",
        &[
            ("diff --base portal.yaml", ALONE),
            ("diff --base portal.yaml -f probed.yaml -o json", ALONE),
        ],
    ),
    (
        "apply",
        &[
            ("apply saved.json", ASKS),
            ("apply --expect-digest saved.json -o markdown", ASKS),
            ("apply --yes", ASKS),
            ("apply --yes -o json --output-file applied.json", ASKS),
            ("apply --yes -o markdown", ASKS),
        ],
    ),
    (
        "status",
        &[
            ("status --all", ASKS),
            (
                "status -o json --write html=status.html --write csv=status.csv",
                ASKS,
            ),
            ("status -o markdown", ASKS),
            ("status --compare earlier.json", ASKS),
            ("status --compare earlier.json -o markdown", ASKS),
            ("status --compare earlier.json -o json", ASKS),
        ],
    ),
    (
        "invite",
        &[
            ("invite acme --yes --intent sso", ASKS),
            // There is one already.
            ("invite acme --yes --intent sso -o json", [7, 4, 7]),
            ("invite acme --yes --intent sso --again", ASKS),
            ("invite acme --yes --intent sso --again -o json", ASKS),
            ("invite acme --yes --revoke", ASKS),
            ("invite acme --yes --revoke -o json", ASKS),
        ],
    ),
    (
        "verify-domain",
        &[
            (
                "verify-domain acme --dns-only --resolver {nobody}",
                ASKS_IN_VAIN,
            ),
            (
                "verify-domain acme --dns-only --resolver {dns}",
                ASKS_IN_VAIN,
            ),
            ("verify-domain acme -o json --resolver {dns}", ASKS_IN_VAIN),
            (
                "verify-domain acme --ask-anyway --resolver {dns}",
                ASKS_IN_VAIN,
            ),
        ],
    ),
    (
        "link",
        &[
            ("link acme sso --open", ASKS),
            ("link acme sso --open -o json", ASKS),
            // Standard output is no terminal.
            ("link acme sso", REFUSED),
        ],
    ),
    (
        "revoke-link",
        &[
            ("revoke-link acme user-1", ASKS),
            ("revoke-link acme user-1 -o json", ASKS),
            ("revoke-link acme.com user-1", REFUSED),
        ],
    ),
    (
        "wait",
        &[
            ("wait acme sso --timeout 1s", ASKS_IN_VAIN),
            ("wait acme sso --timeout 1s -o json", ASKS_IN_VAIN),
        ],
    ),
    (
        "validate",
        &[
            ("validate", ALONE),
            ("validate -o json", ALONE),
            ("validate -o sarif", ALONE),
        ],
    ),
    (
        "ids",
        &[("ids", ASKS), ("ids -o env", ASKS), ("ids -o csv", ASKS)],
    ),
    (
        "import",
        &[
            ("import --dir imported", ASKS),
            (
                "import --dir other --dry-run --with logs --with contacts -o json",
                ASKS,
            ),
        ],
    ),
    (
        "doctor",
        &[
            ("doctor --link-test acme", DIAGNOSES),
            ("doctor --link-test acme -o json", DIAGNOSES),
            ("doctor --probe -f probed.yaml", DIAGNOSES),
            ("doctor --probe -f probed.yaml -o json", DIAGNOSES),
        ],
    ),
    (
        "convert",
        &[
            ("convert --to kubernetes", ALONE),
            ("convert --to kubernetes --dir cluster", ALONE),
            ("convert --to manifest -f cluster", ALONE),
            ("convert --to manifest -f cluster --dir back", ALONE),
        ],
    ),
    ("explain", &[("explain api/unauthorized", ALONE)]),
    ("schema", &[("schema plan", ALONE)]),
    (
        "sandbox",
        // Commands that serve have a test of their own, in `canaries_services`.
        &[
            (
                "sandbox --listen 127.0.0.1:0 --key-file given/key --state /dev/null/x",
                REFUSED,
            ),
            (
                "sandbox --listen 127.0.0.1:0 --key-file given/key --load nowhere.yaml",
                REFUSED,
            ),
            (
                "sandbox --listen {taken} --key-file given/key --webhook-url {url} \
                 --webhook-secret-file given/webhook",
                REFUSED,
            ),
        ],
    ),
    ("completions", &[("completions bash", ALONE)]),
    ("man", &[("man pages", ALONE)]),
];

/// A command line, and its exit code: when WorkOS fails at everything, and when it fails at all that
/// changes something.
pub(crate) const FAILING: &[(&str, [i32; 2])] = &[
    ("plan -o json", [5, 0]),
    ("apply --yes -o json", [5, 6]),
    ("status --all", [5, 0]),
    ("invite acme --yes --intent sso", [5, 6]),
    ("verify-domain acme --ask-anyway --resolver {dns}", [5, 5]),
    ("link acme sso --open", [5, 5]),
    ("import --dir imported", [5, 0]),
    ("doctor --link-test acme", [2, 2]),
];
