"""Reads a fleet's outputs with the programs that they are for, and holds the
figures against the fleet's own JSON."""

import csv
import json
import os
import sys

import duckdb
from junitparser import Error, Failure, JUnitXml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

queries = sys.argv[1]
answer = json.load(open("out.json"))
totals = answer["totals"]
results = {host["host"]: host["result"] for host in answer["hosts"]}

junit = JUnitXml.fromfile("out.junit")
cases = [case for suite in junit for case in suite]
failed = {case.name for case in cases if any(isinstance(r, Failure) for r in case.result)}
errors = {case.name for case in cases if any(isinstance(r, Error) for r in case.result)}
assert failed == {host for host, result in results.items() if result == "fail"}
assert "ghost" in errors and len(errors) == totals["inconclusive"] + totals["missing"] + totals["set_aside"]
assert len(cases) == totals["hosts"] + totals["missing"] + totals["set_aside"]
assert junit.failures == totals["fail"], junit.failures
print(f"junitparser: {len(cases)} cases, {len(failed)} failures, {len(errors)} errors")

for reader in (openmetrics, prometheus):
    families = {family.name: family for family in reader(open("out.openmetrics").read())}
    hosts = {s.labels["result"]: s.value for s in families["hwgap_fleet_hosts"].samples}
    assert hosts["fail"] == totals["fail"] and hosts["missing"] == totals["missing"]
    named = {
        s.labels["host"]: s.labels["result"]
        for s in families["hwgap_fleet_host_result"].samples
        if s.value == 1
    }
    assert named == results
    single = {family.name for family in reader(open("run.prom").read())}
    assert "hwgap_platform_longest_stall_seconds" in single, single
print(f"prometheus_client: {len(families)} families of the fleet, {len(single)} of a run")

rows = list(csv.DictReader(open("out.csv")))
assert {row["host"]: row["result"] for row in rows if row["result"] != "missing"} == results



def tables(folder):
    """A connection in which the tables of a folder have names."""
    os.chdir(folder)
    database = duckdb.connect()
    database.sql("set enable_progress_bar = false")
    database.execute(open("tables.sql").read())
    os.chdir("..")
    return database


def asked(folder):
    """The rows of each documented query."""
    database = tables(folder)
    os.chdir(folder)
    names = sorted(name for name in os.listdir(queries) if name.endswith(".sql"))
    rows = {name: database.sql(open(os.path.join(queries, name)).read()).fetchall() for name in names}
    os.chdir("..")
    return rows


rows = asked("tables")
assert all(rows.values()), [name for name in rows if not rows[name]]
assert {row[0]: row[1] for row in rows["hosts.sql"]} == results
assert rows["groups.sql"][0][2] == "AFE120E", rows["groups.sql"][0]
assert rows["series.sql"][0][0] == "Blade 9" and round(rows["series.sql"][0][2]) == 64
for name in rows:
    print(f"duckdb {duckdb.__version__}: {name}: {len(rows[name])} rows")

# The columns that are named are those that are written.
os.chdir("tables")
for file in sorted(os.listdir(".")):
    if file.endswith(".jsonl"):
        line = open(file).readline()
        view = duckdb.connect()
        view.execute(open("tables.sql").read())
        columns = [row[0] for row in view.sql(f"describe {file[:-6]}").fetchall()]
        assert line and list(json.loads(line)) == columns, (file, columns, line)
os.chdir("..")

# Of a fleet that shows nothing, and of none at all.
rows = asked("sound")
assert len(rows["hosts.sql"]) == 1 and rows["hosts.sql"][0][1] == "pass", rows
assert not any(rows[name] for name in ("reasons.sql", "series.sql", "stalls.sql")), rows
assert not any(asked("none").values())
print("duckdb: tables without rows answer every query")
