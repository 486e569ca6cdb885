"""Asks the official client's own grammar about expressions and events.

Reads a file of JSON lines, each an `expression` and some `events`, and prints a JSON line for each: the `tree` that
the official parser makes, or null when it refuses the text; and for each event what the `whole` expression and each of
its conditions say, in the order in which they stand: true, false, or null when the official client raises.
"""

import json
import sys

import pyparsing

# The client leaves this off because it is not safe among threads; here there is one, and it is fifty times as fast.
pyparsing.ParserElement.enablePackrat()

import ftrack_api.event.expression as official  # noqa: E402 (the line above must come first)


def conditions(expression):
    if isinstance(expression, official.Condition):
        return [expression]
    if isinstance(expression, official.Not):
        return conditions(expression._expression)
    return [condition for member in expression._expressions for condition in conditions(member)]


def answer(expression, event):
    try:
        return bool(expression.match(event))
    except (IndexError, TypeError):
        return None


def judge(parser, question):
    try:
        expression = parser.parse(question["expression"])
    except Exception:  # An empty text raises no ParseError but an AttributeError.
        return {"tree": None, "events": []}
    leaves = conditions(expression)
    events = [
        {"whole": answer(expression, event), "leaves": [answer(leaf, event) for leaf in leaves]}
        for event in question["events"]
    ]
    return {"tree": str(expression), "events": events}


def main(path):
    parser = official.Parser()
    with open(path, encoding="utf-8") as questions:
        for line in questions:
            print(json.dumps(judge(parser, json.loads(line))))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    main(sys.argv[1])
