"""Entry point of the installed command. A release's worker is started first, to import what it needs while we do."""

import gc
import os
import sys

_HELP = {"-h", "--help"}
INTERRUPTED = 130
_GARBAGE = 400_000
"""Objects made between two looks for garbage. What starting up makes stays: looking through it again and again would
take a tenth of a short command, and looking through all of it at the end a quarter of a second.
"""


def main() -> None:
    """Run the command line."""
    _open_closed_streams()
    gc.set_threshold(_GARBAGE)
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        gc.freeze()


def _open_closed_streams() -> None:
    """Give the null device to standard streams that a caller closed.

    Else the next file takes their place, here or in a child, and what is written to them goes into it.
    """
    for number, mode in enumerate("rww"):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # of the lowest free number, which is this one
            setattr(sys, ("stdin", "stdout", "stderr")[number], os.fdopen(number, mode, closefd=False))


def _run() -> None:
    if sys.argv[1:2] == ["release"] and not _HELP & set(sys.argv):
        from pipelines.zone.process import start_ahead

        start_ahead("measure")
    from flows.command_line import main as command

    command()
