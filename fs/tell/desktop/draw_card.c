/* This is the helper program `draw-card png|pdf`: it reads a card as JSON from standard input
 * (qr, name, born, code, valid_until, and a note or none) and writes a page of it to standard
 * output, of A6, to be printed and cut out. emrfs starts it for `people card -o FILE.png` and
 * FILE.pdf: the drawing library and what it brings stay out of the process that has keys. */
#include <cairo-pdf.h>
#include <cairo.h>
#include <jansson.h>
#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_W 298.0 /* A6 in points */
#define PAGE_H 420.0
#define EDGE 24.0
#define DOTS 300.0 /* an inch, of a picture */
#define QUIET 4	   /* modules around the code: the standard's least */
#define LINE 18.0
#define LETTERS 12.0

typedef struct card {
	const char *qr, *name, *born, *code, *valid_until; /* borrowed from the JSON object */
	const char *note;				   /* in the last line; NULL: what it is */
} card;

static cairo_status_t write_out(void *arg, const unsigned char *data, unsigned len)
{
	return fwrite(data, 1, len, arg) == len ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

/* One path, filled once: no seams between the modules. */
static int draw_code(cairo_t *page, const char *text)
{
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
	double module;

	if (code == NULL)
		return -1;
	module = (PAGE_W - 2 * EDGE) / (code->width + 2 * QUIET);
	for (int y = 0; y < code->width; y++)
		for (int x = 0; x < code->width; x++)
			if ((code->data[y * code->width + x] & 1) != 0)
				cairo_rectangle(page, EDGE + (x + QUIET) * module,
					EDGE + (y + QUIET) * module, module, module);
	cairo_set_antialias(page, CAIRO_ANTIALIAS_NONE);
	cairo_fill(page);
	cairo_set_antialias(page, CAIRO_ANTIALIAS_DEFAULT);
	QRcode_free(code);
	return 0;
}

/* As large as fits into the line. */
static void draw_line(cairo_t *page, double y, const char *text)
{
	cairo_text_extents_t extents;

	cairo_set_font_size(page, LETTERS);
	cairo_text_extents(page, text, &extents);
	if (extents.x_advance > PAGE_W - 2 * EDGE)
		cairo_set_font_size(page, LETTERS * (PAGE_W - 2 * EDGE) / extents.x_advance);
	cairo_move_to(page, EDGE, y);
	cairo_show_text(page, text);
}

static int draw(cairo_t *page, const card *c)
{
	char lines[5][256] = {""};
	double y = PAGE_W + LINE;

	snprintf(lines[0], sizeof lines[0], "%s", c->name);
	if (c->note == NULL)
		snprintf(lines[1], sizeof lines[1], "%s%s(%s)", c->born,
			c->born[0] != '\0' ? "  " : "", c->code);
	else
		snprintf(lines[1], sizeof lines[1], "%s", c->born);
	snprintf(lines[2], sizeof lines[2], "%s%.10s", c->note == NULL ? "Keys valid until " : "",
		c->valid_until);
	snprintf(lines[3], sizeof lines[3], "%s",
		c->note != NULL ? c->note
				: "A card of emrfs. It is no secret: emrfs people add 'EMRFS:...'");
	if (c->note != NULL) /* it is typed, too: alone in its line */
		snprintf(lines[4], sizeof lines[4], "%s", c->code);
	cairo_set_source_rgb(page, 1, 1, 1);
	cairo_paint(page);
	cairo_set_source_rgb(page, 0, 0, 0);
	if (draw_code(page, c->qr) != 0)
		return -1;
	cairo_select_font_face(
		page, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (lines[i][0] != '\0') {
			draw_line(page, y, lines[i]);
			y += LINE;
		}
	cairo_show_page(page);
	return cairo_status(page) == CAIRO_STATUS_SUCCESS ? 0 : -1;
}

static int draw_as(const char *format, const card *c)
{
	int is_pdf = strcmp(format, "pdf") == 0;
	double scale = is_pdf ? 1 : DOTS / 72;
	cairo_surface_t *surface =
		is_pdf ? cairo_pdf_surface_create_for_stream(write_out, stdout, PAGE_W, PAGE_H)
		       : cairo_image_surface_create(
				 CAIRO_FORMAT_RGB24, (int)(PAGE_W * scale), (int)(PAGE_H * scale));
	cairo_t *page = cairo_create(surface);
	int r;

	cairo_scale(page, scale, scale);
	r = draw(page, c);
	cairo_destroy(page);
	if (r == 0 && !is_pdf &&
		cairo_surface_write_to_png_stream(surface, write_out, stdout) !=
			CAIRO_STATUS_SUCCESS)
		r = -1;
	cairo_surface_finish(surface);
	if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS)
		r = -1;
	cairo_surface_destroy(surface);
	return r == 0 && fflush(stdout) == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	json_t *object = json_loadf(stdin, 0, NULL);
	card c = {.note = NULL};
	int r = -1;

	if (argc != 2 || (strcmp(argv[1], "png") != 0 && strcmp(argv[1], "pdf") != 0))
		fputs("draw-card png|pdf\n", stderr);
	else if (json_unpack(object, "{s:s, s:s, s:s, s:s, s:s, s?s}", "qr", &c.qr, "name", &c.name,
			 "born", &c.born, "code", &c.code, "valid_until", &c.valid_until, "note",
			 &c.note) != 0)
		fputs("draw-card: this is no card\n", stderr);
	else
		r = draw_as(argv[1], &c);
	json_decref(object);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
