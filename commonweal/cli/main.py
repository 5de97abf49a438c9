"""The command ``commonweal``: finds the chosen command, runs it, and says plainly what went wrong.

Only the module of the chosen command is imported, so that a tally needs no web framework.
"""

import argparse
import difflib
import errno
import importlib
import os
import sys
from collections.abc import Sequence

from commonweal import __version__
from commonweal.kit.complaint import Complaint

OVERVIEW = """\
Commonweal: public services redesigned by the people who use them.

Try it
  demo      Run the example borough on this machine, with everything it needs.
  tally     Count an election from a Pabulib file.
  ballots   Check, convert, describe or make up files of ballots.
  opinion   Map what people think, from their votes on statements.

Run a site
  serve     Run the web server.
  worker    Run the jobs that the site leaves for later, such as sending mail.
  check     Say what must be mended before the site goes public (check --deploy).
  manage    Run one of Django's commands, for example: commonweal manage migrate

Look after the data
  db        Start, stop, look into, back up and restore the database.
"""
EXAMPLES = """\
Examples
  commonweal demo --port 9000
  commonweal tally poland_warszawa_2023.pb --rule equal-shares
  commonweal db backup borough.backup

`commonweal COMMAND --help` tells more about a command. Exit codes: 0 all is well; 1 something
failed; 2 something in what you asked for needs mending, and the message says what.
"""
FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO
COMMANDS = {
    "demo": "commonweal.cli.demo",
    "tally": "commonweal.cli.tally",
    "ballots": "commonweal.cli.ballots",
    "opinion": "commonweal.cli.opinion",
    "serve": "commonweal.cli.site",
    "worker": "commonweal.cli.site",
    "check": "commonweal.cli.site",
    "manage": "commonweal.cli.site",
    "db": "commonweal.cli.database",
}


def parser(command: str | None) -> argparse.ArgumentParser:
    """Return the command line with one command filled in."""
    top = argparse.ArgumentParser(
        prog="commonweal",
        usage="commonweal COMMAND [options]",
        description=OVERVIEW,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"Commonweal {__version__}")
    if command is not None:
        commands = top.add_subparsers(dest="command", required=True, prog="commonweal")
        importlib.import_module(COMMANDS[command]).register(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(given)
    except Complaint as complaint:
        print(complaint, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _say_no_more()
        return 0
    except OSError as error:
        if error.errno not in FULL:
            raise
        _say_no_more()
        print(f"This cannot be written ({error.strerror}).\nMake room for it.", file=sys.stderr)
        return 2


def _say_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(given: list[str]) -> int:
    if not given:
        parser(None).print_help(sys.stderr)
        return 2
    chosen = given[0]
    if chosen.startswith("-"):
        parser(None).parse_args(given)
    if chosen not in COMMANDS:
        raise Complaint(f"There is no command {chosen!r}.", _suggestion(chosen))
    if chosen == "manage" and given[1:] not in ([], ["-h"], ["--help"]):
        # Django reads its own command line; argparse would take some of it for ours.
        from commonweal.cli.site import run_manage  # only where it is asked for

        return run_manage(given[1:])
    args = parser(chosen).parse_args(given)
    code: int = args.run(args)
    sys.stdout.flush()
    return code


def _suggestion(chosen: str) -> str:
    near = difflib.get_close_matches(chosen, COMMANDS, n=1)
    if near:
        return f"Did you mean: commonweal {near[0]}"
    return "`commonweal --help` lists the commands."
