"""A time stamp authority (RFC 3161) for tests: `openssl ts` with a root and keys of its own."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

CONFIGURATION = """\
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = {digests}
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class Authority:
    """A root certificate, and a certificate under it that signs time stamps.

    `digests`: the hashes that it takes.
    """

    def __init__(self, folder: Path, digests: str = "sha256") -> None:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl on this machine to be the authority")
        folder.mkdir(parents=True)
        self.folder = folder
        (folder / "serial").write_text("01\n")
        (folder / "ts.cnf").write_text(CONFIGURATION.format(folder=folder, digests=digests))
        key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj"
        self._run(f"req -x509 -days 90 -keyout root.key -out root.pem {key}", "/CN=Root")
        self._run(f"req -keyout own.key -out own.csr {key}", "/CN=Authority")
        self._certify("critical,timeStamping", "own.pem")

    @property
    def root_file(self) -> Path:
        return self.folder / "root.pem"

    @property
    def root(self) -> bytes:
        return self.root_file.read_bytes()

    def answer(self, request: bytes) -> bytes:
        """The response (DER) to a request (DER)."""
        (self.folder / "request").write_bytes(request)
        self._run("ts -reply -config ts.cnf -queryfile request -signer own.pem -inkey own.key"
                  " -out response")  # fmt: skip
        return (self.folder / "response").read_bytes()

    def answer_for(self, usage: str, request: bytes) -> bytes:
        """A response signed with a certificate for another use, which `openssl ts` refuses to."""
        self._certify(usage, "other.pem")
        (self.folder / "true").write_bytes(self.answer(request))
        self._run("ts -reply -in true -token_out -out token")
        self._run("cms -verify -noverify -inform DER -in token -out info")
        self._run("cms -sign -binary -nodetach -in info -econtent_type id-smime-ct-TSTInfo"
                  " -signer other.pem -inkey own.key -outform DER -out token")  # fmt: skip
        self._run("ts -reply -in token -token_in -out response")
        return (self.folder / "response").read_bytes()

    def _certify(self, usage: str, name: str) -> None:
        (self.folder / "usage").write_text(f"extendedKeyUsage={usage}\n")
        sign = "x509 -req -days 60 -in own.csr -CA root.pem -CAkey root.key -CAcreateserial"
        self._run(f"{sign} -extfile usage -out {name}")

    def _run(self, line: str, *more: str) -> None:
        command = ["openssl", *line.split(), *more]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)


@contextmanager
def served(answer, status: int = 200) -> Iterator[tuple[str, list]]:
    """URL of a web server on loopback that answers posts, and the (headers, body) it was sent."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((dict(self.headers), body))
            data = answer(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            if status in (301, 302):
                self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsr", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
