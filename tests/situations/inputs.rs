//! Manifests that say something nobody means: placeholders, impossible hosts, doubled names.
