/* This file draws the chart of the report page: how many records there were, and how large, over
 * time. */
#include "page_parts.h"

#include "kit/language.h"
#include "report/html.h"

#define WIDTH 360.0
#define HEIGHT 190.0
#define LEFT 76.0 /* room for "200 bytes" */
#define RIGHT 350.0
#define TOP 14.0
#define BOTTOM 160.0

static uint64_t value_of(const page_point *p, bool of_bytes)
{
	return of_bytes ? p->bytes : p->files;
}

/* The smallest of 1, 2, 5, 10, 20, ... that is not below a quarter of MAX: at most four lines. */
static uint64_t step_for(uint64_t max)
{
	static const uint64_t steps[] = {1, 2, 5};

	for (uint64_t unit = 1; unit <= UINT64_MAX / 50; unit *= 10)
		for (int i = 0; i < 3; i++)
			if (steps[i] * unit * 4 >= max)
				return steps[i] * unit;
	return max / 4 + 1;
}

typedef struct scale {
	uint64_t from, to, max;
} scale;

static double x_of(const scale *s, uint64_t time)
{
	uint64_t span = s->to > s->from ? s->to - s->from : 1;

	return LEFT + (RIGHT - LEFT) * (double)(time > s->from ? time - s->from : 0) / (double)span;
}

static double y_of(const scale *s, uint64_t value)
{
	return BOTTOM - (BOTTOM - TOP) * (double)value / (double)s->max;
}

static void put_value(FILE *to, uint64_t value, bool of_bytes)
{
	if (of_bytes && value > 0)
		emr_html_size(to, value);
	else
		emr_html_number(to, value);
}

static void put_lines(FILE *to, const scale *s, uint64_t step, bool of_bytes)
{
	for (uint64_t value = 0; value <= s->max; value += step) {
		double y = y_of(s, value);

		fprintf(to,
			"<line class=\"grid\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>",
			LEFT, RIGHT, y, y);
		fprintf(to, "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 6, y + 4);
		put_value(to, value, of_bytes);
		fputs("</text>\n", to);
	}
}

/* Steps: between two saves nothing grew. */
static void put_path(FILE *to, const page_facts *facts, const scale *s, bool of_bytes, bool is_area)
{
	fprintf(to, "<path class=\"%s\" d=\"M%.1f %.1f", is_area ? "area" : "line",
		x_of(s, facts->points[0].time_unix_s),
		is_area ? BOTTOM : y_of(s, value_of(&facts->points[0], of_bytes)));
	for (size_t i = 0; i < facts->n_points; i++)
		fprintf(to, "H%.1fV%.1f", x_of(s, facts->points[i].time_unix_s),
			y_of(s, value_of(&facts->points[i], of_bytes)));
	fprintf(to, "H%.1f", x_of(s, s->to));
	if (is_area)
		fprintf(to, "V%.1fZ", BOTTOM);
	fputs("\"/>\n", to);
}

static void put_time(FILE *to, uint64_t time, uint64_t span, double x, const char *anchor)
{
	fprintf(to, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"%s\">", x, BOTTOM + 19, anchor);
	if (span < 2 * 86400)
		emr_html_time(to, time);
	else
		emr_html_day(to, time);
	fputs("</text>\n", to);
}

void page_chart(FILE *to, const page_facts *facts, bool of_bytes)
{
	scale s = {.to = facts->now_unix_s};
	uint64_t step;

	if (facts->n_points == 0)
		return;
	s.from = facts->points[0].time_unix_s;
	for (size_t i = 0; i < facts->n_points; i++) {
		uint64_t value = value_of(&facts->points[i], of_bytes);

		s.max = value > s.max ? value : s.max;
	}
	step = step_for(s.max > 0 ? s.max : 1);
	s.max = (s.max + step - 1) / step * step;
	s.max = s.max > 0 ? s.max : step;
	fprintf(to, "<figure><figcaption>%s: ", of_bytes ? _("Size") : _("Files"));
	put_value(to, value_of(&facts->points[facts->n_points - 1], of_bytes), of_bytes);
	fprintf(to,
		"</figcaption>\n<svg class=\"chart\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
		"aria-label=\"%s\">\n",
		WIDTH, HEIGHT, of_bytes ? _("Size over time") : _("Number of files over time"));
	put_lines(to, &s, step, of_bytes);
	put_path(to, facts, &s, of_bytes, true);
	put_path(to, facts, &s, of_bytes, false);
	put_time(to, s.from, s.to - s.from, LEFT, "start");
	put_time(to, s.to, s.to - s.from, RIGHT, "end");
	fputs("</svg></figure>\n", to);
}
