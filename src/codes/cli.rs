//! Codes of the command line: usage, credentials, consent, files.

codes! {
    USAGE = "cli/usage",
        "the command line is not understood",
        "An option, argument or value is unknown, missing or does not go with another one.",
        "See `portalctl --help`, or `portalctl COMMAND --help` for one command.";
}
