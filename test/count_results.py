#!/usr/bin/env python3
# ===- count_results.py - One total over several test runners -------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Prints one line over several test runners: 'N passed, N failed[, N skipped]'.

Reads a file with a line 'NAME STATUS XML' for each runner: its exit status and
its JUnit report. A runner that ended badly without a failed test, or left no
report, counts as one failed test, so that a crash is never a pass.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple


class Counts(NamedTuple):
    passed: int
    failed: int
    skipped: int


def count_report(path: Path) -> Counts:
    """Counts the test cases of one JUnit report; lit, ctest and pytest write this format."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        # CTest has a test of this name for a test program that is not there.
        not_built = case.get("name", "").endswith("_NOT_BUILT")
        if not_built or case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return Counts(passed, failed, skipped)


def count_runner(name: str, status: int, path: Path) -> Counts:
    """As count_report, with one more failure when the runner itself failed."""
    try:
        counts = count_report(path)
    except (OSError, ElementTree.ParseError) as error:
        print(f"{name}: no report: {error}")
        return Counts(0, 1, 0)
    if counts == (0, 0, 0):
        print(f"{name}: ran no test")
        return Counts(0, 1, 0)
    if status != 0 and counts.failed == 0:
        print(f"{name}: ended with status {status} without a failed test")
        return counts._replace(failed=1)
    return counts


def main() -> int:
    runners = [line.split(maxsplit=2) for line in Path(sys.argv[1]).read_text().splitlines()]
    all_counts = [count_runner(name, int(status), Path(path)) for name, status, path in runners]
    total = Counts(*map(sum, zip(*all_counts)))
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
