"""A function's memory limit, on Linux: memory beyond memory_mb cannot be had, and MemoryError is raised.

RLIMIT_DATA bounds what a process may write to privately: its heap and its anonymous mappings. RLIMIT_AS would count
shared libraries and address space that was only reserved; Linux ignores RLIMIT_RSS; control groups need privileges.
What the interpreter and boto3 hold when an environment starts is not the function's and is allowed on top, and so is
the stack of each thread, which is mapped whole and hardly used.
"""

from __future__ import annotations

import resource
import sys
import threading
from pathlib import Path

_THREAD_STACK_BYTES = 8 << 20


def limit_memory(memory_mb: int) -> None:
    """Allow this process `memory_mb` more than it holds now. Only on Linux; elsewhere memory is not bounded."""
    if sys.platform != "linux":
        return
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    _set_limit(pages * resource.getpagesize() + (memory_mb << 20))
    threads = threading.active_count()
    lock = threading.Lock()
    start = threading.Thread.start

    def start_with_room(thread: threading.Thread) -> None:
        nonlocal threads
        with lock:
            running = threading.active_count() + 1
            if running > threads:
                soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
                _set_limit(soft + (running - threads) * _THREAD_STACK_BYTES)
                threads = running
        start(thread)

    threading.Thread.start = start_with_room  # type: ignore[method-assign, assignment]


def max_memory_mb() -> int:
    """The most memory that this process has had in use, in whole MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used >> (20 if sys.platform == "darwin" else 10)


def _set_limit(limit: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
