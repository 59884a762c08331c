//! A link from the API is shown, opened or forwarded to only if it is one.
