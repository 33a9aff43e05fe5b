//! Longer texts of the help and the man pages.

pub(super) const ABOUT: &str = "\
Finds the time that firmware, CPU and hypervisor take from this machine.

Firmware can stop every CPU behind the operating system's back, for \
microseconds to milliseconds (System Management Interrupts). hwgap reads the \
time stamp counter back to back on pinned threads. Where two readings lie too \
far apart, it says who took the time, by what evidence, and how sure that is.";

pub(super) const OVERVIEW: &str = "\
Examples:
  hwgap run --duration 10s
      Measure this machine.
  sudo hwgap preflight
      What would disturb a measurement here, and what to do about it?
  sudo hwgap run --duration 12h --cpus isolated --hardlimit 20us -o node17.json
      Qualify a machine for real-time work and keep the report.
  hwgap report node17.json --format html --redact -o for-vendor.html
      A page for the vendor.

Exit status:
  0  measured, nothing of the platform above the limit
  1  measured, platform latency above the limit
  2  wrong usage, or a file that cannot be read or written
  3  could not measure, or the evidence does not allow a verdict";

pub(super) const RUN: &str = "\
Measure this machine and say who took the time of every gap.

Works without set-up and without root; what cannot be seen then is listed in \
the result. A short run says little: the summary states how often stalls may \
still occur given that none was seen.

On a machine with one CPU, or when all CPUs are sampled, hwgap pauses for 20 \
of every 100 ms so that a shell stays usable; --width equal to --window \
samples without a pause.

While it goes on, the report so far is saved to the file of --output every \
minute (--checkpoint), so that a killed run or a power cut loses no more than \
that; such a report says so. SIGUSR1 prints a summary of the run so far on \
standard error. On a terminal a line for each CPU is shown; elsewhere a line a \
minute (--progress). SIGINT, SIGTERM and SIGHUP end the run with its report.

Rights that only the set-up takes are given up before the first sample.

With --quiet-host, hwgap moves what user space can move off the sampled CPUs \
for the time of the run and puts all of it back, however the run ends; without \
it, no setting of the host is touched. Its steps: irq, workqueue, partition \
(an isolated cpuset of control groups), kernel-threads, rt-throttling, \
fair-server, timer-migration, numa-balancing, watchdog, nmi-watchdog, \
machine-check, vm-stat, huge-pages, ksm, governor. A thousandth of the time is \
left to ordinary tasks of the sampled CPUs, and where every CPU is sampled, \
the throttling stays as it is; --starve-host takes both.

--on-gap does something at each gap of which the platform's part is above the \
hard limit (--on-gap-above, --on-any), off the sampled CPUs: end the run (stop); \
write a line to trace_marker of the global trace or of an instance (mark); save \
the kernel's events before and after it on all CPUs, with TSC times, in a file for \
trace-cmd report (trace); send a signal; run a shell command, with the gap in \
HWGAP_* variables and as JSON on standard input (shell). A run goes on after \
it (continue says no more than that). Each action is carried out once at a time \
and, but for marks, begun once a second at most; the report says what came of \
it, how long after the gap it began, and what was left out. A shell action runs \
without hwgap's rights: under sudo as the user who called it, else as the same \
user without capabilities and with no_new_privs; at ordinary priority, in a \
process group of its own that is killed when it ends or after \
--action-timeout. --action-rights leaves it hwgap's user and rights.

After -- a COMMAND is run once sampling has begun, as the same user, at ordinary \
priority, on the CPUs that are not sampled; the run ends with it, or at \
--duration, which ends it (SIGTERM, after 10 s SIGKILL). What it prints goes to \
standard error. --stress runs stress-ng in its place until the run ends.

The default priority, 49, is below the kernel's interrupt threads (50), so that \
devices are served. With a higher one, interrupts that have threads are not \
served on the sampled CPUs; move them away with --quiet-host=irq.";

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  hwgap run --duration 10s
      A first look: all CPUs but one, gaps above 10 us.
  hwgap run --duration 12h --threshold 20us --cpus isolated -o node17.json
      Qualify a machine for real-time work and keep the report.
  hwgap run --threshold 5us --hardlimit 50us --csv gaps.csv
      Record gaps above 5 us, fail only above 50 us.
  hwgap run --duration 10m --engine both
      Sample with interrupts on and off in turn, and see whether both agree.
  hwgap run --duration 10m --engine user,hwlat,osnoise
      The kernel's own tracers beside hwgap's loop, in turn on the same CPUs.
  sudo hwgap run --quiet-host --dry-run
      See what would be changed to quiet the host, without changing it.
  sudo hwgap run --quiet-host=no-partition,no-ksm --duration 1h
      Measure on a host made quiet, but for two steps.
  hwgap run --duration 24h -o day.json --events-csv gaps.csv
      A day: a checkpoint each minute, and each gap as a row as it happens.
  hwgap run --duration 24h --quiet --live-json - | ./dashboard
      A line of JSON a second; see hwgap schema live.
  pkill -USR1 -x hwgap
      A summary of the run that goes on.
  hwgap run --duration 12h --cpus isolated --policy openshift-cnf.toml
      Accept the machine by a written policy; see hwgap-policy(5).
  hwgap run --duration 8h --stop-on-gap --quiet && echo clean
      Wait for the first stall of the platform.
  sudo hwgap run --duration 1h --on-gap trace=gap.dat --on-gap stop
      Wait for it, and save what the kernel did around it: trace-cmd report gap.dat.
  sudo hwgap run --on-gap mark --on-gap 'shell:logger hwgap: $HWGAP_CAUSE'
      Mark each in the kernel's trace and in the log.
  sudo hwgap run -o build.json -- make -j4
      Measure while a command runs, on the CPUs that are left to it.
  sudo hwgap run --duration 30m --stress cpu,memory --load-on-sampled
      Measure under load, on the sampled CPUs as well.

Exit status:
  0  measured, nothing of the platform above the limit
  1  measured, platform latency above the limit
  2  wrong usage, or a file that cannot be written
  3  could not measure, or the evidence does not allow a verdict";

pub(super) const REPORT: &str = "\
Show or convert a report that `hwgap run -o FILE` saved, or what hwgap-host(1) or \
hwgap-explain(1) with --format json did, in any form that these have.

The web page is one file without scripts and without anything to load: it can \
be attached to a ticket, read without a network, and printed. The Markdown fits \
a ticket's field. Both hold verdict, inventory, evidence, the worst stalls with \
UTC times, periodic series with candidates, and what could not be seen.

Reports of earlier versions can be read.";

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  hwgap report node17.json
      The summary again.

  hwgap report node17.json --format html -o node17.html --redact
      For a vendor: a page without host name, addresses and serial numbers.

  hwgap report node17.json --format markdown --limit 30000
      For the text field of a ticket.

  hwgap report old.json --reattribute --format json -o new.json
      Judge the evidence of an earlier version by today's rules.

  hwgap report node17.json --format openmetrics -o /var/lib/node_exporter/hwgap.prom
      For node_exporter's textfile collector.

  hwgap report node17.json --format perfetto -o node17.pftrace
      For ui.perfetto.dev and trace_processor.

  hwgap report explained.json --format junit -o fit.xml
      What hwgap explain saved, for a pipeline.

Exit status:
  0  the report was shown or converted, whatever its verdict
  2  wrong usage, or a file that cannot be read or written";

pub(super) const PREFLIGHT: &str = "\
Say what this machine allows and what will disturb a measurement.

Looks at every setting that matters on the CPUs that a run would sample, and \
tries what a run would do first: pins threads, calibrates the TSC, opens the \
SMI counter and the kernel's records. Each finding has what was seen, what \
follows, and the remedy. Nothing is changed, and nothing is measured.";

pub(super) const PREFLIGHT_EXAMPLES: &str = "\
Examples:
  hwgap preflight
      What a run with the same options would meet.
  sudo hwgap preflight --cpus isolated && sudo hwgap run --cpus isolated
      Measure only where nothing would disturb it.
  sudo hwgap preflight --require usable && sudo hwgap run
      Measure wherever a measurement is possible.
  hwgap preflight --format json | jq -r '.findings[].remedy | strings'
      All remedies, for a script or a ticket.

Exit status:
  0  ready: nothing known would disturb a measurement; with --require usable
     also where something will
  1  usable, but something will disturb a measurement
  2  wrong usage
  3  cannot measure: no usable CPU, a trapped TSC, a clock given up";

pub(super) const SELFTEST: &str = "\
Raise stalls of known length here and show that they are found.

Page faults, competing tasks of 20, 100 and 1,000 us, a storm of signals and, \
where --raise-smi asks for them in so many words, SMIs; also two at once: a \
stall right before a page fault, and a competing task in a storm of signals. \
Each must be found and given its right cause, and of two at once each its own \
part of the time. The result is stored, and later reports of this host \
carry it as long as kernel and microcode stay the same.

Takes about 5 seconds. Competing tasks need real-time priority.";

pub(super) const SELFTEST_EXAMPLES: &str = "\
Examples:
  hwgap selftest
      Show that the instrument works on this host.
  hwgap selftest --cpu 3 --raise-smi
      The same on CPU 3, with 10 SMIs raised by software (bare metal, root).

Exit status:
  0  every stall that was raised was found and rightly classed
  2  wrong usage, or the result cannot be stored where asked
  3  a stall was missed or misnamed, or none could be raised";

pub(super) const COMPARE: &str = "\
Say whether a change made stalls rarer or shorter, and how sure that is.

Takes reports of runs before and after one change, a BIOS setting for example, \
several a side where possible and made in turns. Compares the rate of stalls by \
cause and length, their lengths and the time lost; allows for stalls that come \
in bursts or at even intervals, and for the number of comparisons; and shows \
what else differs between the sides.

Stalls are compared above the highest threshold of all runs. Runs of a guest \
and of bare metal, or of different engines, get no verdict.";

pub(super) const COMPARE_EXAMPLES: &str = "\
Examples:
  hwgap compare --before a1.json a2.json --after b1.json b2.json
      Did the change between the runs a and b help?
  hwgap compare --before a.json --after b.json --format markdown --redact
      The same for a vendor's ticket, without names.
  hwgap compare --before a.json --after b.json --format html -o ab.html
      A page with both sides on common axes.
  hwgap compare --before old*.json --after new*.json --level 0.99 --margin 1.5
      Be surer, and do not call differences below a factor of 1.5 none.

Exit status:
  0  not worse: better, no difference that matters, or at least no rise
  1  worse, in part or on the whole
  2  wrong usage, or a report that cannot be read
  3  not enough data to say, or runs that cannot be compared";

pub(super) const EXPLAIN: &str = "\
Say what stalled a guest, by its run and its host's report.

Takes the report of a run in a virtual machine and what hwgap-host(1) saw on its \
host in the same time. Each gap of the guest, as far as the guest gives it to what \
lies below its kernel, gets its cause from the host: vm-exit, vmm, host-interrupt, \
host-softirq, host-task, vcpu-halted, vcpu-stopped, vcpu-migrated, host-smi, \
host-cpu, or not-observed, with how long, who, and how sure that is.

The clocks of both sides are brought together by what KVM tells of the guest's TSC, \
else by the offset that lays the guest's gaps onto absences. Either is held against \
the data: where they contradict it, where a vCPU is another one, or where records \
were lost, it says so and explains nothing.";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  hwgap explain guest.json --host host.json
      Who took the time of each gap of the guest?
  hwgap explain guest.json --host host.json --guest web1 --format html -o web1.html
      The same of one guest of several, as a page with both time lines.
  hwgap explain guest.json --host first.json --host second.json
      Of a guest that moved from one host to another.
  hwgap explain guest.json --host host.json --format json -o explained.json
      Everything, for programs, and for hwgap report.
  hwgap explain guest.json --host host.json --format junit -o fit.xml
      The verdict and the findings as test cases, for a pipeline.
  hwgap explain guest.json --host host.json --format markdown --redact
      For the vendor's ticket, without the names of hosts, guests and tasks.
  hwgap explain guest.json --host host.json --format csv -o gaps.csv
      A row a gap, for a spreadsheet.

Exit status:
  0  the guest's run passed, and its worst gap is explained
  1  the guest's run failed: latency above its limit, explained or not
  2  wrong usage, or a report that cannot be read
  3  the guest's run is inconclusive, or nothing explains its worst gap";

pub(super) const RESTORE: &str = "\
Put back host settings that a killed run left changed.

A run that changes settings of the host (--quiet-host, --freeze-on-smi) puts \
them back when it ends, and a guardian process does when it dies. This command \
is for the rest: both were killed. It may be called at any time, and again: \
where nothing is left it does nothing, and while a run is going on it refuses.

A value that is neither what hwgap set nor what was there before was set by \
somebody else. It is left alone and named; --force overwrites it, --keep \
leaves it for good. After a reboot all settings are the machine's own again, \
and only the journal is removed.";

pub(super) const RESTORE_EXAMPLES: &str = "\
Examples:
  hwgap restore --dry-run
      What would be put back?
  hwgap restore
      Put it back.
  ExecStopPost=/usr/bin/hwgap restore
      In the unit of a service: whatever ends it, the host is as before.

Exit status:
  0  the host is as before, or there was nothing to put back
  2  wrong usage, or the journal cannot be read
  3  something was not put back: refused, or set by somebody else; or a run is
     still going on";

pub(super) const FLEET: &str = "\
Judge the reports of many machines by one policy.

Says of each host whether it passes, fails or is inconclusive, with every \
reason; groups hosts by vendor, model, BIOS, microcode and kernel; says what \
separates failing from passing hosts; names hosts that stand out among their \
like although they pass, and regular series that many hosts share.

Reads JSON, JSON Lines, gzip, zstd and tar, from files, folders and standard \
input, one report at a time. What is no report, or contradicts itself, is set \
aside with its reason and stops nothing. That finds damage and slips, not \
forgery: for signed collections the answer has the SHA-256 of each report.

A run that ended before the duration that was asked for is inconclusive unless \
a gap fails it, or the policy says by duration or covered how much is enough.

A host is a machine: of one name on several, told apart by machine-id, model \
and board, each is a host, with a warning. Of several runs of one host those count that were made with the machine, BIOS, \
microcode and kernel of the latest. Any that fails makes the host fail; else \
any that passes makes it pass. A run that is there twice counts once; where \
the two do not say the same, the host is inconclusive.";

pub(super) const FLEET_EXAMPLES: &str = "\
Examples:
  hwgap fleet reports/ --policy delivery.toml
      Judge all reports below a folder.
  hwgap fleet reports.tar.zst --policy p.toml --expect hosts.txt --format junit -o junit.xml
      For a CI system; hosts of the list without a report count as errors.
  hwgap fleet reports/ --policy p.toml --format html -o fleet.html
      A page with groups, outliers and each host.
  hwgap fleet reports/ --policy p.toml --export tables/
      Tables for DuckDB or another database; examples/duckdb holds queries.
  ssh head 'tar c /srv/hwgap' | hwgap fleet - --policy p.toml
      From standard input.

Policy (TOML, all fields optional):
  name, description  what it is called and for
  [limits] worst  the longest that the platform may take at a time, as \"10us\"
  [limits] above  what counts as a stall for the next limits [default: the run's own limit]
  [limits] rate_per_hour  stalls an hour of covered time, as counted
  [limits] rate_upper95_per_hour  stalls an hour that must be excluded with 95 % confidence
  [limits] lost_per_hour  time in stalls, an hour
  [limits] smi_time_share  share of the time in SMIs, 0 to 1
  [measurement] duration, covered  least time of a run, least covered time; in place of what was asked of the run
  [measurement] coverage  least covered share of any CPU, 0 to 1
  [measurement] threshold  highest threshold of a run
  [measurement] cpus  CPUs that must be sampled: \"all\" or a list such as \"1-3,5\"
  [measurement] engines  engines that may have sampled, as [\"user\", \"bpf\"]
  [evidence] smi_counter, selftest  \"required\" or \"optional\"
  [evidence] guest  \"refused\" or \"allowed\": runs in a guest
  [evidence] sources  names of evidence that must be usable
  [clock] clocksource  allowed clocksources, as [\"tsc\"]
  [clock] invariant_tsc, steady  \"required\" or \"optional\"
  [[bios]] vendor, product, versions  allowed BIOS versions of a model
  [[microcode]] cpu, revisions  allowed microcode of a CPU model: numbers such as \"0x2007006\"
  [[override]] host, vendor, product, bios, cpu  hosts for which its own tables limits, measurement, evidence and clock replace those above
  [[waiver]] host, rule, reason, until  a rule, such as \"limits.worst\", that a host may break until a day
Names may hold * and ?. Without any limit the runs' own limits hold.

Exit status:
  0  every host passes
  1  some host fails
  2  wrong usage, or a file that cannot be read or written
  3  none fails, but some are inconclusive, missing or unreadable";

pub(super) const HOST: &str = "\
Watch the vCPUs of this host's guests and say who keeps them out of their guests.

For each vCPU every absence from its guest longer than --threshold: why the guest \
was left (the names of VMX and SVM), and what took the time by the kernel's own \
records: KVM's handling, the VMM with the port or address, interrupts and softirqs \
of the host, the tasks that ran in its place, a halt and what woke it, moves between \
CPUs, SMIs. The guest needs nothing; any VMM that uses KVM will do.

BPF programs keep in the kernel what is above the threshold. Where they cannot be \
had, tracepoints are read record by record, and what is lost is counted. It takes \
root, and a host with KVM. SIGINT ends it with its report.

hwgap explain lays the report onto that of a hwgap run in the guest.";

pub(super) const HOST_EXAMPLES: &str = "\
Examples:
  sudo hwgap host
      Who keeps the guests of this host waiting?
  sudo hwgap host --guest rt-vm --duration 1m -o host.json
      Watch one guest for a minute, and keep the report.
  hwgap report host.json --format html --redact -o host.html
      The same as a page, without names.
  hwgap report host.json --format csv -o absences.csv
      A row an absence, for a spreadsheet.

Exit status:
  0  observed, whatever was seen
  2  wrong usage, or a file that cannot be written
  3  could not observe: no KVM, no such guest, no rights";

pub(super) const SCHEMA_EXAMPLES: &str = "\
Examples:
  hwgap schema report > report.schema.json
      The schema of saved reports, for a validator or a generator of types.";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  hwgap completions bash > /etc/bash_completion.d/hwgap
  hwgap completions zsh > ~/.zfunc/_hwgap";

pub(super) const HWLATDETECT: &str = "\
Measure with the options and the output of hwlatdetect, in its place. The \
program does the same without a command when it is called as hwlatdetect.

Takes the options of hwlatdetect, writes its lines in its order, and ends as it \
does. It needs no kernel tracer and leaves nothing changed. A sample is a gap of \
the platform's: what this kernel took is no sample. Each gap has its own line; \
inner is its length, rounded up to a microsecond, and outer is 0.

hwlatdetect samples one CPU at a time, with interrupts off, and therefore only \
the width of each window. hwgap leaves interrupts on and samples all its CPUs \
all the time: the width is the least, not the most. Where no CPU is left to \
others, it pauses for 20 of every 100 ms, or as long as width and window allow \
if that is less.

Where hwlatdetect would print a number that it does not have, the line says so: \
'SMIs during run: not counted (reason)'. The line 'Coverage:' says how much of the \
time was really looked at. Everything else that is to be known goes to standard \
error.";

pub(super) const HWLATDETECT_EXAMPLES: &str = "\
Examples:
  hwgap hwlatdetect --duration 60 --threshold 20 --hardlimit 50
      Test for a minute, and fail above 50 us.
  hwgap hwlatdetect --duration 10m --cpu-list 2-7 --watch --report samples
      Print the samples as they come, and keep them.
  ln -s hwgap /usr/local/bin/hwlatdetect
      Serve programs that call hwlatdetect.

Exit status:
  0  no latency above the hard limit
  1  a latency above the hard limit
  2  wrong usage, or a file that cannot be written
  3  could not measure, or the evidence does not allow a verdict";
