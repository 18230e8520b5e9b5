//! What each operation says to Redis, and how its answers are read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use deadpool_redis::redis::{self, Cmd, RedisError, ServerErrorKind, Value};

use super::connections::Held;
use super::keys::Names;
use super::script::{Call, SCRIPTS, argument};
use super::{RedisEngine, clock, error, notice};
use crate::engine::{EVERYTHING, EngineError, Invalidation, Lease, LeaseRequest, LeaseToken, Status, Stored, Write};

/// Numbers start below this, so that as many again fit before Lua's doubles lose the last digit.
const STARTS_BELOW: u64 = 1 << 52;

/// How long the version of a tag that is invalidated is kept at least. A lost one does no harm but misses.
const VERSION_KEPT: Duration = Duration::from_secs(3600);

/// What one script does at most on one server, so that nobody else waits for long.
const BATCH: usize = 256;

/// What is sent: a command, or a script.
enum Message {
    Command(Cmd),
    Script(Call),
}

impl RedisEngine {
    pub(super) async fn read_entries(&self, keys: &[&str]) -> Result<Vec<Option<Stored>>, EngineError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let held = self.connections.obtain().await?;
        let names = || keys.iter().map(|key| self.names.entry(key)).collect::<Vec<_>>();
        if held.is_cluster() {
            return self.read_by_script(&held, names()).await;
        }
        if let ([key], Some(now)) = (keys, self.clock.now()) {
            return Ok(vec![self.read_value(&held, key, now).await?]);
        }
        let names = names();
        match self.clock.now() {
            Some(now) => self.read_values(&held, &names, now).await,
            None => self.read_values_and_times(&held, &names).await,
        }
    }

    /// As below, for one entry, which is what is read most: nothing is made but the command.
    async fn read_value(&self, held: &Held, key: &str, now: u64) -> Result<Option<Stored>, EngineError> {
        let command = command("GET", &self.names.entry(key));
        let answer = async {
            let answer = held.ask(&command).await;
            answer.map_err(|cause: RedisError| error::from_client(&cause))
        };
        let answer = self.in_time(held, answer).await?;
        if is_elsewhere(&answer) {
            held.give_up();
        }
        Ok(payload(answer)?.and_then(|value| clock::entry_at(value, now)))
    }

    /// One command, since entries say when they end.
    async fn read_values(&self, held: &Held, names: &[String], now: u64) -> Result<Vec<Option<Stored>>, EngineError> {
        let values = self.exchange(held, vec![get(names)]).await?;
        let entry = |value| Ok(payload(value)?.and_then(|value| clock::entry_at(value, now)));
        values_of(values, names.len())?.into_iter().map(entry).collect()
    }

    /// The times come first: should an entry be replaced in between, the shorter of two lives is the likelier answer.
    async fn read_values_and_times(&self, held: &Held, names: &[String]) -> Result<Vec<Option<Stored>>, EngineError> {
        let mut commands: Vec<Cmd> = names.iter().map(|name| command("PTTL", name)).collect();
        commands.push(get(names));
        let mut times = self.exchange(held, commands).await?;
        let values = times.split_off(names.len());
        let entries = values_of(values, names.len())?.into_iter().zip(&times);
        entries.map(|(value, time)| stored(value, time)).collect()
    }

    /// In a Cluster each master has a clock of its own. Value and time are asked for as one, since the client follows a slot
    /// that is just moving with one command, and not with two.
    async fn read_by_script(&self, held: &Held, names: Vec<String>) -> Result<Vec<Option<Stored>>, EngineError> {
        let calls = names.into_iter().map(|name| Call {
            script: &SCRIPTS.read,
            keys: vec![name],
            arguments: Vec::new(),
        });
        let answers = self.call(held, calls.collect()).await?;
        lists(answers)?.into_iter().map(found).collect()
    }

    pub(super) async fn take_leases(
        &self,
        requests: &[LeaseRequest<'_>],
        keep: Duration,
    ) -> Result<Vec<Lease>, EngineError> {
        let held = self.connections.obtain().await?;
        let tokens: Vec<LeaseToken> = requests.iter().map(|_| fastrand::u64(1..)).collect();
        let asked: Vec<_> = requests.iter().zip(&tokens).collect();
        let calls = asked.chunks(batch(&held)).map(|chunk| Call {
            script: &SCRIPTS.lease,
            keys: self.entries_and_leases(chunk.iter().map(|(request, _)| request.key)),
            arguments: lease_arguments(chunk, keep),
        });
        let answers = self.call(&held, calls.collect()).await?;
        let leases = lists(answers)?.into_iter().zip(&tokens);
        leases.map(|(answer, token)| lease(answer, *token)).collect()
    }

    pub(super) async fn write_entries(&self, writes: &[Write<'_>]) -> Result<Vec<bool>, EngineError> {
        let held = self.connections.obtain().await?;
        let calls = writes.chunks(batch(&held)).map(|chunk| Call {
            script: &SCRIPTS.write,
            keys: self.entries_and_leases(chunk.iter().map(|write| write.key)),
            arguments: chunk
                .iter()
                .flat_map(|write| [argument(&write.lease), write.bytes.clone(), milliseconds(write.keep)])
                .collect(),
        });
        let answers = self.call(&held, calls.collect()).await?;
        Ok(lists(answers)?
            .into_iter()
            .map(|answer| answer == Value::Int(1))
            .collect())
    }

    pub(super) async fn release_lease(&self, key: &str, lease: LeaseToken) -> Result<(), EngineError> {
        let held = self.connections.obtain().await?;
        let call = Call {
            script: &SCRIPTS.release,
            keys: vec![self.names.lease(key)],
            arguments: vec![argument(&lease)],
        };
        self.call(&held, vec![call]).await.map(drop)
    }

    pub(super) async fn invalidate_all(&self, what: Invalidation<'_>) -> Result<u64, EngineError> {
        let held = self.connections.obtain().await?;
        let publication = Message::Script(self.publication(&what));
        let published = if what.keys.is_empty() {
            self.converse(&held, vec![publication]).await?
        } else if held.is_cluster() {
            // Done before the rest is sent: whoever hears the notice must not find the old entry.
            self.delete_in_cluster(&held, what.keys).await?;
            self.converse(&held, vec![publication]).await?
        } else {
            let deletion = Message::Command(unlink(&self.entries_and_leases(what.keys.iter().copied())));
            let mut answers = self.converse(&held, vec![deletion, publication]).await?;
            let published = answers.split_off(1);
            answers.iter().try_for_each(number)?;
            published
        };
        decimal(&published.into_iter().next().unwrap_or_default())
    }

    fn publication(&self, what: &Invalidation<'_>) -> Call {
        let counter = Some(self.names.number.clone());
        let tags = what.tags.iter().map(|tag| self.names.tag(tag));
        Call {
            script: &SCRIPTS.invalidate,
            keys: counter.into_iter().chain(tags).collect(),
            arguments: self.bump_arguments(what),
        }
    }

    async fn delete_in_cluster(&self, held: &Held, keys: &[&str]) -> Result<(), EngineError> {
        let together = keys
            .iter()
            .map(|key| unlink(&[self.names.lease(key), self.names.entry(key)]));
        let answers = self.exchange(held, together.collect()).await?;
        let (moving, settled): (Vec<_>, Vec<_>) = answers
            .into_iter()
            .zip(keys)
            .partition(|(answer, _)| is(answer, ServerErrorKind::TryAgain));
        settled.iter().try_for_each(|(answer, _)| number(answer))?;
        // While a slot moves, its keys can be reached one at a time only. The lease goes first: a write that has it still
        // could come between the two.
        let names: [fn(&Names, &str) -> String; 2] = [Names::lease, Names::entry];
        for name in names {
            let alone = moving.iter().map(|(_, key)| unlink(&[name(&self.names, key)]));
            let answers = self.exchange(held, alone.collect()).await?;
            answers.iter().try_for_each(number)?;
        }
        Ok(())
    }

    pub(super) async fn tag_versions(&self, tags: &[&str], keep: Duration) -> Result<Vec<u64>, EngineError> {
        if tags.is_empty() {
            return Ok(Vec::new());
        }
        let held = self.connections.obtain().await?;
        let counter = Some(self.names.number.clone());
        let call = Call {
            script: &SCRIPTS.versions,
            keys: counter
                .into_iter()
                .chain(tags.iter().map(|tag| self.names.tag(tag)))
                .collect(),
            arguments: vec![start(), milliseconds(keep)],
        };
        let answers = lists(self.call(&held, vec![call]).await?)?;
        answers.iter().map(decimal).collect()
    }

    pub(super) async fn check_servers(&self) -> Result<Status, EngineError> {
        let (held, identity) = match self.look().await {
            // The connection was that of a server that has gone. Whoever is there now is asked on a new one.
            Err(EngineError::Unreachable(_)) => self.look().await?,
            looked => looked?,
        };
        let what = Invalidation {
            tags: &[EVERYTHING],
            ..Invalidation::default()
        };
        let mut arguments = self.bump_arguments(&what);
        arguments.push(Bytes::copy_from_slice(identity.as_bytes()));
        let call = Call {
            script: &SCRIPTS.check,
            keys: vec![
                self.names.number.clone(),
                self.names.identity.clone(),
                self.names.tag(EVERYTHING),
            ],
            arguments,
        };
        let asked = Instant::now();
        let answers = lists(self.call(&held, vec![call]).await?)?;
        let [number, replaced, time] = &answers[..] else {
            return Err(EngineError::Refused("an unexpected answer to the check".to_owned()));
        };
        let status = Status {
            number: decimal(number)?,
            replaced: *replaced == Value::Int(1),
        };
        if !held.is_cluster() {
            self.clock.read(decimal(time)?, asked);
        }
        self.connections.confirm(&identity);
        Ok(status)
    }

    /// Who is there.
    async fn look(&self) -> Result<(Arc<Held>, Arc<str>), EngineError> {
        let held = self.connections.obtain_for_check().await?;
        let identity = self.in_time(&held, held.identify()).await?;
        Ok((held, identity))
    }

    fn bump_arguments(&self, what: &Invalidation<'_>) -> Vec<Bytes> {
        let channel = Bytes::copy_from_slice(self.names.channel.as_bytes());
        vec![
            start(),
            milliseconds(VERSION_KEPT),
            channel,
            Bytes::from(notice::tail(what)),
        ]
    }

    fn entries_and_leases<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Vec<String> {
        keys.flat_map(|key| [self.names.entry(key), self.names.lease(key)])
            .collect()
    }

    async fn call(&self, held: &Held, calls: Vec<Call>) -> Result<Vec<Value>, EngineError> {
        self.converse(held, calls.into_iter().map(Message::Script).collect())
            .await
    }

    /// The answers to all messages, in order. Scripts that a server does not know yet are sent again, with their text: they
    /// did not run.
    async fn converse(&self, held: &Held, messages: Vec<Message>) -> Result<Vec<Value>, EngineError> {
        let commands = messages.iter().map(|message| match message {
            Message::Command(command) => command.clone(),
            Message::Script(call) => call.by_hash(held.flags),
        });
        let mut answers = self.exchange(held, commands.collect()).await?;
        let (places, again): (Vec<&mut Value>, Vec<Cmd>) = answers
            .iter_mut()
            .zip(&messages)
            .filter_map(|(answer, message)| match message {
                Message::Script(call) if is(answer, ServerErrorKind::NoScript) => {
                    Some((answer, call.by_text(held.flags)))
                }
                _ => None,
            })
            .unzip();
        for (place, answer) in places.into_iter().zip(self.exchange(held, again).await?) {
            *place = answer;
        }
        Ok(answers)
    }

    async fn exchange(&self, held: &Held, commands: Vec<Cmd>) -> Result<Vec<Value>, EngineError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let answers = async {
            let answers = held.send(commands).await;
            answers.map_err(|cause: RedisError| error::from_client(&cause))
        };
        let answers = self.in_time(held, answers).await?;
        if answers.iter().any(is_elsewhere) {
            held.give_up();
        }
        Ok(answers)
    }

    /// A connection that breaks or is silent for too long is not used again.
    async fn in_time<T>(
        &self,
        held: &Held,
        exchange: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let result = tokio::time::timeout(self.response_timeout, exchange).await;
        let result = result.unwrap_or(Err(EngineError::TimedOut));
        if let Err(EngineError::TimedOut | EngineError::Unreachable(_)) = result {
            held.give_up();
        }
        result
    }
}

/// How many entries one script is given: in a Cluster each has a slot of its own.
fn batch(held: &Arc<Held>) -> usize {
    if held.is_cluster() { 1 } else { BATCH }
}

fn command(name: &str, key: &str) -> Cmd {
    let mut command = Cmd::with_capacity(2, name.len() + key.len());
    command.arg(name).arg(key);
    command
}

fn start() -> Bytes {
    argument(&fastrand::u64(1..STARTS_BELOW))
}

/// Redis takes whole milliseconds, at least one, and at most what its clock can be added to.
fn milliseconds(duration: Duration) -> Bytes {
    const CENTURY: u128 = 100 * 365 * 24 * 3600 * 1000;
    argument(&duration.as_millis().clamp(1, CENTURY))
}

fn lease_arguments(asked: &[(&LeaseRequest<'_>, &LeaseToken)], keep: Duration) -> Vec<Bytes> {
    let requests = asked
        .iter()
        .flat_map(|(request, token)| [argument(&u8::from(request.refresh)), argument(*token)]);
    [milliseconds(keep)].into_iter().chain(requests).collect()
}

fn unlink(names: &[String]) -> Cmd {
    let mut unlink = redis::cmd("UNLINK");
    unlink.arg(names);
    unlink
}

/// A master became a replica, or a slot moved and the client did not find it: whoever is responsible now is found by
/// connecting again.
fn is_elsewhere(answer: &Value) -> bool {
    [ServerErrorKind::ReadOnly, ServerErrorKind::Moved, ServerErrorKind::Ask]
        .into_iter()
        .any(|kind| is(answer, kind))
}

fn is(answer: &Value, kind: ServerErrorKind) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(kind))
}

/// GET, which is a little quicker, or MGET.
fn get(names: &[String]) -> Cmd {
    match names {
        [name] => command("GET", name),
        names => {
            let mut command = redis::cmd("MGET");
            command.arg(names);
            command
        }
    }
}

/// The values in the answer to [`get`].
fn values_of(mut answers: Vec<Value>, count: usize) -> Result<Vec<Value>, EngineError> {
    if count == 1 {
        return Ok(answers);
    }
    match answers.pop() {
        Some(Value::Array(values)) if values.len() == count => Ok(values),
        other => Err(error::unexpected(&other.unwrap_or_default())),
    }
}

/// What a key holds. What is of another type was not written by us.
fn payload(value: Value) -> Result<Option<Vec<u8>>, EngineError> {
    match value {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::Nil => Ok(None),
        Value::ServerError(refusal) if refusal.code() == "WRONGTYPE" => Ok(None),
        other => Err(error::unexpected(&other)),
    }
}

/// The entry, if it has an end: all of ours have.
fn stored(value: Value, time: &Value) -> Result<Option<Stored>, EngineError> {
    let left = u64::try_from(number_of(time)?).ok().filter(|left| *left > 0);
    let entry = payload(value)?.zip(left);
    Ok(entry.map(|(value, left)| clock::entry_with(value, Duration::from_millis(left))))
}

fn lease(answer: Value, asked: LeaseToken) -> Result<Lease, EngineError> {
    match answer {
        Value::BulkString(token) => {
            let token = std::str::from_utf8(&token).ok().and_then(|token| token.parse().ok());
            match token {
                Some(token) if token == asked => Ok(Lease::New(token)),
                Some(token) => Ok(Lease::Shared(token)),
                None => Err(EngineError::Refused("a lease that is not one of ours".to_owned())),
            }
        }
        entry => found(entry)?
            .map(Lease::Found)
            .ok_or_else(|| error::unexpected(&Value::Nil)),
    }
}

/// What a script found: an entry with its time, or nothing.
fn found(answer: Value) -> Result<Option<Stored>, EngineError> {
    match answer {
        Value::Nil | Value::Boolean(false) => Ok(None),
        Value::Array(entry) => {
            let mut entry = entry.into_iter();
            let (value, remaining) = (entry.next().unwrap_or_default(), entry.next().unwrap_or_default());
            stored(value, &remaining)
        }
        other => Err(error::unexpected(&other)),
    }
}

fn number_of(answer: &Value) -> Result<i64, EngineError> {
    match answer {
        Value::Int(number) => Ok(*number),
        other => Err(error::unexpected(other)),
    }
}

/// That it is a number.
fn number(answer: &Value) -> Result<(), EngineError> {
    number_of(answer).map(drop)
}

/// Numbers come as text, since Lua's own would be cut.
fn decimal(answer: &Value) -> Result<u64, EngineError> {
    match answer {
        Value::BulkString(digits) => std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| error::unexpected(answer)),
        other => Err(error::unexpected(other)),
    }
}

/// The lists that the scripts returned, one behind the other.
fn lists(answers: Vec<Value>) -> Result<Vec<Value>, EngineError> {
    let mut all = Vec::new();
    for answer in answers {
        match answer {
            Value::Array(list) => all.extend(list),
            other => return Err(error::unexpected(&other)),
        }
    }
    Ok(all)
}
