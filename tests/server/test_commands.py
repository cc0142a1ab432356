"""`grainseal serve` and `grainseal admin`, as a person runs them."""

import json
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from tests.server.device import Backend, TestDevice, noisy, random_code, refused
from tests.server.process import ServeProcess

from grainseal import cli
from grainseal.crypto.checkpoint import parse_verifier_key, verify_checkpoint
from grainseal.crypto.tokens import keys_of_jwks
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server import commands

PROGRAM = (sys.executable, "-m", "grainseal.cli")


def admin(data, *arguments):
    """What `grainseal admin …` prints."""
    done = CliRunner().invoke(commands.admin, [*arguments, "--data", str(data)])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    data = tmp_path_factory.mktemp("cli") / "data"
    server = ServeProcess(data, "--allow-testing-profiles", "--workers", "1")
    yield data, server
    assert server.stop() == 0
    server.wait_for_children()


def serve(*options):
    command = [*PROGRAM, "serve", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_operator_and_relying_party_work_beside_the_running_server(serving, rng):
    data, server = serving
    added = json.loads(admin(data, "relying-party", "add", "shop", "--json"))
    assert (added["name"], added["audience"]) == ("shop", "shop")
    issued = admin(data, "ticket", "--subject", "alice", "--relying-party", "shop", "--json")
    device = TestDevice(server.connection, random_code(rng))
    assert device.enroll(json.loads(issued)["ticket"]).subject == "alice"
    decision = device.authenticate(noisy(device.code, rng), "shop")
    party = Backend(server.connection, "shop", added["api_key"])
    assert party.verify(decision.token).subject == "alice"
    assert admin(data, "relying-party", "list") == "shop\n"
    listed = json.loads(admin(data, "relying-party", "list", "--json"))
    assert listed == {"relying_parties": ["shop"]}
    assert list(keys_of_jwks(admin(data, "jwks")).values()) == [device.begin("shop").service_key]


ASKING = (
    ("ticket", "--subject", "alice"),
    ("jwks",),
    ("log-key",),
    ("relying-party", "list"),
    ("relying-party", "add", "shop"),
)


@pytest.mark.parametrize("arguments", ASKING, ids=" ".join)
def test_a_mistyped_folder_becomes_no_service(tmp_path, capsys, arguments):
    data = tmp_path / "mistyped"
    assert cli.run(["admin", *arguments, "--data", str(data), "--json"]) == 2
    message = f"no service in {data}: start it once with `grainseal serve --data {data}`"
    said = capsys.readouterr()
    assert said.err == f"grainseal: {message}\n"
    assert json.loads(said.out) == {"error": message}
    assert not data.exists()
    data.mkdir()
    assert cli.run(["admin", *arguments, "--data", str(data)]) == 2
    assert list(data.iterdir()) == []


def test_init_makes_a_service_once(tmp_path):
    data = tmp_path / "new"
    assert admin(data, "init") == f"{data}\n"
    keys = admin(data, "jwks")
    admin(data, "relying-party", "add", "shop")
    assert json.loads(admin(data, "init", "--json")) == {"data": str(data)}
    assert (admin(data, "jwks"), admin(data, "relying-party", "list")) == (keys, "shop\n")
    assert admin(data, "jwks", "--json") == keys


@pytest.mark.parametrize("command", ["admin relying-party list", "admin init", "serve"])
def test_a_file_that_is_no_database_is_said_so(tmp_path, capsys, command):
    (tmp_path / "grainseal.db").write_bytes(b"junk" * 1000)
    assert cli.run([*command.split(), "--data", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    database = tmp_path / "grainseal.db"
    assert said == (
        f"grainseal: {database} is not a database of this service, or is damaged: restore it\n"
    )
    assert database.read_bytes() == b"junk" * 1000


def test_plain_output_is_the_thing_itself(serving):
    data, _ = serving
    assert re.fullmatch(r"[\w-]{43}\n", admin(data, "ticket", "--subject", "bob"))
    assert re.fullmatch(r"[\w-]{43}\n", admin(data, "relying-party", "add", "bank"))


def test_log_key_is_that_of_the_checkpoints(serving):
    data, server = serving
    printed = admin(data, "log-key")
    assert printed == (data / "log.vkey").read_text()
    key = parse_verifier_key(printed)
    said = json.loads(admin(data, "log-key", "--json"))
    assert said == {"log_key": str(key), "name": "grainseal/log", "key_id": key.key_id.hex()}
    note = server.connection.log.GetCheckpoint(pb.GetCheckpointRequest(), timeout=10).note
    assert verify_checkpoint(note, [key]).origin == "grainseal/log"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("relying-party", "add", "grainseal"), "own name"),
        (("relying-party", "add", ""), "letters, digits"),
        (("ticket", "--subject", " "), "printable"),
        (("ticket", "--subject", "eve", "--relying-party", "nobody"), "add it first"),
    ],
)
def test_errors_are_one_line(serving, arguments, message):
    data, _ = serving
    done = CliRunner().invoke(commands.admin, [*arguments, "--data", str(data)])
    assert done.exit_code != 0
    assert done.stdout == ""
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_announcement_and_ctrl_c(tmp_path):
    command = [
        *PROGRAM,
        "serve",
        "--data",
        tmp_path / "d",
        "--listen",
        "localhost:0",
        "--workers=1",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    line = process.stdout.readline()
    assert re.fullmatch(r"listening on localhost:\d+ ca /.*/tls/ca.pem\n", line)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")


def test_server_outside_tests_takes_no_testing_profile(tmp_path, rng):
    server = ServeProcess(tmp_path / "data", "--workers", "1")
    ticket = admin(tmp_path / "data", "ticket", "--subject", "alice").strip()
    device = TestDevice(server.connection, random_code(rng))
    refused("MALFORMED", device.begin_enrollment, ticket)
    assert server.stop() == 0


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:", "127.0.0.1:70000", ":80", "[zz]:1"])
def test_listen_must_be_an_address(tmp_path, listen):
    arguments = ["--data", str(tmp_path / "data"), "--listen", listen]
    done = CliRunner().invoke(commands.serve, arguments)
    assert done.exit_code == 2
    assert "--listen" in done.stderr
    assert not (tmp_path / "data").exists()


def test_port_that_is_taken_is_said_so(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        began = time.monotonic()
        done = serve("--data", str(tmp_path), "--listen", where, "--workers", "1")
    assert done.returncode == 2
    assert f"cannot listen on {where}" in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < 30


def test_certificate_needs_its_key(tmp_path):
    file = tmp_path / "chain.pem"
    file.write_text("")
    arguments = ["--data", str(tmp_path), "--tls-certificate", str(file)]
    done = CliRunner().invoke(commands.serve, arguments)
    assert done.exit_code == 2
    assert "go together" in done.stderr
