//! Codes of the command line: usage, credentials, consent, files.

codes! {
    USAGE = "cli/usage",
        "the command line is not understood",
        "An option, argument or value is unknown, missing or does not go with another one.",
        "See `portalctl --help`, or `portalctl COMMAND --help` for one command.";
    NOTHING_SELECTED = "cli/nothing-selected",
        "a pattern selects nothing",
        "A pattern of --only matches no key of the manifest, one of --intent no intent of the Admin Portal, or --match no organization at WorkOS. Nothing was changed.",
        "Correct the pattern; `portalctl ids` lists the keys.";
    AMBIGUOUS_ORGANIZATION = "cli/ambiguous-organization",
        "several organizations have this domain or name",
        "KEY may also be a domain or the name of a declared organization, and more than one has it. No request was made.",
        "Name one of the listed organizations by its key.";
    OTHER_ORGANIZATION = "cli/other-organization",
        "the organization is not one of the manifest",
        "KEY is an organization id (`org_…`) that no entry pins. WorkOS was asked for it, and either has no such organization, or has one whose external id is none of the manifest's.",
        "Check that the API key is of the environment you mean; write the organization's `id` on its entry, or add an entry with `portalctl import`.";
    NO_MANIFEST = "cli/no-manifest",
        "there is no manifest",
        "No -f was given, and the current folder has neither portal.yaml nor a folder portal.",
        "Name the manifest with -f FILE or -f DIR, or change to the folder that holds it.";
    UNKNOWN_BASE = "cli/unknown-base",
        "there is nothing to compare with",
        "--base names neither a file or folder nor a revision that git knows in this clone. A clone in CI often has the newest commit only.",
        "Check the spelling; fetch what is missing with `git fetch origin BRANCH`, and with actions/checkout set `fetch-depth: 0`.";
    GIT = "cli/git",
        "git cannot be asked",
        "--base names a revision, and git is not installed, finds no repository around the manifest, or does not trust it.",
        "Run the command inside a clone; where git does not trust its owner, run `git config --global --add safe.directory FOLDER`.";
    SNAPSHOT = "cli/snapshot",
        "the snapshot is not usable",
        "The file is none that `portalctl snapshot` wrote, another version of portalctl wrote it, or it is of another environment than the manifest is meant for. No request was made.",
        "Take a new one with `portalctl snapshot --out FILE`.";
    NO_API_KEY = "cli/no-api-key",
        "there is no API key",
        "WORKOS_API_KEY is not set, and no --api-key-file was given.",
        "Set WORKOS_API_KEY, or pass --api-key-file FILE (`-` reads standard input). Without an account, try --sandbox.";
    INVALID_API_KEY = "cli/invalid-api-key",
        "the API key is not usable",
        "The key is empty or holds characters that no key holds. It is not shown.",
        "Copy the key again from the WorkOS dashboard, as one line without quotes.";
    WRONG_KEY_KIND = "cli/wrong-key-kind",
        "the API key belongs to another environment than the manifest names",
        "`environment.api_key` says which kind of key the manifest takes (test or live), and the key at hand is of another kind. No request was made.",
        "Use the key of the right environment, or the manifest of this one.";
    CLIENT_ID_DIFFERS = "cli/client-id-differs",
        "WORKOS_CLIENT_ID is not the manifest's client id",
        "`environment.client_id` and WORKOS_CLIENT_ID name two environments. No request was made.",
        "Use the variables of the right environment, or the manifest of this one.";
    INVALID_ENDPOINT = "cli/invalid-endpoint",
        "the API address is not usable",
        "--api-url or WORKOS_API_URL must be an https address without user name, query or fragment; plain http is for loopback only, because the key would be readable on the way.",
        "Leave it out to use WorkOS itself, or correct the address. For a sandbox in compose or a CI service, pass --allow-plain-http or set PORTALCTL_ALLOW_PLAIN_HTTP=1.";
    KEY_IN_THE_CLEAR = "cli/key-in-the-clear",
        "the key would be readable on the way",
        "--allow-plain-http accepts an endpoint with plain http on another machine, which is meant for a sandbox: only test keys (`sk_test_…`) are sent there. No request was made.",
        "Use a test key, or an https address.";
    NO_CONSENT = "cli/no-consent",
        "the changes were not confirmed",
        "What changes something, or writes to a customer, asks first, and there is no terminal to ask at, or the answer was no.",
        "Look at what would be done (for apply, `portalctl plan`), then run the command with --yes.";
    FILE = "cli/file",
        "a file cannot be read or written",
        "The operating system refused access to a file that the command needs.",
        "Check the path and its permissions.";
    OUTPUT = "cli/output",
        "the result cannot be written",
        "The command did its work, and the disk is full or the output is closed in a way that is not a pipe's. A result that was meant for --output-file went to standard output instead; a file of --write is as it was before.",
        "Make room and run the command again: what was done already is not done twice.";
    SANDBOX_STATE = "cli/sandbox-state",
        "the sandbox's state cannot be used",
        "The state file is damaged, too new, in use by another process, or the scenario is not known.",
        "Name another file, end the other process, or remove the file to begin with an empty sandbox.";
    ADDRESS = "cli/address",
        "the address cannot be listened on",
        "Another process listens there already, or the address is not of this machine.",
        "Choose another address with --listen; port 0 takes any free one.";
    NO_CLUSTER = "cli/no-cluster",
        "there is no access to a Kubernetes cluster",
        "The operator found neither a KUBECONFIG nor the service account of a pod, or cannot read it.",
        "Run it in a pod with a service account, or set KUBECONFIG.";
    NO_CLUSTER_ID = "cli/no-cluster-id",
        "the operator does not know the id of its cluster",
        "Every organization that the operator keeps carries the mark `portalctl_holder`: cluster id, namespace and name of its PortalOrganization. The cluster id is the one that is set, else the UID of the namespace kube-system, where the operator may read it.",
        "Set `clusterId` in the values of the chart, `--cluster-id` or PORTALCTL_CLUSTER_ID: an id that no other cluster has, and that stays.";
    AMBIGUOUS_NAME = "cli/ambiguous-name",
        "two keys give the same variable name",
        "In environment variables `-` and `.` become `_`, so two keys of the manifest cannot be told apart.",
        "Use -o json or -o csv, or narrow the output with --only.";
    UNKNOWN_CODE = "cli/unknown-code",
        "there is no such code",
        "The text is not one of the codes that portalctl's errors carry.",
        "Run `portalctl explain` for the list.";
    EARLIER_REPORT = "cli/earlier-report",
        "the report to compare with cannot be used",
        "The file that --compare names is not what `status -o json` writes, is of a format that this version does not read, is of a run that failed, is of another environment, or is larger than any report. No request was made.",
        "Write it anew with `portalctl status -o json --output-file FILE`, and compare with it from then on.";
    ON_CHANGE = "cli/on-change",
        "the command of --on-change failed",
        "The command that is told of changes could not be started, ended with another exit code than 0, or did not end in the time of --on-change-timeout and was ended with everything it had started. What changed may not have got to where it was meant to go.",
        "See what the command wrote, and correct it. A watch gives it the same changes again after the next round; without --watch, keep the earlier report and run again.";
    POSITION = "cli/position",
        "the position file cannot be used",
        "The file that --position names is not a position file, is of a format that this version does not read, is of another environment or manifest, is larger than any position, is in use by another process, or cannot be read or written.",
        "Name the file of this environment and manifest, or end the other process. To begin anew, remove the file: the first report then has all states.";
    WEBHOOK_URL = "cli/webhook-url",
        "the address of the webhook cannot be used",
        "The address of --webhook is not an absolute URL, does not use https (plain http is for this machine only), or holds a user name, a password, a query or a fragment. No request was made.",
        "Give the address of your app's endpoint, such as https://app.example.com/hooks/portalctl.";
    WEBHOOK_SECRET = "cli/webhook-secret",
        "the secret of the webhook cannot be used",
        "The file of --webhook-secret-file cannot be read, or does not hold one or two secrets, one a line: `whsec_` and base64 of 24 to 64 bytes, or any other text of 32 bytes or more.",
        "Make one with `echo \"whsec_$(openssl rand -base64 32)\"`, and give the same secret to your app.";
    WEBHOOK_FAILED = "cli/webhook-failed",
        "the webhook did not accept a delivery",
        "The app could not be reached, did not answer in time, or answered with 408, 409, 425, 429 or 5xx. Later changes of the same organization wait for this delivery; other organizations do not.",
        "See why the app does not answer. The delivery is kept in the position file and is sent again by itself, after 1 second at first and after 10 minutes at most.";
    WEBHOOK_REFUSED = "cli/webhook-refused",
        "the webhook refused a delivery",
        "The app answered with a redirect, which is never followed, or with a status such as 401, 404 or 410, which a repeat seldom changes. Later changes of the same organization wait for this delivery.",
        "Correct the address of --webhook, or the app: with 401 or 403, compare its secret with the first line of --webhook-secret-file. The delivery is kept in the position file and is sent again every 10 minutes, and at once when the watch is started again.";
    INTERRUPTED = "cli/interrupted",
        "the run was interrupted",
        "A signal (Ctrl-C or SIGTERM) stopped the run. What was in flight was finished first.",
        "Run the command again: it goes on where it stopped.";
    INTERNAL = "cli/internal",
        "portalctl has an internal error",
        "Something that cannot happen happened.",
        "Please report it, with the command and the message.";
}
