//! Commands about one organization: finds the entry that the KEY argument names.
//!
//! Takes an [`EntryRequest`]. Returns the entry's key and the manifest, narrowed to it. WorkOS is asked
//! only for an organization id that no entry pins; nothing is changed.

use super::args::selection;
use super::connect::{self, Connection};
use super::error::CliError;
use super::exit::Exit;
use super::manifest::{Manifest, Sound, inputs, read};
use super::named::{self, Found};
use super::request::{ConnectionRequest, EntryRequest};
use super::session::block_on;
use super::ui::Ui;
use portalctl_model::codes::cli as codes;
use portalctl_model::desired::Desired;
use portalctl_model::text::escape;
use portalctl_model::{Intent, OrgKey, OrganizationId};
use portalctl_workos::ReadPortal;
use portalctl_workos::observe::Extent;

/// Confirmation that a command asks for when its organization is named by a domain or a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirm {
    /// None: the command only reads.
    Nothing,
    /// The command sends or makes something.
    NameOrDomain,
}

/// The entry that a command is about.
pub(super) struct Entry {
    pub(super) key: OrgKey,
    pub(super) manifest: Manifest,
    connection: ConnectionRequest,
    /// Opened already, where WorkOS had to be asked which entry is meant.
    opened: Option<Connection>,
}

impl Entry {
    /// Reads the manifest and finds the entry of a request, for some of its intents or all of them.
    pub(super) fn load(
        request: EntryRequest,
        intents: &[Intent],
        confirm: Confirm,
        ui: &Ui,
    ) -> Result<Self, CliError> {
        let EntryRequest {
            name,
            files,
            connection,
        } = request;
        let Sound { desired, warnings } = read(&inputs(&files)?, ui)?;
        let (key, opened) = match named::find(&desired, "KEY", &name)? {
            Found::Entry(named) => {
                if confirm == Confirm::NameOrDomain {
                    named::confirm(&desired, &named, &name, ui)?;
                }
                (named.key, None)
            }
            Found::Live(id) => {
                let opened = connect::open(&connection, &desired)?;
                let key = key_of_live(&desired, &id, &opened)?;
                (key, Some(opened))
            }
        };
        let intents: Vec<String> = intents.iter().map(ToString::to_string).collect();
        let selection = selection(&[key.to_string()], &intents)?;
        Ok(Self {
            key,
            manifest: Manifest {
                selection,
                extent: Extent::Named,
                warnings,
                ..Manifest::of(desired)
            },
            connection,
            opened,
        })
    }

    /// Opens the connection; sends nothing.
    pub(super) fn connect(&mut self) -> Result<Connection, CliError> {
        match self.opened.take() {
            Some(connection) => Ok(connection),
            None => connect::open(&self.connection, &self.manifest.desired),
        }
    }
}

/// Asks WorkOS for an organization, and finds the entry that has its external id.
fn key_of_live(
    desired: &Desired,
    id: &OrganizationId,
    connection: &Connection,
) -> Result<OrgKey, CliError> {
    let live = block_on(async |interrupted| {
        tokio::select! {
            live = connection.client.organization(id) => {
                live.map_err(|error| CliError::reading(error, &connection.target.endpoint))
            }
            () = interrupted.cancelled() => Err(CliError::interrupted()),
        }
    })?;
    let other = |message: String| CliError::new(Exit::Stopped, codes::OTHER_ORGANIZATION, message);
    let Some(live) = live else {
        return Err(other(format!("{id}: WorkOS has no such organization")));
    };
    let name = escape(&live.name);
    let Some(external_id) = live.external_id.as_deref() else {
        return Err(other(format!(
            "{id} ({name}) has no external id, and no entry pins it"
        )));
    };
    let mut entries = desired.organizations.iter();
    let found = entries.find(|(_, entry)| {
        entry
            .external_ids()
            .any(|declared| declared.as_str() == external_id)
    });
    found.map(|(key, _)| key.clone()).ok_or_else(|| {
        let external_id = escape(external_id);
        other(format!(
            "{id} ({name}) has the external id `{external_id}`, which no entry declares"
        ))
    })
}

/// Finds the key of an entry that an option names, without asking WorkOS or anybody: a key, an
/// external id or a pinned id.
pub(super) fn declared(desired: &Desired, argument: &str, text: &str) -> Result<OrgKey, CliError> {
    match named::find(desired, argument, text)? {
        Found::Entry(named) if !named.by.is_inexact() => Ok(named.key),
        Found::Entry(named) => {
            let message = format!("{argument} takes a key, an external id or a pinned id");
            let error = CliError::new(Exit::Usage, codes::USAGE, message);
            Err(error.help(format!("did you mean `{}`?", named.key)))
        }
        Found::Live(id) => {
            let message = format!("{argument} {id}: no entry pins it");
            Err(CliError::new(Exit::Usage, codes::NOTHING_SELECTED, message))
        }
    }
}
