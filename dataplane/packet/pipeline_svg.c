/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The picture docs/pipeline.svg, drawn from the pipeline's table. Called by
 * `gw-dataplane --graph svg`; a test compares the file in the tree with it.
 */
#include "dataplane/packet/pipeline_priv.h"

#define COLUMN_STEP 200
#define LANE_STEP   70
#define BOX_WIDTH   150
#define BOX_HEIGHT  44
#define MARGIN	    20

static int left_of(const struct pipeline_entry *entry)
{
	return MARGIN + entry->column * COLUMN_STEP;
}

static int top_of(const struct pipeline_entry *entry)
{
	return MARGIN + entry->lane * LANE_STEP;
}

/* XML's three characters do not occur in the table but for the apostrophe. */
static void draw_node(FILE *file, const struct pipeline_entry *entry)
{
	int x = left_of(entry), y = top_of(entry);

	fprintf(file,
	    "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\" "
	    "class=\"%s\"/>\n",
	    x, y, BOX_WIDTH, BOX_HEIGHT, entry->per_port ? "port" : "node");
	fprintf(file, "<text x=\"%d\" y=\"%d\" class=\"name\">%s%s</text>\n",
	    x + BOX_WIDTH / 2, y + 18, entry->name,
	    entry->per_port ? "-N" : "");
	fprintf(file, "<text x=\"%d\" y=\"%d\" class=\"text\">%s</text>\n",
	    x + BOX_WIDTH / 2, y + 34, entry->text);
}

static void draw_exit(FILE *file, const struct pipeline_entry *from,
    const struct pipeline_entry *to)
{
	int x1 = left_of(from) + BOX_WIDTH, y1 = top_of(from) + BOX_HEIGHT / 2;
	int x2 = left_of(to), y2 = top_of(to) + BOX_HEIGHT / 2;
	bool drop = to == &PIPELINE[NODE_DROP];

	if (from->column == to->column) { /* straight down */
		x1 -= BOX_WIDTH / 2;
		x2 += BOX_WIDTH / 2;
		y1 += BOX_HEIGHT / 2;
		y2 -= BOX_HEIGHT / 2;
		fprintf(file, "<path d=\"M%d %d L%d %d\" class=\"%s\"/>\n", x1,
		    y1, x2, y2, drop ? "drop" : "way");
		return;
	}
	fprintf(file, "<path d=\"M%d %d C%d %d %d %d %d %d\" class=\"%s\"/>\n",
	    x1, y1, x1 + 40, y1, x2 - 40, y2, x2, y2, drop ? "drop" : "way");
}

void pipeline_write_svg(FILE *file)
{
	int width = 2 * MARGIN + BOX_WIDTH, height = 2 * MARGIN + BOX_HEIGHT;

	for (int i = NODE_NONE + 1; i < NODE_MAX; i++) {
		if (left_of(&PIPELINE[i]) + BOX_WIDTH + MARGIN > width)
			width = left_of(&PIPELINE[i]) + BOX_WIDTH + MARGIN;
		if (top_of(&PIPELINE[i]) + BOX_HEIGHT + MARGIN > height)
			height = top_of(&PIPELINE[i]) + BOX_HEIGHT + MARGIN;
	}
	fprintf(file,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	    "height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\">\n"
	    "<!-- Made by gw-dataplane (graph svg); do not edit. -->\n"
	    "<style>rect{fill:#eef4fb;stroke:#345;stroke-width:1.2}"
	    "rect.port{fill:#fdf3dc}.name{font-size:13px;font-weight:bold}"
	    ".text{font-size:9px;fill:#345}text{text-anchor:middle}"
	    "path{fill:none;stroke:#345;stroke-width:1.4;"
	    "marker-end:url(#tip)}"
	    "path.drop{stroke:#b55;stroke-width:0.8;stroke-dasharray:4 3}"
	    "marker path{fill:#345;stroke:none;marker-end:none}</style>\n"
	    "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" "
	    "refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
	    "orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n"
	    "<rect x=\"0\" y=\"0\" width=\"%d\" height=\"%d\" "
	    "style=\"fill:#fff;stroke:none\"/>\n",
	    width, height, width, height, width, height);
	for (int i = NODE_NONE + 1; i < NODE_MAX; i++)
		for (unsigned int j = 0; j < pipeline_exits(&PIPELINE[i]); j++)
			draw_exit(
			    file, &PIPELINE[i], &PIPELINE[PIPELINE[i].exit[j]]);
	for (int i = NODE_NONE + 1; i < NODE_MAX; i++)
		draw_node(file, &PIPELINE[i]);
	fprintf(file, "</svg>\n");
}
