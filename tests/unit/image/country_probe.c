/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Look-ups for tests/real/mmdb: reads addresses from stdin, prints a country
 * for each. `country_probe FILE...` asks our table built of the files;
 * `country_probe --library FILE.mmdb` asks libmaxminddb itself, by its own way
 * from opening to look-up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <maxminddb.h>

#include "rules/image/country.h"
#include "rules/lang/country_build.h"

#define INPUT_MAX 8

static int read_file(const char *path, struct country_input *input)
{
	FILE *file = fopen(path, "r");
	struct stat status;
	void *data;

	if (!file || fstat(fileno(file), &status))
		return -errno;
	data = malloc((size_t)status.st_size + 1);
	input->path = path;
	input->data = data;
	input->size = data ? fread(data, 1, (size_t)status.st_size, file) : 0;
	fclose(file);
	return 0;
}

static void ask_library(const MMDB_s *db, const char *address, char text[8])
{
	static const char *const PATH[] = {"country", "iso_code", NULL};
	int gai_error, mmdb_error;
	MMDB_lookup_result_s found =
	    MMDB_lookup_string(db, address, &gai_error, &mmdb_error);
	MMDB_entry_data_s data;

	if (gai_error || mmdb_error)
		snprintf(text, 8, "error");
	else if (!found.found_entry ||
		 MMDB_aget_value(&found.entry, &data, PATH) || !data.has_data ||
		 data.type != MMDB_DATA_TYPE_UTF8_STRING)
		snprintf(text, 8, "-");
	else
		snprintf(
		    text, 8, "%.*s", (int)data.data_size, data.utf8_string);
}

static void ask_table(
    const struct country_table *table, const char *address, char text[8])
{
	struct in_addr parsed;

	snprintf(text, 8, "error");
	if (inet_pton(AF_INET, address, &parsed) == 1)
		country_name(country_of(table, ntohl(parsed.s_addr)), text);
}

/* Of all files; 0, or what main() ends with. The caller frees bytes. */
static int make_table(
    char **paths, size_t len, void **bytes, struct country_table *table)
{
	struct country_input inputs[INPUT_MAX] = {0};
	char why[300];
	size_t size, i;
	int code = 0;

	for (i = 0; i < len && !code; i++)
		code = read_file(paths[i], &inputs[i]) ? 2 : 0;
	if (!code &&
	    (country_build(inputs, len, bytes, &size, why, sizeof(why)) ||
		country_table_validate(table, *bytes, size,
		    ((struct country_header *)*bytes)->sha256, why,
		    sizeof(why)))) {
		printf("%s\n", why);
		code = 1;
	}
	while (i-- > 0)
		free((void *)(uintptr_t)inputs[i].data);
	return code;
}

int main(int argc, char **argv)
{
	struct country_table table;
	char line[64], text[8];
	bool library = argc == 3 && !strcmp(argv[1], "--library");
	MMDB_s db;
	void *bytes = NULL;
	int rc;

	if (argc < 2 || argc > INPUT_MAX)
		return 2;
	if (library) {
		rc = MMDB_open(argv[2], MMDB_MODE_MMAP, &db);
		if (rc) {
			printf("%s\n", MMDB_strerror(rc));
			return 1;
		}
	} else {
		rc = make_table(argv + 1, (size_t)argc - 1, &bytes, &table);
		if (rc)
			goto out;
	}
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (library)
			ask_library(&db, line, text);
		else
			ask_table(&table, line, text);
		puts(text);
	}
	if (library)
		MMDB_close(&db);
out:
	free(bytes);
	return rc;
}
