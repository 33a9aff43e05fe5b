//! Packets of one sequence: texts are written once and then named by a number,
//! and each time is the distance to the one before. Both belong to a sequence
//! (perfetto.dev/docs/reference/trace-packet-proto).

use std::collections::HashMap;
use std::io::{self, Write};

use crate::text::clean;

use super::wire::Message;

/// BUILTIN_CLOCK_REALTIME.
const UTC: u64 = 1;
/// A clock of the sequence's own: 64 to 127 are such.
const SINCE_LAST: u64 = 64;
/// SEQ_INCREMENTAL_STATE_CLEARED.
const BEGINS: u64 = 1;
/// SEQ_NEEDS_INCREMENTAL_STATE.
const GOES_ON: u64 = 2;

/// The number of a track.
#[derive(Clone, Copy)]
pub(super) struct Track(pub(super) u64);

/// TrackEvent.Type.
#[derive(Clone, Copy)]
pub(super) enum Event {
    Begin = 1,
    End = 2,
    Instant = 3,
    Counter = 4,
}

pub(super) enum Value<'a> {
    Count(u64),
    Signed(i64),
    Flag(bool),
    Text(&'a str),
}

pub(super) type Args<'a> = Vec<(&'static str, Value<'a>)>;

/// Fields of InternedData.
#[derive(Clone, Copy)]
enum Table {
    Categories = 1,
    EventNames = 2,
    ArgNames = 3,
    Values = 29,
}

pub(super) struct Sequence<'a> {
    out: &'a mut dyn Write,
    id: u64,
    now: u64,
    known: HashMap<u32, HashMap<String, u64>>,
    /// What the next packet has to tell first.
    fresh: Message,
}

impl<'a> Sequence<'a> {
    /// Begins at this time; its slices and instants are this track's.
    pub(super) fn begin(
        out: &'a mut dyn Write,
        id: u64,
        track: Track,
        at: u64,
    ) -> io::Result<Sequence<'a>> {
        let mut sequence = Sequence {
            out,
            id,
            now: at,
            known: HashMap::new(),
            fresh: Message::default(),
        };
        let clock = |id| Message::default().uint(1, id).uint(2, at);
        let clocks = Message::default()
            .message(1, clock(SINCE_LAST).uint(3, 1))
            .message(1, clock(UTC))
            // The time line of the whole trace.
            .uint(2, UTC);
        let defaults = Message::default()
            .uint(58, SINCE_LAST)
            .message(11, Message::default().uint(11, track.0));
        let packet = Message::default()
            .uint(8, at)
            .uint(58, UTC)
            .uint(13, BEGINS)
            .message(6, clocks)
            .message(59, defaults);
        sequence.packet(packet)?;
        Ok(sequence)
    }

    /// Describes a track below another one.
    pub(super) fn track(
        &mut self,
        track: Track,
        parent: Option<Track>,
        name: &str,
        more: Message,
    ) -> io::Result<()> {
        let descriptor = more
            .uint(1, track.0)
            .text(2, &clean::without_controls(name));
        let descriptor = match parent {
            Some(parent) => descriptor
                .uint(5, parent.0)
                // Siblings stand in the order of their numbers.
                .int(
                    12,
                    i64::try_from(track.0)
                        .unwrap_or(i64::MAX)
                        .min(i32::MAX.into()),
                ),
            // child_ordering EXPLICIT.
            None => descriptor.uint(11, 3),
        };
        self.packet(Message::default().message(60, descriptor))
    }

    pub(super) fn slice(
        &mut self,
        at: u64,
        (category, name): (&str, &str),
        args: Args<'_>,
    ) -> io::Result<()> {
        self.named(at, Event::Begin, category, name, args)
    }

    /// Ends the slice that began last.
    pub(super) fn end(&mut self, at: u64) -> io::Result<()> {
        self.event(at, Message::default().uint(9, Event::End as u64))
    }

    pub(super) fn instant(
        &mut self,
        at: u64,
        (category, name): (&str, &str),
        args: Args<'_>,
    ) -> io::Result<()> {
        self.named(at, Event::Instant, category, name, args)
    }

    pub(super) fn count(&mut self, at: u64, track: Track, value: u64) -> io::Result<()> {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.event(at, counter(track).int(30, value))
    }

    pub(super) fn gauge(&mut self, at: u64, track: Track, value: f64) -> io::Result<()> {
        self.event(at, counter(track).double(44, value))
    }

    fn named(
        &mut self,
        at: u64,
        event: Event,
        category: &str,
        name: &str,
        args: Args<'_>,
    ) -> io::Result<()> {
        let mut message = Message::default()
            .uint(9, event as u64)
            .uint(3, self.number(Table::Categories, category))
            .uint(10, self.number(Table::EventNames, name));
        for (name, value) in args {
            let arg = Message::default().uint(1, self.number(Table::ArgNames, name));
            let arg = match value {
                Value::Count(count) => arg.uint(3, count),
                Value::Signed(value) => arg.int(4, value),
                Value::Flag(flag) => arg.uint(2, flag.into()),
                Value::Text(text) => arg.uint(17, self.number(Table::Values, text)),
            };
            message = message.message(4, arg);
        }
        self.event(at, message)
    }

    /// A time before the latest one becomes that: reports may be anyone's.
    fn event(&mut self, at: u64, event: Message) -> io::Result<()> {
        let at = at.max(self.now);
        let mut packet = Message::default()
            .uint(8, at - self.now)
            .uint(13, GOES_ON)
            .message(11, event);
        self.now = at;
        let fresh = std::mem::take(&mut self.fresh);
        if !fresh.is_empty() {
            packet = packet.message(12, fresh);
        }
        self.packet(packet)
    }

    fn packet(&mut self, packet: Message) -> io::Result<()> {
        let packet = packet.uint(10, self.id);
        let trace = Message::default().message(1, packet);
        self.out.write_all(trace.as_bytes())
    }

    /// The number that stands for a text from now on.
    fn number(&mut self, table: Table, text: &str) -> u64 {
        let known = self.known.entry(table as u32).or_default();
        if let Some(number) = known.get(text) {
            return *number;
        }
        let number = known.len() as u64 + 1;
        known.insert(text.to_owned(), number);
        let entry = Message::default()
            .uint(1, number)
            .text(2, &clean::without_controls(text));
        self.fresh = std::mem::take(&mut self.fresh).message(table as u32, entry);
        number
    }
}

fn counter(track: Track) -> Message {
    Message::default()
        .uint(9, Event::Counter as u64)
        .uint(11, track.0)
}
