"""Runs functions as tests: one TAP line each, and what was asserted in vain."""
import sys


def run(*cases):
    print(f"TAP version 13\n1..{len(cases)}")
    failed = 0
    for number, case in enumerate(cases, 1):
        try:
            case()
            print(f"ok {number} - {case.__name__}")
        except AssertionError as error:
            failed += 1
            print(f"not ok {number} - {case.__name__}\n# {error}")
    sys.exit(1 if failed else 0)
