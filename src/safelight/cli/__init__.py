"""The command line: what a person types, and what is shown of it.

    app.py        every command, and how each way of ending becomes an exit code
    session.py    what a command is given, and how it is run
    reach.py      a server to talk to: one that runs, or everything in this process
    terminal.py   how things are shown
    board.py      a batch while it is drawn
    report.py     a batch when it is over, and its pictures as files
    drawing.py    the options that say how to draw
    logs.py       where the log goes
    demo.py, simulate.py, generate.py, batches.py, characters.py, workflows.py   those commands
    backends.py   backends ls, drain, resume
    operating.py  serve, work, migrate, doctor, config
    reference.py  docs/reference/cli.md, made from the commands themselves

Heavy parts are imported by the commands that need them, so that `safelight --help` is at once.
"""

from safelight.cli.app import main

__all__ = ["main"]
