"""The command line: exit status, JSON, one line for an error, no traceback, no hanging."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.client.program import Program, connection, enrolled

from grainseal.cli import COMMANDS
from grainseal.client.vault import Vault

PASSPHRASE = "correct horse"


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAINSEAL_PASSPHRASE", PASSPHRASE)


def test_a_whole_life(program: Program, service, alice, mallory, tmp_path: Path) -> None:
    vault = tmp_path / "v"
    where = connection(service, vault)
    enrolled(program, service, vault, alice.enroll)
    assert program.out.startswith("enrolled alice as ")

    to_shop = ["--audience", "shop"]
    assert program("authenticate", *where, *to_shop, *alice.probe) == 0
    token = program.out.strip()
    assert token.count(".") == 2

    assert program("authenticate", *where, *to_shop, *mallory.probe) == 1
    assert program.out == ""
    assert "rejected" in program.err
    assert program("authenticate", *where, *to_shop, "--json", *mallory.probe) == 1
    assert program.json == {"accepted": False, "token": "", "advice": "", "renewal": ""}

    assert program("renew", *where, "--json", *alice.later) == 0
    assert program.json["state"] == "active"
    assert program("list", *where, "--json") == 0
    states = sorted(each["state"] for each in program.json["enrollments"])
    assert states == ["active", "replaced"]
    assert program("list", *where) == 0
    assert len(program.out.splitlines()) == 2
    assert program("revoke", *where) == 0
    assert program.out.startswith("revoked alice")
    assert program("authenticate", *where, *to_shop, *alice.probe) == 2
    assert "enrol first" in program.err


def test_a_ticket_that_no_process_list_shows(
    program: Program, service, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ["enroll", *connection(service, tmp_path / "v"), "--subject", "alice"]
    line += ["--profile", "TESTING", *alice.enroll]
    assert program(*line) == 2
    assert "Missing option '--ticket'" in program.err
    monkeypatch.setenv("GRAINSEAL_TICKET", service.ticket("alice"))
    assert program(*line) == 0, program.err


def test_tokens(program: Program, service, alice, tmp_path: Path) -> None:
    vault = tmp_path / "v"
    enrolled(program, service, vault, alice.enroll)
    where = connection(service, vault)
    assert program("authenticate", *where, "--audience", "shop", *alice.probe) == 0
    token = program.out.strip()
    assert program("admin", "jwks", "--data", service.local.data) == 0
    keys = tmp_path / "jwks.json"
    keys.write_text(program.out)

    offline = ["token", "verify", token, "--jwks", keys, "--json"]
    assert program(*offline, "--audience", "shop") == 0
    assert (program.json["valid"], program.json["subject"]) == (True, "alice")
    assert program(*offline, "--audience", "bank") == 1
    assert program.json["valid"] is False
    broken = token[:-8] + ("AAAAAAAA" if not token.endswith("AAAAAAAA") else "BBBBBBBB")
    assert program("token", "verify", broken, "--jwks", keys, "--audience", "shop") == 1
    assert "not valid" in program.err
    assert program("token", "verify", "rubbish", "--jwks", keys, "--audience", "shop") == 1

    online = ["--server", service.local.address, "--ca", service.local.ca]
    ask = ["token", "verify", token, "--audience", "shop", *online, "--json"]
    assert program(*ask, "--api-key", "wrong") == 2
    assert program.json["reason"] == "API_KEY_INVALID"
    assert program(*ask, "--api-key", service.api_key) == 0
    assert program.json["subject"] == "alice"
    assert program(*ask, "--api-key", service.api_key) == 1  # used up
    assert program.json["valid"] is False


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--jwks", "jwks", "--server", "localhost:1"],
        ["--server", "localhost:1"],
    ],
)
def test_token_verify_needs_one_way(program: Program, tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "jwks").write_text("{}")
    ways = [str(tmp_path / "jwks") if each == "jwks" else each for each in options]
    assert program("token", "verify", "t", "--audience", "a", *ways) == 2
    assert "either --jwks" in program.err


def test_key_sets_that_are_none(program: Program, tmp_path: Path) -> None:
    for content in (b"{}", b"\xff\xfe", b'{"keys": []}'):
        (tmp_path / "jwks").write_bytes(content)
        line = ["token", "verify", "t", "--audience", "a", "--jwks", tmp_path / "jwks"]
        assert program(*line) == 2
        assert "no keys to verify by" in program.err


def test_compare(program: Program, alice, mallory) -> None:
    folder = alice.enroll[0].parent
    assert program("compare", folder, alice.probe[0], "--json") == 0
    genuine = program.json
    assert set(genuine) == {"ncc", "pce", "false_match_probability", "expected"}
    assert program("compare", folder, mallory.probe[0], "--crop", 256, "--json") == 0
    impostor = program.json
    assert genuine["pce"] > 60 > 12 > impostor["pce"]
    assert genuine["false_match_probability"] < 1e-9 < impostor["false_match_probability"]
    assert program("compare", alice.enroll[0], alice.probe[0], "--extractor", "wavelet") == 0
    *figures, reading, expected = program.out.splitlines()
    assert [line.split()[0] for line in figures] == ["NCC", "PCE", "false"]
    assert reading == "the same camera, very likely"
    assert expected.startswith("expected of one camera: NCC about 0.")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["compare", "{photo}", "/nowhere"], "does not exist"),
        (["compare", "{photo}", "{text}"], "not a photo"),
        (["compare", "{photo}", "{empty}"], "no photos"),
        (["compare", "{photo}", "{photo}", "--crop", "4096"], "smaller crop"),
        (["compare", "{photo}", "{photo}", "--crop", "255"], "even"),
        (["compare", "{photo}", "{photo}", "--extractor", "magic"], "no extractor"),
        (["compare", "{photo}"], "Missing argument"),
        (["nonsense"], "No such command"),
        (["demo", "--photos", "{empty}"], "folder of its own"),
        (["demo", "--probes", "{empty}"], "needs --photos"),
        (["demo", "--enroll-photos", "0"], "enroll-photos"),
    ],
)
def test_errors_are_one_line_and_json(
    program: Program, alice, tmp_path: Path, line: list[str], message: str
) -> None:
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "empty").mkdir()
    names = {"photo": alice.probe[0], "text": tmp_path / "text.jpg", "empty": tmp_path / "empty"}
    filled = [each.format(**names) for each in line]
    assert program(*filled) == 2
    assert message in program.err
    assert len(program.err.strip().splitlines()) == 1
    assert "Traceback" not in program.err
    assert program(*filled, "--json") == 2
    assert message in program.json["error"]


def test_vault_errors(program: Program, service, alice, tmp_path: Path, monkeypatch) -> None:
    vault = tmp_path / "v"
    line = ["authenticate", *connection(service, vault), "--audience", "shop", *alice.probe]
    assert program(*line) == 2
    assert "no vault in" in program.err
    enrolled(program, service, vault, alice.enroll)
    monkeypatch.setenv("GRAINSEAL_PASSPHRASE", "wrong")
    assert program(*line, "--json") == 2
    assert "passphrase is wrong" in program.json["error"]


def test_without_terminal_and_variable_it_says_so(service, alice, tmp_path: Path) -> None:
    where = [str(each) for each in connection(service, tmp_path / "v")]
    options = ["--subject", "alice", "--ticket", "t", *map(str, alice.enroll)]
    done = subprocess.run(
        [sys.executable, "-m", "grainseal.cli", "enroll", *where, *options],
        env={"PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "grainseal: no terminal to ask for the passphrase: set GRAINSEAL_PASSPHRASE"
    )


def test_unsuitable_photos(program: Program, service, alice, tmp_path: Path) -> None:
    vault = tmp_path / "v"
    enrolled(program, service, vault, alice.enroll)
    line = ["authenticate", *connection(service, vault), "--audience", "shop"]
    copies = [alice.probe[0], alice.probe[0]]
    assert program(*line, *copies) == 2
    assert "same shot" in program.err
    assert program(*line, "--any-photos", *copies) == 0


def test_another_camera_s_photo_in_a_burst(
    program: Program, service, alice, mallory, tmp_path: Path
) -> None:
    """Refused by name where a template is made, of a sibling too; tried only with a warning."""
    vault, stray = tmp_path / "v", tmp_path / "stray.jpg"
    stray.write_bytes(mallory.enroll[0].read_bytes())
    where = connection(service, vault)
    line = ["enroll", *where, "--subject", "alice", "--ticket", service.ticket("alice")]
    line += ["--profile", "TESTING", *alice.enroll[:5], stray]
    assert program(*line) == 2
    assert "stray.jpg does not match the other photos" in program.err
    assert not Vault.exists(vault)
    assert program(*line, "--any-photos") == 0, program.err
    assert "warning: stray.jpg does not match the other photos" in program.err
    assert program("renew", *where, *alice.later, stray) == 2
    assert "stray.jpg does not match the other photos" in program.err


def test_no_service(program: Program, service, alice, tmp_path: Path) -> None:
    vault = tmp_path / "v"
    enrolled(program, service, vault, alice.enroll)
    where = ["--server", "127.0.0.1:1", "--ca", service.local.ca, "--vault", vault]
    assert program("list", *where, "--json") == 2
    assert program.json["reason"] == "UNAVAILABLE"
    assert "cannot reach 127.0.0.1:1" in program.json["error"]


@pytest.mark.parametrize(
    "command",
    [
        *[
            "demo",
            "enroll",
            "authenticate",
            "renew",
            "revoke",
            "list",
            "register",
            "claim",
            "compare",
            "serve",
            "admin",
            "token",
        ],
        "token verify",
        "receipt get",
        "receipt verify",
        "log checkpoint",
        "log verify",
        "log watch",
        "admin log-key",
    ],
)
def test_help(program: Program, command: str) -> None:
    assert program(*command.split(), "--help") == 0
    assert "Usage: grainseal" in program.out


@pytest.mark.parametrize(
    ("command", "variable"),
    [("enroll", "GRAINSEAL_TICKET"), ("token verify", "GRAINSEAL_API_KEY")],
)
def test_help_names_the_variables_for_secrets(
    program: Program, command: str, variable: str
) -> None:
    assert program(*command.split(), "--help") == 0
    assert variable in program.out


def test_help_lists_every_command_with_its_purpose(program: Program) -> None:
    assert program("--help") == 0
    listed = [line.split(maxsplit=1) for line in program.out.split("Commands:\n")[1].splitlines()]
    assert [name for name, purpose in listed if len(purpose) > 20] == list(COMMANDS)


def test_a_command_loads_only_its_own_side() -> None:
    """Worker processes import the main program again; they and operators are spared the rest."""
    program = (
        "import sys; from grainseal.cli import run; run(['admin', '--help']);"
        "print({'grainseal.client', 'numpy', 'tenseal', 'grpc'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "set()"


def test_a_bug_is_no_traceback(program: Program, alice, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("grainseal.client.local_commands.extract_halves", broken)
    assert program("compare", alice.probe[0], alice.probe[0]) == 2
    assert program.err.strip() == "grainseal: internal error: RuntimeError: two lines"


@pytest.mark.parametrize("group", [[], ["admin"], ["token"]])
def test_a_group_alone_prints_its_help_as_it_stands(program: Program, group: list[str]) -> None:
    assert program(*group) in (0, 2)  # click's version decides
    told = program.out + program.err
    assert told.startswith("Usage: grainseal")
    assert "\nCommands:\n" in told


def _compare_into(output: int, photo: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "grainseal.cli", "compare", str(photo), str(photo), *options]
    return subprocess.run(line, stdout=output, stderr=subprocess.PIPE, text=True, timeout=60)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_result_that_cannot_be_written_is_an_error(alice, options: list[str]) -> None:
    """Status 1 would say "rejected"."""
    reader, writer = os.pipe()
    os.close(reader)
    full = os.open("/dev/full", os.O_WRONLY)
    for output in (writer, full):
        done = _compare_into(output, alice.probe[0], *options)
        os.close(output)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
