-- The tables of `hwgap fleet --export` with the types of their columns, so that
-- one without rows, or with nothing but null in a column, can be asked as well.
-- Run it in the folder of the tables, before a query.
create or replace view runs as from read_json('runs.jsonl', format = 'newline_delimited', columns = {
    run: 'VARCHAR', source: 'VARCHAR', sha256: 'VARCHAR', host: 'VARCHAR',
    machine_id_hash: 'VARCHAR', vendor: 'VARCHAR', model: 'VARCHAR',
    bios: 'VARCHAR', cpu: 'VARCHAR', microcode: 'VARCHAR', kernel: 'VARCHAR', hypervisor: 'VARCHAR',
    label: 'VARCHAR', engine: 'VARCHAR', started_utc: 'TIMESTAMP', elapsed_ns: 'BIGINT',
    planned_ns: 'BIGINT', cut_short: 'VARCHAR', threshold_ns: 'BIGINT', hardlimit_ns: 'BIGINT', sampled_cpus: 'VARCHAR', covered_hours: 'DOUBLE',
    coverage: 'DOUBLE', platform_max_ns: 'BIGINT', platform_stalls: 'BIGINT',
    platform_rate_per_hour: 'DOUBLE', platform_rate_upper95_per_hour: 'DOUBLE', smis: 'BIGINT',
    clocksource: 'VARCHAR', invariant_tsc: 'BOOLEAN', run_result: 'VARCHAR', policy_result: 'VARCHAR',
    made_up: 'BOOLEAN'});
create or replace view reasons as from read_json('reasons.jsonl', format = 'newline_delimited', columns = {
    run: 'VARCHAR', rule: 'VARCHAR', outcome: 'VARCHAR', text: 'VARCHAR', waived: 'VARCHAR'});
create or replace view stalls as from read_json('stalls.jsonl', format = 'newline_delimited', columns = {
    run: 'VARCHAR', start_utc: 'TIMESTAMP', duration_ns: 'BIGINT', smi_delta: 'BIGINT', cause: 'VARCHAR'});
create or replace view series as from read_json('series.jsonl', format = 'newline_delimited', columns = {
    run: 'VARCHAR', period_ns: 'BIGINT', period_error_ns: 'BIGINT', length_ns: 'BIGINT', beats: 'BIGINT',
    seen: 'BIGINT', share: 'DOUBLE', false_alarm: 'DOUBLE'});
create or replace view evidence as from read_json('evidence.jsonl', format = 'newline_delimited', columns = {
    run: 'VARCHAR', source: 'VARCHAR', usable: 'BOOLEAN', reason: 'VARCHAR'});
create or replace view set_aside as from read_json('set_aside.jsonl', format = 'newline_delimited', columns = {
    source: 'VARCHAR', reason: 'VARCHAR'});
