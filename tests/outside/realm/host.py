"""Whose processes they are, where their files are, and which ports they take.

Nothing here runs as root: when root starts it, everything runs as `nobody`, and the folder is that user's.
"""
from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Mapping

# Servers are installed where the PATH of people does not lead.
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


class Failure(Exception):
    """The realm cannot be set up, and why."""


def program(name: str) -> str | None:
    """The path of a program."""
    return shutil.which(name, path=_PATH)


def free_port(udp: bool = False) -> int:
    """A port of 127.0.0.1 that nobody uses, for TCP and, where asked for, for UDP as well."""
    for _ in range(20):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                if udp:
                    datagrams.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failure("no port of 127.0.0.1 is free for TCP and UDP")


def _die_with_parent() -> None:
    """In a child: end when the parent ends, however that comes about."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Host:
    """A folder, the user who owns it, and the programs that run there as that user."""

    def __init__(self, folder: Path | None) -> None:
        self._as: dict[str, object] = {}
        owner = (os.getuid(), os.getgid())
        if owner[0] == 0:
            nobody = pwd.getpwnam("nobody")
            owner = (nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": owner[0], "group": owner[1], "extra_groups": []}
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="realm-"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise Failure(f"the folder '{folder}' is not empty")
        self.folder = folder.resolve()
        closed = [str(p) for p in self.folder.parents if self._as and not p.stat().st_mode & stat.S_IXOTH]
        if closed or any(letter.isspace() for letter in str(self.folder)):
            self.folder.rmdir()
            raise Failure(f"'{closed[0]}' is closed to `nobody`, who runs the servers" if closed
                          else f"the folder '{self.folder}' has a blank in its path")
        os.chown(self.folder, *owner)
        self.folder.chmod(0o700)
        self._owner = owner
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def write(self, name: str, text: str) -> Path:
        """Writes a file that only the owner reads."""
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text, encoding="utf-8")
        os.chown(path, *self._owner)
        return path

    def make(self, name: str) -> Path:
        """Makes a folder in the folder."""
        path = self.folder / name
        path.mkdir(0o700)
        os.chown(path, *self._owner)
        return path

    def run(self, arguments: list[str], environment: Mapping[str, str], text: str = "") -> str:
        """Runs a program to its end; gives what it said."""
        done = subprocess.run(self._command(arguments), input=text, env=self._environment(environment), capture_output=True,
                              text=True, timeout=60, check=False, cwd=self.folder, **self._as)  # type: ignore[call-overload]
        if done.returncode != 0:
            raise Failure(f"{' '.join(arguments[:2])} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, arguments: list[str], environment: Mapping[str, str], port: int) -> None:
        """Starts a server, and waits until it listens."""
        name = Path(arguments[0]).name
        log = self.folder / f"{name}.out"
        with log.open("wb") as out:
            child = subprocess.Popen(self._command(arguments), env=self._environment(environment), cwd=self.folder,
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=_die_with_parent,
                                     **self._as)  # type: ignore[call-overload]
        self._running.append((name, child))
        end = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if child.poll() is not None or time.monotonic() > end:
                raise Failure(f"{name} does not listen on 127.0.0.1:{port}:\n{self.logs()}")
            time.sleep(0.05)

    def logs(self) -> str:
        """What the servers have written, the ends of it."""
        files = sorted([*self.folder.glob("*.out"), *self.folder.glob("*.log")])
        return "\n".join(f"--- {f.name}\n{f.read_text(encoding='utf-8', errors='replace')[-4000:]}" for f in files)

    def close(self) -> None:
        """Stops what runs, the last first, and takes the folder away."""
        for _, child in reversed(self._running):
            child.terminate()
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._running.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _command(self, arguments: list[str]) -> list[str]:
        found = program(arguments[0])
        if found is None:
            raise Failure(f"the program '{arguments[0]}' is missing")
        return [found, *arguments[1:]]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": _PATH, "LANG": "C.UTF-8", "HOME": str(self.folder), "TMPDIR": str(self.folder), **more}
