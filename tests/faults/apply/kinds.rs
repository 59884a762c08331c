//! Kinds of trouble that a schedule has beside ordinary network faults.

use super::call::Call;
use super::random::Random;

/// The kinds of trouble of one schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds {
    /// Reads all evidence before planning, not only the evidence that a decision needs.
    pub(crate) reads_evidence: bool,
    /// Reads that fail whenever they are made.
    pub(crate) broken: Option<Broken>,
    /// The way in which WorkOS normalizes the values that it was sent.
    pub(crate) spelling: Spelling,
    /// Percentage of organizations that another manifest or an operator takes over, right before
    /// they are read for a write.
    pub(crate) takes: usize,
    /// People link directories, add members and set up logs, and objects are in states that this
    /// version does not know.
    pub(crate) is_used: bool,
    /// Percentage of customers whose domain another organization has verified, or waits to verify.
    pub(crate) contested: usize,
}

/// Reads that fail whenever they are made, also in calm weather.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) which: Which,
    pub(crate) how: How,
    /// Percentage of objects for which they fail.
    pub(crate) share: usize,
}

/// A kind of read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Organization,
    Contacts,
    AuditLogs,
    ConnectionsOf,
    DirectoriesOf,
    Members,
    /// The organizations that have a domain.
    Holders,
    /// The whole list.
    Connections,
    /// The whole list.
    Directories,
    Certificates,
    Events,
}

/// The answer of a read that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Status(u16),
    /// 200 with a document of another shape.
    Undecodable,
    /// 200 with what is no document.
    NotJson,
}

/// The way in which WorkOS stores and returns values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As they were sent.
    Exact,
    /// Domains in capitals.
    Capitals,
    /// Domains with a final dot.
    FinalDot,
    /// Domains in Unicode.
    Unicode,
    /// Names decomposed (NFD), with white space around them.
    Decomposed,
    /// Names with a capital, which is kept.
    KeepsNames,
    /// Values of metadata in capitals, which is kept.
    KeepsValues,
}

const WHICH: [Which; 11] = [
    Which::Organization,
    Which::Contacts,
    Which::AuditLogs,
    Which::ConnectionsOf,
    Which::DirectoriesOf,
    Which::Members,
    Which::Holders,
    Which::Connections,
    Which::Directories,
    Which::Certificates,
    Which::Events,
];

const HOW: [How; 7] = [
    How::Status(403),
    How::Status(404),
    How::Status(422),
    How::Status(500),
    How::Status(503),
    How::Undecodable,
    How::NotJson,
];

/// Every spelling but the exact one.
pub(crate) const SPELLINGS: [Spelling; 6] = [
    Spelling::Capitals,
    Spelling::FinalDot,
    Spelling::Unicode,
    Spelling::Decomposed,
    Spelling::KeepsNames,
    Spelling::KeepsValues,
];

impl Kinds {
    /// No trouble beside the faults of the network.
    pub(crate) const NONE: Self = Self {
        reads_evidence: true,
        broken: None,
        spelling: Spelling::Exact,
        takes: 0,
        is_used: false,
        contested: 0,
    };

    /// Draws the kinds of trouble of a seed, independently of everything else: with
    /// [`NONE`](Self::NONE) the rest of its schedule is the same.
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = Random::of(seed, "kinds");
        let reads_evidence = random.percent(30);
        let broken = random.percent(40).then(|| Broken::draw(&mut random));
        let spelling = if random.percent(40) {
            *random.pick(&SPELLINGS)
        } else {
            Spelling::Exact
        };
        Self {
            reads_evidence,
            broken,
            spelling,
            takes: *random.pick(&[0, 0, 20]),
            is_used: random.percent(50),
            contested: *random.pick(&[0, 0, 0, 30]),
        }
    }
}

impl Broken {
    fn draw(random: &mut Random) -> Self {
        let which = *random.pick(&WHICH);
        let how = *random.pick(&HOW);
        // A missing organization, or one without audit logs, is an answer.
        let how = match (which, how) {
            (Which::Organization | Which::AuditLogs, How::Status(404)) => How::Status(403),
            _ => how,
        };
        let share = match which {
            Which::Organization | Which::Holders => 30,
            Which::Connections | Which::Directories | Which::Events => 100,
            _ => *random.pick(&[30, 30, 100]),
        };
        Self { which, how, share }
    }
}

impl Broken {
    /// The answer to a read that always fails; none for every other request.
    pub(crate) fn answer(self, seed: u64, call: &Call) -> Option<How> {
        let (which, object) = subject(call)?;
        (which == self.which && self.is_chosen(seed, object)).then_some(self.how)
    }

    /// Returns whether a read about an organization always fails, and for that one alone.
    pub(crate) fn is_about(self, seed: u64, organization: &str) -> bool {
        self.is_of_organizations() && self.is_chosen(seed, organization)
    }

    /// Returns whether what fails is read for one organization at a time.
    pub(crate) const fn is_of_organizations(self) -> bool {
        matches!(
            self.which,
            Which::Organization
                | Which::Contacts
                | Which::AuditLogs
                | Which::ConnectionsOf
                | Which::DirectoriesOf
                | Which::Members
        )
    }

    /// Returns whether it cannot be read that an organization is in use.
    pub(crate) fn hides_usage(self, seed: u64, organization: &str) -> bool {
        let is_of_use = matches!(
            self.which,
            Which::AuditLogs | Which::ConnectionsOf | Which::DirectoriesOf | Which::Members
        );
        is_of_use && self.is_chosen(seed, organization)
    }

    fn is_chosen(self, seed: u64, object: &str) -> bool {
        Random::of(seed, object).percent(self.share)
    }
}

/// The kind of a read, and the object that it is about.
fn subject(call: &Call) -> Option<(Which, &str)> {
    if !call.is_read() {
        return None;
    }
    let of = |name: &str| {
        let mut pairs = call
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs.find_map(|(key, value)| (key == name).then_some(value))
    };
    let owner = of("organization_id");
    let segments: Vec<&str> = call.path.split('/').skip(1).collect();
    Some(match (segments.as_slice(), owner) {
        (["organizations"], _) => (Which::Holders, of("domains")?),
        (["organizations", id], _) => (Which::Organization, id),
        (["organizations", id, "it_contacts"], _) => (Which::Contacts, id),
        (["organizations", id, "audit_log_configuration"], _) => (Which::AuditLogs, id),
        (["connections"], Some(owner)) => (Which::ConnectionsOf, owner),
        (["connections"], None) => (Which::Connections, ""),
        (["connections", id, "saml_idp_signing_certs"], _) => (Which::Certificates, id),
        (["directories"], Some(owner)) => (Which::DirectoriesOf, owner),
        (["directories"], None) => (Which::Directories, ""),
        (["user_management", "organization_memberships"], Some(owner)) => (Which::Members, owner),
        (["events"], _) => (Which::Events, ""),
        _ => return None,
    })
}
