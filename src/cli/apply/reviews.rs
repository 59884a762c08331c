//! Reviews that a run is held to: digests, plans that `plan --out` saved, and comments.
//!
//! Takes the values of `--expect-digest` and the argument PLAN. Returns what somebody approved, or why
//! that is not usable. A review gives no power and names no change: the run plans anew.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::review_key::ReviewKey;
use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::review::{Approved, NotApproved, Review, Reviews};
use portalctl_core::plan::saved::{self, InvalidPlan};
use portalctl_core::plan::{Plan, Target};
use portalctl_model::codes::{cli as codes, plan as plan_codes};
use portalctl_model::text::escape;
use portalctl_report::markdown::HiddenLines;

/// The largest saved plan: some hundred thousand changes.
const MAX_PLAN: u64 = 512 * 1024 * 1024;

/// Place of a review, as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The digest of a whole plan.
    Digest(Digest),
    /// A plan's JSON, or a comment.
    File(PathBuf),
}

impl Origin {
    /// Reads a value of `--expect-digest`.
    pub(super) fn of(text: &str) -> Self {
        Digest::parse(text).map_or_else(|| Self::File(text.into()), Self::Digest)
    }
}

/// One review as it was read.
struct Found {
    digest: Digest,
    review: Option<Review>,
    /// The environment of a saved plan, for messages.
    target: Option<Target>,
    /// True where the signature is good, or none is asked for.
    is_signed: bool,
}

/// Reviews that a run is held to, with the environments for messages.
pub(super) struct Expected {
    reviews: Reviews,
    targets: Vec<Target>,
}

impl Expected {
    /// Reads all reviews.
    pub(super) fn read(origins: &[Origin]) -> Result<Self, CliError> {
        let key = ReviewKey::from_env()?;
        let mut reviews = Reviews::default();
        let mut found = Vec::new();
        for origin in origins {
            match origin {
                Origin::Digest(digest) => {
                    reviews.digests.insert(digest.clone());
                }
                Origin::File(path) => found.extend(read(path, key.as_ref())?),
            }
        }
        // The JSON of a plan is not signed: it counts beside a comment that is, or a digest.
        let signed = found.iter().filter(|found| found.is_signed);
        reviews
            .digests
            .extend(signed.map(|found| found.digest.clone()));
        found.retain(|found| reviews.digests.contains(&found.digest));
        if reviews.digests.is_empty() {
            let message = "no review has a signature of PORTALCTL_REVIEW_KEY about this subject";
            return Err(CliError::new(
                Exit::Stopped,
                plan_codes::REVIEW_UNSIGNED,
                message,
            ));
        }
        let mut targets = Vec::new();
        for Found { review, target, .. } in found {
            reviews.reviews.extend(review);
            targets.extend(target);
        }
        Ok(Self { reviews, targets })
    }

    /// Refuses an environment other than that of every review, before anything is read.
    pub(super) fn check_target(&self, here: &Target) -> Result<(), CliError> {
        let Reviews { reviews, digests } = &self.reviews;
        let is_known = reviews.len() >= digests.len();
        if !is_known || reviews.iter().any(|review| review.is_of(here)) {
            return Ok(());
        }
        Err(self.other_target(here))
    }

    /// Returns what of a plan was approved.
    pub(super) fn approve(&self, plan: Plan) -> Result<Approved, CliError> {
        let digest = Digest::of(&plan);
        let target = plan.target.clone();
        self.reviews.approve(plan).map_err(|why| match why {
            NotApproved::OtherTarget => self.other_target(&target),
            NotApproved::OtherDestinations => CliError::new(
                Exit::Stopped,
                plan_codes::DESTINATIONS_DIFFER,
                "the URLs that people are sent to are not those of the review; nothing was done",
            ),
            NotApproved::OtherDigest => {
                let expected = self.reviews.digests.iter();
                let expected: Vec<String> = expected.map(Digest::to_string).collect();
                let message = format!(
                    "the plan's digest is {digest}, and {} was expected; nothing was done",
                    expected.join(" or ")
                );
                CliError::new(Exit::Stopped, plan_codes::DIGEST_DIFFERS, message)
            }
        })
    }

    fn other_target(&self, here: &Target) -> CliError {
        let message = match self.targets.first() {
            Some(planned) => format!(
                "the plan was made for {}, and this is {}",
                shown(planned),
                shown(here)
            ),
            None => format!(
                "the review is of another environment, and this is {}",
                shown(here)
            ),
        };
        CliError::new(Exit::Stopped, plan_codes::OTHER_TARGET, message)
    }
}

fn shown(target: &Target) -> String {
    let Target {
        environment,
        endpoint,
        key_kind,
        client_id: _,
        manifest,
    } = target;
    let mut shown = escape(endpoint).into_owned();
    if let Some(kind) = key_kind {
        shown.push_str(&format!(" with a {} key", escape(kind)));
    }
    if let Some(name) = environment {
        shown.push_str(&format!(", environment `{}`", escape(name)));
    }
    if let Some(name) = manifest {
        shown.push_str(&format!(", manifest `{}`", escape(name.as_str())));
    }
    shown
}

/// Refuses a folder and a file of a manifest: the argument of `apply` is a saved plan.
fn check_is_plan(path: &Path) -> Result<(), CliError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_yaml = extension.is_some_and(|it| ["yaml", "yml"].contains(&it.to_lowercase().as_str()));
    if !is_yaml && !path.is_dir() {
        return Ok(());
    }
    let path = escape(&path.to_string_lossy()).into_owned();
    let message = format!("{path} is a manifest, and `portalctl apply PLAN` takes a saved plan");
    let error = CliError::new(Exit::Usage, codes::USAGE, message);
    Err(error.help(format!(
        "run `portalctl apply -f {path}`: -f names the manifest"
    )))
}

/// Reads a review; nothing where a key is asked for and a comment cannot have its signature.
fn read(path: &Path, key: Option<&ReviewKey>) -> Result<Option<Found>, CliError> {
    check_is_plan(path)?;
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_PLAN).read_to_string(&mut text))
        .map_err(|error| unreadable(path, &error))?;
    if text.starts_with("<!--") {
        return comment(path, &text, key);
    }
    let plan = saved::parse(&text).map_err(|error| invalid(path, &error))?;
    Ok(Some(Found {
        digest: Digest::of(&plan),
        review: Some(Review::of(&plan)),
        target: Some(plan.target),
        is_signed: key.is_none(),
    }))
}

/// Reads the hidden lines of a comment that shows a plan.
fn comment(path: &Path, text: &str, key: Option<&ReviewKey>) -> Result<Option<Found>, CliError> {
    let lines = HiddenLines::of(text);
    let digest = lines.digest().filter(|_| lines.is_plan());
    let Some(digest) = digest else {
        // Who may write comments must not stop a run that has a genuine one.
        if key.is_some() {
            return Ok(None);
        }
        let message = "its hidden lines show no plan".to_owned();
        return Err(invalid(path, &InvalidPlan::Malformed(message)));
    };
    Ok(Some(Found {
        digest,
        review: lines.review(),
        target: None,
        is_signed: key.is_none_or(|key| key.accepts(&lines)),
    }))
}

fn unreadable(path: &Path, error: &std::io::Error) -> CliError {
    let text = path.to_string_lossy();
    if !text.starts_with("sha256:") {
        return CliError::file(codes::FILE, "read", path, error);
    }
    let message = format!("`{}` is not a digest", escape(&text));
    let error = CliError::new(Exit::Usage, codes::USAGE, message);
    error.help("a digest is `sha256:` and 64 hexadecimal digits, as `portalctl plan` shows it")
}

fn invalid(path: &Path, error: &InvalidPlan) -> CliError {
    let message = format!("{} {error}", escape(&path.to_string_lossy()));
    let exit = match error {
        InvalidPlan::Malformed(_) | InvalidPlan::Version(_) => Exit::Usage,
        InvalidPlan::Tampered | InvalidPlan::OfSnapshot => Exit::Stopped,
    };
    CliError::new(exit, plan_codes::SAVED_PLAN, message)
}
