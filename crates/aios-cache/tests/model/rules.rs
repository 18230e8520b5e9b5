//! The protocol's rules, each of which can be switched off to show what it is for.

/// All of them hold, or all but one.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// A write without its lease writes nothing.
    pub(crate) write_needs_lease: bool,
    /// Invalidating a key deletes its lease.
    pub(crate) invalidation_ends_lease: bool,
    /// Versions are taken before the source is read.
    pub(crate) versions_before_load: bool,
    /// A node applies its invalidations again after the store has them.
    pub(crate) applies_after: bool,
    /// Nobody joins a load that began before an invalidation, and it stores nothing.
    pub(crate) invalidation_detaches_load: bool,
    /// While a node invalidates a tag it does not believe in any version of it.
    pub(crate) moving_tags_have_no_version: bool,
    /// An invalidation that fails closes the link at once.
    pub(crate) failed_invalidation_closes: bool,
    /// A gap between notices ends the session.
    pub(crate) gaps_are_noticed: bool,
    /// The heartbeat compares the store's number with the last notice.
    pub(crate) heartbeat_compares: bool,
    /// Also where it has gone back.
    pub(crate) number_going_back_is_noticed: bool,
    /// A store that was restarted is not used before a check, which makes everything stale.
    pub(crate) restart_is_noticed: bool,
    /// Each node's check tells whether the store was restarted since that node's last one.
    pub(crate) each_node_is_told_of_restart: bool,
    /// What is remembered is repeated before the link is opened.
    pub(crate) repeats_before_opening: bool,
    /// Opening the link makes all that is in memory stale.
    pub(crate) opening_distrusts_memory: bool,
    /// And forgets the versions that were known.
    pub(crate) opening_forgets_versions: bool,
    /// A tag that the loader names is checked against the start of the load.
    pub(crate) late_tags_are_checked: bool,
    /// Where that check fails, those who joined the load do not get its value.
    pub(crate) overtaken_late_tag_answers_nobody_new: bool,
    /// A load that began without the store is over after `isolated_ttl`.
    pub(crate) isolated_loads_end: bool,
}

impl Rules {
    pub(crate) const ALL: Self = Self {
        write_needs_lease: true,
        invalidation_ends_lease: true,
        versions_before_load: true,
        applies_after: true,
        invalidation_detaches_load: true,
        moving_tags_have_no_version: true,
        failed_invalidation_closes: true,
        gaps_are_noticed: true,
        heartbeat_compares: true,
        number_going_back_is_noticed: true,
        restart_is_noticed: true,
        each_node_is_told_of_restart: true,
        repeats_before_opening: true,
        opening_distrusts_memory: true,
        opening_forgets_versions: true,
        late_tags_are_checked: true,
        overtaken_late_tag_answers_nobody_new: true,
        isolated_loads_end: true,
    };
}
