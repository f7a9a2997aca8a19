# SPDX-License-Identifier: BSD-2-Clause
"""JSON-RPC: what clients may send, and what gwd does with anything else."""
import json
import os
import random
import socket
import subprocess
import tempfile

from stand import Stand, wait_for

SEED = 20261121
TRIALS = 300


def error_of(lines):
    return json.loads(lines[0])["error"] if lines else {}


def bad_requests(report, stand):
    cases = [
        (b"{nonsense\n", -32700, "no JSON"),
        (b"[]\n", -32600, "a batch"),
        (b"7\n", -32600, "a number"),
        (b'{"jsonrpc":"1.0","id":1,"method":"status"}\n', -32600,
         "another version"),
        (b'{"jsonrpc":"2.0","method":"status"}\n', -32600,
         "no id"),
        (b'{"jsonrpc":"2.0","id":{},"method":"status"}\n', -32600,
         "an object as id"),
        (b'{"jsonrpc":"2.0","id":1,"method":"status","params":[1]}\n', -32602,
         "params that are a list"),
        (b'{"jsonrpc":"2.0","id":1,"method":"no.such"}\n', -32601,
         "an unknown method"),
        (b'{"jsonrpc":"2.0","id":1,"method":"status","params":{"x":1}}\n',
         -32602, "a parameter nobody knows"),
        (b'{"jsonrpc":"2.0","id":1,"method":"guest.show","params":{}}\n',
         -32602, "a missing parameter"),
        (b'{"jsonrpc":"2.0","id":1,"method":"guest.show",'
         b'"params":{"guest":1}}\n', -32602, "a parameter of another type"),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"status"}\n', -32700,
         "a name given twice"),
        (b'{"jsonrpc":"2.0","id":1,"method":"policy.load"}\n', -32602,
         "policy.load without a descriptor"),
    ]
    for data, code, what in cases:
        error = error_of(stand.raw(data))
        report.equal("%s is answered with %d" % (what, code),
                     (error.get("code"), error.get("data", {}).get("exit")),
                     (code, 2))


def framing(report, stand):
    status = b'{"jsonrpc":"2.0","id":%d,"method":"version"}\n'
    lines = stand.raw(status % 1 + status % 2 + b"\xff\n" + status % 3, 4)
    report.equal("requests on one connection are answered in order",
                 [json.loads(line)["id"] for line in lines], [1, 2, None, 3])
    report.equal("a line longer than 256 KiB ends the connection",
                 stand.raw(b"x" * (300 << 10) + b"\n" + status % 1), [])
    sock = stand.connect()
    for byte in status % 9:
        sock.sendall(bytes([byte]))
    report.equal("a request may come byte by byte",
                 json.loads(sock.recv(4096))["id"], 9)
    fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(6)]
    socket.send_fds(sock, [b" "], fds)
    report.equal("more descriptors than a request can use end it",
                 sock.recv(4096), b"")
    sock.close()
    for fd in fds:
        os.close(fd)


def deep(report, stand):
    data = b'{"jsonrpc":"2.0","id":1,"method":"status","params":' + \
        b'{"a":' * 30000 + b"1" + b"}" * 30001 + b"\n"
    report.equal("30,000 levels of JSON are refused",
                 error_of(stand.raw(data)).get("code"), -32700)


def many_clients(report, stand):
    socks = [stand.connect() for _ in range(90)]
    served = 0
    for sock in socks:
        try:
            sock.sendall(b'{"jsonrpc":"2.0","id":1,"method":"version"}\n')
            served += bool(sock.recv(4096))
        except OSError:
            pass
    report.equal("64 connections are served, more are closed", served, 64)
    for sock in socks:
        sock.close()
    report.check("and when they are gone others are served",
                 wait_for(lambda: stand.raw(
                     b'{"jsonrpc":"2.0","id":1,"method":"version"}\n')))


def mutated(report, stand):
    rng = random.Random(SEED)
    base = [json.dumps(dict(jsonrpc="2.0", id=1, method=m, params=p)).encode()
            for m, p in (("status", {}), ("why", {"guest": "desk-1"}),
                         ("events", {"limit": 5, "follow": True}),
                         ("guest.stop", {"guest": "a", "grace_ms": 5}),
                         ("rule.list", {"first": 1}))]
    for _ in range(TRIALS):
        data = bytearray(rng.choice(base))
        for _ in range(rng.randint(1, 8)):
            at = rng.randrange(len(data))
            what = rng.randrange(3)
            if what == 0:
                data[at] = rng.randrange(256)
            elif what == 1:
                del data[at:at + rng.randint(1, 9)]
            else:
                data[at:at] = data[rng.randrange(len(data)):][:20]
            data = data or bytearray(b"x")
        sock = stand.connect()
        sock.sendall(bytes(data) + b"\n")
        sock.close()
    report.check("%d mutated requests leave gwd serving (seed %d)" %
                 (TRIALS, SEED),
                 stand.alive() and "result" in stand.call("status"),
                 stand.read_log()[-2000:])


def roles(report, stand):
    names = ["guest.start", "guest.stop", "guest.refresh", "guest.exec",
             "guest.console", "policy.load", "policy.rollback"]
    if os.geteuid():
        report.skip("other users may not change anything", "needs root")
        return
    os.chmod(stand.folder, 0o755)
    os.chmod(stand.socket, 0o666)
    script = (
        "import socket,json,os,sys\nos.setgid(65534);os.setuid(65534)\n"
        "for m in sys.argv[2:]:\n"
        " s=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1])\n"
        " s.sendall(json.dumps(dict(jsonrpc='2.0',id=1,method=m)).encode()"
        "+b'\\n')\n r=json.loads(s.recv(65536));s.close()\n"
        " print(r['error']['data']['exit'] if 'error' in r else 0)\n")
    got = subprocess.run(
        ["python3", "-c", script, stand.socket, *names, "status", "reasons"],
        capture_output=True, text=True).stdout.split()
    report.equal("other users may not change anything (5), but may look (0)",
                 got, ["5"] * len(names) + ["0", "0"])


SENDER = """
import os, socket, sys
null = os.open("/dev/null", os.O_RDONLY)
os.setgid(65534); os.setuid(65534)
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
socket.send_fds(sock, [b'{"jsonrpc":"2.0","id":1,"method":"version"}\\n'],
                [null])
print(len(sock.recv(4096)))
"""


def senders(report, stand):
    if os.geteuid():
        report.skip("another user who sends a descriptor is cut off",
                    "needs root")
        return
    got = subprocess.run(["python3", "-c", SENDER, stand.socket],
                         capture_output=True, text=True, timeout=20)
    report.equal("another user who sends a descriptor is cut off",
                 got.stdout, "0\n")


def by_hand(report):
    with tempfile.TemporaryDirectory() as folder:
        from stand import GWD
        got = subprocess.run([GWD, "--state", folder], capture_output=True,
                             text=True, stdin=subprocess.DEVNULL)
        report.check("gwd started by hand says who starts it",
                     got.returncode == 1 and "gw up" in got.stderr,
                     got.stderr)


def run(report):
    by_hand(report)
    stand = Stand()
    try:
        status = stand.call("status")["result"]
        report.equal("with no policy, status says generation 0",
                     (status["schema"], status["generation"]), (1, 0))
        bad_requests(report, stand)
        framing(report, stand)
        deep(report, stand)
        many_clients(report, stand)
        mutated(report, stand)
        roles(report, stand)
        senders(report, stand)
        report.check("all this did not end gwd", stand.alive(),
                     stand.read_log()[-2000:])
        stand.cut_link()
        report.check("gwd ends when gw-init is gone",
                     wait_for(lambda: not stand.alive()))
    finally:
        stand.close()
