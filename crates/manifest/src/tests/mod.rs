//! Whole manifests: what good ones mean, what is said of broken ones, and that hostile ones are
//! refused.

mod broken;
mod environments;
mod files;
mod good;
mod hostile;
mod resources;
mod schema;
