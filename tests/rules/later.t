# SPDX-License-Identifier: BSD-2-Clause
# Every sentence of the language that is not enforced: refused, never ignored.
%prologue language 1; timezone "UTC"; 
category c = "ut1/adult" "x.txt" except { .health.example };;fail;`category` is not enforced yet
group g = "roster:teachers";;fail;`group` is not enforced yet
time t = mon-fri 08:00-16:00 except "holidays.ics";;fail;`time` is not enforced yet
time t = sun-thu 22:00-06:00, sat 10:00-12:00;;fail;`time` is not enforced yet
time t = mon-fry 08:00-16:00;;fail;expected days and hours
time t = mon-fri 8-16;;fail;expected days and hours
switch s;;fail;`switch` is not enforced yet
place p = circle 59.3293 18.0686 300 metres;;fail;`place` is not enforced yet
place p = circle 59.3293 18.0686 300 m;;fail;a bare `m` could be metres or minutes
place p = square 1 2;;fail;expected `circle`
label l = pattern /TOP SECRET/i or document "plans" hold 8 MiB;;fail;`label` is not enforced yet
label l = scan "clamav";;fail;`label` is not enforced yet
label l = smell "x";;fail;expected `pattern`, `document`, `scan` or `marking`
network n { uplink wireguard "branch.conf"; reach public; };fail;`wireguard` is not enforced yet
network n { uplink proxy "socks5h://192.0.2.1:1080"; reach public; };fail;`proxy` is not enforced yet
network n { uplink port "0000:00:05.0"; reach public; };fail;`uplink port` is not enforced yet
network n { uplink interface "e0" take; reach public; names .corp.example; };fail;`names` is not enforced yet
network n { uplink interface "e0" take; reach public; dns 10.20.0.53; };fail;`dns` is not enforced yet
%prologue language 1; timezone "UTC"; network n { uplink interface "e0" take; reach public; } profile p { networks n; 
%epilogue  } guest g : p { image "demo"; memory 64 MiB; }
gate never-both n n { hold 30 s; change by user; refresh between; volume per-network; };fail;`gate` is not enforced yet
gate place { office: n; elsewhere: n; unknown: none; };fail;`gate` is not enforced yet
gate one-way n receive;;fail;`gate` is not enforced yet
gate one-way n sideways;;fail;expected `receive` or `send`
gate encrypted n;;fail;`gate` is not enforced yet
gate wide n;;fail;expected `never-both`, `place`, `one-way` or `encrypted`
gate place { office n; };fail;expected `:`, found `n`
gate place { office: n;;fail;expected `}`, found the end of the file
secret "x" { to https://bank.example/login in form "password"; elsewhere deny alert high; };fail;`secret` is not enforced yet
secret x { env X; };fail;stands in "quotes"
refresh on crash, no-heartbeat 10 s, alert high, session-end;;fail;`refresh` is not enforced yet
refresh on boredom;;fail;expected `crash`
keep evidence 90 days;;fail;`keep` is not enforced yet
limit new-flows 50/s;;fail;`limit` is not enforced yet
limit sent 2 GB/day;;fail;`limit` is not enforced yet
life 2 h;;fail;`life` is not enforced yet
rule a ask tcp to any for 30 min;;fail;`ask` is not enforced yet
rule a splice tcp;;fail;`splice` is not enforced yet
rule a allow web;;fail;`web` is not enforced yet
rule a allow http;;fail;`http` is not enforced yet
rule a allow https to .office.example;;fail;`https` is not enforced yet
rule a allow tcp inspect;;fail;`inspect` is not enforced yet
rule a allow tcp safesearch;;fail;`safesearch` is not enforced yet
rule a deny any during t;;fail;`during` is not enforced yet
rule a deny any at office;;fail;`at` is not enforced yet
rule a deny any by teachers;;fail;`by` is not enforced yet
rule a deny any send label l;;fail;`send` is not enforced yet
rule a deny any receive label l;;fail;`receive` is not enforced yet
rule a deny any send marked;;fail;expected `label`, found `marked`
rule a allow any until 2027-03-31;;fail;`until` is not enforced yet
rule a allow any until tomorrow;;fail;expected a date such as `2027-03-31`
rule a deny any trial;;fail;`trial` is not enforced yet
rule a allow any limit 10/s;;fail;`limit` is not enforced yet
rule a allow any limit fast;;fail;expected a number
rule a deny any unlockable by teachers;;fail;`unlockable` is not enforced yet
rule a allow tcp method { GET HEAD };;fail;`method` is not enforced yet
rule a allow tcp path "/repos/**";;fail;`path` is not enforced yet
rule a allow tcp set-header "A" "b";;fail;`set-header` is not enforced yet
rule a allow in tcp port 3000 publish 127.0.0.1:8080;;fail;`publish` is not enforced yet
} guest h : p { image "demo"; memory 64 MiB; volume "anna";;fail;`volume` is not enforced yet
} guest h : p { image "demo"; memory 64 MiB; volume by user;;fail;`volume` is not enforced yet
} guest h : p { image "demo"; memory 64 MiB; at-most 40;;fail;`at-most` is not enforced yet
