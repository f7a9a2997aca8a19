# SPDX-License-Identifier: BSD-2-Clause
# Guests, ranges, profiles, own rules.
%prologue language 1; timezone "UTC"; network n { uplink interface "e0" take; reach public; } network m { uplink interface "e1" take; reach 192.168.0.0/16; } profile p { networks n; rule web allow tcp port 80; } profile q { rule ntp allow udp port 123; } profile r { networks m; rule any allow any; } profile s { networks n; } 
guest g : p { image "demo"; memory 64 MiB; };fail;`any` can't be a name
%prologue language 1; timezone "UTC"; network n { uplink interface "e0" take; reach public; } network m { uplink interface "e1" take; reach 192.168.0.0/16; } profile p { networks n; rule web allow tcp port 80; } profile q { rule ntp allow udp port 123; } profile r { networks m; rule all allow any; } 
guest g : p { image "demo"; memory 64 MiB; };ok
guest g: p { image "demo"; memory 1 GiB; };ok
guest g : p q { image "demo"; memory 64 MiB; } expect allow g tcp port 80 to 1.1.1.1; expect allow g udp port 123 to 1.1.1.1; expect deny g udp port 124 to 1.1.1.1;;ok
guest g : q p { image "demo"; memory 65536 KiB; };ok
guest g : p r { image "demo"; memory 64 MiB; };fail;`networks` is said by two profiles of this guest: `p` and `r`
guest g : p p { image "demo"; memory 64 MiB; };fail;profile `p` is named twice
guest g : px { image "demo"; memory 64 MiB; };fail;no profile is named `px`
guest g { image "demo"; memory 64 MiB; };fail;expected `:` and the guest's profiles, found `{`
guest g : { image "demo"; memory 64 MiB; };fail;expected a profile, found `{`
guest g : p;;fail;expected `{`, found `;`
guest g : p { memory 64 MiB; };fail;guest `g` has no `image`
guest g : p { image "demo"; };fail;guest `g` has no `memory`
guest g : p { image demo; memory 64 MiB; };fail;stands in "quotes"
guest g : p { image "../demo"; memory 64 MiB; };fail;can't be the name of an image
guest g : p { image ""; memory 64 MiB; };fail;can't be the name of an image
guest g : p { image "demo"; memory 64; };fail;expected `KiB`, `MiB`, `GiB` or `TiB`, found `;`
guest g : p { image "demo"; memory 64 MB; };fail;did you mean `MiB`?
guest g : p { image "demo"; memory lots; };fail;expected a number up to 4294967295, found `lots`
guest g : p { image "demo"; memory 99999999999 GiB; };fail;expected a number up to 4294967295
guest g : p { image "demo"; memory 8 MiB; };fail;memory is 16 MiB to 1 TiB
guest g : p { image "demo"; memory 2 TiB; };fail;memory is 16 MiB to 1 TiB
guest g : p { image "demo"; memory 65535 KiB; };fail;memory is 16 MiB to 1 TiB, in whole MiB
guest g : p { image "demo"; image "demo"; memory 64 MiB; };fail;`image` is said a second time
guest g : p { image "demo"; memory 64 MiB; } guest g : p { image "demo"; memory 64 MiB; };fail;a second guest named `g`
guest 12 : p { image "demo"; memory 64 MiB; };fail;`12` can't be a name
guest g : p { image "demo"; memory 64 MiB; cpus 4; };fail;unknown sentence `cpus` in `guest`
guests g-[01..12] : p { image "demo"; memory 64 MiB; } expect allow g-01 tcp port 80 to 1.1.1.1; expect allow g-12 tcp port 80 to 1.1.1.1; expect deny g-* udp; expect deny * udp;;ok
guests g-[01..12] : p { image "demo"; memory 64 MiB; } expect allow g-13 tcp port 80 to 1.1.1.1;;fail;no guest is named `g-13`
guests g-[01..12] : p { image "demo"; memory 64 MiB; } expect allow g-1 tcp port 80 to 1.1.1.1;;fail;no guest is named `g-1`
guests g-[01..12] : p { image "demo"; memory 64 MiB; } guest g-07 : p { image "demo"; memory 64 MiB; };fail;a second guest named `g-07`
guests g-[1..12] : p { image "demo"; memory 64 MiB; };fail;is no range of names
guests g-[12..01] : p { image "demo"; memory 64 MiB; };fail;a range of names ascends
guests g-[0001..5000] : p { image "demo"; memory 64 MiB; };fail;a range of names ascends, by at most 4096
guests g-[0001..4096] : p { image "demo"; memory 64 MiB; };ok
guests g-[0001..4096] : p { image "demo"; memory 64 MiB; } guest h : p { image "demo"; memory 64 MiB; };fail;more than 4096 guests
guests [01..12] : p { image "demo"; memory 64 MiB; };fail;is no range of names
guests g-[01..12]x : p { image "demo"; memory 64 MiB; };fail;is no range of names
guests g : p { image "demo"; memory 64 MiB; };fail;is no range of names
guests g-* : p { image "demo"; memory 64 MiB; };fail;guests by pattern are not enforced yet
# own rules come before those of the profiles
guest g : p { image "demo"; memory 64 MiB; rule no deny tcp port 80 to 1.1.1.1; } expect deny g tcp port 80 to 1.1.1.1; expect allow g tcp port 80 to 1.1.1.2;;ok
guests g-[1..3] : p { image "demo"; memory 64 MiB; rule no deny tcp port 80 to 1.1.1.1; } expect deny g-3 tcp port 80 to 1.1.1.1;;ok
guest p : p { image "demo"; memory 64 MiB; rule no deny any; };fail;has rules of its own and the name of a profile
guest g : q { image "demo"; memory 64 MiB; } expect deny g any;;ok
# networks of a profile
profile internal { networks n; } guest g : intrenal { image "demo"; memory 64 MiB; };fail;no profile is named `intrenal`; did you mean `internal`?
profile x { networks n z; } guest g : x { image "demo"; memory 64 MiB; };fail;no network is named `z`
profile x { networks n n; } guest g : x { image "demo"; memory 64 MiB; };fail;`n` is named twice
profile x { networks n; rule a allow any on m; } guest g : x { image "demo"; memory 64 MiB; };fail;rule `a` is on network `m`, which the `networks` of profile `x` do not name
profile p { networks n; };fail;a second profile named `p`
profile x { networks; };fail;expected a network, found `;`
always { networks n; };fail;unknown sentence `networks` in `always`
always { rule a deny any to 9.9.9.9; } always { rule a deny any; };fail;a second rule named `a` in `always`
always { rule a deny any to 9.9.9.9; } always { rule b deny udp; } guest g : p { image "demo"; memory 64 MiB; } expect deny g tcp to 9.9.9.9; expect deny g udp; expect allow g tcp port 80 to 9.9.9.8;;ok
