"""How many processors there are to work with."""

import os


def usable_cores() -> int:
    """Those that this process may run on, where the system tells, else all; at least one."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
