//! Exit codes: an interface that scripts rely on, in one table.

use std::process::ExitCode;

/// Exit code of a run. See `docs/reference/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// An internal error.
    Internal,
    /// Only when asked for: changes are pending, or a state that `--fail-on` names.
    Asked,
    /// The usage or the manifest is invalid, or there is no consent. No request was made.
    Usage,
    /// Credentials are missing, refused, or of the wrong environment.
    Credentials,
    /// WorkOS was unreachable, failing or limiting before anything was done.
    Unreachable,
    /// Apply did not do every allowed change, a command of `--on-change` failed, or a webhook did not
    /// accept everything.
    Incomplete,
    /// A guard stopped it: a conflict, a limit, a plan that no longer holds.
    Stopped,
    /// Interrupted, after the report.
    Interrupted,
}

impl Exit {
    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Internal => 1,
            Self::Asked => 2,
            Self::Usage => 3,
            Self::Credentials => 4,
            Self::Unreachable => 5,
            Self::Incomplete => 6,
            Self::Stopped => 7,
            Self::Interrupted => 130,
        }
    }

    /// Returns the more severe of two codes: 1 > 130 > 6 > 7 > 4 > 5 > 3 > 2 > 0.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Internal => 8,
            Self::Interrupted => 7,
            Self::Incomplete => 6,
            Self::Stopped => 5,
            Self::Credentials => 4,
            Self::Unreachable => 3,
            Self::Usage => 2,
            Self::Asked => 1,
            Self::Done => 0,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_the_most_severe_wins() {
        let order = [1, 130, 6, 7, 4, 5, 3, 2, 0];
        let all = [
            Exit::Internal,
            Exit::Interrupted,
            Exit::Incomplete,
            Exit::Stopped,
            Exit::Credentials,
            Exit::Unreachable,
            Exit::Usage,
            Exit::Asked,
            Exit::Done,
        ];
        assert_eq!(all.map(Exit::code), order);
        for (index, worse) in all.iter().enumerate() {
            for better in &all[index..] {
                assert_eq!(worse.or_worse(*better), *worse);
                assert_eq!(better.or_worse(*worse), *worse);
            }
        }
    }
}
