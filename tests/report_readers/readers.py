"""Reads what `hwgap report` makes of a report with the programs that it is for, and
holds the figures against the report's own JSON.

Perfetto's trace_processor is a binary that its Python package fetches at run time.
Where it is there (TRACE_PROCESSOR=path) it is asked; the trace is read in any case
by Perfetto's published schema, in the way that trace_processor reads it.
"""

import collections
import json
import os
import sqlite3
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

name = sys.argv[1]
report = json.load(open(f"{name}.json"))

QUERIES = {
    "gap": ("gaps", lambda gap: (gap["cause"], gap["duration_ns"])),
    "stall": ("stalls", lambda stall: (stall["cause"], stall["duration_ns"])),
}
SQL = """select s.name, count(*), sum(s.dur), max(s.dur) from slice s
    where s.category = '{}' group by s.name order by s.name"""


def unknown_fields(message, place="trace"):
    """What the schema does not know."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    for field in UnknownFieldSet(message):
        yield f"{place}: field {field.field_number}"
    for descriptor, value in message.ListFields():
        if descriptor.message_type:
            values = value if hasattr(value, "append") else [value]
            for one in values:
                yield from unknown_fields(one, f"{place}.{descriptor.name}")


def read_trace(path):
    """Slices and counters as trace_processor has them, in SQLite."""
    trace = Trace()
    trace.ParseFromString(open(path, "rb").read())
    strange = list(unknown_fields(trace))
    assert not strange, strange[:5]
    db = sqlite3.connect(":memory:")
    db.execute("create table slice (ts, dur, name, category, track, depth)")
    db.execute("create table counter (ts, value, track)")
    tracks, clocks, defaults = {}, {}, {}
    interned = collections.defaultdict(dict)
    open_slices = collections.defaultdict(list)
    args = []
    for packet in trace.packet:
        sequence = packet.trusted_packet_sequence_id
        assert sequence, packet
        if packet.HasField("track_descriptor"):
            tracks[packet.track_descriptor.uuid] = packet.track_descriptor
            continue
        if packet.HasField("clock_snapshot"):
            snapshot = packet.clock_snapshot
            assert packet.sequence_flags & 1 and snapshot.primary_trace_clock == 1
            utc = next(clock.timestamp for clock in snapshot.clocks if clock.clock_id == 1)
            own = next(clock for clock in snapshot.clocks if clock.clock_id == 64)
            assert own.is_incremental and own.timestamp == utc == packet.timestamp
            assert packet.timestamp_clock_id == 1
            clocks[sequence], defaults[sequence] = utc, packet.trace_packet_defaults
            assert defaults[sequence].timestamp_clock_id == 64
            continue
        assert packet.sequence_flags == 2, packet
        clocks[sequence] += packet.timestamp
        now = clocks[sequence]
        for field, entries in packet.interned_data.ListFields():
            for entry in entries:
                text = entry.str.decode() if field.name.endswith("values") else entry.name
                assert entry.iid not in interned[sequence, field.name]
                interned[sequence, field.name][entry.iid] = text
        event = packet.track_event
        track = event.track_uuid or defaults[sequence].track_event_defaults.track_uuid
        names = interned[sequence, "event_names"]
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            (category,) = event.category_iids
            category = interned[sequence, "event_categories"][category]
            depth = len(open_slices[track])
            open_slices[track].append((now, names[event.name_iid], category, depth))
            for arg in event.debug_annotations:
                key = interned[sequence, "debug_annotation_names"][arg.name_iid]
                value = getattr(arg, arg.WhichOneof("value"))
                if arg.WhichOneof("value") == "string_value_iid":
                    value = interned[sequence, "debug_annotation_string_values"][value]
                args.append((now, category, key, value))
        elif event.type == TrackEvent.TYPE_SLICE_END:
            begin, own, category, depth = open_slices[track].pop()
            row = (begin, now - begin, own, category, track, depth)
            db.execute("insert into slice values (?, ?, ?, ?, ?, ?)", row)
        elif event.type == TrackEvent.TYPE_COUNTER:
            assert tracks[track].HasField("counter")
            value = getattr(event, event.WhichOneof("counter_value_field"))
            db.execute("insert into counter values (?, ?, ?)", (now, value, track))
        else:
            assert event.type == TrackEvent.TYPE_INSTANT, event
            db.execute(
                "insert into slice values (?, 0, ?, ?, ?, 0)",
                (now, names[event.name_iid], interned[sequence, "event_categories"][event.category_iids[0]], track),
            )
    assert not any(open_slices.values())
    used = {row[0] for row in db.execute("select track from slice union select track from counter")}
    assert used <= set(tracks), used
    return db, tracks, args


def figures(rows):
    groups = collections.defaultdict(list)
    for cause, length in rows:
        groups[cause].append(length)
    return sorted((cause, len(own), sum(own), max(own)) for cause, own in groups.items())


db, tracks, args = read_trace(f"{name}.perfetto")
for category, (field, row) in QUERIES.items():
    answer = db.execute(SQL.format(category)).fetchall()
    assert answer == figures(map(row, report[field])), (category, answer)
    print(f"{name}: {category} slices by cause, as the report has them: {answer}")
cycles = sorted(value for _, category, key, value in args if category == "gap" and key == "tsc")
assert cycles == sorted(gap["start_cycles"] for gap in report["gaps"])
for cpu in report["cpus"]:
    own = [uuid for uuid, track in tracks.items() if track.name == f"SMIs, CPU {cpu['cpu']}"]
    if cpu["smi"]:
        last = db.execute("select value from counter where track = ? order by rowid desc", own).fetchone()
        assert last == (cpu["smi"]["delta"],), (last, cpu["smi"])
shell = os.environ.get("TRACE_PROCESSOR")
if shell:
    from perfetto.trace_processor import TraceProcessor, TraceProcessorConfig

    processor = TraceProcessor(trace=f"{name}.perfetto", config=TraceProcessorConfig(bin_path=shell))
    for category, (field, row) in QUERIES.items():
        answer = [(r.name, r.c, r.s, r.m) for r in processor.query(SQL.format(category).replace(
            "count(*), sum(s.dur), max(s.dur)", "count(*) as c, sum(s.dur) as s, max(s.dur) as m"))]
        assert answer == figures(map(row, report[field])), (category, answer)
    print(f"{name}: trace_processor gives the same answers")

KINDS = {
    "platform": lambda bucket: bucket["kernel_absent"] + bucket.get("platform_parts", 0),
    "kernel": lambda bucket: bucket["kernel_ran"],
    "unknown": lambda bucket: bucket["unknown"],
}
histograms = {}
reader = HistogramLogReader(f"{name}.hdrhistogram", HdrHistogram(1, 3_600_000_000_000, 2))
while (histogram := reader.get_next_interval_histogram()) is not None:
    histograms[histogram.get_tag() if hasattr(histogram, "get_tag") else len(histograms)] = histogram
expected = [
    (cpu, kind, sum(map(count, cpu["histogram"]["buckets"])))
    for cpu in report["cpus"]
    for kind, count in KINDS.items()
    if any(map(count, cpu["histogram"]["buckets"]))
]
assert [h.get_total_count() for h in histograms.values()] == [count for *_, count in expected]
for histogram, (cpu, kind, _) in zip(histograms.values(), expected):
    longest = {"platform": "max_platform_ns", "kernel": "max_os_ns"}.get(kind)
    if longest:
        assert abs(histogram.get_max_value() / cpu[longest] - 1) < 0.01, (kind, histogram.get_max_value(), cpu[longest])
print(f"{name}: {len(histograms)} histograms, counts and longest as the report has them")

rows = [line.split() for line in open(f"{name}.histogram") if not line.startswith("#")]
for column, cpu in enumerate(report["cpus"], 1):
    assert sum(int(row[column]) for row in rows) == sum(map(KINDS["platform"], cpu["histogram"]["buckets"]))
print(f"{name}: {len(rows)} rows of cyclictest's form")
