"""usage: trade.py --retailer ID [--behaviour NAME] --into FOLDER FILE... — trade with mock-edi, file by file.

Each file is posted to a partner that calls itself LEGACY, in the order given; what it answers at once is put into the
folder before the next file goes. In the end the partner sends and invoices what it has promised. Prints a line of JSON
for each file: what the partner made of it.
"""

import argparse
import json
import pathlib
import sys

from mockedi.testing import Mock

HOUR = 3_600_000


def collect(mock, folder, count):
    """Puts what waits in the mailbox into the folder, one file for each document."""
    for row in mock.get("/_mock/mailbox").body:
        count += 1
        name = "%03d-%s.edi" % (count, row["code"])
        (folder / name).write_bytes(row["payload"].encode("utf-8"))
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--retailer", required=True)
    parser.add_argument("--behaviour", default="accept")
    parser.add_argument("--into", required=True, type=pathlib.Path)
    parser.add_argument("files", nargs="+")
    asked = parser.parse_args()
    # Goods leave an hour later by the partner's own clock: changes come in time.
    with Mock.start(as2_id="LEGACY", despatch_delay_ms=HOUR, invoice_delay_ms=2 * HOUR, tax_rate="0.1") as mock:
        retailer = {"id": asked.retailer, "name": "Retailer", "behaviour": asked.behaviour, "test": 0}
        mock.expect("POST", "/_mock/partners", retailer, status=201)
        count = 0
        for path in asked.files:
            content = pathlib.Path(path).read_bytes()
            reply = mock.post("/edi", content, headers={"Content-Type": "application/edi-x12"})
            print(json.dumps({"status": reply.status, "summary": reply.body}))
            count = collect(mock, asked.into, count)
        mock.post("/_mock/advance?all")
        collect(mock, asked.into, count)


if __name__ == "__main__":
    sys.exit(main())
