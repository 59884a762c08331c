//! Codes of manifests: found before any request is made.

codes! {
    DUPLICATE_KEY = "manifest/duplicate-key",
        "a key is declared twice",
        "The same key stands twice in one mapping, or the same organization in two files of one manifest.",
        "Keep one of the two declarations; both places are shown.";
}
