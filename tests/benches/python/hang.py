"""A plugin that says hello, takes a launch and never answers."""

import sys

sys.stdout.write('{"versions":[1]}\n')
sys.stdout.flush()
for line in sys.stdin:
    pass
