//! The Kubernetes operator: the same core as the command line, driven by resources.

pub mod resource;
