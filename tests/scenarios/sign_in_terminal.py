"""Signs in on a terminal, as a person does.

    sign_in_terminal.py PROGRAM SERVER USER KEY

Prints one JSON object: what the terminal showed, and how the program ended. CALLBOARD_HOME is the caller's.
"""

import json
import os
import pty
import select
import sys
import time

WAIT_SECS = 60


def main(program, *answers):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(program, [program, "login"])
    shown = b""
    deadline = time.monotonic() + WAIT_SECS
    for prompt, answer in [*zip([b"Server: ", b"User name: ", b"API key: "], answers), (None, None)]:
        while prompt is None or prompt not in shown:
            if not select.select([terminal], [], [], deadline - time.monotonic())[0]:
                raise TimeoutError(shown)
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                # The terminal is gone with the last program on it.
                break
        if answer is not None:
            # A mistake, taken back.
            os.write(terminal, b"x\x7f" + answer.encode() + b"\n")
    _, status = os.waitpid(pid, 0)
    print(json.dumps({"shown": shown.decode(), "code": os.waitstatus_to_exitcode(status)}))


main(*sys.argv[1:])
