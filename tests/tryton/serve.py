"""Serve one Tryton database by waitress, on a port the system chooses.

The socket is bound here and handed over open, so two runs can never be given the same port.
usage: serve.py RUN_FOLDER [--attached]      (started by start.sh)
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import sys
import threading

run = pathlib.Path(sys.argv[1])
attached = "--attached" in sys.argv[2:]
(run / "pid").write_text(str(os.getpid()))
os.environ["TRYTOND_CONFIG"] = str(run / "trytond.conf")
os.environ["TRYTOND_DATABASE_NAMES"] = "tryton"

from trytond.application import app  # noqa: E402  (reads the environment when imported)
from waitress.server import create_server  # noqa: E402


def end(*_):
    shutil.rmtree(run, ignore_errors=True)
    os._exit(0)


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
server = create_server(app, sockets=[listener], threads=4)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)

ready = json.loads((run / "seed.json").read_text())
ready |= {
    "url": "http://127.0.0.1:%d" % listener.getsockname()[1],
    "database": "tryton",
    "pid": os.getpid(),
    "run": str(run),
}
line = json.dumps(ready)
if attached:
    print(line, flush=True)

    def wait_for_the_test():
        sys.stdin.read()
        end()

    threading.Thread(target=wait_for_the_test, daemon=True).start()
else:
    (run / "ready.part").write_text(line + "\n")
    (run / "ready.part").rename(run / "ready.json")
server.run()
