"""The command line: the client's commands and the server's under one name.

The only module that imports both. Exit status: 0 done, 1 rejected (the commands that decide
something), 2 an error, said in one line on stderr and with --json as an object on stdout too.
"""

import json
import os
import sys
from collections.abc import Sequence

import click

# Read when gRPC is imported: its core writes to stderr beside our own one line. Whoever wants to
# hear it sets the variable.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from grainseal import __version__
from grainseal.client.commands import COMMANDS
from grainseal.client.errors import ClientError, ServiceError
from grainseal.server.commands import admin, serve


@click.group()
@click.version_option(__version__, prog_name="grainseal")
def cli() -> None:
    """Authenticate people by the camera they hold, on encrypted camera fingerprints."""


for command in (*COMMANDS, serve, admin):
    cli.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Exit status of one command line."""
    as_json = "--json" in arguments
    try:
        status = cli.main(list(arguments), prog_name="grainseal", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        return _failed(error.format_message(), as_json)
    except (click.Abort, KeyboardInterrupt):
        return _failed("interrupted", as_json)
    except ServiceError as error:
        return _failed(str(error), as_json, reason=error.reason, retry_after=error.retry_after)
    except ClientError as error:
        return _failed(str(error), as_json)
    except BrokenPipeError:  # whoever read our output has gone
        sys.stderr.close()
        return 2
    except Exception as error:  # a bug of ours: still one line, and no traceback at people
        return _failed(f"internal error: {type(error).__name__}: {error}", as_json)


def _failed(message: str, as_json: bool, **details: object) -> int:
    line = " ".join(message.split())
    print(f"grainseal: {line}", file=sys.stderr)
    if as_json:
        known = {name: value for name, value in details.items() if value is not None}
        print(json.dumps({"error": line, **known}))
    return 2


def main() -> None:
    """Entry point of the `grainseal` program."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
