"""Runs the original hwlatdetect without a kernel tracer: its own source, on
made-up files, records and SMI counts. What it prints is what it would print of
that machine.

    original.py run SOURCE FOLDER [OPTION...]   FOLDER holds trace and smis
    original.py units SOURCE                    lines "seconds|microseconds TEXT"

trace has a line of the tracer's for each record, smis a line for each CPU with
the counter before and after.
"""

import builtins
import io
import os
import subprocess
import sys
import time


def made_up_machine(folder):
    """Puts the folder in the place of debugfs, the counters and the clock."""
    tracing = os.path.join(folder, "tracing")
    os.makedirs(os.path.join(tracing, "hwlat_detector"))
    for name, value in {
        "hwlat_detector/width": 500000,
        "hwlat_detector/window": 1000000,
        "tracing_on": 0,
        "tracing_thresh": 10,
        "tracing_cpumask": "f",
        "current_tracer": "nop",
    }.items():
        with open(os.path.join(tracing, name), "w") as file:
            file.write(f"{value}\n")
    with open(os.path.join(folder, "trace")) as file:
        records = file.readlines()
    with open(os.path.join(folder, "smis")) as file:
        smis = [line.split() for line in file]

    real_open, real_os_open = builtins.open, os.open
    mounts = f"none {folder} debugfs rw 0 0\n"

    def file_open(path, *rest, **options):
        if path == "/proc/mounts":
            return io.StringIO(mounts)
        return real_open(path, *rest, **options)

    def low_open(path, *rest, **options):
        if not str(path).endswith("trace_pipe"):
            return real_os_open(path, *rest, **options)
        end, begin = os.pipe()
        if records:
            os.write(begin, records.pop(0).encode())
        os.close(begin)
        return end

    class Counters:
        """rdmsr -a -d 0x34, first before the test, then after it."""

        read = 0

        def __init__(self, *_arguments, **_options):
            lines = [f"{cpu[Counters.read]}\n".encode() for cpu in smis]
            Counters.read = 1
            self.stdout = io.BytesIO(b"".join(lines))

        def wait(self):
            return 0

    real_exists = os.path.exists

    def exists(path):
        made_up = {"/usr/sbin/rdmsr": bool(smis), "/dev/cpu_dma_latency": False}
        return made_up.get(path, real_exists(path))

    builtins.open, os.open = file_open, low_open
    os.path.exists, os.getuid = exists, lambda: 0
    subprocess.Popen = Counters
    # The test is over after one look, which takes all records.
    time.time = iter([0.0, 0.0, 1e12, 1e12]).__next__
    time.sleep = lambda _seconds: None


def main():
    command, source, *rest = sys.argv[1:]
    with open(source) as file:
        program = compile(file.read(), source, "exec")
    if command == "units":
        names = {"__name__": "units"}
        exec(program, names)
        for line in sys.stdin:
            function, _, text = line.rstrip("\n").partition(" ")
            try:
                print(names[function](text))
            except Exception:
                print("refused")
        return
    folder, *options = rest
    made_up_machine(folder)
    sys.argv = ["hwlatdetect", *options]
    exec(program, {"__name__": "__main__"})


main()
