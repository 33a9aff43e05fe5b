#!/usr/bin/env python3
"""What releases and packages need of CHANGELOG.md.

    packaging/changelog.py date VERSION     the day of that release
    packaging/changelog.py notes VERSION    its text, for a release's page
    packaging/changelog.py debian PACKAGE REVISION MAINTAINER
    packaging/changelog.py rpm REVISION MAINTAINER
                                            all releases, in the packages' forms
"""

import datetime
import email.utils
import json
import pathlib
import re
import sys
import textwrap

HEADING = re.compile(r"## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$")


def releases():
    """Version, day and lines of each release, the latest first."""
    found = []
    text = pathlib.Path(__file__).resolve().parent.parent / "CHANGELOG.md"
    for number, line in enumerate(text.read_text().splitlines(), 1):
        if line.startswith("## "):
            heading = HEADING.match(line)
            if heading:
                found.append((heading[1], heading[2], []))
            elif line != "## [Unreleased]" or found:
                sys.exit(f"CHANGELOG.md:{number}: not of the form '## [1.2.3] - 2026-01-31'")
        elif found:
            found[-1][2].append(line)
    return found


def items(lines):
    """The items of lists, each on one line."""
    joined = re.sub(r"\n  +(?=\S)", " ", "\n".join(lines))
    return [line[2:] for line in joined.splitlines() if line.startswith("- ")]


def debian(package, revision, maintainer):
    """The form of deb-changelog(5)."""
    for version, day, lines in releases():
        print(f"{package} ({version}-{revision}) stable; urgency=medium\n")
        for item in items(lines):
            print(textwrap.fill(item, 78, initial_indent="  * ", subsequent_indent="    ",
                                break_long_words=False, break_on_hyphens=False))
        time = datetime.datetime.fromisoformat(f"{day}T00:00:00+00:00")
        print(f"\n -- {maintainer}  {email.utils.format_datetime(time)}\n")


def rpm(revision, maintainer):
    """The form of nfpm, which makes that of rpm of it."""
    print(json.dumps([
        {
            "semver": f"{version}-{revision}",
            "date": f"{day}T00:00:00Z",
            "packager": maintainer,
            "changes": [{"note": note} for note in items(lines)],
        }
        for version, day, lines in releases()
    ]))


def main():
    match sys.argv[1:]:
        case ["date" | "notes" as what, version]:
            for name, day, lines in releases():
                if name == version:
                    print(day if what == "date" else "\n".join(lines).strip())
                    return
            sys.exit(f"CHANGELOG.md: no heading '## [{version}] - DATE'")
        case ["debian", package, revision, maintainer]:
            debian(package, revision, maintainer)
        case ["rpm", revision, maintainer]:
            rpm(revision, maintainer)
        case _:
            sys.exit(__doc__)


main()
