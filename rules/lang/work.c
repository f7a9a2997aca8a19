/* SPDX-License-Identifier: BSD-2-Clause */
/* What gw-rulec does with a bundle, inside the sandbox (work.h). */
#include "rules/lang/work.h"

#include "rules/lang/error_show.h"
#include "rules/lang/explain.h"
#include "rules/lang/model.h"
#include "rules/lang/print.h"

#include <stdio.h>
#include <string.h>

static int write_all(int fd, const void *data, size_t size)
{
	struct out out = {.text = (char *)(uintptr_t)data, .size = size};

	return fd < 0 ? 0 : out_write(&out, fd);
}

/* Diagnostics to whoever wants them. */
static void show(const struct work *work, struct compile *compile)
{
	struct out text, json;

	out_init(&text, &compile->arena);
	error_show_text(&compile->errors, &text);
	if (work->error_fd >= 0)
		out_write(&text, work->error_fd);
	if (work->json_fd < 0)
		return;
	out_init(&json, &compile->arena);
	error_show_json(&compile->errors, &json);
	out_text(&json, "\n");
	out_write(&json, work->json_fd);
}

static void say_count(
    struct out *out, size_t count, const char *what, const char *after)
{
	out_format(
	    out, "%zu %s%s%s", count, what, count == 1 ? "" : "s", after);
}

static void say_good(const struct compile *compile, struct out *out)
{
	const struct model *model = compile->model;
	const struct expect *expect;
	size_t expects = 0;

	for (expect = model->expect; expect; expect = expect->next)
		expects++;
	out_format(out, "%s: ok: ", compile->errors.source[0].path);
	say_count(out, model->network_len, "network", ", ");
	say_count(out, model->rule_len, "rule", ", ");
	say_count(out, model->guest_len, "guest", ", ");
	say_count(
	    out, expects, "expect", expects == 1 ? " holds\n" : " hold\n");
}

static int do_mode(const struct work *work, struct compile *compile)
{
	struct out out;
	int verdict;

	out_init(&out, &compile->arena);
	switch (work->mode) {
	case WORK_COMPILE:
		if (write_all(
			work->image_fd, compile->image, compile->image_size) ||
		    write_all(
			work->table_fd, compile->table, compile->table_size))
			return WORK_FAILED;
		return WORK_OK;
	case WORK_PRINT:
		print_file(&out, &compile->ast);
		return out_write(&out, work->out_fd) ? WORK_FAILED : WORK_OK;
	case WORK_EXPLAIN:
		verdict = explain_flow(compile, work->flow, work->json, &out);
		if (verdict < 0)
			return WORK_USAGE;
		if (out_write(&out, work->out_fd))
			return WORK_FAILED;
		return verdict ? WORK_OK : WORK_DENY;
	case WORK_CHECK:
		say_good(compile, &out);
		if (!work->json && out_write(&out, work->out_fd))
			return WORK_FAILED;
		return WORK_OK;
	default:
		return WORK_OK;
	}
}

static enum compile_depth depth_of(enum work_mode mode)
{
	switch (mode) {
	case WORK_PRINT:
		return COMPILE_PARSE;
	case WORK_EXPLAIN:
		return COMPILE_IMAGE;
	default:
		return COMPILE_EXPECT;
	}
}

static int run(const struct work *work, struct compile *compile)
{
	bool good = compile_run(compile, depth_of(work->mode));
	int code = WORK_REFUSED;

	if (setjmp(compile->arena.full)) {
		static const char text[] =
		    "gw-rulec: not enough memory to show the result\n";

		write_all(work->error_fd, text, sizeof(text) - 1);
		return WORK_FAILED;
	}
	if (work->mode == WORK_TEST && !work->json)
		out_write(&compile->report, work->out_fd);
	if (good)
		code = do_mode(work, compile);
	/* warnings belong to check and load; and results and diagnostics in
	 * JSON share a stream */
	if (!good || code == WORK_USAGE || work->mode == WORK_COMPILE ||
	    work->mode == WORK_CHECK || work->mode == WORK_TEST)
		show(work, compile);
	return code;
}

int work_run(const struct work *work, const void *data, size_t size)
{
	static struct compile compile;
	struct bundle bundle;
	char why[200] = "";
	int code;

	if (bundle_parse(&bundle, data, size, why, sizeof(why))) {
		char line[300];
		int len = snprintf(line, sizeof(line), "gw-rulec: %s\n",
		    *why ? why : "not enough memory");

		write_all(work->error_fd, line, (size_t)len);
		len = snprintf(line, sizeof(line),
		    "{\"schema\": 1, \"ok\": false, \"errors\": 1, "
		    "\"warnings\": 0, \"diagnostics\": [{\"severity\": "
		    "\"error\", \"message\": \"%s\"}]}\n",
		    *why ? why : "not enough memory");
		write_all(work->json_fd, line, (size_t)len);
		return WORK_REFUSED;
	}
	compile_init(&compile, &bundle);
	code = run(work, &compile);
	compile_free(&compile);
	bundle_free(&bundle);
	return code;
}
