"""The allocator is told once, where it can be."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from types import SimpleNamespace

import pytest

from alad.cli import arenas

MANY = """
import ctypes, threading, tempfile
from alad.cli.arenas import keep_few_arenas
{call}
barrier = threading.Barrier(16)
def work():
    held = [ctypes.CDLL(None).malloc(64) for _ in range(100)]
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(16)]
[t.start() for t in threads]; [t.join() for t in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as told:
    file = ctypes.c_void_p(libc.fopen(told.name.encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(open(told.name).read().count("<heap nr="))
"""


@pytest.fixture
def told(monkeypatch):
    calls = []
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    library = SimpleNamespace(mallopt=lambda *given: calls.append(given))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    return calls


def test_two_arenas_are_asked_for(told):
    arenas.keep_few_arenas()
    assert told == [(-8, 2)]


def test_who_has_set_it_is_left_alone(told, monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "5")
    arenas.keep_few_arenas()
    assert told == []


def test_other_systems_are_left_alone(told, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    arenas.keep_few_arenas()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())  # musl
    arenas.keep_few_arenas()
    assert told == []


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_info"), reason="glibc alone tells of its arenas"
)
def test_threads_share_them():
    def heaps(call: str) -> int:
        command = [sys.executable, "-c", MANY.format(call=call)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert heaps("keep_few_arenas()") <= 2 < heaps("")
