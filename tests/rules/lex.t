# SPDX-License-Identifier: BSD-2-Clause
# Bytes and tokens.
language 1; timezone "UTC"; ok;fail;unknown sentence `ok`
language 1; timezone "UTC"; ;;fail;unknown sentence `;`
language 1; timezone "UTC"; # a comment;ok
language 1;\ntimezone "UTC";\n# Grüße, 東京\n;ok
\xef\xbb\xbflanguage 1; timezone "UTC"; # byte order mark;ok
language 1; timezone "UTC" # a comment in the middle\n;;ok
language 1;\x0d\ntimezone "UTC"; # CRLF\x0d\n;ok
language 1;\x0dtimezone "UTC";;fail;carriage return
language 1; timezone "UTC";\x00;fail;a NUL byte: this is not a text file
language 1; timezone "UT\x00C";;fail;a NUL byte
language 1; timezone "UTC"; # \x00;fail;a NUL byte
language 1; timezone "UTC"; \x1b[31m;fail;a control character
language 1; timezone "U\x1bTC";;fail;a control character
language 1; timezone "U\x7fTC";;fail;a control character
language 1; timezone "\xff\xfe";;fail;invalid UTF-8
language 1; timezone "UTC"; # \xc0\xaf overlong;fail;invalid UTF-8
language 1; timezone "UTC"; # \xed\xa0\x80 surrogate;fail;invalid UTF-8
language 1; timezone "UTC"; # \xf4\x90\x80\x80 beyond;fail;invalid UTF-8
language 1; timezone "UTC"; # \xe2\x82 cut;fail;invalid UTF-8
language 1; timezone "UTC"; set ä = { 80 };;fail;letters beyond ASCII stand only in
language 1; timezone "UTC;;fail;the string that starts here is not closed on its line
language 1; timezone "UTC\n";;fail;not closed on its line
language 1; timezone "UT\\C";;fail;this is no time zone
language 1; timezone "UT\qC";;fail;unknown escape
language 1; timezone "UTC"; $;fail;this character has no meaning here
language 1; timezone "UTC"; set a ( 80 );;fail;this character has no meaning here
language 1; timezone "UTC"; label x = pattern /never closed;;fail;the pattern that starts here is not closed
language 1; timezone "UTC"; label x = pattern /a\/b#"/i hold 8 MiB;;fail;`label` is not enforced yet
# what a reader can't see
language 1; timezone "UTC"; # \xe2\x80\xae turned;fail;a character that is not seen
language 1; timezone "UT\xe2\x81\xa6C";;fail;a character that is not seen
language 1; timezone "UTC"; # \xc2\x9b31m;fail;a character that is not seen
language 1; timezone "UTC"; # \xe2\x80\xa6 an ellipsis, and \xc2\xa0;ok
