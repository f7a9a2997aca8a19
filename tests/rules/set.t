# SPDX-License-Identifier: BSD-2-Clause
# Sets and country tables.
%prologue language 1; timezone "UTC"; 
set s = { 10.0.0.0/8 192.0.2.1 198.51.100.1-198.51.100.9 };;ok
set s = { 80 443 8000-8010 };;ok
set s = country { SE NO unknown none };;ok
set s = { };fail;an empty list
set s = 10.0.0.0/8;;fail;expected `{` and the elements of the set, found `10.0.0.0/8`
set s { 80 };;fail;expected `=`, found `{`
set s = { 80, 443 };;fail;no commas in a list
set s = { 80 10.0.0.0/8 };;fail;one kind per set: this is an address, the first element is a port
set s = { 10.0.0.0/8 80 };;fail;one kind per set: this is a port, the first element is an address
set s = { 10.0.0.1/8 };;fail;did you mean `10.0.0.0/8`?
set s = { 10.0.0.9-10.0.0.1 };;fail;the range ends before it starts
set s = { 10.0.0.1- };;fail;this is no range of addresses
set s = { 10.0.0.0/08 };;fail;a prefix length of IPv4 is 0 to 32
set s = { 1.2.3.4.5 };;fail;this is no IPv4 address
set s = { 0 };;fail;`0` is no address, prefix or port
set s = { 65536 };;fail;`65536` is no address, prefix or port
set s = { 9000-8000 };;fail;`9000-8000` is no address, prefix or port
set s = { fd20:9::/64 };;fail;IPv6 is not enforced yet: every IPv6 packet is denied
set s = { .exam.example };;fail;names are not enforced yet
set s = { *.exam.example };;fail;`.x.example` is the name and all below
set s = name { .exam.example };;fail;`name` is not enforced yet
set s = address dynamic size 10000;;fail;`dynamic` is not enforced yet
set s = address dynamic;;fail;expected `size`, found `;`
set s = country { Sweden };;fail;`Sweden` is no country
set s = country { se };;fail;`se` is no country
set s = country { 10.0.0.0/8 };;fail;is no country
set s = { 80 }; set s = { 81 };;fail;a second set named `s`
set s = { 80 } set t = { 81 };;fail;expected `;`, found `set`
set s = { 80 ;;fail;found `;`
set s = { "80" };;fail;expected an element of the set or `}`, found a string
set public = { 80 };;fail;`public` can't be a name
%file extra.csv 192.0.2.0/24,KP\n198.51.100.0,198.51.100.127,SE\n
country-table "extra.csv";;ok
country-table "extra.csv"; set s = country { KP };;ok
country-table extra.csv;;fail;stands in "quotes"
country-table "absent.csv"; set s = country { KP };;fail;can't read the country table "absent.csv": No such file or directory
%file bad.csv 192.0.2.0/24,Korea\n
country-table "bad.csv"; set s = country { KP };;fail;the country table can't be made
# which country an address has: the extra table lies over the built-in one
%prologue language 1; timezone "UTC"; country-table "extra.csv"; network n { uplink interface "e0" take; reach public 10.0.0.0/8; } profile p { networks n; rule kp deny any to country KP; rule se allow any to country SE; rule un deny any to country unknown; rule no allow any to country none; } guest g : p { image "demo"; memory 64 MiB; } 
expect deny g any to 192.0.2.0/24; expect allow g any to 198.51.100.0/25; expect allow g any to 203.0.113.0/24; expect allow g any to 10.0.0.0/8; expect deny g any to country KP; expect allow g any to country SE;;ok
expect allow g any to 198.51.100.0/24;;ok
expect allow g any to 192.0.2.0/24;;fail;expected allow, but g tcp port 0 to 192.0.2.0 is denied by rule `p.kp`
expect allow g any to country { SE KP };;fail;is denied by rule `p.kp`
# a country anywhere inside of what an expect speaks of is found
%file extra.csv 9.9.9.0/24,KP\n7.7.7.128/26,KP\n
%prologue language 1; timezone "UTC"; country-table "extra.csv"; network n { uplink interface "e0" take; reach public; } profile p { networks n; rule kp deny any to country KP; rule all allow any; } guest g : p { image "demo"; memory 64 MiB; } 
expect allow g any to 9.0.0.0/8;;fail;expected allow, but g tcp port 0 to 9.9.9.0 is denied by rule `p.kp`
expect allow g any to 7.7.0.0/16;;fail;expected allow, but g tcp port 0 to 7.7.7.128 is denied by rule `p.kp`
expect allow g any to { 7.7.7.0/25 7.7.7.192-7.7.255.255 9.9.0.0-9.9.8.255 };;ok
