//! What happens in a search: who writes, how many loads there are, and what goes wrong.

use super::state::{Budget, NODES, What};

#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    /// Changes of the source, in their order, each by a node and followed by an invalidation.
    pub(crate) writes: &'static [(usize, What)],
    pub(crate) budget: Budget,
    /// The entry's tag is named by the loader, not by the caller.
    pub(crate) late_tag: bool,
    /// Node 0 has just started; else all is warm.
    pub(crate) starts: bool,
    /// The store has no entry for the key.
    pub(crate) is_empty: bool,
    /// A store that restarts empty begins with a higher number than it had, not a lower one.
    pub(crate) restarts_higher: bool,
}

impl Scenario {
    /// With this many loads on each node, and nothing going wrong.
    pub(crate) const fn new(writes: &'static [(usize, What)], loads: [u8; NODES]) -> Self {
        Self {
            writes,
            budget: Budget {
                loads,
                cuts: 0,
                lost_notices: 0,
                lost_tags: 0,
                empty_restarts: 0,
                old_restarts: 0,
                crashes: 0,
                late_calls: 0,
            },
            late_tag: false,
            starts: false,
            is_empty: false,
            restarts_higher: false,
        }
    }

    pub(crate) const fn late_tag(mut self) -> Self {
        self.late_tag = true;
        self
    }

    pub(crate) const fn starts(mut self) -> Self {
        self.starts = true;
        self
    }

    pub(crate) const fn empty(mut self) -> Self {
        self.is_empty = true;
        self
    }

    pub(crate) const fn restarts_higher(mut self) -> Self {
        self.restarts_higher = true;
        self
    }
}

macro_rules! budgets {
    ($($name:ident)*) => {
        impl Scenario {
            $(
                pub(crate) const fn $name(mut self, times: u8) -> Self {
                    self.budget.$name = times;
                    self
                }
            )*
        }
    };
}

budgets! { cuts lost_notices lost_tags empty_restarts old_restarts crashes late_calls }
