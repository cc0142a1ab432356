"""A real server of its own for the demo, started and governed through the command line."""

import json
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import ClientError
from .sessions import new_idempotency_key
from .transport import Transport

START_TIMEOUT: Final = 60.0  # seconds
STOP_TIMEOUT: Final = 20.0
PROGRAM: Final = (sys.executable, "-m", "grainseal.cli")


class LocalService:
    """`grainseal serve` in a process of its own; a context manager that stops it at its end.

    `address`: HOST:PORT. `ca`: PEM file of the authority that the server made for itself.
    """

    def __init__(self, data: Path, *options: str) -> None:
        """`data`: the server's folder, made if missing; `options`: further ones of `serve`."""
        self.data, self._options = data, options
        self.address, self.ca = "", Path()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Return when the server takes calls; `ClientError` with its last words if it does not."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        command = [*PROGRAM, "serve", "--data", str(self.data), "--listen", "127.0.0.1:0"]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        line = _first_line(self._process)
        words = line.split()
        if words[:2] != ["listening", "on"] or "ca" not in words:
            self.stop()
            raise ClientError(f"the server did not start: {self._last_words()}")
        self.address, self.ca = words[2], Path(line.split(" ca ", 1)[1].strip())

    def stop(self) -> None:
        """Ask it to end, and make it end if it does not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.communicate(timeout=STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._process = None

    def add_relying_party(self, name: str) -> str:
        """Register a relying party; its API key."""
        return str(self._admin("relying-party", "add", name)["api_key"])

    def ticket(self, subject: str, relying_party_key: str) -> str:
        """A single-use ticket for a subject, as a relying party's backend asks for it."""
        request = pb.IssueTicketRequest(subject=subject, idempotency_key=new_idempotency_key())
        with Transport(self.address, self.ca, api_key=relying_party_key) as transport:
            return transport.issue_ticket(request).ticket

    def __enter__(self) -> "LocalService":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self.data.with_name(f"{self.data.name}.log")

    def _admin(self, *arguments: str) -> dict[str, Any]:
        command = [*PROGRAM, "admin", *arguments, "--data", str(self.data), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise ClientError(f"grainseal admin {arguments[0]}: {done.stderr.strip()}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else "it gave no reason"


def _first_line(process: "subprocess.Popen[str]") -> str:
    """The first line of a process's output; empty if it ends or stays silent too long."""
    output = process.stdout
    if output is None or not select.select([output], [], [], START_TIMEOUT)[0]:
        return ""
    return output.readline()
