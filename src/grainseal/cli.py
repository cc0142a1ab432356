"""The command line: the client's commands and the server's under one name.

The only module that knows both. It imports neither before it is asked for one of their commands:
worker processes import it again, and an operator need not wait for the client. Exit status: 0
done, 1 rejected (the commands that decide something; `claim` has its own), 2 an error, said in one
line on stderr and with --json as an object on stdout too.
"""

import contextlib
import json
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import Final

import click

# Read when gRPC is imported: its core writes to stderr beside our own one line. Whoever wants to
# hear it sets the variable.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from grainseal import __version__

COMMANDS: Final = {
    "demo": "grainseal.client.demo_command:demo",
    "enroll": "grainseal.client.commands:enroll",
    "authenticate": "grainseal.client.commands:authenticate",
    "renew": "grainseal.client.commands:renew",
    "revoke": "grainseal.client.commands:revoke",
    "list": "grainseal.client.commands:list_enrollments",
    "register": "grainseal.client.copyright_commands:register",
    "claim": "grainseal.client.copyright_commands:claim",
    "compare": "grainseal.client.local_commands:compare",
    "inspect": "grainseal.client.inspect_command:inspect",
    "evaluate": "grainseal.client.evaluate_command:evaluate_command",
    "evaluate-leakage": "grainseal.client.leakage_command:evaluate_leakage",
    "reproduce": "grainseal.client.reproduce_command:reproduce",
    "dataset": "grainseal.client.dataset_command:dataset",
    "key": "grainseal.client.key_commands:key",
    "simulate": "grainseal.client.simulate_command:simulate",
    "systems": "grainseal.client.systems_command:systems",
    "token": "grainseal.client.local_commands:token",
    "receipt": "grainseal.client.receipt_commands:receipt",
    "proof": "grainseal.client.proof_commands:proof",
    "evidence": "grainseal.client.evidence_commands:evidence",
    "log": "grainseal.client.log_commands:log",
    "train": "grainseal.models.training.command:train",
    "serve": "grainseal.server.commands:serve",
    "admin": "grainseal.server.commands:admin",
}


class LazyGroup(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names, in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """The command of that name, None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = pkgutil.resolve_name(COMMANDS[cmd_name])
        return command


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="grainseal")
def cli() -> None:
    """Authenticate people by the camera they hold, on encrypted camera fingerprints."""


def run(arguments: Sequence[str]) -> int:
    """Exit status of one command line."""
    as_json = "--json" in arguments
    try:
        status = cli.main(list(arguments), prog_name="grainseal", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.UsageError as error:
        if error.ctx is not None and error.message == error.ctx.get_help():
            click.echo(error.message, err=True)  # a group alone: its help is many lines
            return 2
        return _failed(error.format_message(), as_json)
    except click.ClickException as error:
        return _failed(error.format_message(), as_json)
    except (click.Abort, KeyboardInterrupt):
        return _failed("interrupted", as_json)
    except BrokenPipeError:  # whoever read our output has gone
        sys.stderr.close()
        return 2
    except SystemExit as end:
        if end.code == 1:  # click's way to say that nobody reads our output: no rejection
            return 2
        raise
    except Exception as error:
        return _explained(error, as_json)


def _explained(error: Exception, as_json: bool) -> int:
    from grainseal.client.errors import ClientError, ServiceError

    if isinstance(error, ServiceError):
        return _failed(str(error), as_json, reason=error.reason, retry_after=error.retry_after)
    if isinstance(error, ClientError):
        return _failed(str(error), as_json)
    # A bug of ours: still one line, and no traceback at people.
    return _failed(f"internal error: {type(error).__name__}: {error}", as_json)


def _failed(message: str, as_json: bool, **details: object) -> int:
    line = " ".join(message.split())
    print(f"grainseal: {line}", file=sys.stderr)
    if as_json:
        known = {name: value for name, value in details.items() if value is not None}
        with contextlib.suppress(OSError):  # stdout may be what failed
            print(json.dumps({"error": line, **known}), flush=True)
    return 2


def main() -> None:
    """Entry point of the `grainseal` program."""
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:
        # A result that nobody got is an error. The interpreter flushes once more: into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 2
    sys.exit(status)


if __name__ == "__main__":
    main()
