//! A load, from the store to the source and back.

use super::running::Running;
use super::state::{Asked, Entry, Load, Number, Step, Stored, Value, Versions};

impl Running<'_> {
    pub(crate) fn start(&mut self, number: usize, refresh: bool) {
        self.state.budget.loads[number] -= 1;
        let node = &mut self.state.nodes[number];
        if !refresh {
            node.memory = None;
        }
        let load = Load {
            step: Step::Ask { refresh },
            is_attached: true,
            is_generation: true,
            is_tag: true,
            is_epoch: true,
            is_asked_epoch: true,
            is_isolated: !node.is_up,
            number: if self.scenario.late_tag { node.number } else { 0 },
            lease: None,
            versions: None,
            value: 0,
            must: node.floor,
        };
        let slot = self.state.loads[number].iter_mut().find(|slot| slot.is_none()).unwrap();
        *slot = Some(load);
    }

    pub(crate) fn load(&mut self, number: usize, slot: usize, fails_quietly: bool) {
        let load = self.state.loads[number][slot].clone().unwrap();
        let is_up = self.state.nodes[number].is_up;
        let calls = load.calls() && is_up && self.needs_call(number, &load.step);
        if calls && !self.can_call(number) && !matches!(load.step, Step::Write(_)) {
            if !fails_quietly {
                self.close(number);
            }
            return self.without_answer(number, slot, &load.step);
        }
        match load.step {
            Step::Ask { refresh } if is_up => self.ask(number, slot, refresh),
            Step::Ask { .. } => self.go_on(number, slot, Step::Source),
            Step::Found(stored) if calls => {
                let versions = self.versions_for(number, slot, stored.versions);
                self.go_on(number, slot, Step::FoundVersions(stored, versions));
            }
            Step::Found(stored) => self.judge(number, slot, &stored),
            Step::FoundVersions(stored, versions) => {
                self.learn(number, slot, versions);
                self.judge(number, slot, &stored);
            }
            Step::Note if calls => {
                let versions = self.versions_for(number, slot, (0, 0));
                self.go_on(number, slot, Step::Noted(versions));
            }
            Step::Note => self.noted(number, slot),
            Step::Noted(versions) => {
                self.learn(number, slot, versions);
                self.noted(number, slot);
            }
            Step::Source => self.read_source(number, slot),
            Step::Late if calls => {
                self.loading(number, slot).is_asked_epoch = true;
                let asked = self.store_versions(true, false);
                self.go_on(number, slot, Step::LateVersion(asked));
            }
            Step::Late => self.go_on(number, slot, Step::Settle { was_linked: is_up }),
            Step::LateVersion(asked) => {
                self.learn(number, slot, asked);
                self.settle(number, slot, true);
            }
            Step::Settle { was_linked } => self.settle(number, slot, was_linked),
            Step::Write(versions) => self.write_entry(number, slot, versions, fails_quietly),
        }
    }

    pub(crate) fn loading(&mut self, number: usize, slot: usize) -> &mut Load {
        self.state.loads[number][slot].as_mut().unwrap()
    }

    pub(crate) fn go_on(&mut self, number: usize, slot: usize, step: Step) {
        self.loading(number, slot).step = step;
    }

    /// Whether this step, with the link in use, calls the store: versions that are known are not asked for.
    pub(crate) fn needs_call(&self, number: usize, step: &Step) -> bool {
        match step {
            Step::Found(stored) => self.unknown_beside(number, stored.versions) != (false, false),
            Step::Note => self.unknown_beside(number, (0, 0)) != (false, false),
            Step::Late => self.is_tag_behind(number, 0),
            _ => true,
        }
    }

    /// A call failed: as the load goes on without.
    pub(crate) fn without_answer(&mut self, number: usize, slot: usize, step: &Step) {
        match step {
            Step::Found(_) => self.go_on(number, slot, Step::Ask { refresh: true }),
            Step::Late => self.go_on(number, slot, Step::Settle { was_linked: true }),
            _ => self.go_on(
                number,
                slot,
                if self.rules.versions_before_load {
                    Step::Source
                } else {
                    Step::Settle { was_linked: true }
                },
            ),
        }
    }

    pub(crate) fn ask(&mut self, number: usize, slot: usize, refresh: bool) {
        if !refresh && let Some(found) = self.state.store.data.entry.clone() {
            return self.go_on(number, slot, Step::Found(found));
        }
        let token = self.state.store.data.lease.unwrap_or_else(|| self.new_token());
        self.state.store.data.lease = Some(token);
        self.loading(number, slot).lease = Some(token);
        let next = if self.rules.versions_before_load {
            Step::Note
        } else {
            Step::Source
        };
        self.go_on(number, slot, next);
    }

    /// Whether the version of the tag has to be asked for before an entry that bears this one can be judged.
    pub(crate) fn is_tag_behind(&self, number: usize, version: Number) -> bool {
        let node = &self.state.nodes[number];
        node.moving == 0 && node.tag.is_none_or(|known| known < version)
    }

    /// Which versions have to be asked for beside these.
    pub(crate) fn unknown_beside(&self, number: usize, (tag, everything): Versions) -> (bool, bool) {
        let known = self.state.nodes[number].everything;
        (
            self.is_tag_behind(number, tag),
            known.is_none_or(|known| known < everything),
        )
    }

    pub(crate) fn versions_for(&mut self, number: usize, slot: usize, beside: Versions) -> Asked {
        self.loading(number, slot).is_asked_epoch = true;
        let (tag, everything) = self.unknown_beside(number, beside);
        self.store_versions(tag, everything)
    }

    pub(crate) fn learn(&mut self, number: usize, slot: usize, (tag, everything): Asked) {
        if !self.loading(number, slot).is_asked_epoch {
            return;
        }
        let node = &mut self.state.nodes[number];
        node.everything = node.everything.max(everything);
        if tag.is_some() && node.tag.is_some() && node.tag < tag {
            self.bump_tag(number);
        }
        let node = &mut self.state.nodes[number];
        node.tag = node.tag.max(tag);
    }

    /// The versions as this node knows them, where nothing is under way.
    pub(crate) fn known(&self, number: usize) -> Option<Versions> {
        let node = &self.state.nodes[number];
        let tag = node
            .tag
            .filter(|_| node.moving == 0 || !self.rules.moving_tags_have_no_version)?;
        Some((tag, node.everything?))
    }

    /// What the store had, if its versions are those that are known.
    pub(crate) fn judge(&mut self, number: usize, slot: usize, stored: &Stored) {
        if self.known(number) != Some(stored.versions) {
            return self.go_on(number, slot, Step::Ask { refresh: true });
        }
        let value = stored.value;
        self.loading(number, slot).value = value;
        if self.is_good(number, slot) {
            self.put_in_memory(number, slot, value);
        }
        self.answers(number, slot);
        self.ends(number, slot);
    }

    pub(crate) fn noted(&mut self, number: usize, slot: usize) {
        let known = self.known(number);
        self.loading(number, slot).versions = known;
        let next = if self.rules.versions_before_load {
            Step::Source
        } else {
            Step::Settle { was_linked: true }
        };
        self.go_on(number, slot, next);
    }

    pub(crate) fn read_source(&mut self, number: usize, slot: usize) {
        let source = self.state.source;
        let is_late = self.scenario.late_tag;
        let versions_before_load = self.rules.versions_before_load;
        let load = self.loading(number, slot);
        load.value = source;
        load.step = match (is_late, load.lease) {
            (true, _) => Step::Late,
            (false, Some(_)) if !versions_before_load => Step::Note,
            (false, _) => Step::Settle { was_linked: true },
        };
    }

    pub(crate) fn is_good(&mut self, number: usize, slot: usize) -> bool {
        let knows_tag = !self.scenario.late_tag;
        let load = self.loading(number, slot);
        load.is_attached && load.is_generation && (load.is_tag || !knows_tag)
    }

    pub(crate) fn put_in_memory(&mut self, number: usize, slot: usize, value: Value) {
        let node = &mut self.state.nodes[number];
        node.memory = Some(Entry {
            value,
            is_in_grace: false,
            is_isolated: !node.is_up,
            of: Some(slot),
        });
    }

    /// Whether a tag that the loader named was certainly not invalidated since the load began.
    pub(crate) fn late_tag_is_good(&self, number: usize, slot: usize, was_linked: bool) -> bool {
        let (node, load) = (
            &self.state.nodes[number],
            self.state.loads[number][slot].as_ref().unwrap(),
        );
        let is_old = !was_linked || (node.moving == 0 && node.tag.is_some_and(|version| version <= load.number));
        !self.rules.late_tags_are_checked || (is_old && load.is_tag && load.is_epoch && node.moving == 0)
    }

    /// A value was loaded: into memory, to whoever waits, and on to the store.
    pub(crate) fn settle(&mut self, number: usize, slot: usize, was_linked: bool) {
        let stores = !self.scenario.late_tag || self.late_tag_is_good(number, slot, was_linked);
        let is_good = self.is_good(number, slot);
        let value = self.loading(number, slot).value;
        let tag = self.state.nodes[number].tag;
        if is_good && stores {
            self.put_in_memory(number, slot, value);
        }
        let is_overtaken = !stores && self.rules.overtaken_late_tag_answers_nobody_new;
        if !is_overtaken {
            self.answers(number, slot);
        }
        let is_late = self.scenario.late_tag;
        let load = self.loading(number, slot);
        load.is_attached = false;
        let versions = match load.versions {
            Some((_, everything)) if is_late => tag.map(|tag| (tag, everything)),
            versions => versions,
        };
        match versions {
            Some(versions) if is_good && stores && load.lease.is_some() && self.state.nodes[number].is_up => {
                self.go_on(number, slot, Step::Write(versions));
            }
            _ => self.ends(number, slot),
        }
    }

    /// It may be sent long after it was decided on.
    pub(crate) fn write_entry(&mut self, number: usize, slot: usize, versions: Versions, fails_quietly: bool) {
        let load = self.loading(number, slot);
        let (lease, value) = (load.lease, load.value);
        if !self.can_call(number) {
            if !fails_quietly {
                self.close(number);
            }
        } else if !self.rules.write_needs_lease || (lease.is_some() && lease == self.state.store.data.lease) {
            self.state.store.data.entry = Some(Stored { value, versions });
            self.state.store.data.lease = None;
        } else {
            let memory = &mut self.state.nodes[number].memory;
            if memory.is_some_and(|entry| entry.of == Some(slot)) {
                *memory = None;
            }
        }
        self.ends(number, slot);
    }

    /// Whoever waits gets the value.
    pub(crate) fn answers(&mut self, number: usize, slot: usize) {
        let load = self.loading(number, slot);
        let (value, must) = (load.value, load.must);
        if value < must {
            let broken = format!("node {number} answers with value {value}, where {must} is due");
            self.state.broken.get_or_insert(broken);
        }
    }

    pub(crate) fn ends(&mut self, number: usize, slot: usize) {
        self.state.loads[number][slot] = None;
        if let Some(entry) = &mut self.state.nodes[number].memory
            && entry.of == Some(slot)
        {
            entry.of = None;
        }
    }
}
