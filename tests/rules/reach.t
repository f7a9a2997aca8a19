# SPDX-License-Identifier: BSD-2-Clause
# Which network owns an address: longest prefix, `public`, what is refused.
# Networks a and b; the expects say which of them is chosen, since only a's
# rule allows. Expected owners are worked out by hand from RFC 1918, 3927,
# 6598, 5735.
%prologue language 1; timezone "UTC"; profile p { networks a b; rule r allow any on a; } guest g : p { image "demo"; memory 64 MiB; } 
network a { uplink interface "e0" take; reach 10.0.0.0/8; } network b { uplink interface "e1" take; reach 10.1.0.0/16; } expect allow g any to 10.0.0.0/16; expect deny g any to 10.1.0.0/16; expect allow g any to 10.2.0.0/15; expect deny g any to 11.0.0.0;;ok
network a { uplink interface "e0" take; reach 10.0.0.0/8; } network b { uplink interface "e1" take; reach 10.1.0.0/16; } expect allow g any to 10.0.0.0/8;;fail;expected allow, but g tcp port 0 to 10.1.0.0 is denied: no rule allows it
network a { uplink interface "e0" take; reach 10.0.0.0/8 10.1.1.0/24; } network b { uplink interface "e1" take; reach 10.1.0.0/16; } expect allow g any to 10.1.1.0/24; expect deny g any to 10.1.0.255; expect deny g any to 10.1.2.0;;ok
network a { uplink interface "e0" take; reach public; } network b { uplink interface "e1" take; reach 8.8.8.0/24; } expect allow g any to 8.8.7.255; expect deny g any to 8.8.8.0/24; expect allow g any to 8.8.9.0;;ok
# public leaves out what is not public
network a { uplink interface "e0" take; reach public; } network b { uplink interface "e1" take; reach 192.168.1.0/24; } expect deny g any to 0.0.0.0/8; expect deny g any to 10.0.0.0/8; expect deny g any to 100.64.0.0/10; expect deny g any to 127.0.0.0/8; expect deny g any to 169.254.0.0/16; expect deny g any to 172.16.0.0/12; expect deny g any to 192.0.0.0/24; expect deny g any to 192.168.0.0/16; expect deny g any to 224.0.0.0/3; expect deny g any to 168.63.129.16;;ok
# and holds their neighbours, and documentation and benchmark prefixes
network a { uplink interface "e0" take; reach public; } network b { uplink interface "e1" take; reach 192.168.1.0/24; } expect allow g any to 1.0.0.0/8; expect allow g any to 9.255.255.255; expect allow g any to 11.0.0.0; expect allow g any to 100.63.255.255; expect allow g any to 100.128.0.0; expect allow g any to 126.0.0.0/8; expect allow g any to 128.0.0.0/8; expect allow g any to 172.15.255.255; expect allow g any to 172.32.0.0; expect allow g any to 192.0.1.0/24; expect allow g any to 223.255.255.255; expect allow g any to 192.0.2.0/24; expect allow g any to 198.18.0.0/15; expect allow g any to 168.63.129.15;;ok
# an explicit reach claims what public leaves out
network a { uplink interface "e0" take; reach public 10.0.0.0/8; } network b { uplink interface "e1" take; reach 192.168.1.0/24; } expect allow g any to 10.0.0.0/8; expect deny g any to 192.168.0.0/16;;ok
network a { uplink interface "e0" take; reach 0.0.0.0/1; } network b { uplink interface "e1" take; reach 10.0.0.0/8; };fail;this reach overlaps 100.64.0.0/10
network a { uplink interface "e0" take; reach 0.0.0.0/0; } network b { uplink interface "e1" take; reach 10.0.0.0/8; };fail;`public` was perhaps meant
network a { uplink interface "e0" take; reach 100.64.3.0/24; } network b { uplink interface "e1" take; reach 10.0.0.0/8; };fail;belongs to the gateway itself
network a { uplink interface "e0" take; reach 100.127.255.255/32; } network b { uplink interface "e1" take; reach 10.0.0.0/8; };fail;belongs to the gateway itself
network a { uplink interface "e0" take; reach 100.128.0.0/9; } network b { uplink interface "e1" take; reach 10.0.0.0/8; };ok
network a { uplink interface "e0" take; reach 10.0.0.0/8; } network b { uplink interface "e1" take; reach 10.0.0.0/8; };fail;`10.0.0.0/8` is the reach of two networks
network a { uplink interface "e0" take; reach 10.0.0.0/8 10.0.0.0/8; } network b { uplink interface "e1" take; reach 11.0.0.0/8; };fail;`10.0.0.0/8` is named twice
network a { uplink interface "e0" take; reach public; } network b { uplink interface "e1" take; reach public; };fail;`public` is the reach of two networks
network a { uplink interface "e0" take; reach 127.0.0.0/8; } network b { uplink interface "e1" take; reach 10.0.0.0/8; };fail;no packet is ever carried to these addresses
network a { uplink interface "e0" take; reach 224.0.0.0/4; } network b { uplink interface "e1" take; reach 10.0.0.0/8; };fail;no packet is ever carried to these addresses
network a { uplink interface "e0" take; reach 10.1.2.3/8; } network b { uplink interface "e1" take; reach 11.0.0.0/8; };fail;did you mean `10.0.0.0/8`?
network a { uplink interface "e0" take; reach 10.0.0.0-10.0.0.9; } network b { uplink interface "e1" take; reach 11.0.0.0/8; };fail;a reach is made of prefixes, not of ranges
network a { uplink interface "e0" take; reach pubic; } network b { uplink interface "e1" take; reach 11.0.0.0/8; };fail;`pubic` is no prefix
network a { uplink interface "e0" take; reach fd20::/16; } network b { uplink interface "e1" take; reach 11.0.0.0/8; };fail;IPv6 is not enforced yet
network a { uplink interface "e0" take; reach fd20::/129; } network b { uplink interface "e1" take; reach 11.0.0.0/8; };fail;a prefix length of IPv6 is 0 to 128
network a { uplink interface "e0" take; reach fd20:::/16; } network b { uplink interface "e1" take; reach 11.0.0.0/8; };fail;this is no IPv6 address
network a { uplink interface "e0" take; reach; } network b { uplink interface "e1" take; reach 11.0.0.0/8; };fail;expected a prefix or `public`, found `;`
