# SPDX-License-Identifier: BSD-2-Clause
# What an expect speaks of, and how it fails.
%prologue language 1; timezone "UTC"; network n { uplink interface "e0" take; reach public; } network m { uplink interface "e1" take; reach 192.168.0.0/16; }\nprofile p { networks n m;\n    rule web allow tcp port { 80 443 };\n    rule no deny udp port 53 to 8.8.8.8;\n    rule dns allow udp port 53; }\nguest g : p { image "demo"; memory 64 MiB; } guest h : p { image "demo"; memory 64 MiB; }\n
expect allow g tcp port 80 to 1.1.1.1;;ok
expect allow g tcp port 80;;fail;expected allow, but g tcp port 80 to 0.0.0.0 is denied: no network of this guest reaches the destination (no-network, stage network)
expect allow g tcp port 80 on n;;ok
expect allow g tcp port { 80 443 } on n;;ok
expect allow g tcp port 80-443 on n;;fail;expected allow, but g tcp port 81 to
expect allow g tcp to 1.1.1.1;;fail;expected allow, but g tcp port 0 to 1.1.1.1 is denied: no rule allows it (no-rule, stage rules)
expect allow g any to 1.1.1.1;;fail;is denied: no rule allows it
expect allow g udp port 53 to 8.8.8.0/24;;fail;expected allow, but g udp port 53 to 8.8.8.8 is denied by rule `p.no`
expect allow g udp port 53 to 8.8.8.0/24;;fail;case.gw:4:5: note: rule no deny udp port 53 to 8.8.8.8
expect deny g tcp to 1.1.1.1;;fail;expected deny, but g tcp port 80 to 1.1.1.1 is allowed by rule `p.web`
expect deny g tcp to 1.1.1.1;;fail;case.gw:7:1: error: expected deny
expect deny g tcp port 81-442;;ok
expect deny g tcp port 81-443;;fail;port 443
expect deny g icmp;;ok
expect deny g udp port 53 to { 8.8.8.8 };;ok
expect deny g udp port 53 to not 8.8.8.8;;fail;is allowed by rule `p.dns`
expect deny g in any;;ok
expect allow g in tcp port 80;;fail;is denied
expect deny * tcp port 22;;ok
expect deny * tcp port 443;;fail;expected deny, but g tcp port 443
expect allow h tcp port 443 to 192.168.1.1;;ok
expect deny x any;;fail;no guest is named `x`
expect deny gg any;;fail;no guest is named `gg`
expect deny x* any;;fail;no guest's name starts with `x`
expect deny g any to 8.8.8.8 on m;;fail;this expect speaks of no flow at all
expect deny g any on x;;fail;no network is named `x`
expect deny g tcp port 80 log;;fail;`log` says nothing about a flow
expect never g any;;fail;`never` is not enforced yet
expect refuse g any;;fail;expected `allow`, `deny` or `never`
expect deny g;;fail;expected `any`, `tcp`
expect deny;;fail;expected a guest or `*`
expect deny g https to www.example.com;;fail;`https` is not enforced yet
expect deny g any to fd20::1;;fail;IPv6 is not enforced yet
expect deny g tcp port 22; expect allow g tcp port 22 to 1.1.1.1; expect deny g tcp port 80 to 1.1.1.1;;fail;expected allow, but g tcp port 22
expect deny g tcp port 22; expect allow g tcp port 22 to 1.1.1.1; expect deny g tcp port 80 to 1.1.1.1;;fail;expected deny, but g tcp port 80
