"""Runs commands and accounts for them: wall time, user and system CPU, peak memory; the standard library is enough.

Peak memory is the kernel's for the child. A child begins as a copy of this process, so that figures below this
process's own size (about 20 MB) cannot be told from it: keep this process small, and read no large outputs into it.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
LINUX = sys.platform.startswith("linux")


@dataclass
class Sample:
    """One run of a command, or what a running process used meanwhile."""

    wall: float
    user: float
    system: float
    peak: float  # MB, of 1,000,000 bytes
    code: int = 0

    @property
    def cpu(self):
        return self.user + self.system


def run(command, out, err, env=None, cwd=None, expect=(0,), stdin=os.devnull):
    """Runs a command to its end, with its output in files; ends the benchmark where it fails."""
    with open(stdin, "rb") as asked, open(out, "wb") as stdout, open(err, "wb") as stderr:
        began = time.perf_counter()
        child = subprocess.Popen(
            [str(word) for word in command], stdin=asked, stdout=stdout, stderr=stderr, env=env, cwd=cwd
        )
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1024 if LINUX else 1  # getrusage(2): KiB on Linux, bytes on macOS
    sample = Sample(wall, used.ru_utime, used.ru_stime, used.ru_maxrss * unit / 1e6, child.returncode)
    if child.returncode not in expect:
        words = " ".join(str(word) for word in command)
        tail = Path(err).read_text(errors="replace")[-2000:] + Path(out).read_text(errors="replace")[-500:]
        sys.exit(f"exit code {child.returncode} of: {words}\n{tail}")
    return sample


class Watched:
    """A process that runs on beside the measured one; what it uses is read from /proc, so on Linux only."""

    def __init__(self, pid):
        self.pid = pid

    def cpu(self):
        if not LINUX:
            return 0.0
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def peak(self):
        if not LINUX:
            return 0.0
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
        return 0.0

    def forget_peak(self):
        try:
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        except OSError:
            pass  # the peak since the start, then


def spread(values):
    """Least, median and greatest of several runs."""
    values = list(values)
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def summary(samples):
    """The spread of each figure of several samples."""
    return {
        "runs": len(samples),
        "wall": spread(s.wall for s in samples),
        "user": spread(s.user for s in samples),
        "system": spread(s.system for s in samples),
        "cpu": spread(s.cpu for s in samples),
        "peak_mb": spread(s.peak for s in samples),
    }


def machine():
    """What the figures were measured on, without naming it."""
    model, memory = "unknown", 0
    if LINUX:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": sys.platform,
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "load_at_start": os.getloadavg()[0],
    }


def revision():
    """The commit that is measured, and whether the tree differs from it."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def numbers(text):
    """`1000,10000` as a list of numbers."""
    return [int(part.replace("_", "")) for part in text.split(",")]


def seconds(value):
    """A duration in at most six characters."""
    return f"{value:.3f}" if value < 9.9995 else f"{value:.2f}" if value < 99.995 else f"{value:.0f}"


def write(path, value):
    """Writes JSON, and says where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")
    print(f"\nwritten: {path}")
