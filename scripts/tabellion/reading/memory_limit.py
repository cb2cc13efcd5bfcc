"""The limit of memory of a child that reads files, by what its system has."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, cast

#: The exit code of a child that watched its own memory grow beyond its limit.
OUT_OF_MEMORY = 77
_LOOK_SECONDS = 0.02
#: The extended limits of a job, and the one that is set: the memory of each of its processes (winnt.h).
_EXTENDED_LIMITS, _PROCESS_MEMORY = 9, 0x100


def limit_memory(memory_bytes: int) -> None:
    """Give this process a limit of memory; a lower one may be in force.

    Linux limits the address space and Windows what is committed: Python raises ``MemoryError``. macOS has no limit that
    holds: there the process watches itself and ends with :data:`OUT_OF_MEMORY`.
    """
    if sys.platform == "win32":
        import ctypes

        with suppress(OSError, AttributeError):  # it is in a job that admits no other
            limit_by_job(memory_bytes, cast("Kernel", ctypes.WinDLL("kernel32")))
        return
    import resource

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    if sys.platform == "darwin":
        watch_memory(memory_bytes, lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def watch_memory(memory_bytes: int, peak: Callable[[], int]) -> None:
    """End this process with :data:`OUT_OF_MEMORY` once ``peak``, the most that it ever held in bytes, is beyond."""

    def look() -> None:
        while peak() <= memory_bytes:
            time.sleep(_LOOK_SECONDS)
        os._exit(OUT_OF_MEMORY)

    threading.Thread(target=look, name="mémoire", daemon=True).start()


class Kernel(Protocol):
    """The functions of ``kernel32`` that put a process into a job."""

    CreateJobObjectW: Callable[..., int]
    SetInformationJobObject: Callable[..., int]
    GetCurrentProcess: Callable[..., int]
    AssignProcessToJobObject: Callable[..., int]


def limit_by_job(memory_bytes: int, kernel: Kernel) -> None:
    """Put this process into a job of Windows that limits what it may commit; raises ``OSError`` where it may not."""
    from ctypes import Structure, byref, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p, c_wchar_p, sizeof

    class ExtendedLimits(Structure):
        """``JOBOBJECT_EXTENDED_LIMIT_INFORMATION``, its basic limits and its counters written out (winnt.h)."""

        _fields_ = (
            ("PerProcessUserTimeLimit", c_int64), ("PerJobUserTimeLimit", c_int64), ("LimitFlags", c_uint32),
            ("MinimumWorkingSetSize", c_size_t), ("MaximumWorkingSetSize", c_size_t),
            ("ActiveProcessLimit", c_uint32), ("Affinity", c_size_t), ("PriorityClass", c_uint32),
            ("SchedulingClass", c_uint32), ("IoInfo", c_uint64 * 6), ("ProcessMemoryLimit", c_size_t),
            ("JobMemoryLimit", c_size_t), ("PeakProcessMemoryUsed", c_size_t), ("PeakJobMemoryUsed", c_size_t),
        )  # fmt: skip

    for function, result, *kinds in (
        (kernel.CreateJobObjectW, c_void_p, c_void_p, c_wchar_p),
        (kernel.SetInformationJobObject, c_int, c_void_p, c_int, c_void_p, c_uint32),
        (kernel.GetCurrentProcess, c_void_p),
        (kernel.AssignProcessToJobObject, c_int, c_void_p, c_void_p),
    ):
        function.restype, function.argtypes = result, kinds  # type: ignore[attr-defined]  # ctypes as Windows has it
    limits = ExtendedLimits(LimitFlags=_PROCESS_MEMORY, ProcessMemoryLimit=memory_bytes)
    job = kernel.CreateJobObjectW(None, None)
    is_set = job and kernel.SetInformationJobObject(job, _EXTENDED_LIMITS, byref(limits), sizeof(limits))
    if not is_set or not kernel.AssignProcessToJobObject(job, kernel.GetCurrentProcess()):
        raise OSError("the system puts this process into no job")
