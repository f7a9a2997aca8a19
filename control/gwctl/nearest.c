/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The known word that was probably meant. Called by main.c, help.c and do_see.c
 * for their error messages.
 */
#include "control/gwctl/nearest.h"

#include <string.h>

/* Optimal string alignment distance, of words shorter than 32. */
static int distance(const char *a, const char *b)
{
	int row[3][33];
	int la = strlen(a), lb = strlen(b);

	if (la > 32 || lb > 32)
		return 99;
	for (int j = 0; j <= lb; j++)
		row[1][j] = j;
	for (int i = 1; i <= la; i++) {
		int *now = row[(i + 1) % 3], *up = row[i % 3];
		int *up2 = row[(i + 2) % 3];

		now[0] = i;
		for (int j = 1; j <= lb; j++) {
			int best = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[(la + 1) % 3][lb];
}

const char *nearest(const char *word, const char *const *words, size_t len)
{
	const char *found = NULL;
	int best = 3; /* farther is not near */

	for (size_t i = 0; i < len; i++) {
		int d = distance(word, words[i]);

		if (d < best && d < (int)strlen(words[i])) {
			best = d;
			found = words[i];
		}
	}
	return found;
}
