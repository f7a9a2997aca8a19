# SPDX-License-Identifier: BSD-2-Clause
# The file as a whole, recovery, includes.
;fail;a policy starts with `language 1;`
timezone "UTC";;fail;a policy starts with `language 1;`
timezone "UTC"; language 1;;fail;a policy starts with `language 1;`
language 1;;fail;a policy says its time zone
language 2; timezone "UTC";;fail;this compiler knows `language 1` only
language one; timezone "UTC";;fail;expected a number up to 999, found `one`
language; timezone "UTC";;fail;expected a number up to 999, found `;`
language 1; language 1; timezone "UTC";;fail;`language` is said a second time
language 1; timezone "UTC"; timezone "UTC";;fail;`timezone` is said a second time
language 1; timezone "Europe/Stockholm";;ok
language 1; timezone Europe/Stockholm;;fail;stands in "quotes"
language 1; timezone "not a zone";;fail;this is no time zone
language 1; timezone "/etc/passwd";;fail;this is no time zone
language 1; timezone "";;fail;this is no time zone
language 1; timezone "UTC"; netwrok n { };fail;did you mean `network`?
language 1; timezone "UTC"; nonsense;;fail;expected one of `language`, `timezone`
language 1; timezone "UTC"; };fail;this `}` closes nothing
language 1; timezone "UTC"; profile p {;fail;expected `}`, found the end of the file
language 1; timezone "UTC"; profile p {;fail;the block that is not closed starts here
language 1 timezone "UTC";;fail;expected `;`, found `timezone`
language 1\ntimezone "UTC";;fail;case.gw:1:11: error: expected `;` at the end of this sentence
language 1; timezone "UTC"\nset a = { 80 }\nset b = { nonsense };;fail;case.gw:2:15: error: expected `;`
# several errors in one run, each with its place
language 1; timezone "UTC";\nset a 80;\nset b = { 80 };\nset = { 81 };;fail;case.gw:2:7: error: expected `=`
language 1; timezone "UTC";\nset a 80;\nset b = { 80 };\nset = { 81 };;fail;case.gw:4:5: error: expected a name for this set
language 1; timezone "UTC";\nprofile p { rule x allow tcp prot 80; }\nset = { 81 };;fail;case.gw:3:5: error: expected a name
language 1; timezone "UTC";\nprofile p { rule x allow tcp prot 80; rule y allow nonsense; };fail;found `prot`; did you mean `port`?
language 1; timezone "UTC";\nprofile p { rule x allow tcp prot 80; rule y allow nonsense; };fail;case.gw:2:52: error: expected `any`, `tcp`
language 1; timezone "UTC";\nprofile p { nonsense { a { b; } c; } rule y allow nonsense; };fail;case.gw:2:51: error: expected `any`, `tcp`
language 1; timezone "UTC"; include lists.gw;;fail;stands in "quotes"
language 1; timezone "UTC"; include "absent.gw";;fail;can't read "absent.gw": No such file or directory
language 1; timezone "UTC"; include ".";;fail;can't read ".": it is a folder
language 1; timezone "UTC"; include "/dev/zero";;fail;it is no regular file
language 1; timezone "UTC"; include "case.gw";;fail;it includes itself
language 1; timezone "UTC"; include "";;fail;is not in the bundle
%file a.gw set a = { 80 };
language 1; timezone "UTC"; include "a.gw";;ok
language 1; timezone "UTC"; include "./a.gw";;ok
language 1; timezone "UTC"; # include "absent.gw";ok
language 1; timezone "UTC"; include "a.gw"; include "a.gw";;fail;"a.gw" is included a second time
language 1; timezone "UTC"; set a = { 81 }; include "a.gw";;fail;a.gw:1:5: error: a second set named `a`
language 1; timezone "UTC"; set a = { 81 }; include "a.gw";;fail;case.gw:1:33: note: the first one is here
%file b.gw language 1;\nset b = 80;
language 1; timezone "UTC"; include "b.gw";;fail;b.gw:2:9: error: expected `{` and the elements of the set
%file b.gw include "c.gw";
%file c.gw include "b.gw";
language 1; timezone "UTC"; include "b.gw";;fail;c.gw:1:9: error: can't read "b.gw": it includes itself
%file b.gw timezone "UTC";
language 1; timezone "UTC"; include "b.gw";;fail;b.gw:1:1: error: `timezone` is said a second time
%file b.gw language 2;
language 1; timezone "UTC"; include "b.gw";;fail;b.gw:1:10: error: this compiler knows `language 1` only
language 1; timezone "UTC"; profile p { include "a.gw"; };fail;unknown sentence `include` in `profile`
