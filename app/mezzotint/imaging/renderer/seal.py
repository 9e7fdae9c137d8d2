"""What a renderer gives up before its first job: the kernel lets it compute and answer, and nothing else.

An allow-list of system calls by seccomp, for all of the process's threads, and Landlock behind it where the kernel has
that. A process asked to open a file hears that it may not, which libraries bear; one that tries to start a program or a
process, or to make a connection, is no longer decoding a picture: it is killed.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import termios

_ALLOWED = [
    "read",
    "readv",
    "pread64",
    "preadv",
    "write",
    "writev",
    "pwrite64",
    "lseek",
    "close",
    "dup",
    "fstat",
    "newfstatat",
    "ftruncate",
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "recvmsg",
    "recvfrom",
    "sendto",
    "sendmsg",
    "shutdown",
    "getsockname",
    "getsockopt",
    "setsockopt",
    "munmap",
    "mremap",
    "madvise",
    "brk",
    "mincore",
    "membarrier",
    "futex",
    "set_robust_list",
    "rseq",
    "sched_yield",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "exit",
    "exit_group",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "sigaltstack",
    "restart_syscall",
    "getpid",
    "gettid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getrandom",
    "getrusage",
    "getcwd",
    "uname",
    "sysinfo",
    "times",
    "setitimer",
    "getitimer",
    "clock_gettime",
    "clock_getres",
    "clock_nanosleep",
    "nanosleep",
    "gettimeofday",
    "time",
]
_FATAL = [
    "execve",
    "execveat",
    "fork",
    "vfork",
    "socket",
    "socketpair",
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_open",
    "pidfd_getfd",
    "io_uring_setup",
    "bpf",
    "kexec_load",
    "init_module",
    "finit_module",
    "unshare",
    "setns",
]
_CLONE_THREAD = 0x10000
_PR_SET_NAME = 15
_PR_SET_VMA = 0x53564D41
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446
_LANDLOCK_VERSION = 1
_PR_SET_NO_NEW_PRIVS = 38
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""how many rights on files each version of Landlock knows"""


class SealUnavailable(Exception):
    """This machine can't seal a process; says why."""


def seal() -> None:
    """Seal this process for good. Raises SealUnavailable."""
    try:
        import pyseccomp as seccomp  # noqa: PLC0415  (it looks for its library on import)
    except (ImportError, RuntimeError, OSError) as problem:
        raise SealUnavailable(f"seccomp is not available (Debian's package is libseccomp2): {problem}") from problem
    _landlock()
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    try:
        rules.set_attr(seccomp.Attr.CTL_TSYNC, 1)  # threads that libraries have started too
        for name in _ALLOWED:
            rules.add_rule(seccomp.ALLOW, name)
        for name in _FATAL:
            rules.add_rule(seccomp.KILL_PROCESS, name)
        rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags can't be seen; libc then takes clone
        thread = seccomp.Arg(0, seccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD)
        process = seccomp.Arg(0, seccomp.MASKED_EQ, _CLONE_THREAD, 0)
        rules.add_rule(seccomp.ALLOW, "clone", thread)
        rules.add_rule(seccomp.KILL_PROCESS, "clone", process)
        for name in ("mmap", "mprotect"):  # no new code
            rules.add_rule(seccomp.ALLOW, name, seccomp.Arg(2, seccomp.MASKED_EQ, mmap.PROT_EXEC, 0))
        rules.add_rule(seccomp.ALLOW, "fcntl", seccomp.Arg(1, seccomp.EQ, fcntl.F_DUPFD_CLOEXEC))  # Python's dup
        for number in (_PR_SET_NAME, _PR_SET_VMA):
            rules.add_rule(seccomp.ALLOW, "prctl", seccomp.Arg(0, seccomp.EQ, number))
        for number in (termios.FIONBIO, termios.TCGETS):
            rules.add_rule(seccomp.ALLOW, "ioctl", seccomp.Arg(1, seccomp.EQ, number))
        for name in ("kill", "tgkill", "prlimit64"):  # an abort is one's own affair
            rules.add_rule(seccomp.ALLOW, name, seccomp.Arg(0, seccomp.EQ, os.getpid()))
        rules.load()
    except (OSError, ValueError) as problem:
        raise SealUnavailable(f"seccomp refuses: {problem}") from problem


def _landlock() -> None:
    """Give up every right on files and on TCP ports; nothing where the kernel has no Landlock."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    if version < 1:
        return
    ports = 0b11 if version >= 4 else 0
    handled = (ctypes.c_uint64 * 2)((1 << _RIGHTS.get(version, 16)) - 1, ports)
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(handled), 16 if ports else 8, 0)
    if ruleset < 0 or libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0):
        raise SealUnavailable(f"Landlock refuses: {os.strerror(ctypes.get_errno())}")
    os.close(ruleset)
