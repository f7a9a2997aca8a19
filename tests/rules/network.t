# SPDX-License-Identifier: BSD-2-Clause
# Networks: uplink, address, names.
%prologue language 1; timezone "UTC"; 
network n { uplink interface "eth0" share; address 198.51.100.2/24; reach public; };ok
network n { uplink interface "eth0" share; address 198.51.100.2/24 gateway 198.51.100.1; reach public; };ok
network n { uplink interface "eth0" take; reach public; };ok
network n { uplink interface "eth0" take; routed; reach 198.51.100.0/24 203.0.113.0/24; };ok
network n { uplink interface "eth0" take; reach public; reach 10.0.0.0/8; };ok
network n { uplink interface "eth0" share; reach public; };fail;a shared interface needs an address of its own
network n { reach public; };fail;network `n` has no `uplink`
network n { uplink interface "eth0" take; };fail;network `n` has no `reach`
network n { uplink interface "eth0"; reach public; };fail;expected `share` or `take`, found `;`
network n { uplink interface "eth0" shere; reach public; };fail;did you mean `share`?
network n { uplink interface eth0 take; reach public; };fail;what lives outside of this file stands in "quotes"
network n { uplink "eth0" take; reach public; };fail;expected `interface`, `wireguard`, `proxy` or `port`
network n { uplink interface "a/b" take; reach public; };fail;can't be the name of an interface
network n { uplink interface "" take; reach public; };fail;can't be the name of an interface
network n { uplink interface ".." take; reach public; };fail;can't be the name of an interface
network n { uplink interface "sixteen-bytes-xx" take; reach public; };fail;can't be the name of an interface
network n { uplink interface "fifteen-bytes-x" take; reach public; };ok
network n { uplink interface "eth0" take; uplink interface "eth1" take; reach public; };fail;`uplink` is said a second time
network n { uplink interface "eth0" share; address 198.51.100.2/24; address 198.51.100.3/24; reach public; };fail;`address` is said a second time
network n { uplink interface "eth0" share; address 198.51.100.2; reach public; };fail;expected an address with its prefix length
network n { uplink interface "eth0" share; address 198.51.100.0/24; reach public; };fail;this is the address of its subnet, not a host
network n { uplink interface "eth0" share; address 198.51.100.255/24; reach public; };fail;this is the broadcast address of its subnet
network n { uplink interface "eth0" share; address 198.51.100.0/31; reach public; };ok
network n { uplink interface "eth0" share; address 198.51.100.2/33; reach public; };fail;a prefix length of IPv4 is 0 to 32
network n { uplink interface "eth0" share; address 198.51.100.2/0; reach public; };fail;expected an address with its prefix length
network n { uplink interface "eth0" share; address 198.51.100/24; reach public; };fail;this is no IPv4 address
network n { uplink interface "eth0" share; address 198.51.100.256/24; reach public; };fail;this is no IPv4 address
network n { uplink interface "eth0" share; address 198.51.100.02/24; reach public; };fail;this is no IPv4 address
network n { uplink interface "eth0" share; address 100.64.0.2/24; reach public; };fail;100.64.0.0/10 belongs to the gateway itself
network n { uplink interface "eth0" share; address fd20::2/64; reach public; };fail;IPv6 is not enforced yet: every IPv6 packet is denied
network n { uplink interface "eth0" share; address 198.51.100.2/24 gateway 203.0.113.1; reach public; };fail;the gateway is no host of the address' subnet
network n { uplink interface "eth0" share; address 198.51.100.2/24 gateway 198.51.100.255; reach public; };fail;the gateway is no host of the address' subnet
network n { uplink interface "eth0" share; address 198.51.100.2/24 gateway 198.51.100.2; reach public; };fail;the gateway is the address itself
network n { uplink interface "eth0" share; address 198.51.100.2/24 gateway 198.51.100.0/24; reach public; };fail;is no address of a gateway
network n { uplink interface "eth0" share; address 198.51.100.2/24 gateway; reach public; };fail;expected the gateway's address
network n { uplink interface "eth0" take; reach public; } network n { uplink interface "eth1" take; reach 10.0.0.0/8; };fail;a second network named `n`
network n { uplink interface "eth0" take; reach public; } network m { uplink interface "eth0" take; reach 10.0.0.0/8; };fail;is taken by one network and used by another
network n { uplink interface "eth0" share; address 198.51.100.2/24; reach public; } network m { uplink interface "eth0" share; address 198.51.100.3/24; reach 10.0.0.0/8; };ok
network 7 { uplink interface "eth0" take; reach public; };fail;`7` can't be a name
network any { uplink interface "eth0" take; reach public; };fail;`any` can't be a name
network a.b { uplink interface "eth0" take; reach public; };fail;`a.b` can't be a name
network a234567890123456789012345678901234567890123456789 { uplink interface "eth0" take; reach public; };fail;can't be a name
network a2345678901234567890123456789012345678901234567 { uplink interface "eth0" take; reach public; };ok
network { uplink interface "eth0" take; reach public; };fail;expected a name for this network, found `{`
network n { uplink interface "eth0" take; reach public; routed yes; };fail;expected `;`, found `yes`
network n { uplink interface "eth0" take; reach public; mtu 1500; };fail;unknown sentence `mtu` in `network`
network n0 { uplink interface "e0" take; reach 10.0.0.0/16; } network n1 { uplink interface "e1" take; reach 10.1.0.0/16; } network n2 { uplink interface "e2" take; reach 10.2.0.0/16; } network n3 { uplink interface "e3" take; reach 10.3.0.0/16; } network n4 { uplink interface "e4" take; reach 10.4.0.0/16; } network n5 { uplink interface "e5" take; reach 10.5.0.0/16; } network n6 { uplink interface "e6" take; reach 10.6.0.0/16; } network n7 { uplink interface "e7" take; reach 10.7.0.0/16; } network n8 { uplink interface "e8" take; reach 10.8.0.0/16; } network n9 { uplink interface "e9" take; reach 10.9.0.0/16; } network n10 { uplink interface "e10" take; reach 10.10.0.0/16; } network n11 { uplink interface "e11" take; reach 10.11.0.0/16; } network n12 { uplink interface "e12" take; reach 10.12.0.0/16; } network n13 { uplink interface "e13" take; reach 10.13.0.0/16; } network n14 { uplink interface "e14" take; reach 10.14.0.0/16; } network n15 { uplink interface "e15" take; reach 10.15.0.0/16; } network n16 { uplink interface "e16" take; reach 10.16.0.0/16; };fail;more than 16 networks
