"""`grainseal serve` as a process of its own, to be killed."""

import json
import select
import subprocess
import sys
import time
from pathlib import Path

import psutil
from tests.server.device import Connection

# Without the client's half of the program, which takes a second to import.
SERVE = (sys.executable, "-c", "from grainseal.server.commands import serve; serve()")
START_SECONDS = 60


class ServeProcess:
    """A running `grainseal serve`; `connection` leads to it."""

    def __init__(self, data: Path, *options: str) -> None:
        self._log = (data.parent / f"{data.name}.log").open("a")
        command = [*SERVE, "--data", str(data), "--json", *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        assert select.select([self.process.stdout], [], [], START_SECONDS)[0], "silent"
        line = self.process.stdout.readline()
        assert line, Path(self._log.name).read_text()
        announced = json.loads(line)
        self.address, self.ca_file = announced["listening"], Path(announced["ca"])
        self.connection = Connection.to(self.address, self.ca_file)
        self.children = psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        """kill -9: no handler runs."""
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self._reap()

    def wait_for_children(self) -> None:
        """Return when no worker runs any more; they end by themselves, soon."""
        deadline = time.monotonic() + 10
        while any(map(runs, self.children)):
            assert time.monotonic() < deadline, "a worker outlives its server"
            time.sleep(0.05)

    def _reap(self) -> int:
        self.process.communicate(timeout=30)
        self.connection.close()
        self._log.close()
        return self.process.returncode


def runs(process: psutil.Process) -> bool:
    """Whether a process is there and not only waiting for its parent to look."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
