/* SPDX-License-Identifier: BSD-2-Clause */
/* Syntax tree -> canonical text (print.h). */
#include "rules/lang/print.h"

#include <string.h>

static void print_string(struct out *out, const char *text)
{
	out_text(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			out_text(out, "\\");
		out_add(out, text, 1);
	}
	out_text(out, "\"");
}

static const struct value *print_list(
    struct out *out, const struct value *value)
{
	uint16_t list = value->list;

	out_text(out, " {");
	for (; value && value->list == list; value = value->next) {
		out_text(out, " ");
		if (value->kind == VALUE_STRING)
			print_string(out, value->text);
		else
			out_text(out, value->text);
	}
	out_text(out, " }");
	return value;
}

static void print_values(struct out *out, const struct value *value)
{
	while (value) {
		if (value->list) {
			value = print_list(out, value);
			continue;
		}
		if (value->kind == VALUE_COMMA) {
			out_text(out, ",");
		} else if (value->kind == VALUE_STRING) {
			out_text(out, " ");
			print_string(out, value->text);
		} else {
			out_text(out, " ");
			out_text(out, value->text);
		}
		value = value->next;
	}
}

void print_sentence(struct out *out, const struct node *node)
{
	const struct node *child;

	if (node->label) {
		out_format(out, "%s:", node->name);
	} else {
		out_text(out, node->word->text);
		if (node->name)
			out_format(out, " %s", node->name);
	}
	if (node->equals)
		out_text(out, " =");
	if (node->colon)
		out_text(out, " :");
	print_values(out, node->value);
	if (node->block || node->word->id == WORD_INCLUDE)
		return;
	for (child = node->child; child; child = child->next) {
		out_text(out, " ");
		print_sentence(out, child);
	}
}

static void print_indent(struct out *out, unsigned int depth)
{
	while (depth--)
		out_text(out, "    ");
}

static void print_comments(
    struct out *out, const struct comment *comment, unsigned int depth)
{
	for (; comment; comment = comment->next) {
		print_indent(out, depth);
		out_format(out, "%s\n", comment->text);
	}
}

static void print_node(
    struct out *out, const struct node *node, unsigned int depth)
{
	const struct node *child;

	print_comments(out, node->before, depth);
	print_indent(out, depth);
	print_sentence(out, node);
	if (node->block) {
		out_text(out, " {\n");
		for (child = node->child; child; child = child->next)
			print_node(out, child, depth + 1);
		print_comments(out, node->inside, depth + 1);
		print_indent(out, depth);
		out_text(out, "}");
	} else {
		out_text(out, ";");
	}
	if (node->after)
		out_format(out, "    %s", node->after->text);
	out_text(out, "\n");
}

/* An empty line stands around each sentence with a block. */
void print_file(struct out *out, const struct ast *ast)
{
	const struct node *node;
	bool block = false;

	for (node = ast->first; node; node = node->next) {
		if (node != ast->first && (block || node->block))
			out_text(out, "\n");
		print_node(out, node, 0);
		block = node->block;
	}
	print_comments(out, ast->end, 0);
}
