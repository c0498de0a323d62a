"""usage: judge.py FILE... — what two independent validators say of X12 files, a line of JSON for each.

    {"file": …, "mock": ["what mock-edi objects to", …], "bots": ["what the Bots grammars object to", …]}

Ends with 1 when either objects to anything, remarks included.
"""

import json
import logging
import sys

logging.disable(logging.CRITICAL)

import edi_parser
from mockedi.testing import Mock


def by_mock(mock, content):
    """Every finding of mock-edi: of the envelope, of segments and of elements."""
    reply = mock.post("/_mock/validate", content, headers={"Content-Type": "application/edi-x12"})
    report = reply.body
    if not report.get("parsed"):
        return ["not parsed: %s" % report.get("error")]
    found = [json.dumps(finding) for message in report["messages"] for finding in message["findings"]]
    refused = ["%s %s is refused" % (m["code"], m["control"]) for m in report["messages"] if not m["accepted"]]
    if not report["messages"]:
        refused.append("there is no message in it")
    return found + refused + ([] if report["clean"] or found else list(report["explain"]))


def by_bots(path):
    """Every error of the Bots grammars: of the envelope and of each transaction set in it."""
    report = edi_parser.validate_file(filepath=path, editype="x12", messagetype="x12")
    return [error.get("message", str(error)) for error in report["errors"]] or (
        [] if report["valid"] else ["not valid"]
    )


def main(paths):
    accepted = True
    with Mock.start() as mock:
        for path in paths:
            with open(path, "rb") as file:
                content = file.read()
            said = {"file": path, "mock": by_mock(mock, content), "bots": by_bots(path)}
            accepted = accepted and not said["mock"] and not said["bots"]
            print(json.dumps(said))
    return 0 if accepted else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
