"""What is logged can be read line by line, whoever writes at the same time."""

import json
import subprocess
import sys

WRITERS = """
import logging, sys, threading
import structlog
from mezzotint import logs

sys.setswitchinterval(1e-6)
logs.configure()

def write(log):
    for number in range(1000):
        log("a picture " + "x" * 300)

ours, theirs = structlog.get_logger().info, logging.getLogger("a library").info
threads = [threading.Thread(target=write, args=[log]) for log in (ours, theirs) * 2]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_a_line_is_one_event_whoever_else_writes():
    told = subprocess.run([sys.executable, "-c", WRITERS], capture_output=True, text=True, check=True).stdout
    lines = told.splitlines()
    assert len(lines) == 4000
    assert all(json.loads(line)["level"] == "info" for line in lines)
