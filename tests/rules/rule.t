# SPDX-License-Identifier: BSD-2-Clause
# Rules: grammar of each clause, kinds, what can't stand together, first match.
%file s.gw set nets = { 10.5.0.0/16 192.0.2.7 };\nset ports = { 80 443 };\nset land = country { SE unknown };
%prologue language 1; timezone "UTC"; include "s.gw"; network n { uplink interface "e0" take; reach public 10.0.0.0/8; } network m { uplink interface "e1" take; routed; reach 192.168.0.0/16; } profile p { networks n m; 
%epilogue  } guest g : p { image "demo"; memory 64 MiB; }
rule a allow any;;ok
rule a deny any;;ok
rule a allow tcp;;ok
rule a allow tcp port 80;;ok
rule a allow tcp port { 80 443 8000-8010 };;ok
rule a allow tcp port ports;;ok
rule a allow tcp port not { 25 465 };;ok
rule a allow udp port 53 to 10.0.0.53;;ok
rule a allow icmp;;ok
rule a allow icmp type echo-request;;ok
rule a allow icmp type 13;;ok
rule a allow any to 10.0.0.0/8;;ok
rule a allow any to { 10.0.0.0/8 nets 192.0.2.1-192.0.2.5 };;ok
rule a allow any to nets;;ok
rule a allow any to not nets;;ok
rule a allow any to any;;ok
rule a allow any to land;;ok
rule a allow any to { land 10.0.0.0/8 };;ok
rule a allow any to not land;;ok
rule a allow any to country SE;;ok
rule a allow any to not country { SE NO };;ok
rule a allow any to address { 10.0.0.0/8 };;ok
rule a allow in tcp port 22 from 192.168.0.0/16 on m;;ok
rule a allow tcp on n;;ok
rule a deny udp port 5353 quiet;;ok
rule a deny any log alert note "a \"quoted\" word" say "no";;ok
rule a deny any alert low;;ok
rule a allow tcp port 80 log note "CHG-1";;ok
rule a allow tcp port 80\n    to 10.0.0.1\n    log;;ok
rule a-b_C9 allow any;;ok
rule a;;fail;expected `allow`, `deny`, `ask` or `splice`, found `;`
rule allow any;;fail;expected `allow`, `deny`, `ask` or `splice`, found `any`
rule a permit any;;fail;expected `allow`, `deny`, `ask` or `splice`, found `permit`
rule a alow any;;fail;did you mean `allow`?
rule a allow;;fail;expected `any`, `tcp`
rule a allow sctp;;fail;expected `any`, `tcp`
rule a allow tpc;;fail;did you mean `tcp`?
rule a allow tcp port;;fail;expected a port, a range such as `8000-8010` or a set, found `;`
rule a allow tcp port 0;;fail;`0` is no port: 1 to 65535
rule a allow tcp port 65536;;fail;`65536` is no port
rule a allow tcp port 080;;fail;`080` is no port
rule a allow tcp port 90-80;;fail;`90-80` is no port
rule a allow tcp port 80-;;fail;`80-` is no port
rule a allow tcp port 1-65535;;ok
rule a allow tcp port not 1-65535;;fail;this `not` leaves no port
rule a allow tcp port { };;fail;an empty list
rule a allow tcp port http;;fail;neither an address nor a declared set
rule a allow tcp port prots;;fail;did you mean `ports`?
rule a allow tcp port nets;;fail;`nets` is no set of ports
rule a allow any port 80;;fail;`port` needs `tcp` or `udp`
rule a allow icmp port 80;;fail;`port` needs `tcp` or `udp`
rule a allow tcp type echo-request;;fail;`type` of content is not enforced yet
rule a allow icmp type 256;;fail;`256` is no ICMP type
rule a allow icmp type echo;;fail;`echo` is no ICMP type
rule a allow icmp type echo-requset;;fail;did you mean `echo-request`?
rule a allow icmp type { echo-request echo-reply };;fail;one ICMP type per rule
rule a allow any to;;fail;expected an address, a prefix, a name or a set, found `;`
rule a allow any to net;;fail;`net` is neither an address nor a declared set; did you mean `nets`?
rule a allow any to ports;;fail;`ports` is a set of ports; expected addresses or countries
rule a allow any to 10.0.0.1/8;;fail;did you mean `10.0.0.0/8`?
rule a allow any to fd20::1;;fail;IPv6 is not enforced yet: every IPv6 packet is denied
rule a allow any to www.example.com;;fail;names are not enforced yet: write addresses
rule a allow any to name www.example.com;;fail;`name` is not enforced yet
rule a allow any to not any;;fail;`not any` matches nothing
rule a allow any to not 0.0.0.0/0;;fail;this `not` leaves no address
rule a allow any to not { land nets };;fail;`not` over addresses and countries together
rule a allow any to country sweden;;fail;`sweden` is no country
rule a allow any to host;;fail;`host` is not enforced yet
rule a allow any from 10.0.0.1;;fail;`from` needs `in`
rule a allow in any to 10.0.0.1;;fail;`to` stands with outbound flows
rule a allow in tcp from host;;fail;`host` is not enforced yet
rule a allow any on;;fail;expected a network, found `;`
rule a allow any on x;;fail;no network is named `x`
rule a allow any on nn;;fail;no network is named `nn`
rule a allow tcp port 80 port 81;;fail;`port` is said a second time in this rule
rule a allow any to 10.0.0.1 to 10.0.0.2;;fail;`to` is said a second time in this rule
rule a allow any quiet;;fail;`quiet` is about a denial
rule a allow any say "no";;fail;`say` is about a denial
rule a deny any quiet log;;fail;`quiet` means no log
rule a deny any note;;fail;expected a sentence, in quotes
rule a deny any note hello;;fail;what lives outside of this file stands in "quotes"
rule a deny any alert high;;fail;`high` is not enforced yet
rule a deny any; rule a allow any;;fail;a second rule named `a` in `p`
rule a deny any loud;;fail;expected a clause of the rule or `;`, found `loud`
rule a deny any lgo;;fail;did you mean `log`?
rule a deny any, log;;fail;expected `;`, found `,`
rule any deny any;;fail;`any` can't be a name
rule a deny any { };;fail;expected `;`, found `{`
networks n;;fail;`networks` is said a second time
# warnings are not errors
rule a deny any; rule b allow tcp;;ok
# first match decides, in the order of the text
rule a deny tcp port 80 to 10.0.0.0/24; rule b allow tcp port 80 to 10.0.0.0/8; } expect deny g tcp port 80 to 10.0.0.0/24; expect allow g tcp port 80 to 10.0.1.0/24; expect deny g tcp port 81 to 10.0.1.0; expect deny g udp to 10.0.1.0; profile q { networks n;;ok
rule b allow tcp port 80 to 10.0.0.0/8; rule a deny tcp port 80 to 10.0.0.0/24; } expect deny g tcp port 80 to 10.0.0.0/24; profile q { networks n;;fail;expected deny, but g tcp port 80 to 10.0.0.0 is allowed by rule `p.b`
rule a allow tcp port not 25; } expect deny g tcp port 25; expect allow g tcp port { 24 26 } to 10.0.0.1; profile q { networks n;;ok
rule a allow any to not nets; } expect deny g any to 10.5.0.0/16; expect allow g any to 10.4.255.255; expect allow g any to 10.6.0.0; expect deny g any to 192.0.2.7; expect allow g any to 192.0.2.6; profile q { networks n;;ok
rule a allow any on m; } expect allow g any to 192.168.0.0/16; expect deny g any to 10.0.0.0/8; expect deny g any on n; expect allow g any on m; profile q { networks n;;ok
rule a allow icmp type echo-request; } expect allow g icmp type 8 to 10.0.0.1; expect deny g icmp type 0 to 10.0.0.1; expect deny g tcp; profile q { networks n;;ok
rule a allow in tcp port 22 from 192.168.5.0/24; } expect allow g in tcp port 22 from 192.168.5.0/24; expect deny g in tcp port 22 from 192.168.6.0/24; expect deny g in tcp port 23; expect deny g tcp port 22 to 192.168.5.1; profile q { networks n;;ok
rule a allow any; } always { rule z deny any to 10.9.0.0/16; } expect deny g any to 10.9.0.0/16; expect allow g any to 10.8.0.0/16; profile q { networks n;;ok
