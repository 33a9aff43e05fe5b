# %% [markdown]
# The gaps of a run: `python plots.py gaps.jsonl gaps.csv`, or cell by cell.

# %%
import sys

import duckdb
import matplotlib
import polars as pl

if not hasattr(sys, "ps1"):
    matplotlib.use("Agg")
import matplotlib.pyplot as plt

JSONL, CSV = sys.argv[1:3] if len(sys.argv) > 2 else ("gaps.jsonl", "gaps.csv")

# %% By DuckDB, from JSON Lines: what took how long, and a file for other tools.
columns = """{cpu: 'BIGINT', start_utc: 'TIMESTAMPTZ', start_cycles: 'UBIGINT', duration_ns: 'UBIGINT',
    cause: 'VARCHAR', confidence: 'VARCHAR', os_ns: 'UBIGINT', platform_ns: 'UBIGINT', unknown_ns: 'UBIGINT'}"""
duckdb.sql(f"create table gaps as from read_json('{JSONL}', format = 'newline_delimited', columns = {columns})")
by_cause = duckdb.sql("""
    select cause, count(*) as gaps, sum(duration_ns)::UBIGINT as total_ns, max(duration_ns) as longest_ns
    from gaps group by cause order by cause""")
print(by_cause)
duckdb.sql("copy gaps to 'gaps.parquet'")

# %% By Polars, from CSV: the same gaps.
gaps = pl.read_csv(CSV, schema_overrides={"start_utc": pl.String}).with_columns(
    pl.col("start_utc").str.to_datetime(time_unit="ns", time_zone="UTC")
)
same = gaps.group_by("cause").agg(
    pl.len().alias("gaps"), pl.sum("duration_ns").alias("total_ns"), pl.max("duration_ns").alias("longest_ns")
).sort("cause")
assert same.rows() == by_cause.fetchall()
below = gaps.filter(pl.col("platform_ns") > 0).sort("start_utc")

# %% Gaps over time.
figure, axes = plt.subplots(2, 2, figsize=(12, 8), layout="constrained")
for (cause,), part in gaps.group_by("cause", maintain_order=True):
    axes[0, 0].plot(part["start_utc"].to_list(), (part["duration_ns"] / 1e3).to_list(), ".", label=cause)
axes[0, 0].set(title="Gaps over time", yscale="log", ylabel="length in us")
axes[0, 0].tick_params("x", rotation=30)
axes[0, 0].legend()

# %% How long what lies below the kernel takes: the share of gaps longer than x.
for (cause,), part in below.group_by("cause", maintain_order=True):
    lengths = (part["platform_ns"].sort() / 1e3).to_list()
    axes[0, 1].step(lengths, [1 - at / len(lengths) for at in range(len(lengths))], label=cause)
axes[0, 1].set(title="Below the kernel: share longer than x", xscale="log", yscale="log", xlabel="us")
if below.height:
    axes[0, 1].legend()

# %% A rhythm shows as a peak.
between = below.select(pl.col("start_utc").diff().over("cpu").dt.total_nanoseconds() / 1e6).drop_nulls()
axes[1, 0].hist(between.to_series().to_list(), bins=100)
axes[1, 0].set(title="From one stall to the next on a CPU", xlabel="ms", ylabel="count")

# %% What the longest gaps are made of.
worst = gaps.sort("duration_ns", descending=True).head(20)
left = [0.0] * worst.height
for part in ("platform_ns", "os_ns", "unknown_ns"):
    widths = (worst[part] / 1e3).to_list()
    axes[1, 1].barh(range(worst.height), widths, left=left, label=part.removesuffix("_ns"))
    left = [begin + width for begin, width in zip(left, widths)]
axes[1, 1].set(title="The longest gaps", xlabel="us")
axes[1, 1].invert_yaxis()
axes[1, 1].legend()
figure.savefig("gaps.png")
