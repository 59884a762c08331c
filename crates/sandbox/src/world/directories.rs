//! Directories.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::state::DirectoryState;
use super::table::{Page, PageQuery, Record, record};
use super::{World, millis};
use crate::wire;

/// Directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// `directory_…`
    pub id: String,
    /// Organization that it belongs to.
    pub organization_id: String,
    /// `okta scim v2.0` and the like.
    pub directory_type: String,
    /// Name in the dashboard.
    pub name: String,
    /// State of the configuration.
    pub state: DirectoryState,
    /// WorkOS's key for the provider.
    pub external_key: String,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

record!(Directory, "Directory", organization_id);

/// Directory to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDirectory {
    /// Organization of the directory.
    pub organization_id: String,
    /// Name; the organization's by default.
    pub name: Option<String>,
    /// `okta scim v2.0` and the like.
    pub directory_type: String,
    /// State of the configuration.
    pub state: DirectoryState,
}

/// Filter of a list of directories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryFilter {
    /// Restricts the list to one organization.
    pub organization_id: Option<String>,
    /// Restricts the list to organizations with this domain.
    pub domain: Option<String>,
    /// Text that the name must contain, ignoring case.
    pub search: Option<String>,
}

impl World {
    /// Creates a directory, and emits its event when it is linked.
    pub fn create_directory(
        &mut self,
        now: Timestamp,
        new: NewDirectory,
    ) -> Result<&Directory, Refusal> {
        let now = millis(now);
        let NewDirectory {
            organization_id,
            name,
            directory_type,
            state,
        } = new;
        let organization = self.organizations.find(&organization_id)?;
        let name = name.unwrap_or_else(|| organization.name.clone());
        let directory = Directory {
            id: self.ids.id("directory", now),
            organization_id,
            directory_type,
            name,
            state,
            external_key: self.ids.token("directory_key", 16),
            created_at: now,
            updated_at: now,
        };
        let id = directory.id.clone();
        self.directories.insert(directory);
        self.tell_directory(now, &id)?;
        self.directories.find(&id)
    }

    /// Returns the directory with an id. Source: `GET /directories/{id}`.
    pub fn directory(&self, id: &str) -> Result<&Directory, Refusal> {
        self.directories.find(id)
    }

    /// Returns a page of directories. Source: `GET /directories`.
    pub fn list_directories(
        &self,
        query: &PageQuery,
        filter: &DirectoryFilter,
    ) -> Result<Page<&Directory>, Refusal> {
        let DirectoryFilter {
            organization_id,
            domain,
            search,
        } = filter;
        let search = search.as_deref().map(str::to_lowercase);
        let matches = |directory: &Directory| {
            domain
                .as_ref()
                .is_none_or(|domain| self.has_domain(&directory.organization_id, domain))
                && search
                    .as_ref()
                    .is_none_or(|text| directory.name.to_lowercase().contains(text))
        };
        match organization_id {
            Some(owner) => self.directories.page_owned_by(owner, query, matches),
            None => self.directories.page(query, matches),
        }
    }

    /// Returns an organization's directories, oldest first.
    pub fn directories_of(&self, organization_id: &str) -> impl Iterator<Item = &Directory> {
        self.directories.owned_by(organization_id)
    }

    /// Sets the state of a directory, and emits its event.
    pub fn set_directory_state(
        &mut self,
        now: Timestamp,
        id: &str,
        state: DirectoryState,
    ) -> Result<&Directory, Refusal> {
        let now = millis(now);
        let directory = self.directories.find_mut(id)?;
        if directory.state != state {
            directory.state = state;
            directory.updated_at = now;
            self.tell_directory(now, id)?;
        }
        self.directories.find(id)
    }

    /// Deletes a directory. Source: `DELETE /directories/{id}`.
    pub fn delete_directory(&mut self, now: Timestamp, id: &str) -> Result<(), Refusal> {
        let directory = self
            .directories
            .remove(id)
            .ok_or_else(|| Refusal::not_found(Directory::KIND, id))?;
        let (name, data) = ("dsync.deleted", wire::directory_event(&directory));
        self.emit(millis(now), name, &directory.organization_id, data);
        Ok(())
    }

    /// Emits the event of a directory that was linked; other states have none.
    fn tell_directory(&mut self, now: Timestamp, id: &str) -> Result<(), Refusal> {
        let directory = self.directories.find(id)?;
        if directory.state != DirectoryState::Linked {
            return Ok(());
        }
        let organization = self.organizations.find(&directory.organization_id)?;
        let data = wire::directory_activation(directory, organization);
        let owner = organization.id.clone();
        self.emit(now, "dsync.activated", &owner, data);
        Ok(())
    }
}
