"""The strictness log: each request that broke the documented wire, and how often each operation was called.

In memory, guarded by a lock of its own. A violation is always answered with the right error too, except where ASP.NET
would silently ignore the offending part.
"""
from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Violation:
    """One deviation of one request."""

    number: int
    protocol: str
    operation: str
    kind: str
    detail: str


class Journal:
    """Violations and call counts of one server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._violations: list[Violation] = []
        self._calls: Counter[str] = Counter()
        self._number = 0

    def next_number(self) -> int:
        """The number of the next answer, from which its manner follows."""
        with self._lock:
            self._number += 1
            return self._number

    def called(self, operation: str) -> None:
        """Counts one call of an operation."""
        with self._lock:
            self._calls[operation] += 1

    def violation(self, protocol: str, operation: str, kind: str, detail: str) -> None:
        """Keeps one violation."""
        with self._lock:
            self._violations.append(Violation(len(self._violations) + 1, protocol, operation, kind, detail))

    def violations(self) -> list[dict[str, object]]:
        """All violations so far, oldest first."""
        with self._lock:
            return [asdict(v) for v in self._violations]

    def calls(self) -> dict[str, int]:
        """How often each operation was called, by name."""
        with self._lock:
            return dict(sorted(self._calls.items()))

    def clear(self) -> None:
        """Forgets everything but the number of the next answer."""
        with self._lock:
            self._violations.clear()
            self._calls.clear()
