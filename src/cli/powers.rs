//! Powers of `plan` and `apply`: flags that allow more than the harmless changes.
//!
//! Takes the flags and a request for a manifest. Returns the policy of the plan, and the manifest with
//! as much of WorkOS to be read as the powers need.

use clap::Args;

use super::error::CliError;
use super::exit::Exit;
use super::manifest::Manifest;
use super::request::ManifestRequest;
use super::ui::Ui;
use portalctl_core::plan::Policy;
use portalctl_model::codes::cli as codes;
use portalctl_workos::observe::{Contacts, Extent};

/// Flags that allow more than the harmless changes; a plan shows what each would change.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Powers")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one flag of the command line"
)]
pub(super) struct PowerArgs {
    /// Take over organizations that no entry claims and that have verified an entry's domain.
    #[arg(long)]
    adopt: bool,

    /// Change and take over organizations that another manifest or an operator holds.
    #[arg(long)]
    adopt_owned: bool,

    /// Write over a different external id (a renamed key).
    #[arg(long)]
    allow_rekey: bool,

    /// Create domains declared `state: verified` as verified, without proof.
    #[arg(long)]
    allow_trusted_domains: bool,

    /// Remove verified domains where `domains_policy` is exact.
    #[arg(long)]
    allow_domain_removal: bool,

    /// Keep audit-log events for a shorter time than now: older ones are deleted for good.
    #[arg(long)]
    allow_data_loss: bool,

    /// Delete organizations that this manifest created and declares no more.
    #[arg(long)]
    prune: bool,

    /// With --prune, and for entries with `state: absent`: also organizations in use: with a connection or directory in any state but
    /// draft, `requires_type` and deleting, a verified domain, active audit logs or log stream, a
    /// member, or what could not be read.
    #[arg(long)]
    prune_active: bool,

    /// Read the IT contacts also of organizations that are marked as having all that are declared.
    #[arg(long)]
    refresh_contacts: bool,

    /// Let this run exceed the manifest's limits, send more than 10 invitations, and with --prune
    /// delete although most is undeclared, a file was skipped or the plan also creates.
    #[arg(long)]
    allow_bulk: bool,
}

impl PowerArgs {
    /// Returns the policy of a plan under the flags.
    const fn policy(self) -> Policy {
        let Self {
            adopt,
            adopt_owned,
            allow_rekey,
            allow_trusted_domains,
            allow_domain_removal,
            allow_data_loss,
            prune,
            prune_active,
            refresh_contacts: _,
            allow_bulk,
        } = self;
        Policy {
            adopt,
            adopt_owned,
            allow_rekey,
            allow_trusted_domains,
            allow_domain_removal,
            allow_data_loss,
            prune,
            prune_active,
            allow_bulk,
        }
    }

    /// Returns the request.
    pub(super) const fn request(self) -> Powers {
        Powers {
            policy: self.policy(),
            refresh_contacts: self.refresh_contacts,
        }
    }
}

/// Powers of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Powers {
    pub(super) policy: Policy,
    /// True where the IT contacts of all organizations are read.
    refresh_contacts: bool,
}

impl Powers {
    /// Returns the flags that give these powers.
    pub(super) fn flags(self) -> impl Iterator<Item = &'static str> {
        let Policy {
            adopt,
            adopt_owned,
            allow_rekey,
            allow_trusted_domains,
            allow_domain_removal,
            allow_data_loss,
            prune,
            prune_active,
            allow_bulk,
        } = self.policy;
        let flags = [
            (adopt, "--adopt"),
            (adopt_owned, "--adopt-owned"),
            (allow_rekey, "--allow-rekey"),
            (allow_trusted_domains, "--allow-trusted-domains"),
            (allow_domain_removal, "--allow-domain-removal"),
            (allow_data_loss, "--allow-data-loss"),
            (prune, "--prune"),
            (prune_active, "--prune-active"),
            (self.refresh_contacts, "--refresh-contacts"),
            (allow_bulk, "--allow-bulk"),
        ];
        flags
            .into_iter()
            .filter_map(|(is_given, flag)| is_given.then_some(flag))
    }

    /// Reads the manifest; a run that prunes has to know that it is the whole one.
    pub(super) fn load(self, request: &ManifestRequest, ui: &Ui) -> Result<Manifest, CliError> {
        let Policy {
            prune,
            prune_active,
            ..
        } = self.policy;
        let mut manifest = Manifest::load(request, ui)?;
        if self.refresh_contacts {
            manifest.contacts = Contacts::All;
        }
        if prune_active && !prune && manifest.desired.absent.is_empty() {
            return Err(usage(
                "--prune-active needs --prune, or an entry with `state: absent`",
            ));
        }
        if prune {
            check_whole(request, &manifest)?;
            manifest.extent = Extent::Everything;
        }
        Ok(manifest)
    }
}

/// Refuses to prune by a part of a manifest, or by one without a name.
fn check_whole(request: &ManifestRequest, manifest: &Manifest) -> Result<(), CliError> {
    let ManifestRequest {
        files,
        only,
        except,
        intents,
        selection: _,
    } = request;
    if !only.is_empty() || !except.is_empty() || !intents.is_empty() || !files.are_whole() {
        return Err(usage(
            "--prune takes one whole manifest: one -f, and no --only, --except, --intent or standard \
             input",
        ));
    }
    if manifest.desired.manifest.is_none() {
        return Err(usage(
            "--prune needs `manifest:` in the manifest: the owner mark of what it created",
        ));
    }
    Ok(())
}

fn usage(message: &str) -> CliError {
    CliError::new(Exit::Usage, codes::USAGE, message)
}
