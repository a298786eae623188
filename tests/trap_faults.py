"""A disk that fails on order: a library that makes calls on open segments fail, or hang, while a file says so."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from trap_process import TrapProcess

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int segment(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strstr(path, "/segments/") && strstr(path, ".open");
}
static int ordered(const char *fault) {
    char what[32] = "";
    int file = open(getenv("FAULT_FILE"), O_RDONLY);
    if (file < 0) return 0;
    if (read(file, what, sizeof what - 1) < 0) what[0] = 0;
    close(file);
    return strstr(what, fault) != NULL;
}
int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    while (segment(fd) && ordered("stall")) usleep(10000);
    if (segment(fd) && ordered("sync")) { errno = EIO; return -1; }
    return real(fd);
}
ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    static int half;
    if (segment(fd) && ordered("full")) {
        half = !half;
        if (half && n > 1) return real(fd, bytes, n / 2, at);
        errno = ENOSPC;
        return -1;
    }
    return real(fd, bytes, n, at);
}
int ftruncate64(int fd, off64_t n) {
    int (*real)(int, off64_t) = dlsym(RTLD_NEXT, "ftruncate64");
    if (segment(fd) && ordered("cut")) { errno = EIO; return -1; }
    return real(fd, n);
}
"""


def build_shim(folder: Path) -> Path:
    """Compile the library; the test is skipped where nothing can."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    (folder / "shim.c").write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "shim.so", folder / "shim.c", "-ldl"], check=True)
    return folder / "shim.so"


def faulty(shim: Path, place: Path, tmp_path: Path) -> tuple[TrapProcess, Path]:
    """A trap on such a disk, and the file that orders ``sync``, ``stall``, ``full``, ``cut``."""
    fault = tmp_path / "fault"
    return TrapProcess(place, environment={"LD_PRELOAD": str(shim), "FAULT_FILE": str(fault)}), fault
