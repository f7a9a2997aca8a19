# SPDX-License-Identifier: BSD-2-Clause
"""Suite `networks`: what gw-init's networks let through and say. Frames are
written to and read from the TAPs as the dataplane would, the far side is a
namespace with packet sockets and a UDP echo."""
import threading
from lab import *

SLOT, OTHER = 3, 4
GUEST = "100.64.0.%d" % (4 * SLOT + 2)
OTHER_GUEST = "100.64.0.%d" % (4 * OTHER + 2)
FAR_MAC = bytes([2, 0x67, 0x77, 3, 0, SLOT])
OTHER_FAR_MAC = bytes([2, 0x67, 0x77, 3, 0, OTHER])
TAP_MAC = bytes([2, 0x67, 0x77, 0x40, 0, SLOT])
OTHER_TAP_MAC = bytes([2, 0x67, 0x77, 0x40, 0, OTHER])
UP_A = "up init-a eth1 0 0 198.51.100.2 24 198.51.100.1 0"
UP_B = "up init-b eth2 1 0 0 0 203.0.113.1 1"


def refusals(report, gateway):
    for name, command, code, words in (
            ("an empty name", "up", -22, "a-z, 0-9"),
            ("a name that climbs", "up ../x eth1 0 0 198.51.100.2 24 0 0",
             -22, "a-z, 0-9"),
            ("capitals in a name", "up Aa eth1 0 0 198.51.100.2 24 0 0", -22,
             "a-z, 0-9"),
            ("a name of 12 letters",
             "up abcdefghijkl eth1 0 0 198.51.100.2 24 0 0", -22, "1 to 11"),
            ("an interface that is not there",
             "up init-a eth9 0 0 198.51.100.2 24 0 0", -19,
             "there is no interface eth9 here"),
            ("an interface with a slash",
             "up init-a ../eth1 0 0 198.51.100.2 24 0 0", -22,
             "no interface can have such a name"),
            ("the loopback", "up init-a lo 1 0 198.51.100.2 24 0 0", -22,
             "is the loopback"),
            ("taking what carries the default route",
             "up init-a eth3 1 0 198.51.100.2 24 0 0", -16,
             "default route; share it"),
            ("sharing without an address", "up init-a eth1 0 0 0 0 0 0", -22,
             "needs an address of its own"),
            ("sharing an interface that is down",
             "up init-a spare 0 0 198.51.100.2 24 0 0", -100,
             "ip link set spare up"),
            ("an address of the gateway's own block",
             "up init-a eth1 0 0 100.64.3.2 24 0 0", -22, "100.64.0.0/10"),
            ("a multicast address", "up init-a eth1 0 0 224.0.0.5 24 0 0",
             -22, "none that a host may have"),
            ("a gateway outside the subnet",
             "up init-a eth1 0 0 198.51.100.2 24 198.51.101.1 0", -22,
             "not in the subnet"),
            ("a TAP of a network that is not up", "tap init-z 0 1 1500", -2,
             "is not up")):
        error, pid, text = gateway.ask(command)
        report.check("%s is refused with its sentence" % name,
                     error == code and words in text, (error, text))
    names = [n for n in os.listdir("/run/netns") if n.startswith("gw-init-")]
    report.check("a refused network leaves no namespace and no record",
                 not names and not glob.glob(gateway.run + "/net-*"), names)


def silence(report, gateway):
    captures = [Capture(PEER, "p1"), Capture(PEER, "p2")]
    error, pid, text = gateway.ask(UP_A)
    report.check("an interface is shared", error == 0, text)
    error, pid, text = gateway.ask(UP_B)
    report.check("an interface is taken, and keeps its address", error == 0 and
                 "203.0.113.9/24" in sh("ip -n gw-init-b addr show up0"), text)
    report.check("the host has lost what was taken",
                 "eth2" not in sh("ip -n %s link" % HOST))
    report.check("`ip netns` knows both", {"gw-init-a", "gw-init-b"} <= {
        line.split()[0] for line in sh("ip netns").splitlines() if line})
    for slot in (SLOT, OTHER):
        error, pid, text = gateway.ask("tap init-a 0 %d 1500" % slot)
        report.check("a TAP joins slot %d to it" % slot, error == 0, text)
    error, pid, text = gateway.ask("tap init-a 3 %d 1500" % SLOT)
    report.check("a TAP request with another network's index is refused",
                 error == -22, text)
    frames = captures[0].frames(5) + captures[1].frames(0.2)
    report.check("5 s after both came up no frame was seen at the far side",
                 not frames, [f.hex() for f in frames])
    quiet = [gateway.ask("read %d 100" % slot)[0] == "none"
             for slot in (SLOT, OTHER)]
    report.check("nor at the dataplane's end of the TAPs", all(quiet), quiet)
    links = sh("ip -n gw-init-a link") + sh("ip -n gw-init-b link")
    report.check("no link of a network does multicast",
                 "MULTICAST" not in links, links)
    for key, wanted in (("ipv6.conf.up0.disable_ipv6", "1"),
                        ("ipv4.ip_forward", "1"),
                        ("ipv4.conf.up0.arp_ignore", "1"),
                        ("ipv4.conf.up0.rp_filter", "1")):
        value = sh("ip netns exec gw-init-a sysctl -n net." + key).strip()
        report.check("net.%s is %s in the namespace" % (key, wanted),
                     value == wanted, value)
    text = sh("ip -n gw-init-a neigh show dev gw-t%d" % SLOT)
    report.check("the guest is a permanent neighbour behind its TAP",
                 "%s lladdr 02:67:77:03:00:03 PERMANENT" % GUEST in text, text)
    report.check("up again with equal settings is done already",
                 gateway.ask(UP_A)[0] == 0)
    error, pid, text = gateway.ask(UP_A.replace("100.2", "100.3"))
    report.check("up with other settings is refused", error == -17 and
                 "take it down first" in text, text)


def echo():
    """UDP echo on 198.51.100.1:7 of the peer, from now on."""
    with Inside(PEER):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("198.51.100.1", 7))

    def serve():
        while True:
            data, address = server.recvfrom(2000)
            server.sendto(data, address)
    threading.Thread(target=serve, daemon=True).start()


def send(gateway, slot, src, dst, payload, dport=7):
    mac = TAP_MAC if slot == SLOT else OTHER_TAP_MAC
    far = FAR_MAC if slot == SLOT else OTHER_FAR_MAC
    frame = udp_frame(mac, far, src, dst, 4000, dport, payload)
    error, pid, text = gateway.ask("write %d %s" % (slot, frame.hex()))
    if error:
        raise RuntimeError("the TAP takes no frame: %d" % error)


def read(gateway, slot, wait_ms=1000):
    words = gateway.ask("read %d %d" % (slot, wait_ms))
    return bytes.fromhex(words[1]) if words[0] == "frame" else None


def canaries(capture, canary, seconds=1):
    return [ip_pair(f) for f in capture.frames(seconds) if canary in f]


def masquerade(report, gateway):
    echo()
    capture = Capture(PEER, "p1")
    send(gateway, SLOT, GUEST, "198.51.100.1", b"canary-allowed")
    seen = canaries(capture, b"canary-allowed")
    report.check("a guest's packet leaves with the network's address",
                 seen == [("198.51.100.2", "198.51.100.1", 17)], seen)
    frame = read(gateway, SLOT)
    report.check("the answer comes back to the guest's own address and MAC",
                 frame and ip_pair(frame) == ("198.51.100.1", GUEST, 17) and
                 frame[:6] == FAR_MAC and frame[6:12] == TAP_MAC,
                 frame and frame.hex())
    for name, slot, src, dst, canary in (
            ("with another guest's address", SLOT, OTHER_GUEST,
             "198.51.100.1", b"canary-spoofed-1"),
            ("with a private source", SLOT, "10.1.2.3", "198.51.100.1",
             b"canary-spoofed-2"),
            ("with the network's own source", SLOT, "198.51.100.2",
             "198.51.100.1", b"canary-spoofed-3"),
            ("with the far side's source", SLOT, "198.51.100.77",
             "198.51.100.1", b"canary-spoofed-4")):
        send(gateway, slot, src, dst, canary)
        seen = canaries(capture, canary)
        report.check("a packet %s goes nowhere" % name, not seen, seen)
    send(gateway, SLOT, GUEST, OTHER_GUEST, b"canary-sideways")
    report.check("guest to guest through the namespace is refused",
                 read(gateway, OTHER) is None)
    send(gateway, SLOT, GUEST, "198.51.100.2", b"canary-input")
    report.check("the namespace itself answers nobody",
                 read(gateway, SLOT) is None)

    sh("ip -n %s route replace 100.64.0.0/10 via 198.51.100.2" % PEER)
    with Inside(PEER):
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.sendto(b"canary-inbound", (GUEST, 9))
    report.check("the far side can't start a flow to a masqueraded guest",
                 read(gateway, SLOT) is None)
    out = sh("ip netns exec %s ping -c1 -W1 198.51.100.2" % PEER, check=False)
    report.check("the far side's ping to the network's address is not "
                 "answered", "1 received" not in out, out)
    bad = b"\x02" * 6 + FAR_MAC + b"\x86\xdd" + b"\x60" + b"\0" * 60
    gateway.ask("write %d %s" % (SLOT, bad.hex()))
    frames = [f for f in capture.frames(1) if f[12:14] == b"\x86\xdd"]
    report.check("an IPv6 frame goes nowhere", not frames)

    before = sh("ip -n gw-init-a -o link show gw-t%d" % SLOT).split(":")[0]
    error, pid, text = gateway.ask("tap init-a 0 %d 1400" % SLOT)
    after = sh("ip -n gw-init-a -o link show gw-t%d" % SLOT)
    report.check("asked for again, the TAP is the same device, with the new "
                 "MTU", error == 0 and after.split(":")[0] == before and
                 "mtu 1400" in after, after)
    send(gateway, SLOT, GUEST, "198.51.100.1", b"canary-again")
    report.check("and still carries", read(gateway, SLOT) is not None)
    gateway.ask("untap init-a 0 %d" % OTHER)
    report.check("a deleted TAP is gone",
                 "gw-t%d" % OTHER not in sh("ip -n gw-init-a link"))


def routed(report, gateway):
    gateway.ask("down init-a")
    error, pid, text = gateway.ask(UP_A.replace("eth1 0 0", "eth1 0 1"))
    report.check("a routed network comes up", error == 0, text)
    gateway.ask("tap init-a 0 %d 1500" % SLOT)
    capture = Capture(PEER, "p1")
    sh("ip -n %s route replace 100.64.0.0/10 via 198.51.100.2" % PEER)
    send(gateway, SLOT, GUEST, "198.51.100.1", b"canary-routed")
    seen = canaries(capture, b"canary-routed")
    report.check("there the guest's own address leaves",
                 seen[:1] == [(GUEST, "198.51.100.1", 17)], seen)
    report.check("and is answered", read(gateway, SLOT) is not None)
    with Inside(PEER):
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.sendto(b"canary-inbound", (GUEST, 9))
    frame = read(gateway, SLOT)
    report.check("and the far side may start a flow, for the dataplane to "
                 "judge", frame and b"canary-inbound" in frame)
    send(gateway, SLOT, OTHER_GUEST, "198.51.100.1", b"canary-spoofed-5")
    seen = canaries(capture, b"canary-spoofed-5")
    report.check("but still not with another guest's source", not seen, seen)


def down(report, gateway):
    for name in ("init-a", "init-b"):
        error, pid, text = gateway.ask("down " + name)
        report.check("%s goes down" % name, error == 0, text)
    names = os.listdir("/run/netns")
    report.check("both namespaces are gone", "gw-init-a" not in names and
                 "gw-init-b" not in names, names)
    text = sh("ip -n %s addr show eth2" % HOST)
    report.check("the taken interface is back under its name, up, with its "
                 "address", "203.0.113.9/24" in text and "UP" in text, text)
    text = sh("ip -n %s -o link" % HOST)
    report.check("nothing else was left on the host",
                 sorted(line.split(":")[1].split("@")[0].strip()
                        for line in text.splitlines()) ==
                 ["eth1", "eth2", "eth3", "lo", "spare", "spare-end"], text)
    report.check("down once more is done already",
                 gateway.ask("down init-a")[0] == 0)
